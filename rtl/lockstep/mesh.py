"""The twin of a mesh of packet routers: hardware, the simulator's kernel, and what drives both."""

from functools import partial

import numpy as np

from arch.mesh.packet import PacketMesh
from rtl.lockstep.batches import Counted, in_runs
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.mesh_fields import MeshFields
from rtl.lockstep.mesh_layout import STIM_VALUES, layout_of, named_places
from rtl.lockstep.mesh_packets import era_of
from rtl.lockstep.mesh_traffic import EVENTS, TRAFFIC, drive
from rtl.lockstep.twin import Batch, Words
from rtl.mesh import PacketNetwork
from rtl.mesh.packet_parameters import NUMBER_BITS, Parameters
from sim.mesh.packet_state import new_state

NEVER_WRITTEN = -1
LONGEST = 12
"""Flits of a packet, at most."""


class MeshTraffic(Counted):
    """One run of a mesh under random packets, with resets in between.

    Useful are cycles in which a flit, a credit or a packet was anywhere.
    """

    event_names = EVENTS

    def __init__(self, twin: "MeshTwin", seed: int) -> None:
        super().__init__(new_traffic(TRAFFIC, seed))
        p = twin.parameters
        self.twin, self.seed, self.era = twin, seed, 0
        self.layout = layout_of(p)
        self.values = np.zeros(self.layout["values"][0], np.int64)
        self.offered = np.zeros(p.nodes * STIM_VALUES, np.int64)
        self.before = np.ones(p.nodes, np.int64)
        self.taking = np.zeros(p.nodes, np.int64)
        self.fronts = np.zeros((p.nodes * p.size, 3), np.int64)
        self._reset()

    def _reset(self) -> None:
        """All registers have their reset values; other packets are to come."""
        mesh, p = self.twin.mesh, self.twin.parameters
        era = era_of(mesh, min(LONGEST, (1 << p.length_bits) - 1), self.seed, self.era)
        self.era += 1
        self.state = new_state(mesh, era.packets)
        # Places of queues that no flit has been in; the kernel reads none of them.
        self.state.queue[:] = NEVER_WRITTEN
        self.begins = self.state.sources["next"].copy()
        self.gone = np.full((p.nodes, p.taken_cycles), -1, np.int64)
        self.traffic["now"], self.traffic["cycles"] = 0, era.cycles
        self.traffic["hostile"] = era.hostile

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        stim, resp = self.twin.places
        return in_runs(cycles, len(stim), len(resp), self._drive, self._reset)

    def _drive(self, stimuli: Words, resets: np.ndarray, responses: Words) -> int:
        return int(
            drive(
                self.layout,
                *self.twin.places,
                self.traffic,
                *self.state.arrays(),
                self.begins,
                self.gone,
                self.fronts,
                self.taking,
                self.offered,
                self.before,
                self.values,
                self.events,
                stimuli,
                resets,
                responses,
            )
        )

    def can_show(self, event: str) -> bool:
        """With its shape, VCs and queues."""
        mesh = self.twin.mesh
        missing = {
            "VCs of an input compete": mesh.router.vcs == 1,
            # With one VC, an output is of one input until the tail has left.
            "inputs compete for an output": mesh.router.vcs == 1,
            "head behind a tail": mesh.router.buffer_flits == 1,
            "left by +x": mesh.width == 1,
            "left by -x": mesh.width == 1,
            "left by +y": mesh.height == 1,
            "left by -y": mesh.height == 1,
        }
        return not missing.get(event)


class MeshTwin(MeshFields):
    """A mesh as hardware and as the simulator's kernel; parameters as of ``Parameters``.

    ``traffic`` raises InputError where registers are too many for one response.
    """

    def __init__(self, mesh: PacketMesh, *, number_bits: int = NUMBER_BITS) -> None:
        self.mesh = mesh
        self.parameters = p = Parameters(mesh, number_bits=number_bits)
        build = partial(PacketNetwork, mesh, number_bits=number_bits)
        super().__init__(build, partial(named_places, p))

    def traffic(self, seed: int) -> MeshTraffic:
        """The run of a seed."""
        self.check_bits(self.mesh, "--set width=4 --set height=4, or --set router.buffer_flits=4")
        return MeshTraffic(self, seed)


def mesh_twin(mesh: PacketMesh) -> MeshTwin:
    """The twin of a mesh of packet routers.

    Raises InputError that says which field to set where hardware does not support it.
    """
    return MeshTwin(mesh)
