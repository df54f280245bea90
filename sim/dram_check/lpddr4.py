"""LPDDR4 SDRAM (JESD209-4), with the timings of DRAMsim3.

Its set splits tWTR by bank group, which the device does not have, and counts each command as one
cycle; tDQSCK is not in it.
"""

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
PRECHARGE = "PRE PREab"

ROWS = (
    Row("tRCD", BANK, "ACT", "RD RDA WR WRA", "tRCD"),
    Row("tRAS", BANK, "ACT", "PRE", "tRAS"),
    Row("tRAS", RANK, "ACT", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT", "ACT", "tRC"),
    Row("tRPpb", BANK, "PRE", "ACT", "tRPpb"),
    Row("tRPab", RANK, "PREab", "ACT", "tRPab"),
    Row("tPPD", RANK, PRECHARGE, PRECHARGE, "tPPD"),
    Row("tRRD", RANK, "ACT", "ACT", "tRRD"),
    Row("tCCD", RANK, READ, READ, "max(tCCD, BL/2)"),
    Row("tCCD", RANK, WRITE, WRITE, "max(tCCD, BL/2)"),
    Row("tRTW", RANK, READ, WRITE, "RL + BL/2 + tRTR - WL"),
    Row("tWTR", OTHER_GROUP, WRITE, READ, "WL + BL/2 + tWTR_S"),
    Row("tWTR", GROUP, WRITE, READ, "WL + BL/2 + tWTR_L"),
    Row("tRTP", BANK, "RD", "PRE", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE", "WL + BL/2 + tWR"),
    Row("tWR", RANK, "WR", "PREab", "WL + BL/2 + tWR"),
    Row("tRTP + tRPpb", BANK, "RDA", "ACT", "tRTP + tRPpb"),
    Row("tWR + tRPpb", BANK, "WRA", "ACT", "WL + BL/2 + tWR + tRPpb"),
    Row("rank to rank", OTHER_RANK, READ, READ, "BL/2 + tRTR"),
    Row("rank to rank", OTHER_RANK, READ, WRITE, "RL + BL/2 + tRTR - WL"),
    Row("rank to rank", OTHER_RANK, WRITE, READ, "WL + BL/2 + tRTR - RL"),
    Row("rank to rank", OTHER_RANK, WRITE, WRITE, "BL/2"),
    Row("tRC", RANK, "ACT", "REFab", "tRC"),
    Row("tRPpb", RANK, "PRE", "REFab", "tRPpb"),
    Row("tRPab", RANK, "PREab", "REFab REFpb", "tRPab"),
    Row("tRTP + tRPpb", RANK, "RDA", "REFab", "tRTP + tRPpb"),
    Row("tWR + tRPpb", RANK, "WRA", "REFab", "WL + BL/2 + tWR + tRPpb"),
    Row("tRFCab", RANK, "REFab", "ACT PRE PREab REFab REFpb", "tRFCab"),
    Row("tRC", BANK, "ACT", "REFpb", "tRC"),
    Row("tRPpb", BANK, "PRE", "REFpb", "tRPpb"),
    Row("tRTP + tRPpb", BANK, "RDA", "REFpb", "tRTP + tRPpb"),
    Row("tWR + tRPpb", BANK, "WRA", "REFpb", "WL + BL/2 + tWR + tRPpb"),
    Row("tRRD", RANK, "ACT", "REFpb", "tRRD"),
    Row("tRRD", RANK, "REFpb", "ACT", "tRRD"),
    Row("tRFCpb", BANK, "REFpb", "ACT", "tRFCpb"),
    Row("tRFCpb", RANK, "REFpb", "REFab REFpb", "tRFCpb"),
)

BINS = {
    "lpddr4_2400": Bin(
        "DRAMsim3, configs/LPDDR4_8Gb_x16_2400.ini (commit 2981759); tRC = tRAS + tRP; "
        "tRPab 21 ns of JESD209-4, as the peer never closes all banks; "
        "tRFCpb 140 ns of JESD209-4 for 8 Gb a channel",
        {
            "RL": 17, "WL": 14, "BL/2": 8, "tRCD": 15, "tRPpb": 15, "tRPab": 26, "tRAS": 32,
            "tRC": 47, "tCCD": 8, "tRRD": 8, "tFAW": 32, "tWR": 30, "tRTP": 12, "tWTR_S": 8,
            "tWTR_L": 16, "tPPD": 2, "tRTR": 1, "tRFCab": 392, "tRFCpb": 169, "tREFI": 8660,
        },
        groups=2,
        banks=4,
    ),
}  # fmt: skip

LPDDR4 = Standard(
    name="LPDDR4",
    source="JEDEC JESD209-4; timings of DRAMsim3",
    rows=ROWS,
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
)
