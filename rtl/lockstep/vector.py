"""The twin of a vector unit's datapath."""

from dataclasses import dataclass

import numpy as np

from arch.errors import InputError
from arch.machine import Machine
from arch.pim.system import Pim
from rtl.lockstep.batches import Counted, empty
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.twin import Batch
from rtl.lockstep.vector_traffic import EVENTS, TRAFFIC, drive
from rtl.vector import VectorDatapath
from rtl.vector.parameters import Parameters
from sim import vector_datapath
from sim.vector_datapath import READY, TAKEN, TAKEN_COUNT, Words


@dataclass
class VectorTraffic(Counted):
    """One run of a datapath under random commands, legal and hostile, with resets.

    Useful are cycles with a command, or one that is worked on.
    """

    event_names = EVENTS
    model: vector_datapath.Model
    shown: Words
    """Registers that a response is made of."""
    before: Words

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        batch = empty(cycles, self.model.stimulus_size, len(self.shown))
        state = self.traffic, self.before, self.shown, self.events
        drive(*self.model.arrays, *state, batch.stim, batch.rst, batch.resp)
        return batch

    def can_show(self, event: str) -> bool:
        """With its lanes, intervals and format."""
        datapath = self.model.datapath[0]
        lanes, longest = EVENTS[event]
        return bool(
            datapath["lanes"] >= lanes
            and datapath["interval"].max() >= longest
            # What fp16 can hold is none in fp32, nor are its sums and products.
            and (datapath["exponent_bits"] == 8 or event != "number is subnormal")
        )


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
        traffic = new_traffic(TRAFFIC, seed, elements_end=1 << p.elements_bits)
        outputs, results = (int(model.datapath[0][name]) for name in ("outputs", "results"))
        shown = [outputs + READY, outputs + TAKEN, outputs + TAKEN_COUNT]
        shown += [*range(results, outputs), *range(outputs)]
        before = np.zeros(model.stimulus_size + 1, np.int64)
        return VectorTraffic(traffic, model, np.array(shown), before)


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
