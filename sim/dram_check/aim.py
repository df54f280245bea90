"""SK hynix AiM: GDDR6 (JESD250) and the commands of its MAC units and registers, one channel."""

from sim.dram_check.gddr6 import PRECHARGE
from sim.dram_check.gddr6 import ROWS as GDDR6_ROWS
from sim.dram_check.rules import BANK, GROUP, RANK, Bin, Row, Standard, Window

ACTIVATE = "ACT ACT4 ACT16"
CLOSE = f"{PRECHARGE} PRE4"
BANK_READ = "RD MAC MAC4 MAC16 RDCP"
REGISTER_READ = "RDMAC16 RDAF16"
BANK_WRITE = "WR WRCP WRA16"
REGISTER_WRITE = "WRGB WRMAC16"
ALL_BANKS = "MAC16 EWMUL16"
COMPUTE = "MAC MAC4 MAC16 AF16 EWMUL16 RDCP WRCP WRA16"
REGISTERS = f"{REGISTER_READ} {REGISTER_WRITE}"

ROWS = (
    *GDDR6_ROWS,
    # Columns.
    Row("tCCDS", RANK, f"{BANK_READ} {REGISTER_READ}", f"{BANK_READ} {REGISTER_READ}", "tCCDS"),
    Row("tCCDS", RANK, f"{BANK_WRITE} {REGISTER_WRITE}", f"{BANK_WRITE} {REGISTER_WRITE}", "tCCDS"),
    Row("tCCDL", RANK, f"{BANK_READ} EWMUL16 {REGISTER_READ}", f"{ALL_BANKS} {REGISTER_READ}",
        "tCCDL"),
    Row("tCCDL", RANK, f"{ALL_BANKS} {REGISTER_READ}", f"{BANK_READ} EWMUL16 {REGISTER_READ}",
        "tCCDL"),
    Row("tCCDL", RANK, "WR WRCP WRA16 WRMAC16 EWMUL16", "WRA16 WRMAC16 EWMUL16", "tCCDL"),
    Row("tCCDL", RANK, "WRA16 WRMAC16 EWMUL16", "WR WRCP WRA16 WRMAC16 EWMUL16", "tCCDL"),
    Row("tCCDL", GROUP, "RD MAC MAC4 RDCP", "RD MAC MAC4 RDCP", "tCCDL"),
    Row("tCCDL", GROUP, "WR WRCP", "WR WRCP", "tCCDL"),
    Row("data bus", RANK, f"RD {REGISTER_READ}", f"RD {REGISTER_READ}", "tBURST"),
    Row("data bus", RANK, f"WR WRA16 {REGISTER_WRITE}", f"WR WRA16 {REGISTER_WRITE}", "tBURST"),
    # The data bus turns.
    Row("tRTW", RANK, "RD", "WRA16", "RL + tBURST + 3 - WL + tWPRE"),
    Row("tRTW", RANK, "RD", REGISTER_WRITE, "RL + tBURST + 3 - WLREG + tWPRE"),
    Row("tRTW", RANK, REGISTER_READ, "WR WRA16", "RLREG + tBURST + 3 - WL + tWPRE"),
    Row("tRTW", RANK, REGISTER_READ, REGISTER_WRITE, "RLREG + tBURST + 3 - WLREG + tWPRE"),
    Row("tWTRL", RANK, "WR", REGISTER_READ, "WL + tBURST + tWTRL"),
    Row("tWTRL", RANK, "WRA16", f"RD {REGISTER_READ}", "WL + tBURST + tWTRL"),
    Row("tWTRS", RANK, "WRGB", f"RD {REGISTER_READ}", "WLREG + tBURST + tWTRS"),
    Row("tWTRL", RANK, "WRMAC16", f"RD {REGISTER_READ}", "WLREG + tBURST + tWTRL"),
    # From an open row to its column.
    Row("tRCDMAC", RANK, ACTIVATE, "MAC16", "tRCDMAC"),
    Row("tRCDAF", RANK, ACTIVATE, "AF16", "tRCDAF"),
    Row("tRCDEWMUL", RANK, ACTIVATE, "EWMUL16", "tRCDEWMUL"),
    Row("tRCDWR", RANK, ACTIVATE, "WRA16", "tRCDWR"),
    Row("tRCDMAC", RANK, "ACT16", "MAC MAC4", "tRCDMAC"),
    Row("tRCDMAC", GROUP, "ACT4", "MAC MAC4", "tRCDMAC"),
    Row("tRCDMAC", BANK, "ACT", "MAC MAC4", "tRCDMAC"),
    Row("tRCDCP", RANK, "ACT16", "RDCP", "tRCDRDCP"),
    Row("tRCDCP", GROUP, "ACT4", "RDCP", "tRCDRDCP"),
    Row("tRCDCP", BANK, "ACT", "RDCP", "tRCDRDCP"),
    Row("tRCDCP", RANK, "ACT16", "WRCP", "tRCDWRCP"),
    Row("tRCDCP", GROUP, "ACT4", "WRCP", "tRCDWRCP"),
    Row("tRCDCP", BANK, "ACT", "WRCP", "tRCDWRCP"),
    Row("tRCDRD", RANK, "ACT16", "RD", "tRCDRD"),
    Row("tRCDRD", GROUP, "ACT4", "RD", "tRCDRD"),
    Row("tRCDWR", RANK, "ACT16", "WR", "tRCDWR"),
    Row("tRCDWR", GROUP, "ACT4", "WR", "tRCDWR"),
    # From one activate to the next; those of several banks are exempt from tFAW.
    Row("tRC", RANK, ACTIVATE, "ACT16", "tRC"),
    Row("tRC", RANK, "ACT16", "ACT ACT4", "tRC"),
    Row("tRC", GROUP, "ACT ACT4", "ACT4", "tRC"),
    Row("tRC", GROUP, "ACT4", "ACT", "tRC"),
    Row("tRRDS", RANK, "ACT4", "ACT ACT4", "tRRDS"),
    Row("tRRDS", RANK, "ACT", "ACT4", "tRRDS"),
    # From a column to the precharge of its bank.
    Row("tRTP", RANK, "RDCP MAC MAC4 MAC16 AF16 EWMUL16", "PREab", "tRTP"),
    Row("tRTP", RANK, "MAC16 AF16 EWMUL16", "PRE PRE4", "tRTP"),
    Row("tRTP", GROUP, "RD RDCP MAC MAC4", "PRE4", "tRTP"),
    Row("tRTP", GROUP, "MAC4", "PRE", "tRTP"),
    Row("tRTP", BANK, "RDCP MAC", "PRE", "tRTP"),
    Row("tWR", RANK, "WRCP", "PREab", "WL + tBURST + tWR"),
    Row("tWR", GROUP, "WR WRCP", "PRE4", "WL + tBURST + tWR"),
    Row("tWR", BANK, "WRCP", "PRE", "WL + tBURST + tWR"),
    Row("tWR", RANK, "EWMUL16", CLOSE, "WL + tWR"),
    # Rows stay open, and closed, for so long.
    Row("tRAS", RANK, "ACT4 ACT16", "PREab", "tRAS"),
    Row("tRAS", RANK, "ACT16", "PRE PRE4", "tRAS"),
    Row("tRAS", GROUP, "ACT ACT4", "PRE4", "tRAS"),
    Row("tRAS", GROUP, "ACT4", "PRE", "tRAS"),
    Row("tRP", RANK, CLOSE, "ACT16", "tRP"),
    Row("tRP", RANK, "PREab", "ACT4", "tRP"),
    Row("tRP", GROUP, "PRE PRE4", "ACT4", "tRP"),
    Row("tRP", GROUP, "PRE4", "ACT", "tRP"),
    Row("tPPD", RANK, "PRE4", CLOSE, "tPPD"),
    Row("tPPD", RANK, PRECHARGE, "PRE4", "tPPD"),
    Row("tWR + tRP", RANK, "WRA16", f"{ACTIVATE} REFab", "WL + tBURST + tWR + tRP"),
    # Refresh.
    Row("tRC", RANK, "ACT4 ACT16", "REFab", "tRC"),
    Row("tRP", RANK, "PRE4", "REFab", "tRP"),
    Row("tRFCab", RANK, "REFab", f"ACT4 ACT16 PRE4 {COMPUTE} {REGISTERS} TMOD", "tRFCab"),
    # Modes.
    Row("tMODCH", RANK, "TMOD", f"{ACTIVATE} {CLOSE} RD WR REFab {COMPUTE} {REGISTERS}", "tMODCH"),
)  # fmt: skip

