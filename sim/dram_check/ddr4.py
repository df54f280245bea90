"""DDR4 SDRAM (JESD79-4)."""

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

ROWS = (
    Row("tRCD", BANK, "ACT", "RD RDA WR WRA", "tRCD"),
    Row("tRAS", BANK, "ACT", "PRE", "tRAS"),
    Row("tRAS", RANK, "ACT", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT", "ACT", "tRC"),
    Row("tRP", BANK, "PRE", "ACT", "tRP"),
    Row("tRP", RANK, "PREab", "ACT", "tRP"),
    Row("tRRD_S", OTHER_GROUP, "ACT", "ACT", "tRRD_S"),
    Row("tRRD_L", GROUP, "ACT", "ACT", "tRRD_L"),
    Row("tCCD_S", OTHER_GROUP, READ, READ, "max(tCCD_S, BL/2)"),
    Row("tCCD_L", GROUP, READ, READ, "max(tCCD_L, BL/2)"),
    Row("tCCD_S", OTHER_GROUP, WRITE, WRITE, "max(tCCD_S, BL/2)"),
    Row("tCCD_L", GROUP, WRITE, WRITE, "max(tCCD_L, BL/2)"),
    # One clock of read postamble and bus turn, one of write preamble.
    Row("tRTW", RANK, READ, WRITE, "CL + BL/2 + 2 - CWL"),
    Row("tWTR_S", OTHER_GROUP, WRITE, READ, "CWL + BL/2 + tWTR_S"),
    Row("tWTR_L", GROUP, WRITE, READ, "CWL + BL/2 + tWTR_L"),
    Row("tRTP", BANK, "RD", "PRE", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE", "CWL + BL/2 + tWR"),
    Row("tWR", RANK, "WR", "PREab", "CWL + BL/2 + tWR"),
    Row("tRTP + tRP", BANK, "RDA", "ACT", "tRTP + tRP"),
    Row("tWR + tRP", BANK, "WRA", "ACT", "CWL + BL/2 + tWR + tRP"),
    # The data of two ranks share the bus, with a gap between; a write after a write needs none.
    Row("rank to rank", OTHER_RANK, READ, READ, "BL/2 + tRTR"),
    Row("rank to rank", OTHER_RANK, READ, WRITE, "CL + BL/2 + tRTR - CWL"),
    Row("rank to rank", OTHER_RANK, WRITE, READ, "CWL + BL/2 + tRTR - CL"),
    Row("rank to rank", OTHER_RANK, WRITE, WRITE, "BL/2"),
    Row("tRC", RANK, "ACT", "REFab", "tRC"),
    Row("tRP", RANK, "PRE PREab", "REFab", "tRP"),
    Row("tRTP + tRP", RANK, "RDA", "REFab", "tRTP + tRP"),
    Row("tWR + tRP", RANK, "WRA", "REFab", "CWL + BL/2 + tWR + tRP"),
    Row("tRFC", RANK, "REFab", "ACT PRE PREab REFab", "tRFC"),
)

BINS = {
    "ddr4_2400R": Bin(
        "JESD79-4, DDR4-2400R, 8 Gb x8 as in Ramulator 2.1 (tRFC 360 ns)",
        {
            "CL": 16, "CWL": 12, "BL/2": 4, "tRCD": 16, "tRP": 16, "tRAS": 39, "tRC": 55,
            "tCCD_S": 4, "tCCD_L": 6, "tRRD_S": 4, "tRRD_L": 6, "tFAW": 26, "tWR": 18, "tRTP": 9,
            "tWTR_S": 3, "tWTR_L": 9, "tRTR": 2, "tRFC": 433, "tREFI": 9364,
        },
    ),
    "ddr4_2400_stock": Bin(
        "DRAMsim3, configs/DDR4_8Gb_x8_2400.ini (commit 2981759); tRC = tRAS + tRP",
        {
            "CL": 17, "CWL": 12, "BL/2": 4, "tRCD": 17, "tRP": 17, "tRAS": 39, "tRC": 56,
            "tCCD_S": 4, "tCCD_L": 6, "tRRD_S": 4, "tRRD_L": 6, "tFAW": 26, "tWR": 18, "tRTP": 9,
            "tWTR_S": 3, "tWTR_L": 9, "tRTR": 1, "tRFC": 420, "tREFI": 9360,
        },
    ),
}  # fmt: skip

DDR4 = Standard(
    name="DDR4",
    source="JEDEC JESD79-4",
    rows=ROWS,
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
)
