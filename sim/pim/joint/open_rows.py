"""How long ranks have a row open, of the memory or of PIM."""

import numpy as np
import numpy.typing as npt

from sim.dram.state import CLOSED
from sim.jit import njit


@njit
def note_rows(j, m, banks, pim_rows, now, bank):
    """A row of a bank has just been opened or closed, in cycle ``now``."""
    span = j["rank_banks"]
    rank = bank // span
    bit = 1 << rank
    if banks[bank]["row"] == CLOSED and pim_rows[bank] == CLOSED:
        for other in range(rank * span, (rank + 1) * span):
            if banks[other]["row"] != CLOSED or pim_rows[other] != CLOSED:
                return
        if m["open_ranks"] & bit:
            settle_rows(m, now)
            m["open_ranks"] ^= bit
            m["open"] -= 1
    elif m["open_ranks"] & bit == 0:
        settle_rows(m, now)
        m["open_ranks"] |= bit
        m["open"] += 1


@njit
def settle_rows(m, now):
    """Count the cycles up to ``now``."""
    m["open_cycles"] += m["open"] * (now - m["open_since"])
    m["open_since"] = now


def open_rank_cycles(states: npt.NDArray[np.void], now: int) -> int:
    """Cycles of all ranks of some channels with a row open, before cycle ``now``: JOINT_STATE."""
    since = now - states["open_since"]
    return int((states["open_cycles"] + states["open"] * since).sum())
