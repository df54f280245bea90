"""NeuPIMs: HBM (JESD235) in channels of two ranks, a MAC unit beside each bank, one or two row
buffers a bank.

GACT opens a row in the four banks of a group for PIM, and counts as four activates. COMP takes a
column in all banks of all ranks, READRES their results to the data pins. COMPC and READRESC are
lines of a log for what a composite command, COMPS, does inside: they take no command bus.
"""

from sim.dram_check.hbm2 import READ, WRITE
from sim.dram_check.hbm2 import ROWS as HBM2_ROWS
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

COLUMN, RESULT = "COMP COMPC", "READRES READRESC"
RTW = "RL + BL/2 + tRTRS - WL"

SHARED = (
    *HBM2_ROWS,
    # Ranks share the data pins.
    Row("tRTRS", OTHER_RANK, READ, READ, "BL/2 + tRTRS"),
    Row("BL/2", OTHER_RANK, WRITE, WRITE, "BL/2"),
    Row("tRTW", OTHER_RANK, READ, WRITE, RTW),
    Row("tRTRS", RANK, READ, RESULT, "BL/2 + tRTRS"),
    Row("tRTRS", RANK, RESULT, READ, "BL/2 + tRTRS"),
    Row("tRTW", RANK, RESULT, WRITE, RTW),
    Row("tWTRL", RANK, WRITE, RESULT, "WL + BL/2 + tWTRL"),
    # Columns and results of PIM.
    Row("tCOMP", RANK, f"{COLUMN} {RESULT}", f"{COLUMN} {RESULT} GWRITE", "tCOMP"),
    # A row to the global buffer.
    Row("tGW", RANK, "GWRITE", f"GWRITE {COLUMN} {RESULT}", "tGW"),
    Row("tGW", BANK, "GWRITE", f"{READ} {WRITE} PRE", "tGW"),
    Row("tRCDRD", BANK, "ACT", "GWRITE", "tRCDRD"),
    Row("tCCDS", OTHER_GROUP, "GWRITE", READ, "max(tCCDS, BL/2)"),
    Row("tCCDL", GROUP, "GWRITE", READ, "max(tCCDL, BL/2)"),
    Row("tRTW", RANK, "GWRITE", WRITE, RTW),
    Row("tCCDS", OTHER_GROUP, READ, "GWRITE", "max(tCCDS, BL/2)"),
    Row("tCCDL", GROUP, READ, "GWRITE", "max(tCCDL, BL/2)"),
    Row("tWTRS", OTHER_GROUP, WRITE, "GWRITE", "WL + BL/2 + tWTRS"),
    Row("tWTRL", GROUP, WRITE, "GWRITE", "WL + BL/2 + tWTRL"),
    # Groups open: four activates each.
    Row("tRC", GROUP, "GACT", "GACT", "tRC"),
    Row("tFAW", RANK, "GACT", "ACT GACT", "tFAW"),
    Row("tFAW", RANK, "ACT", "GACT", "tFAW"),
    Row("tRCDRD", RANK, "GACT", COLUMN, "tRCDRD"),
    Row("tRFC", RANK, "REFab", "GACT", "tRFC"),
    Row("tRC", RANK, "GACT", "REFab", "tRC"),
)

DUAL = (
    *SHARED,
    Row("tRAS", GROUP, "GACT", "PIMPRE", "tRAS"),
    Row("tRTPL", RANK, f"{COLUMN} {RESULT}", "PIMPRE", "tRTPL"),
    Row("tRP", BANK, "PIMPRE", "GACT", "tRP"),
    Row("tRP", RANK, "PIMPRE", "REFab", "tRP"),
)

SINGLE = (
    *SHARED,
    Row("tRC", GROUP, "GACT", "ACT", "tRC"),
    Row("tRAS", GROUP, "GACT", "PRE", "tRAS"),
    Row("tRCDRD", GROUP, "GACT", READ, "tRCDRD"),
    Row("tRCDWR", GROUP, "GACT", WRITE, "tRCDWR"),
    Row("tRC", BANK, "ACT", "GACT", "tRC"),
    Row("tRP", BANK, "PRE", "GACT", "tRP"),
    Row("tRCDRD", RANK, "ACT", COLUMN, "tRCDRD"),
    Row("tRTPL", RANK, f"{COLUMN} {RESULT}", "PRE", "tRTPL"),
    Row("tCCDL", RANK, READ, COLUMN, "max(tCCDL, BL/2)"),
    Row("tCCDL", RANK, COLUMN, READ, "max(tCCDL, BL/2)"),
    Row("tRTW", RANK, COLUMN, WRITE, RTW),
    Row("tWTRL", RANK, WRITE, COLUMN, "WL + BL/2 + tWTRL"),
)

BINS = {
    "neupims": Bin(
        "NeuPIMs' simulator (commit f299af3), HBM2_8Gb_x128_dualpim.ini; tRTRS its default; tRFCSB "
        "and tRREFD, of no command that it gives, as HBM2 at 2 Gb/s",
        {
            "RL": 14, "WL": 4, "BL/2": 2, "tRCDRD": 14, "tRCDWR": 14, "tRP": 14, "tRAS": 34,
            "tRC": 48, "tCCDS": 1, "tCCDL": 2, "tRRDS": 4, "tRRDL": 6, "tFAW": 30, "tWR": 16,
            "tRTPL": 6, "tWTRS": 6, "tWTRL": 8, "tRFC": 260, "tRFCSB": 160, "tRREFD": 8,
            "tREFI": 3900, "tRTRS": 2, "tCOMP": 2, "tGW": 96,
        },
    ),
}  # fmt: skip
WINDOWS = (Window("tFAW", "ACT", 4, "tFAW"),)

NEUPIMS = Standard(
    name="NEUPIMS",
    source="JEDEC JESD235, and NeuPIMs' simulator for PIM",
    rows=DUAL,
    windows=WINDOWS,
    bins=BINS,
    others="HEADER COMPS",
    ranks=2,
    row_buffers=2,
)

NEUPIMS_SINGLE = Standard(
    name="NEUPIMS-SINGLE",
    source="JEDEC JESD235, and NeuPIMs' simulator for PIM",
    rows=SINGLE,
    windows=WINDOWS,
    bins=BINS,
    others="HEADER COMPS",
    ranks=2,
)
