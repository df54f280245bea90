"""Transactions of an HBM-PIM trace, as arrays.

Kernels freeze the constants here; naming traces.jit makes them compile anew when this file changes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LINE = np.dtype(
    [
        ("kind", np.int64),  # of the next line
        ("channels", np.int64),  # a bit for each, channel 0 the lowest
        ("bank", np.int64),  # flat
        ("row", np.int64),
        ("column", np.int64),  # first
        ("count", np.int64),  # transactions, a column each; past the last one of a row the next row
        ("barrier", np.int64),  # behind the last
        ("data", np.int64),  # first row of ``words``; -1: none given
        ("tag", np.int64),  # index of the trace's tags; -1: none
        ("line", np.int64),  # in the file, from 1
    ]
)
READ, WRITE, FENCE = range(3)
SB, HAB, HAB_PIM = range(3)
"""Modes: single bank; all banks of a half at once; the same, and columns trigger instructions."""
MODES = ("SB", "HAB", "HAB_PIM")
WORDS = 8
"""Of 32 bits, in a column."""

WHERE = np.dtype(
    [
        ("first_row", np.int64),  # bit of the row that means registers
        ("register_row", np.int64),
        ("control", np.int64),  # columns of it
        ("srf", np.int64),
        ("crf", np.int64),
        ("grf_a", np.int64),
        ("grf_b", np.int64),
        ("enter_row", np.int64),
        ("enter_column", np.int64),  # -1: any
        ("enter_banks", np.int64),  # a bit for each
        ("leave_row", np.int64),
        ("leave_banks", np.int64),
        ("own_counters", np.int64),  # 1: each JUMP has one; 0: there is one for all
        *((f"code_{name}", np.int64) for name in ("NOP", "ADD", "MUL", "MAC", "MAD", "MOV")),
        *((f"code_{name}", np.int64) for name in ("FILL", "JUMP", "EXIT")),
        ("columns", np.int64),  # of a row
        ("half_step", np.int64),  # banks of a block: an even and an odd one
    ]
)
"""Addresses and codes of a PIM, [1]."""

UNIT = np.dtype(
    [
        ("mode", np.int64),
        ("entered", np.int64),  # banks whose register to enter HAB was opened, a bit each
        ("left", np.int64),  # banks whose register to leave HAB was closed
        ("even", np.int64),  # columns of even banks trigger instructions
        ("odd", np.int64),
        ("register_rows", np.int64),  # so do columns of rows of registers
        ("all_grf", np.int64),  # moves without instructions reach GRF_A and GRF_B
        ("ended", np.int64),  # EXIT was met
        ("pc", np.int64),
        ("last_jump", np.int64),  # of the one counter
        ("jumps_left", np.int64),
        ("last_repeat", np.int64),
        ("repeats_left", np.int64),
        ("crf", np.int64, 32),
        ("counts", np.int64, 32),  # jumps left of each entry; -1: not begun
        ("written", np.int64),  # entries of the CRF, a bit each; here and below for the check alone
        ("grf_a", np.int64),
        ("grf_b", np.int64),
        ("srf", np.int64),
    ]
)
"""What a channel's PIM blocks have in common: mode and sequencer."""


@dataclass(frozen=True)
class HbmChunk:
    """A part of a trace."""

    lines: npt.NDArray[np.void]
    """of LINE"""
    words: npt.NDArray[np.int64]
    """[column written, WORDS], each of 32 bits"""


def new_units(channels: int) -> npt.NDArray[np.void]:
    """Channels in mode SB, all registers unwritten."""
    units = np.zeros(channels, UNIT)
    units["last_jump"] = units["last_repeat"] = units["jumps_left"] = units["repeats_left"] = -1
    units["counts"] = -1
    return units
