"""For how many cycles a rank's devices are active: a bank is open, or a refresh is under way.

``note`` goes where a command is given; ``note_log`` reads the commands of a log.
"""

import numpy as np

from sim.jit import njit

EFFECT = np.dtype(
    [
        ("kind", np.int64),  # NOTHING ...
        ("span", np.int64),  # banks that it addresses
        ("after", np.int64),  # cycles for which its banks stay active after it
    ]
)
"""What a command does to the banks."""
NOTHING, OPENS, CLOSES, REFRESHES = range(4)

RANK = np.dtype(
    [
        ("open", np.int64),  # banks
        ("until", np.int64),  # cycle up to which it is active with no bank open
        ("settled", np.int64),  # cycle up to which ``active`` counts
        ("active", np.int64),  # cycles
    ]
)


@njit
def settle(rank, now):
    """Count the cycles up to ``now``."""
    end = now if rank["open"] > 0 else min(now, rank["until"])
    rank["active"] += max(0, end - rank["settled"])
    rank["settled"] = now


@njit
def note(effects, ranks, opened, command, bank, now):
    """A command is given in cycle ``now`` to the banks from ``bank`` on.

    - ``effects`` [command] of EFFECT
    - ``ranks`` [rank] of RANK, of as many banks each
    - ``opened`` [bank], 1 where a bank is open
    """
    effect = effects[command]
    if effect["kind"] == NOTHING:
        return
    banks = opened.shape[0] // ranks.shape[0]
    first, end = bank, bank + effect["span"]
    for number in range(first // banks, (end - 1) // banks + 1):
        rank = ranks[number]
        settle(rank, now)
        if effect["kind"] == REFRESHES:
            rank["until"] = max(rank["until"], now + effect["after"])
            continue
        for i in range(max(first, number * banks), min(end, (number + 1) * banks)):
            if effect["kind"] == OPENS:
                rank["open"] += 1 - opened[i]
                opened[i] = 1
            elif opened[i]:
                rank["open"] -= 1
                opened[i] = 0
                rank["until"] = max(rank["until"], now + effect["after"])


@njit
def note_log(effects, ranks, opened, log):
    """``note`` of each command of a log, [command] of ``sim.dram.state.LOG``."""
    for i in range(log.shape[0]):
        note(effects, ranks, opened, log[i]["command"], log[i]["bank"], log[i]["cycle"])


@njit
def settle_all(ranks, now):
    """Count the cycles of all ranks up to ``now``."""
    for i in range(ranks.shape[0]):
        settle(ranks[i], now)
