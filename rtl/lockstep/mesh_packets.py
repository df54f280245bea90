"""Random packets for a mesh: patterns, bursts and lengths of one run from reset to reset."""

from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt

from arch.mesh.packet import PacketMesh
from sim.mesh.packet_state import prepared

CYCLES = (40, 200, 700, 2000)
"""Of a run, at most."""
CYCLES_MIN = 20
RATES = (0.02, 0.1, 0.3, 0.6, 1.0)
"""Flits a node and cycle, at most one packet a cycle."""
PATTERNS = (
    "uniform", "uniform", "hot_spot", "hot_spot", "transpose", "complement", "neighbour",
    "tornado", "column",
)  # fmt: skip


@dataclass(frozen=True)
class Era:
    """From a reset to the next one."""

    packets: npt.NDArray[np.void]
    """[n] of sim.mesh.packet_state.PACKET, in order of creation."""
    cycles: int
    """The reset is in the last of them."""
    hostile: bool
    """What is offered to a node that takes nothing changes."""


def era_of(mesh: PacketMesh, longest: int, seed: int, number: int) -> Era:
    """The one of a number in the run of a seed; ``longest``: flits of a packet."""
    random = Random(f"{seed} {number}")
    draws = np.random.default_rng(random.getrandbits(64))
    cycles = random.randint(CYCLES_MIN, random.choice(CYCLES))
    # Some go on until nothing is left.
    busy = cycles if random.random() < 0.7 else cycles // 2
    lengths = random.choice((1, 2, 3, longest))
    rate = random.choice(RATES) * 2 / (1 + lengths)
    on = _bursts(draws, busy, mesh.nodes) if random.random() < 0.4 else True
    created, src = np.nonzero((draws.random((busy, mesh.nodes)) < rate) & on)
    same_length = random.random() < 0.3
    flits = draws.integers(lengths if same_length else 1, lengths + 1, len(src))
    dst = _destinations(mesh, random, draws, src)
    packets = prepared(mesh, created.astype(np.int64), src, dst, flits)
    return Era(packets, cycles, random.random() < 0.5)


def _bursts(draws: np.random.Generator, cycles: int, nodes: int) -> npt.NDArray[np.bool_]:
    """[cycle, node] whether it is on; each burst has a length of its own."""
    edges = draws.random((cycles, nodes)) < 1 / draws.integers(4, 60)
    return np.asarray((np.cumsum(edges, axis=0) + draws.integers(0, 2, nodes)) % 2 == 1, np.bool_)


def _destinations(
    mesh: PacketMesh, random: Random, draws: np.random.Generator, src: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Nodes that receive what ``src`` send."""
    name = random.choice(PATTERNS)
    width, height, nodes = mesh.width, mesh.height, mesh.nodes
    x, y = src % width, src // width
    uniform = draws.integers(0, nodes, len(src))
    fixed = {
        "transpose": (y % width) + (x % height) * width,
        "complement": nodes - 1 - src,
        "neighbour": (x + 1) % width + (y + 1) % height * width,
        "tornado": (x + max(1, (width - 1) // 2)) % width
        + (y + max(1, (height - 1) // 2)) % height * width,
        "column": x + uniform // width * width,
    }
    if name == "hot_spot":
        hot = random.randrange(nodes)
        return np.where(draws.random(len(src)) < random.choice((0.3, 0.7, 1.0)), hot, uniform)
    return np.asarray(fixed.get(name, uniform), np.int64)
