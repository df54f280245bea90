"""The twin of a mesh of wavelet routers: hardware, the simulator's kernel, and what drives both."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.batches import Counted, in_runs
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.mesh_fields import MeshFields
from rtl.lockstep.twin import Batch, Words
from rtl.lockstep.wavelet_eras import Era, Job, era_of
from rtl.lockstep.wavelet_events import ENDED, EVENTS
from rtl.lockstep.wavelet_layout import PE_VALUES, layout_of, named_places, stim_span, ways_span
from rtl.lockstep.wavelet_traffic import TRAFFIC, drive
from rtl.mesh import WaveletFabric
from rtl.mesh.wavelet_parameters import Parameters
from sim.mesh.wavelet_build import new_state
from sim.mesh.wavelet_errors import check_done
from sim.mesh.wavelet_state import SLOT, UNROUTED, WaveletState


class WaveletTraffic(Counted):
    """One run of a mesh under random routes, wavelets and positions, or of programs, with resets in
    between.

    Useful are cycles in which a wavelet was anywhere, or put.
    """

    event_names = EVENTS

    def __init__(self, twin: "WaveletTwin", seed: int) -> None:
        p = twin.parameters
        fields = {"colour_bits": (p.colours - 1).bit_length(), "stim_span": stim_span(p)}
        super().__init__(new_traffic(TRAFFIC, seed, **fields))
        self.twin, self.seed, self.eras = twin, seed, 0
        self.layout = layout_of(p)
        self.values = np.zeros(self.layout["values"][0], np.int64)
        self.stim = np.zeros(p.nodes * stim_span(p), np.int64)
        self.probe = np.zeros(1, SLOT)
        self._reset()

    def _reset(self) -> None:
        """All registers have their reset values; other routes are to come."""
        p = self.twin.parameters
        self.era = era = era_of(p, self.seed, self.eras, self.twin.jobs, self.twin.mixed)
        self.eras += 1
        self.state = self._new_state(era)
        tiles = self.state.tiles
        self.numbers = np.zeros(tiles.nodes, np.int64)
        self.numbers[tiles.order] = np.arange(p.nodes)
        self.came = np.zeros((p.nodes, p.colours), np.int64)
        self.shown = np.zeros(p.colours * tiles.nodes, np.int64)
        self.before = np.zeros(2 * p.colours, np.int64)
        self._show_ways(era)
        self.traffic["now"] = 0
        for name in ("cycles", "runs", "hostile", "takes", "puts", "controls", "switches"):
            self.traffic[name] = getattr(era, name)

    def _new_state(self, era: Era) -> WaveletState:
        return new_state(self.twin.mesh, era.program, values=True)

    def _show_ways(self, era: Era) -> None:
        """Routes as the hardware is given them."""
        p = self.twin.parameters
        span, positions = ways_span(p), p.positions
        stim = self.stim.reshape(p.nodes, stim_span(p))[:, PE_VALUES + 2 * p.colours :]
        ways = stim.reshape(p.nodes, p.colours, span)
        ways[:] = 0
        ways[:, :, : 2 * positions : 2] = UNROUTED
        for node, kind in enumerate(era.program.route_of.reshape(-1)):
            for k, route in era.program.routes[kind].items():
                for i, (port, outs) in enumerate(route.positions):
                    ways[node, k, 2 * i] = port
                    ways[node, k, 2 * i + 1] = sum(1 << out for out in outs)
                ways[node, k, 2 * positions] = route.first
                ways[node, k, 2 * positions + 1] = len(route.positions) - 1

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        stim, resp = self.twin.places
        return in_runs(cycles, len(stim), len(resp), self._drive, self._end)

    def _end(self) -> None:
        """A run's end. Raises SimulationError for a program that is not at its own when it should
        be."""
        if self.era.whole:
            check_done(self.era.program, self.state)
            self.events[ENDED] += 1
        self._reset()

    def _drive(self, stimuli: Words, resets: np.ndarray, responses: Words) -> int:
        return int(
            drive(
                self.layout,
                *self.twin.places,
                self.traffic,
                self.state.tiles.order,
                self.numbers,
                self.probe,
                self.came,
                self.shown,
                self.before,
                self.values,
                self.stim,
                self.events,
                *self.state.arrays(),
                stimuli,
                resets,
                responses,
            )
        )

    def can_show(self, event: str) -> bool:
        """With its shape, colours and queues, and what its PEs do."""
        p = self.twin.parameters
        row, column = p.width > 1, p.height > 1
        single = p.colours == 1
        one_place = p.positions == 1
        drawn = self.twin.mixed or not self.twin.jobs
        two = p.together > 1
        missing = {
            "left by E": not row, "left by W": not row, "left by S": not column,
            "left by N": not column, "several colours move": single,
            "port taken by another colour": single, "control switches": one_place,
            "PE sets a position": one_place, "PE and control at once": one_place,
            "waits: queue is of another side": one_place or p.depth == 1 or p.nodes < 3,
            "queue is not of the side that is read": one_place,
            "put without room": not drawn, "take without a wavelet": not drawn,
            "two put at once": not two, "two taken at once": not two,
            "put of two with room for one": not (two and drawn),
            "take of two with one there": not (two and drawn),
            "put while the ramp is taken": not (two and drawn),
            "program ran to its end": not self.twin.jobs,
        }  # fmt: skip
        return not missing.get(event)


class WaveletTwin(MeshFields):
    """A mesh as hardware and as the simulator's kernel.

    ``Parameters`` lists what raises InputError; ``traffic`` raises it where registers are too many
    for one response. PEs run ``jobs``, each of the mesh's width and height, or only now and then if
    ``mixed``.
    """

    def __init__(self, mesh: WaveletMesh, jobs: Sequence[Job] = (), *, mixed: bool = False) -> None:
        self.mesh, self.jobs, self.mixed = mesh, tuple(jobs), mixed
        self.parameters = p = Parameters(mesh)
        super().__init__(partial(WaveletFabric, mesh), partial(named_places, p))

    def traffic(self, seed: int) -> WaveletTraffic:
        """The run of a seed."""
        smaller = "--set width=2 --set height=2, or --set router.colours=4"
        if self.jobs and not self.mixed:
            smaller = "a program of fewer PEs, or no more --set router.colours than it takes"
        self.check_bits(self.mesh, smaller)
        return WaveletTraffic(self, seed)


def wavelet_twin(mesh: WaveletMesh) -> WaveletTwin:
    """The twin of a mesh of wavelet routers.

    Raises InputError that says which field to set where hardware does not support it.
    """
    return WaveletTwin(mesh)
