"""What a log has done so far, and what is found wrong with it.

Kernels freeze the constants here; naming sim.jit makes them compile anew when this file changes.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.dram_check.rules import KINDS
from sim.dram_check.tables import WINDOW_MAX, Rules

Array = npt.NDArray[Any]

NEVER = -(2**62)
"""Cycle of what has not happened."""
CLOSED, OPENING = -1, -2
"""In place of a bank's open row."""

LOG = np.dtype(
    [
        ("cycle", np.int64),
        ("kind", np.int64),
        ("channel", np.int64),
        ("rank", np.int64),  # or pseudo-channel
        ("stack", np.int64),
        ("group", np.int64),  # -1, as the next two: not said
        ("bank", np.int64),  # of the group
        ("row", np.int64),
    ]
)
LAST = np.dtype([("cycle", np.int64), ("bank", np.int64), ("kind", np.int64)])
"""When a command was last given, and to which bank; -1: to all of the rank."""
BANK_STATE = np.dtype(
    [
        ("row", np.int64),
        ("pim_row", np.int64),  # in the row buffer of PIM
        ("refreshed", np.int64),  # cycle
        ("refreshes", np.int64),
    ]
)
RANK_STATE = np.dtype(
    [
        ("opening", np.int64),  # bank between its two activates; -1: none
        ("opening_at", np.int64),
        ("opening_row", np.int64),
        ("clock_until", np.int64),  # data clock
        ("cas_at", np.int64),
        ("cas", np.int64),  # kind; -1: none waits for its read or write
    ]
)
CHANNEL_STATE = np.dtype(
    [
        ("now", np.int64),
        ("bus", LAST, 2),
        ("edge_at", np.int64),  # falling edge that pairs with the last rising row command
        ("edge_kind", np.int64),
        ("edge_rank", np.int64),
        ("edge_bank", np.int64),
        ("registers", np.int64),  # 1: register mode
        ("all_bank", np.int64),  # 1: all-bank mode
    ]
)
TOTAL = np.dtype(
    [
        ("commands", np.int64),
        ("found", np.int64),  # violations
        ("started", np.int64),  # cycle of the first command; -1: none yet
        ("ended", np.int64),  # of the last
        ("refreshes", np.int64),
    ]
)
FOUND = np.dtype(
    [
        ("number", np.int64),  # of the command in the log, from 0; -1: the end
        ("cycle", np.int64),
        ("kind", np.int64),
        ("rank", np.int64),  # flat, of all channels
        ("bank", np.int64),  # flat, of all; -1: all of the rank
        ("row", np.int64),
        ("rule", np.int64),
        ("earlier_kind", np.int64),  # -1: none
        ("earlier_cycle", np.int64),
        ("earlier_bank", np.int64),
        ("limit", np.int64),  # cycles, at least or at most
    ]
)


class Findings(NamedTuple):
    """Where the kernel writes what it finds."""

    violations: Array
    """FOUND, in order; what has no room is only counted."""
    counts: Array
    """Violations of each rule."""
    total: Array
    """TOTAL, one."""
    now: Array
    """FOUND, one: the command at hand."""


class State(NamedTuple):
    """Arrays of all channels seen; grows with them."""

    channels: Array
    ranks: Array
    used: Array
    """Of each stack, whether a command went there."""
    banks: Array
    bank_last: Array
    group_last: Array
    stack_last: Array
    rank_last: Array
    rings: Array
    """LAST of each rank and window, a ring."""
    turns: Array
    """Next place of each ring."""


def make_state(rules: Rules, channels: int) -> State:
    """The state before the first command."""
    device = rules.tables.device[0]
    ranks = channels * int(device["ranks"])
    stacks = ranks * int(device["stacks"])
    groups = stacks * int(device["groups"])
    windows = max(1, len(rules.tables.windows))
    state = State(
        channels=np.zeros(channels, CHANNEL_STATE),
        ranks=np.zeros(ranks, RANK_STATE),
        used=np.zeros(stacks, np.int64),
        banks=np.zeros(groups * int(device["banks"]), BANK_STATE),
        bank_last=_never(groups * int(device["banks"]), len(KINDS)),
        group_last=_never(groups, len(KINDS)),
        stack_last=_never(stacks, len(KINDS)),
        rank_last=_never(ranks, len(KINDS)),
        rings=_never(ranks, windows, WINDOW_MAX),
        turns=np.zeros((ranks, windows), np.int64),
    )
    state.channels["bus"]["cycle"] = NEVER
    state.channels["edge_at"] = NEVER
    for name in ("opening_at", "clock_until", "cas_at"):
        state.ranks[name] = NEVER
    state.ranks["opening"] = -1
    state.ranks["cas"] = -1
    state.banks["row"] = CLOSED
    state.banks["pim_row"] = CLOSED
    state.banks["refreshed"] = NEVER
    return state


def grow(rules: Rules, state: State, channels: int) -> State:
    """The state with more channels, or as it is if it has as many."""
    if len(state.channels) >= channels:
        return state
    larger = make_state(rules, channels)
    for new, old in zip(larger, state, strict=True):
        new[: len(old)] = old
    return larger


def _never(*shape: int) -> Array:
    last = np.zeros(shape, LAST)
    last["cycle"] = NEVER
    last["bank"] = -1
    return last
