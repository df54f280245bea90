"""Timers of a channel's banks and wider nodes: hardware counts down, the kernel keeps times."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rtl.dram.timing import Timing
from sim.dram.tables import Tables
from sim.jit import njit

TIMER = np.dtype(
    [
        ("command", np.int64),  # of the kernel
        ("first", np.int64),  # bank; of timers of single banks, not used
        ("span", np.int64),  # banks
    ]
)

PAST = np.dtype(
    [
        ("history", np.int64),  # of the kernel
        ("first", np.int64),  # bank
        ("place", np.int64),  # 0: of the last command
        ("cycles", np.int64),  # of the window
    ]
)


class TimerPlaces:
    """Where the hardware's timers and histories are in the kernel's state."""

    def __init__(self, p: Timing, kernel: Tables) -> None:
        ids = [kernel.names.index(use.name) for use in p.commands]
        timed = [i for i in range(len(p.commands)) if p.longest_wait(i)]
        of_banks = [i for i in timed if p.commands[i].level == p.bank_level]
        self.banks = np.array([(ids[i], 0, 1) for i in of_banks], TIMER)
        """Of each bank."""
        self.wide = np.array(
            [
                (ids[i], first, p.spans[level])
                for level in p.wide_levels
                for first in range(0, p.banks, p.spans[level])
                for i in timed
                if p.commands[i].level == level
            ],
            TIMER,
        )
        self.pasts = np.array(
            [
                (_history(p, kernel, i), first, place, window.cycles)
                for i, window in enumerate(p.windows)
                for first in range(0, p.banks, p.spans[window.level])
                for place in range(window.depth - 1)
            ],
            PAST,
        )
        self.codes = np.full(len(kernel.commands), -1, np.int64)
        """[command of the kernel], that of the hardware"""
        self.codes[ids] = range(len(ids))

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """As the kernels that drive take them."""
        return self.banks, self.wide, self.pasts, self.codes

    def count(self, banks: int) -> int:
        """Registers of a channel of so many banks."""
        return banks * len(self.banks) + len(self.wide) + len(self.pasts)


def _history(p: Timing, kernel: Tables, index: int) -> int:
    """The kernel's history of a window."""
    window = p.windows[index]
    before = kernel.commands[kernel.names.index(p.commands[window.preceding].name)]
    after = kernel.names.index(p.commands[window.following[0][0]].name)
    return next(
        int(rule["history"])
        for rule in kernel.rules[before["first_rule"] : before["end_rule"]]
        if rule["following"] == after
        and rule["window"] == window.depth
        and rule["span"] == p.spans[window.level]
    )


@njit
def wait_of(s, banks, ready, command, first, span):
    """Cycles until a command may go to a node."""
    latest = 0
    for place in range(command * banks + first, command * banks + first + span):
        latest = max(latest, ready[place])
    return max(0, latest - s["now"])


@njit
def show_bank_timers(s, banks, ready, timers, bank, shown, at):
    """Timers of one of ``banks`` banks; returns where the next part begins."""
    for i in range(timers.shape[0]):
        shown[at + i] = wait_of(s, banks, ready, timers[i]["command"], bank, 1)
    return at + timers.shape[0]


@njit
def show_wide_timers(s, banks, ready, wide, shown, at):
    """Timers of wider nodes."""
    for i in range(wide.shape[0]):
        timer = wide[i]
        shown[at + i] = wait_of(s, banks, ready, timer["command"], timer["first"], timer["span"])
    return at + wide.shape[0]


@njit
def show_pasts(s, history, pasts, shown, at):
    """Cycles until each of the last commands of a window no longer counts."""
    for i in range(pasts.shape[0]):
        past = pasts[i]
        since = history[past["history"], past["first"], past["place"]]
        shown[at + i] = max(0, since + past["cycles"] - s["now"])
    return at + pasts.shape[0]
