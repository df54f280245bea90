"""LPDDR5 SDRAM in bank group mode (JESD209-5B), WCK to CK 4:1.

A row opens in two steps, ACT-1 and ACT-2; timings count from ACT-1 as in Ramulator 2.1. The data
clock runs on for a while after a read or write and must then be started again by a CAS, which goes
right before the next read or write.
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
    Row("tRCD", BANK, "ACT1", "RD RDA WR WRA", "tRCD"),
    Row("tRAS", BANK, "ACT1", "PRE", "tRAS"),
    Row("tRAS", RANK, "ACT1", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT1", "ACT1", "tRC"),
    Row("tRPpb", BANK, "PRE", "ACT1", "tRPpb"),
    Row("tRPab", RANK, "PREab", "ACT1", "tRPab"),
    Row("tPPD", RANK, PRECHARGE, PRECHARGE, "tPPD"),
    Row("tRRD_S", OTHER_GROUP, "ACT1", "ACT1", "tRRD_S"),
    Row("tRRD_L", GROUP, "ACT1", "ACT1", "tRRD_L"),
    Row("tCCD_S", OTHER_GROUP, READ, READ, "max(tCCD_S, BL/n_min)"),
    Row("tCCD_L", GROUP, READ, READ, "max(tCCD_L, BL/n_max)"),
    Row("tCCD_S", OTHER_GROUP, WRITE, WRITE, "max(tCCD_S, BL/n_min)"),
    Row("tCCD_L", GROUP, WRITE, WRITE, "max(tCCD_L, BL/n_max)"),
    Row("tRTW", RANK, READ, WRITE, "RL + BL/n_min + 2 - WL"),
    Row("tWTR_S", OTHER_GROUP, WRITE, READ, "WL + BL/n_min + tWTR_S"),
    Row("tWTR_L", GROUP, WRITE, READ, "WL + BL/n_max + tWTR_L"),
    Row("tRTP", BANK, "RD", "PRE", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE", "WL + BL/n_min + tWR"),
    Row("tWR", RANK, "WR", "PREab", "WL + BL/n_min + tWR"),
    Row("tRTP + tRPpb", BANK, "RDA", "ACT1", "tRTP + tRPpb"),
    Row("tWR + tRPpb", BANK, "WRA", "ACT1", "WL + BL/n_min + tWR + tRPpb"),
    Row("rank to rank", OTHER_RANK, READ, READ, "BL/n_min + tRTR"),
    Row("rank to rank", OTHER_RANK, READ, WRITE, "RL + BL/n_min + tRTR - WL"),
    Row("rank to rank", OTHER_RANK, WRITE, READ, "WL + BL/n_min + tRTR - RL"),
    Row("rank to rank", OTHER_RANK, WRITE, WRITE, "BL/n_min"),
    Row("tRC", RANK, "ACT1", "REFab", "tRC"),
    # The sheet asks for "tRP" here; the peer takes tRPpb after a precharge of all banks too.
    Row("tRPpb", RANK, PRECHARGE, "REFab", "tRPpb"),
    Row("tRTP + tRPpb", RANK, "RDA", "REFab", "tRTP + tRPpb"),
    Row("tWR + tRPpb", RANK, "WRA", "REFab", "WL + BL/n_min + tWR + tRPpb"),
    Row("tRFCab", RANK, "REFab", "ACT1 PRE PREab REFab REFpb", "tRFCab"),
    Row("tRC", BANK, "ACT1", "REFpb", "tRC"),
    Row("tRPpb", BANK, "PRE", "REFpb", "tRPpb"),
    Row("tRPpb", RANK, "PREab", "REFpb", "tRPpb"),
    Row("tRTP + tRPpb", BANK, "RDA", "REFpb", "tRTP + tRPpb"),
    Row("tWR + tRPpb", BANK, "WRA", "REFpb", "WL + BL/n_min + tWR + tRPpb"),
    Row("tRRD_S", RANK, "ACT1", "REFpb", "tRRD_S"),
    Row("tRFCpb", BANK, "REFpb", "ACT1 REFpb", "tRFCpb"),
    Row("tRFCpb", RANK, "REFpb", "REFab", "tRFCpb"),
    Row("tpbR2pbR", RANK, "REFpb", "REFpb", "tpbR2pbR"),
    Row("tpbR2act", RANK, "REFpb", "ACT1", "tpbR2act"),
)

BINS = {
    "lpddr5_6400": Bin(
        "JESD209-5B, LPDDR5-6400, 8 Gb x16, as in Ramulator 2.1",
        {
            "RL": 17, "WL": 9, "BL/n_min": 2, "BL/n_max": 4, "tRCD": 15, "tRPpb": 15, "tRPab": 17,
            "tRAS": 34, "tRC": 49, "tCCD_S": 2, "tCCD_L": 4, "tRRD_S": 4, "tRRD_L": 4, "tFAW": 16,
            "tWR": 28, "tRTP": 8, "tWTR_S": 5, "tWTR_L": 10, "tPPD": 2, "tRTR": 2, "tAAD": 8,
            "tWCKPST": 1, "tRFCab": 168, "tRFCpb": 96, "tpbR2pbR": 72, "tpbR2act": 6,
            "tREFI": 3125,
        },
    ),
}  # fmt: skip

LPDDR5 = Standard(
    name="LPDDR5",
    source="JEDEC JESD209-5B",
    rows=ROWS,
    windows=(Window("tFAW", "ACT1", 4, "tFAW"),),
    bins=BINS,
    others="ACT2 CAS_RD CAS_WR",
    data_clock=("RL + BL/n_min + tWCKPST", "WL + BL/n_min + tWCKPST"),
)
