"""HBM3 DRAM (JESD238), in pseudo-channels; cycles are half clocks.

Row and column commands have a bus each. ACT takes one and a half clocks and begins on a rising
edge, as all commands do but precharges, which may go on the falling edge of another command.
"""

from sim.dram_check.rules import (
    BANK,
    GROUP,
    OTHER_GROUP,
    OTHER_STACK,
    RANK,
    Bin,
    Row,
    Standard,
    Window,
)

READ, WRITE = "RD RDA", "WR WRA"
PRECHARGE = "PRE PREab"
ALL_BANKS, ONE_BANK = "REFab RFMab", "REFpb RFMpb"

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
    Row("tCCDR", OTHER_STACK, READ, READ, "tCCDR"),
    Row("tCCDS", OTHER_GROUP, WRITE, WRITE, "max(tCCDS, tBURST)"),
    Row("tCCDL", GROUP, WRITE, WRITE, "max(tCCDL, tBURST)"),
    Row("tRTW", RANK, READ, WRITE, "tRTW"),
    Row("tWTRS", OTHER_GROUP, WRITE, READ, "WL + tBURST + tWTRS"),
    Row("tWTRL", GROUP, WRITE, READ, "WL + tBURST + tWTRL"),
    Row("tRTP", BANK, "RD", "PRE", "tRTP"),
    Row("tRTP", RANK, "RD", "PREab", "tRTP"),
    Row("tWR", BANK, "WR", "PRE", "WL + tBURST + tWR"),
    Row("tWR", RANK, "WR", "PREab", "WL + tBURST + tWR"),
    Row("tRTP + tRP", BANK, "RDA", "ACT REFpb RFMpb", "tRTP + tRP"),
    Row("tWR + tRP", BANK, "WRA", "ACT REFpb RFMpb", "WL + tBURST + tWR + tRP"),
    Row("tRC", RANK, "ACT", ALL_BANKS, "tRC"),
    Row("tRP", RANK, PRECHARGE, ALL_BANKS, "tRP"),
    Row("tRTP + tRP", RANK, "RDA", ALL_BANKS, "tRTP + tRP"),
    Row("tWR + tRP", RANK, "WRA", ALL_BANKS, "WL + tBURST + tWR + tRP"),
    Row("tRFCab", RANK, "REFab", "ACT PRE PREab REFab REFpb RFMab RFMpb", "tRFCab"),
    Row("tRFMab", RANK, "RFMab", "ACT PRE PREab REFab REFpb RFMab RFMpb", "tRFMab"),
    Row("tRC", BANK, "ACT", ONE_BANK, "tRC"),
    Row("tRP", BANK, "PRE", ONE_BANK, "tRP"),
    Row("tRP", RANK, "PREab", ONE_BANK, "tRP"),
    Row("tRRDS", RANK, "ACT", ONE_BANK, "tRRDS"),
    Row("tRFCpb", BANK, "REFpb", "ACT REFpb RFMpb", "tRFCpb"),
    Row("tRFCpb", RANK, "REFpb", ALL_BANKS, "tRFCpb"),
    Row("tRFMpb", BANK, "RFMpb", "ACT REFpb RFMpb", "tRFMpb"),
    Row("tRFMpb", RANK, "RFMpb", ALL_BANKS, "tRFMpb"),
    Row("tRREFD", RANK, ONE_BANK, "ACT REFpb RFMpb", "tRREFD"),
)

BINS = {
    "hbm3_6400": Bin(
        "JESD238, HBM3 at 6.4 Gb/s, 4 Gb a channel, as in Ramulator 2.1; in half clocks",
        {
            "RL": 40, "WL": 20, "tBURST": 4, "tRCDRD": 62, "tRCDWR": 30, "tRP": 52, "tRAS": 90,
            "tRC": 144, "tCCDS": 4, "tCCDL": 8, "tCCDR": 6, "tRRDS": 8, "tRRDL": 10, "tFAW": 48,
            "tWR": 66, "tRTP": 18, "tWTRS": 14, "tWTRL": 20, "tRTW": 40, "tPPD": 4, "tRREFD": 16,
            "tRFCab": 832, "tRFCpb": 640, "tRFMab": 832, "tRFMpb": 640, "tREFI": 12480,
        },
    ),
}  # fmt: skip

HBM3 = Standard(
    name="HBM3",
    source="JEDEC JESD238",
    rows=ROWS,
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
    cycles={"ACT": 3, "RD": 2, "RDA": 2, "WR": 2, "WRA": 2},
    two_buses=True,
    half_clocks=True,
    ranks=2,
    stacks=4,
)
