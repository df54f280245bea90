"""Synthetic traffic as a parameter object, and packet meshes that carry it."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from arch.mesh.packet import PacketMesh
from arch.spec import Spec
from traces.mesh.generate import bernoulli, bursty
from traces.mesh.patterns import pattern

CYCLES_MAX = 10**8


class Traffic(Spec):
    """What nodes send to whom; docs/mesh.md has the patterns.

    A packet has the length that its mesh gives (``packet_flits``).
    """

    pattern: Literal[
        "uniform", "transpose", "bit_complement", "neighbour", "hot_spot", "tornado"
    ] = "uniform"  # fmt: skip
    """Who sends to whom."""
    rate_flits: float = Field(default=0.1, gt=0, le=2**15)
    """Flits per node and cycle that are offered, on average."""
    cycles: int = Field(default=20_000, ge=1, le=CYCLES_MAX)
    """In which packets are created."""
    warmup_cycles: int = Field(default=5_000, ge=0, lt=CYCLES_MAX)
    """The first of them, which are not measured."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    """Of all draws."""
    hot_nodes: tuple[int, ...] = ()
    """Of hot_spot: who is sent to more often."""
    hot_share: float = Field(default=0.5, ge=0, le=1)
    """Of hot_spot: the share of packets to one of these; the others are uniform."""
    burst_rate_flits: float | None = Field(default=None, gt=0, le=2**15)
    """Flits per cycle of a node that is on, where nodes are on and off."""
    burst_cycles: float | None = Field(default=None, ge=1, le=CYCLES_MAX)
    """That a node stays on, on average."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Traffic":
        if self.warmup_cycles >= self.cycles:
            raise ValueError(
                f"warmup_cycles: must be below cycles ({self.cycles}), not {self.warmup_cycles}"
            )
        if (self.burst_rate_flits is None) != (self.burst_cycles is None):
            lacking = "burst_cycles" if self.burst_cycles is None else "burst_rate_flits"
            raise ValueError(f"{lacking}: is missing; bursts have a rate and a length")
        return self

    def packets(self, width: int, height: int, packet_flits: int) -> npt.NDArray[np.void]:
        """Packets [n] of PACKET_TRACE on a mesh. Raises InputError where it does not fit."""
        chosen = pattern(
            self.pattern, width, height, hot_nodes=self.hot_nodes, hot_share=self.hot_share
        )
        if self.burst_rate_flits is None or self.burst_cycles is None:
            return bernoulli(
                chosen, rate_flits=self.rate_flits, packet_flits=packet_flits,
                cycles=self.cycles, seed=self.seed,
            )  # fmt: skip
        return bursty(
            chosen, rate_flits=self.rate_flits, packet_flits=packet_flits,
            burst_rate_flits=self.burst_rate_flits, burst_cycles=self.burst_cycles,
            cycles=self.cycles, seed=self.seed,
        )  # fmt: skip


class MeshWithTraffic(PacketMesh):
    """A packet mesh and what it carries: the machine of a study."""

    traffic: Traffic
    """What nodes send to whom."""

    def packets(self) -> npt.NDArray[np.void]:
        """Packets [n] of PACKET_TRACE. Raises InputError where traffic and mesh do not fit."""
        return self.traffic.packets(self.width, self.height, self.packet_flits)


def with_traffic(mesh: PacketMesh, traffic: Traffic) -> MeshWithTraffic:
    """The mesh, carrying that."""
    return MeshWithTraffic(**dict(mesh), traffic=traffic)