_SHARED = {
    "RL": 50, "WL": 6, "tBURST": 2, "RLREG": 0, "WLREG": 1, "tWPRE": 1, "tRCDRD": 36, "tRCDWR": 28,
    "tRCDMAC": 56, "tRCDAF": 86, "tRCDEWMUL": 25, "tRCDRDCP": 66, "tRCDWRCP": 48, "tRP": 32,
    "tRAS": 54, "tRC": 89, "tCCDS": 2, "tCCDL": 2, "tWR": 33, "tRTP": 12, "tWTRS": 9, "tWTRL": 11,
    "tMODCH": 32,
}  # fmt: skip

BINS = {
    "aim": Bin(
        "AiM simulator (commit 0f28a07), GDDR6_AiM_timing in the order of its comments, cycles of "
        "0.5 ns; refresh, tPPD and tRTW as in GDDR6",
        {
            **_SHARED, "tRRDS": 11, "tRRDL": 11, "tFAW": 42, "tRTW": 51, "tPPD": 2,
            "tRFCab": 240, "tRFCpb": 120, "tRREFD": 24, "tREFI": 3800,
        },
    ),
    "aim_in_force": Bin(
        "what the AiM simulator runs with: no four activate window (20 is 4 tRRDS), no refresh, "
        "precharges of two banks in cycles that follow",
        {
            **_SHARED, "tRRDS": 5, "tRRDL": 6, "tFAW": 20, "tRTW": 50, "tPPD": 1,
            "tRFCab": 0, "tRFCpb": 3333, "tRREFD": 21, "tREFI": 7800,
        },
    ),
}  # fmt: skip

AIM = Standard(
    name="AIM",
    source="the AiM simulator's constraints, and JEDEC JESD250 for the rest",
    rows=ROWS,
    windows=(Window("tFAW", "ACT REFpb", 4, "tFAW"),),
    bins=BINS,
    ranks=1,
)
