"""DDR5 SDRAM (JESD79-5)."""

from sim.dram_check.rules import (
    BANK,
    GROUP,
    OTHER_GROUP,
    OTHER_RANK,
    RANK,
    Bin,
    Row,
    Standard,
    Window,
)

READ, WRITE = "RD RDA", "WR WRA"
PRECHARGE = "PRE PREsb PREab"

ROWS = (
    Row("tRCD", BANK, "ACT", "RD RDA WR WRA", "tRCD"),
    Row("tRAS", BANK, "ACT", "PRE PREsb", "tRAS"),
    Row("tRAS", RANK, "ACT", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT", "ACT", "tRC"),
    Row("tRP", BANK, "PRE PREsb", "ACT", "tRP"),
    Row("tRP", RANK, "PREab", "ACT", "tRP"),
    Row("tPPD", RANK, PRECHARGE, PRECHARGE, "tPPD"),
    Row("tRRD_S", OTHER_GROUP, "ACT", "ACT", "tRRD_S"),
    Row("tRRD_L", GROUP, "ACT", "ACT", "tRRD_L"),
    Row("tCCD_S", OTHER_GROUP, READ, READ, "max(tCCD_S, BL/2)"),
    Row("tCCD_L", GROUP, READ, READ, "max(tCCD_L, BL/2)"),
    Row("tCCD_S_WR", OTHER_GROUP, WRITE, WRITE, "max(tCCD_S_WR, BL/2)"),
    Row("tCCD_L_WR", GROUP, WRITE, WRITE, "max(tCCD_L_WR, BL/2)"),
    # Two clocks of read postamble and bus turn, two of write preamble.
    Row("tRTW", RANK, READ, WRITE, "CL + BL/2 + 4 - CWL"),
    Row("tWTR_S", OTHER_GROUP, WRITE, READ, "CWL + BL/2 + tWTR_S"),
    Row("tWTR_L", GROUP, WRITE, READ, "CWL + BL/2 + tWTR_L"),
    Row("tRTP", BANK, "RD", "PRE PREsb", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE PREsb", "CWL + BL/2 + tWR"),
    Row("tWR", RANK, "WR", "PREab", "CWL + BL/2 + tWR"),
    Row("tRTP + tRP", BANK, "RDA", "ACT", "tRTP + tRP"),
    Row("tWR + tRP", BANK, "WRA", "ACT", "CWL + BL/2 + tWR + tRP"),
    Row("rank to rank", OTHER_RANK, READ, READ, "BL/2 + tRTR"),
    Row("rank to rank", OTHER_RANK, READ, WRITE, "CL + BL/2 + tRTR - CWL"),
    Row("rank to rank", OTHER_RANK, WRITE, READ, "CWL + BL/2 + tRTR - CL"),
    Row("rank to rank", OTHER_RANK, WRITE, WRITE, "BL/2"),
    Row("tRC", RANK, "ACT", "REFab", "tRC"),
    Row("tRP", RANK, PRECHARGE, "REFab", "tRP"),
    Row("tRTP + tRP", RANK, "RDA", "REFab", "tRTP + tRP"),
    Row("tWR + tRP", RANK, "WRA", "REFab", "CWL + BL/2 + tWR + tRP"),
    Row("tRFC1", RANK, "REFab", "ACT PRE PREsb PREab REFab REFsb", "tRFC1"),
    # One bank of every group.
    Row("tRC", BANK, "ACT", "REFsb", "tRC"),
    Row("tRP", BANK, "PRE PREsb", "REFsb", "tRP"),
    Row("tRP", RANK, "PREab", "REFsb", "tRP"),
    Row("tRTP + tRP", BANK, "RDA", "REFsb", "tRTP + tRP"),
    Row("tWR + tRP", BANK, "WRA", "REFsb", "CWL + BL/2 + tWR + tRP"),
    Row("tRRD_L", RANK, "ACT", "REFsb", "tRRD_L"),
    Row("tRFCsb", BANK, "REFsb", "ACT", "tRFCsb"),
    Row("tRFCsb", RANK, "REFsb", "REFsb REFab", "tRFCsb"),
    Row("tREFSBRD", RANK, "REFsb", "ACT", "tREFSBRD"),
)

BINS = {
    "ddr5_4800B": Bin(
        "JESD79-5, DDR5-4800B, 16 Gb x8; tRFCsb 130 ns, tREFSBRD 30 ns",
        {
            "CL": 36, "CWL": 34, "BL/2": 8, "tRCD": 36, "tRP": 36, "tRAS": 77, "tRC": 113,
            "tCCD_S": 8, "tCCD_L": 12, "tCCD_S_WR": 8, "tCCD_L_WR": 48, "tRRD_S": 8, "tRRD_L": 12,
            "tFAW": 48, "tWR": 72, "tRTP": 18, "tWTR_S": 6, "tWTR_L": 24, "tPPD": 2, "tRTR": 2,
            "tRFC1": 710, "tRFCsb": 313, "tREFSBRD": 73, "tREFI": 9375,
        },
        groups=8,
    ),
}  # fmt: skip

DDR5 = Standard(
    name="DDR5",
    source="JEDEC JESD79-5",
    rows=ROWS,
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
    cycles={"ACT": 2, "RD": 2, "RDA": 2, "WR": 2, "WRA": 2},
    postponed=4,
)
