"""GDDR6 SGRAM (JESD250), one channel of 16 data pins; a burst of 16 takes two clocks."""

from sim.dram_check.rules import BANK, GROUP, OTHER_GROUP, RANK, Bin, Row, Standard, Window

READ, WRITE = "RD RDA", "WR WRA"
PRECHARGE = "PRE PREab"

ROWS = (
    Row("tRCDRD", BANK, "ACT", READ, "tRCDRD"),
    Row("tRCDWR", BANK, "ACT", WRITE, "tRCDWR"),
    Row("tRAS", BANK, "ACT", "PRE", "tRAS"),
    Row("tRAS", RANK, "ACT", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT", "ACT", "tRC"),
    Row("tRP", BANK, "PRE", "ACT", "tRP"),
    Row("tRP", RANK, "PREab", "ACT", "tRP"),
    Row("tPPD", RANK, PRECHARGE, PRECHARGE, "tPPD"),
    Row("tRRDS", OTHER_GROUP, "ACT", "ACT", "tRRDS"),
    Row("tRRDL", GROUP, "ACT", "ACT", "tRRDL"),
    Row("tCCDS", OTHER_GROUP, READ, READ, "max(tCCDS, tBURST)"),
    Row("tCCDL", GROUP, READ, READ, "max(tCCDL, tBURST)"),
    Row("tCCDS", OTHER_GROUP, WRITE, WRITE, "max(tCCDS, tBURST)"),
    Row("tCCDL", GROUP, WRITE, WRITE, "max(tCCDL, tBURST)"),
    Row("tRTW", RANK, READ, WRITE, "tRTW"),
    Row("tWTRS", OTHER_GROUP, WRITE, READ, "WL + tBURST + tWTRS"),
    Row("tWTRL", GROUP, WRITE, READ, "WL + tBURST + tWTRL"),
    Row("tRTP", BANK, "RD", "PRE", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE", "WL + tBURST + tWR"),
    Row("tWR", RANK, "WR", "PREab", "WL + tBURST + tWR"),
    Row("tRTP + tRP", BANK, "RDA", "ACT REFpb", "tRTP + tRP"),
    Row("tWR + tRP", BANK, "WRA", "ACT REFpb", "WL + tBURST + tWR + tRP"),
    Row("tRC", RANK, "ACT", "REFab", "tRC"),
    Row("tRP", RANK, PRECHARGE, "REFab", "tRP"),
    Row("tRTP + tRP", RANK, "RDA", "REFab", "tRTP + tRP"),
    Row("tWR + tRP", RANK, "WRA", "REFab", "WL + tBURST + tWR + tRP"),
    Row("tRFCab", RANK, "REFab", "ACT PRE PREab RD RDA WR WRA REFab REFpb", "tRFCab"),
    Row("tRC", BANK, "ACT", "REFpb", "tRC"),
    Row("tRP", BANK, "PRE", "REFpb", "tRP"),
    Row("tRP", RANK, "PREab", "REFpb", "tRP"),
    Row("tRRDS", OTHER_GROUP, "ACT", "REFpb", "tRRDS"),
    Row("tRRDL", GROUP, "ACT", "REFpb", "tRRDL"),
    Row("tRFCpb", BANK, "REFpb", "ACT REFpb", "tRFCpb"),
    Row("tRFCpb", RANK, "REFpb", "REFab", "tRFCpb"),
    Row("tRREFD", RANK, "REFpb", "ACT REFpb", "tRREFD"),
)

BINS = {
    "gddr6_14000_1250mV": Bin(
        "Samsung 8 Gb GDDR6 at 14 Gb/s, 1.25 V, as in Ramulator 2.1; tRTW = RL + 1 as there",
        {
            "RL": 24, "WL": 6, "tBURST": 2, "tRCDRD": 30, "tRCDWR": 20, "tRP": 30, "tRAS": 60,
            "tRC": 90, "tCCDS": 2, "tCCDL": 4, "tRRDS": 11, "tRRDL": 11, "tFAW": 43, "tWR": 30,
            "tRTP": 4, "tWTRS": 9, "tWTRL": 11, "tRTW": 25, "tPPD": 2, "tRFCab": 211,
            "tRFCpb": 106, "tRREFD": 22, "tREFI": 3333,
        },
    ),
    "gddr6_stock": Bin(
        "DRAMsim3, configs/GDDR6_8Gb_x16.ini (commit 2981759), bank groups off, so that the long "
        "distances are as the short ones; tRC = tRAS + tRP; tRTW as derived there; no per-bank "
        "refresh in its file: tRFCpb and tRREFD as its tRFC and tRRD",
        {
            "RL": 24, "WL": 16, "tBURST": 2, "tRCDRD": 24, "tRCDWR": 20, "tRP": 24, "tRAS": 54,
            "tRC": 78, "tCCDS": 3, "tCCDL": 3, "tRRDS": 9, "tRRDL": 9, "tFAW": 32, "tWR": 16,
            "tRTP": 3, "tWTRS": 7, "tWTRL": 7, "tRTW": 10, "tPPD": 2, "tRFCab": 126,
            "tRFCpb": 126, "tRREFD": 9, "tREFI": 11862,
        },
        groups=1,
        banks=16,
    ),
}  # fmt: skip

GDDR6 = Standard(
    name="GDDR6",
    source="JEDEC JESD250",
    rows=ROWS,
    windows=(Window("tFAW", "ACT REFpb", 4, "tFAW"),),
    bins=BINS,
    ranks=1,
)
