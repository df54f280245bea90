"""Samsung HBM-PIM: HBM2 (JESD235), and in all-bank modes its commands to half of the banks at once.

ACT8, PRE8, RD8 and WR8 go to the even or to the odd banks, named by bank 0 or 1 of group 0.
Distances count as if each bank had its own. HAB and SB, lines of a log that take no command bus,
say when all-bank modes begin and end; HAB_PIM is one of them. Rows from 4096 on are registers and
have no cells: their reads and writes need the row open in the bank named, not in all eight.
"""

from sim.dram_check.hbm2 import ROWS as HBM2_ROWS
from sim.dram_check.rules import Bin, Row, Standard, Window

EIGHT = {"ACT": "ACT8", "PRE": "PRE8", "RD": "RD8", "WR": "WR8"}
FIRST_REGISTER_ROW = 4096


def _with_eight(commands: str) -> str:
    """Some commands, and what they are in all-bank modes."""
    words = [word for word in commands.split() if word not in ("RDA", "WRA", "REFpb")]
    return " ".join(words + [EIGHT[word] for word in words if word in EIGHT])


ROWS = tuple(
    Row(row.name, row.scope, earlier, later, row.formula)
    for row in HBM2_ROWS
    for earlier, later in [(_with_eight(row.earlier), _with_eight(row.later))]
    if earlier and later
)

TIMINGS = {
    "RL": 20, "WL": 8, "BL/2": 2, "tRCDRD": 14, "tRCDWR": 10, "tRP": 14, "tRAS": 33, "tRC": 47,
    "tCCDS": 2, "tCCDL": 4, "tRRDS": 4, "tRRDL": 6, "tFAW": 16, "tWR": 16, "tRTPL": 5, "tWTRS": 4,
    "tWTRL": 9, "tRFC": 350, "tREFI": 3900,
}  # fmt: skip

BINS = {
    "hbm_pim": Bin("PIMSimulator (commit b464dde), HBM2_samsung_2M_16B_x64.ini", TIMINGS),
    "hbm_pim_in_force": Bin(
        "the same where ACT takes one cycle", TIMINGS, cycles={"ACT": 1, "ACT8": 1}
    ),
}

HBM_PIM = Standard(
    name="HBM-PIM",
    source="JEDEC JESD235; all-bank commands assumed to keep the same distances",
    rows=ROWS,
    # All-bank activates are not counted, as AiM's are not.
    windows=(Window("tFAW", "ACT", 4, "tFAW"),),
    bins=BINS,
    cycles={"ACT": 2, "ACT8": 2},
    two_buses=True,
    others="HAB HAB_PIM SB",
    ranks=4,
    register_row=FIRST_REGISTER_ROW,
)
