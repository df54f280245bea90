"""The twin of a SIMD engine on its own."""

from dataclasses import dataclass, field

import numpy as np

from arch.errors import InputError
from arch.mac.engine import Engine
from arch.mac.formats import scalar_named
from arch.mac.kinds import Scalar
from arch.mac.ranges import has_infinity, has_nan, magnitude_exponent
from arch.machine import Machine
from rtl.lockstep import mac_model
from rtl.lockstep.batches import Counted, empty
from rtl.lockstep.draws import new_traffic
from rtl.lockstep.mac_model import MODE, RESULT, STIMULUS, Words
from rtl.lockstep.mac_traffic import EVENTS, TRAFFIC, drive, pools
from rtl.lockstep.twin import Batch
from rtl.mac import SimdMacUnit
from rtl.mac.parameters import mode_bits, result_bits, result_forms


@dataclass
class MacTraffic(Counted):
    """One run of a unit under random dots, with gaps, resets and flags as they come.

    Useful are cycles with words, or with a dot that is not done.
    """

    event_names = EVENTS
    model: mac_model.Model
    engine: Engine
    pool: Words
    shown: Words
    """Registers that a response is made of."""
    fields: Words
    """Fields of a stimulus that hardware has."""
    given: Words = field(default_factory=lambda: np.zeros(STIMULUS, np.int64))

    def next(self, cycles: int) -> Batch:
        """The next cycles."""
        batch = empty(cycles, len(self.fields), len(self.shown))
        state = self.traffic, self.pool, self.engine.word_bits, self.given, self.shown, self.fields
        drive(*self.model.arrays, *state, self.events, batch.stim, batch.rst, batch.resp)
        return batch

    def can_show(self, event: str) -> bool:
        """With its formats."""
        engine = self.engine
        modes, results = len(engine.modes), result_forms(engine)
        operands: list[Scalar] = [form for mode in engine.modes for form in mode.forms]
        if event == "words in another mode than the last":
            return modes > 1
        if event == "mode or result that there is not":
            return any(count & (count - 1) for count in (modes, len(results)))
        if event == "code is NaN":
            return any(map(has_nan, operands)) and any(map(has_nan, results))
        if event == "code is infinite":
            return any(map(has_infinity, operands)) and any(map(has_infinity, results))
        if event == "code is the largest":
            most = sum_exponent(engine)
            return any(
                form.overflow == "saturate" and magnitude_exponent(form) <= most for form in results
            )
        if event == "code is negative":
            return any(form.signed for form in results)
        return True


def sum_exponent(engine: Engine) -> int:
    """A sum can be 2 to this."""
    if engine.chain_format is not None:
        return magnitude_exponent(scalar_named(engine.chain_format))
    return max(mode.unit_exponent for mode in engine.modes) + engine.quire_bits - 2


class MacTwin:
    """A SIMD engine as hardware and as model; parameters as of ``SimdMacUnit``."""

    name = "mac"

    def __init__(self, engine: Engine, latency: int = 1) -> None:
        self.engine, self.latency = engine, latency

    @property
    def component(self) -> SimdMacUnit:
        """New hardware."""
        return SimdMacUnit(self.engine, self.latency)

    def traffic(self, seed: int) -> MacTraffic:
        """The run of a seed."""
        modes, results = mode_bits(self.engine), result_bits(self.engine)
        model = mac_model.model(self.engine, self.latency)
        traffic = new_traffic(TRAFFIC, seed, mode_end=1 << modes, result_end=1 << results)
        unit = model.unit[0]
        outputs = [int(unit["ends"]) + 1, int(unit["ends"]) + 2]
        shown = outputs + mac_model.shown_registers(unit, modes > 0, results > 0)
        hidden = [MODE] * (not modes) + [RESULT] * (not results)
        fields = [i for i in range(STIMULUS) if i not in hidden]
        pool = pools(self.engine)
        return MacTraffic(traffic, model, self.engine, pool, np.array(shown), np.array(fields))


def mac_twin(machine: Machine) -> MacTwin:
    """The twin of the engine in a machine's PEs.

    Raises InputError where there is none, and where hardware does not support it.
    """
    array = machine.array
    if array.engine is None:
        raise InputError(f"{machine.name}: array.engine: must be given, as the unit is part of it")
    return MacTwin(array.engine, array.pe_latency_cycles)
