"""HBM2 DRAM (JESD235), in pseudo-channels; ACT takes two cycles and timings count from the second.

Row and column commands have a bus each. A refresh of one bank, REFSB there, is REFpb here.
"""

from sim.dram_check.rules import BANK, GROUP, OTHER_GROUP, RANK, Bin, Row, Standard, Window

READ, WRITE = "RD RDA", "WR WRA"

ROWS = (
    Row("tRCDRD", BANK, "ACT", READ, "tRCDRD"),
    Row("tRCDWR", BANK, "ACT", WRITE, "tRCDWR"),
    Row("tRAS", BANK, "ACT", "PRE", "tRAS"),
    Row("tRAS", RANK, "ACT", "PREab", "tRAS"),
    Row("tRC", BANK, "ACT", "ACT", "tRC"),
    Row("tRP", BANK, "PRE", "ACT", "tRP"),
    Row("tRP", RANK, "PREab", "ACT", "tRP"),
    Row("tRRDS", OTHER_GROUP, "ACT", "ACT", "tRRDS"),
    Row("tRRDL", GROUP, "ACT", "ACT", "tRRDL"),
    Row("tCCDS", OTHER_GROUP, READ, READ, "max(tCCDS, BL/2)"),
    Row("tCCDL", GROUP, READ, READ, "max(tCCDL, BL/2)"),
    Row("tCCDS", OTHER_GROUP, WRITE, WRITE, "max(tCCDS, BL/2)"),
    Row("tCCDL", GROUP, WRITE, WRITE, "max(tCCDL, BL/2)"),
    Row("tRTW", RANK, READ, WRITE, "RL + BL/2 + 2 - WL"),
    Row("tWTRS", OTHER_GROUP, WRITE, READ, "WL + BL/2 + tWTRS"),
    Row("tWTRL", GROUP, WRITE, READ, "WL + BL/2 + tWTRL"),
    Row("tRTPL", BANK, "RD", "PRE", "tRTPL"),
    Row("tRTPL", RANK, "RD", "PREab", "tRTPL"),
    Row("tWR", BANK, "WR", "PRE", "WL + BL/2 + tWR"),
    Row("tWR", RANK, "WR", "PREab", "WL + BL/2 + tWR"),
    Row("tRTPL + tRP", BANK, "RDA", "ACT REFpb", "tRTPL + tRP"),
    Row("tWR + tRP", BANK, "WRA", "ACT REFpb", "WL + BL/2 + tWR + tRP"),
    Row("tRC", RANK, "ACT", "REFab", "tRC"),
    Row("tRP", RANK, "PRE PREab", "REFab", "tRP"),
    Row("tRTPL + tRP", RANK, "RDA", "REFab", "tRTPL + tRP"),
    Row("tWR + tRP", RANK, "WRA", "REFab", "WL + BL/2 + tWR + tRP"),
    Row("tRFC", RANK, "REFab", "ACT PRE PREab REFab REFpb", "tRFC"),
    Row("tRC", BANK, "ACT", "REFpb", "tRC"),
    Row("tRP", BANK, "PRE", "REFpb", "tRP"),
    Row("tRP", RANK, "PREab", "REFpb", "tRP"),
    Row("tRRDS", RANK, "ACT", "REFpb", "tRRDS"),
    Row("tRFCSB", BANK, "REFpb", "ACT REFpb", "tRFCSB"),
    Row("tRFCSB", RANK, "REFpb", "REFab", "tRFCSB"),
    Row("tRREFD", RANK, "REFpb", "ACT REFpb", "tRREFD"),
)

TIMINGS_2000 = {
    "RL": 14, "WL": 5, "BL/2": 2, "tRCDRD": 14, "tRCDWR": 12, "tRP": 14, "tRAS": 34, "tRC": 48,
    "tCCDS": 2, "tCCDL": 4, "tRRDS": 4, "tRRDL": 4, "tFAW": 15, "tWR": 16, "tRTPL": 5, "tWTRS": 6,
    "tWTRL": 8, "tRFC": 350, "tRFCSB": 160, "tRREFD": 8, "tREFI": 3900,
}  # fmt: skip

BINS = {
    "hbm2_2000": Bin("JESD235, HBM2 at 2 Gb/s, 8 Gb, as in Ramulator 2.1", TIMINGS_2000),
    "hbm2_matched": Bin(
        "the same as DRAMsim3 runs it, where ACT takes one cycle", TIMINGS_2000, cycles={"ACT": 1}
    ),
    "hbm2_stock": Bin(
        "DRAMsim3, configs/HBM2_8Gb_x128.ini (commit 2981759), where ACT takes one cycle; "
        "tRC = tRAS + tRP; no refresh of one bank in its file: tRFCSB and tRREFD as hbm2_2000",
        {
            "RL": 14, "WL": 4, "BL/2": 2, "tRCDRD": 14, "tRCDWR": 14, "tRP": 14, "tRAS": 34,
            "tRC": 48, "tCCDS": 1, "tCCDL": 2, "tRRDS": 4, "tRRDL": 6, "tFAW": 30, "tWR": 16,
            "tRTPL": 6, "tWTRS": 6, "tWTRL": 8, "tRFC": 260, "tRFCSB": 160, "tRREFD": 8,
            "tREFI": 3900,
        },
        cycles={"ACT": 1},
    ),
}  # fmt: skip

HBM2 = Standard(
    name="HBM2",
    source="JEDEC JESD235",
    rows=ROWS,
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
    cycles={"ACT": 2},
    two_buses=True,
    ranks=2,
)
