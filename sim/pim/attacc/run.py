"""Attention on a stack of AttAcc."""

from dataclasses import dataclass

import numpy as np

from arch.pim.attacc import AttAcc
from sim.pim.attacc import kernel
from traces.mapping.attacc import attention


@dataclass(frozen=True)
class AttAccRun:
    """What a round of attention has shown."""

    cycles: int
    """Until the first channel has given its last command; others have no more to do."""
    counts: dict[str, int]
    """Commands of all channels, by ``traces.mapping.attacc.COMMANDS``."""
    activates: int
    """Of all banks of the first channel."""
    refreshes: int
    """Of pseudo-channels of the first channel."""


def attend(pim: AttAcc, length: int, heads: int, head_dim: int, element_bytes: int) -> AttAccRun:
    """One token of ``heads`` heads, of all requests together, each of ``length`` tokens.

    Raises InputError for numbers that do not fit.
    """
    stream, counts = attention(pim, length, heads, head_dim, element_bytes)
    config = np.zeros(1, kernel.CONFIG)
    for name, value in pim.timings.items():
        config[name] = value
    config["beyond"] = pim.rows_beyond_barriers
    config["pseudo_channels"] = pim.pseudo_channels
    config["group_banks"] = pim.banks
    config["rank_banks"] = pim.banks * pim.bank_groups
    state = np.zeros(1, kernel.STATE)
    state["row"] = kernel.CLOSED
    state["refresh_at"] = pim.timings["nREFI"]
    cycles = kernel.run(
        config,
        state,
        stream,
        np.zeros((pim.queue_entries, 3), np.int64),
        np.zeros(pim.ranks * pim.bank_groups, np.int64),
        np.zeros(pim.ranks, np.int64),
    )
    one = state[0]
    return AttAccRun(int(cycles), counts, int(one["activates"]), int(one["refreshed"]))
