"""Synthetic packet traces: when nodes send."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from traces.mesh.draws import share
from traces.mesh.packets import FLITS_MAX, PACKET_TRACE
from traces.mesh.patterns import Pattern

DRAWS_AT_ONCE = 1 << 20


def bernoulli(
    pattern: Pattern, *, rate_flits: float, packet_flits: int, cycles: int, seed: int
) -> npt.NDArray[np.void]:
    """Packets [n] of PACKET_TRACE: each node creates one in a cycle with equal probability.

    ``rate_flits`` are flits per node and cycle, ``packet_flits`` of them a packet. Raises
    InputError for what cannot be.
    """
    chance = _chance(rate_flits, packet_flits, cycles, "rate_flits")
    nodes = np.arange(pattern.nodes)
    found = []
    for block in _blocks(cycles, pattern.nodes):
        sends = share(seed, "send", nodes[None, :], block[:, None]) < chance
        found.append(_packets(pattern, block, sends, packet_flits, seed))
    return np.concatenate(found)


def bursty(
    pattern: Pattern, *, rate_flits: float, packet_flits: int, burst_rate_flits: float,
    burst_cycles: float, cycles: int, seed: int,
) -> npt.NDArray[np.void]:  # fmt: skip
    """Packets [n] of PACKET_TRACE of nodes that are on or off (a Markov chain of two states).

    A node that is on sends ``burst_rate_flits`` per cycle as of ``bernoulli``, and stays on for
    ``burst_cycles`` on average; it is off as long as brings the mean to ``rate_flits``. It begins
    on or off as it is in the long run. Raises InputError for what cannot be.
    """
    _chance(rate_flits, packet_flits, cycles, "rate_flits")
    chance = _chance(burst_rate_flits, packet_flits, cycles, "burst_rate_flits")
    if not 0 < rate_flits < burst_rate_flits:
        raise InputError(
            f"rate_flits: must be above 0 and below burst_rate_flits = {burst_rate_flits}, "
            f"not {rate_flits}"
        )
    on_share = rate_flits / burst_rate_flits
    ends = 1 / burst_cycles if burst_cycles >= 1 else 2.0
    begins = ends * on_share / (1 - on_share)
    if not 0 < begins <= 1 or ends > 1:
        least = max(1.0, on_share / (1 - on_share))
        raise InputError(f"burst_cycles: must be {least:g} or more, not {burst_cycles}")
    nodes = np.arange(pattern.nodes)
    is_on = share(seed, "begin", nodes, np.zeros_like(nodes)) < on_share
    found = []
    for block in _blocks(cycles, pattern.nodes):
        switches = share(seed, "switch", nodes[None, :], block[:, None])
        on = np.empty(switches.shape, np.bool_)
        for row, drawn in enumerate(switches):
            on[row] = is_on
            is_on = np.where(is_on, drawn >= ends, drawn < begins)
        sends = on & (share(seed, "send", nodes[None, :], block[:, None]) < chance)
        found.append(_packets(pattern, block, sends, packet_flits, seed))
    return np.concatenate(found)


def _chance(rate_flits: float, packet_flits: int, cycles: int, name: str) -> float:
    if not 1 <= packet_flits <= FLITS_MAX:
        raise InputError(f"packet_flits: must be 1 to {FLITS_MAX}, not {packet_flits}")
    if cycles < 0:
        raise InputError(f"cycles: must be 0 or more, not {cycles}")
    if not 0 <= rate_flits <= packet_flits:
        raise InputError(
            f"{name}: must be 0 to packet_flits = {packet_flits}, one packet a cycle, "
            f"not {rate_flits}"
        )
    return rate_flits / packet_flits


def _blocks(cycles: int, nodes: int) -> Iterator[npt.NDArray[np.int64]]:
    rows = max(1, DRAWS_AT_ONCE // nodes)
    for first in range(0, max(cycles, 1), rows):
        yield np.arange(first, min(cycles, first + rows))


def _packets(
    pattern: Pattern,
    block: npt.NDArray[np.int64],
    sends: npt.NDArray[np.bool_],
    packet_flits: int,
    seed: int,
) -> npt.NDArray[np.void]:
    rows, src = np.nonzero(sends)
    packets = np.zeros(len(src), PACKET_TRACE)
    packets["created"], packets["src"], packets["flits"] = block[rows], src, packet_flits
    packets["dst"] = pattern.destinations(packets["src"], packets["created"], seed)
    return packets
