"""PIM-GPT: GDDR6 (JESD250) with a MAC unit beside each bank and a global buffer, one channel."""

from sim.dram_check.gddr6 import PRECHARGE
from sim.dram_check.gddr6 import ROWS as GDDR6_ROWS
from sim.dram_check.rules import RANK, Bin, Row, Standard, Window

RESULT = "RLMAC + RLREG"
"""From a read of accumulators to its data."""

ROWS = (
    *GDDR6_ROWS,
    # Columns, all of which share what leads from the banks.
    Row("tCCDL", RANK, "MAC16", "MAC16 RD WR", "tCCDL"),
    Row("tCCDL", RANK, "RD", "MAC16", "tCCDL"),
    Row("tCCDS", RANK, "MAC16", "WRGB RDMAC16", "tCCDS"),
    Row("tCCDS", RANK, "RDMAC16", "MAC16", "tCCDS"),
    Row("WLREG", RANK, "WRGB", "MAC16", "WLREG + tBURST"),
    Row("tWTRL", RANK, "WR", "MAC16 RDMAC16", "WL + tBURST + tWTRL"),
    # The data bus, and its turns.
    Row("data bus", RANK, "RD RDMAC16", "RDMAC16", "max(tCCDS, tBURST)"),
    Row("data bus", RANK, "WR WRGB", "WRGB", "max(tCCDS, tBURST)"),
    Row("data bus", RANK, "WRGB", "WR", "max(tCCDS, tBURST)"),
    Row("data bus", RANK, "RDMAC16", "RD", f"{RESULT} + tBURST"),
    Row("tRTW", RANK, "RD", "WRGB", "RL + tBURST + 1 - WLREG"),
    Row("tRTW", RANK, "RDMAC16", "WRGB", f"{RESULT} + tBURST + 1 - WLREG"),
    Row("tRTW", RANK, "RDMAC16", "WR", f"{RESULT} + tBURST"),
    Row("tWTRS", RANK, "WRGB", "RD RDMAC16", "WLREG + tBURST + tWTRS"),
    # Rows of all banks.
    Row("tRCDRD", RANK, "ACT ACT16", "MAC16", "tRCDRD"),
    Row("tRCDRD", RANK, "ACT16", "RD", "tRCDRD"),
    Row("tRCDWR", RANK, "ACT16", "WR", "tRCDWR"),
    Row("tRC", RANK, "ACT ACT16", "ACT16", "tRC"),
    Row("tRC", RANK, "ACT16", "ACT REFab", "tRC"),
    Row("tRAS", RANK, "ACT16", PRECHARGE, "tRAS"),
    Row("tRTP", RANK, "MAC16", PRECHARGE, "tRTP"),
    Row("tRP", RANK, PRECHARGE, "ACT16", "tRP"),
    Row("tRFCab", RANK, "REFab", "ACT16 MAC16 WRGB RDMAC16", "tRFCab"),
)

BINS = {
    "pim_gpt": Bin(
        "arXiv 2310.09385 as recalled (tRCD, tRP, tWR, tCCD, tRFC, tREFI); the rest assumed, from "
        "GDDR6 at 14 Gb/s in ns",
        {
            "RL": 14, "WL": 4, "tBURST": 1, "tRCDRD": 12, "tRCDWR": 12, "tRP": 12, "tRAS": 34,
            "tRC": 46, "tCCDS": 1, "tCCDL": 1, "tRRDS": 7, "tRRDL": 7, "tFAW": 25, "tWR": 12,
            "tRTP": 3, "tWTRS": 6, "tWTRL": 7, "tRTW": 15, "tPPD": 2, "tRFCab": 455,
            "tRFCpb": 61, "tRREFD": 13, "tREFI": 6825, "RLMAC": 8, "RLREG": 1, "WLREG": 1,
        },
    ),
}  # fmt: skip

PIM_GPT = Standard(
    name="PIM-GPT",
    source="arXiv 2310.09385 as recalled, and JEDEC JESD250 for the rest",
    rows=ROWS,
    windows=(Window("tFAW", "ACT REFpb", 4, "tFAW"),),
    bins=BINS,
    ranks=1,
)
