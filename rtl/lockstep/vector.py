"""The twin of a vector unit's datapath."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.machine import Machine
from arch.pim.system import Pim
from rtl.lockstep.batches import empty
from rtl.lockstep.draws import seeded
from rtl.lockstep.twin import Batch
from rtl.lockstep.vector_traffic import EVENTS, TRAFFIC, drive
from rtl.vector import VectorDatapath
from rtl.vector.parameters import Parameters
from sim import vector_datapath
from sim.vector_datapath import READY, TAKEN, TAKEN_COUNT, Words


@dataclass
class VectorTraffic:
    """One run of a datapath under random commands, legal and hostile, with resets."""

    model: vector_datapath.Model
    traffic: npt.NDArray[np.void]
    shown: Words
    """Registers that a response is made of."""
    before: Words
    events: Words = field(default_factory=lambda: np.zeros(len(EVENTS), np.int64))

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        batch = empty(cycles, self.model.stimulus_size, len(self.shown))
        state = self.traffic, self.before, self.shown, self.events
        drive(*self.model.arrays, *state, batch.stim, batch.rst, batch.resp)
        return batch

    @property
    def coverage(self) -> dict[str, int]:
        """Cycles, or numbers, that showed each event that this unit can show."""
        datapath = self.model.datapath[0]
        interval = datapath["interval"].max()
        return {
            event: int(cycles)
            for (event, (lanes, longest)), cycles in zip(EVENTS.items(), self.events, strict=True)
            if datapath["lanes"] >= lanes
            and interval >= longest
            # What fp16 can hold is none in fp32, nor are its sums and products.
            and (datapath["exponent_bits"] == 8 or event != "number is subnormal")
        }

    @property
    def useful_cycles(self) -> int:
        """Cycles with a command, or one that is worked on."""
        return int(self.traffic[0]["useful_cycles"])


class VectorTwin:
    """A vector unit's datapath as hardware and as model; parameters as of ``Parameters``."""

    name = "vector"

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    @property
    def component(self) -> VectorDatapath:
        """New hardware."""
        return VectorDatapath(self.parameters)

    def traffic(self, seed: int) -> VectorTraffic:
        """The run of a seed."""
        p = self.parameters
        intervals = tuple(timing.interval_cycles for timing in p.timings)
        latencies = tuple(timing.latency_cycles for timing in p.timings)
        model = vector_datapath.model(p.lanes, p.operand.name, intervals, latencies)
        traffic = np.zeros(1, TRAFFIC)
        traffic["random"], traffic["elements_end"] = seeded(seed), 1 << p.elements_bits
        outputs, results = (int(model.datapath[0][name]) for name in ("outputs", "results"))
        shown = [outputs + READY, outputs + TAKEN, outputs + TAKEN_COUNT]
        shown += [*range(results, outputs), *range(outputs)]
        before = np.zeros(model.stimulus_size + 1, np.int64)
        return VectorTraffic(model, traffic, np.array(shown), before)


def vector_twin(owner: Machine | Pim) -> VectorTwin:
    """The twin of a machine's vector unit, or of that of the chip beside a PIM; operands are fp32.

    Raises InputError where there is none, and where hardware does not support it, with the field to
    set.
    """
    if isinstance(owner, Machine):
        vector, path = owner.vector, "vector"
    else:
        vector = None if owner.asic is None else owner.asic.vector()
        path = "asic"
    if vector is None:
        raise InputError(f"{owner.name}: {path}: must be given, as the unit is part of it")
    return VectorTwin(Parameters(vector, path=path))
