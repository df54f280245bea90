"""The systolic array's twin: its hardware, its model of every register, and random work."""

import numpy as np

from arch.array import Array
from arch.errors import InputError
from arch.machine import Machine
from rtl.array import SystolicArray
from rtl.array.parameters import Parameters
from rtl.array.systolic import EXTENT_BITS
from rtl.lockstep.array_engine import ENGINE_TRAFFIC, engine_coverage, run_engine_traffic
from rtl.lockstep.array_traffic import SHAPES_MAX, TRAFFIC, coverage_of, run_traffic
from rtl.lockstep.twin import Batch
from sim.array.registers import Registers

SEED_STEP = 0x9E3779B97F4A7C15
"""Odd, so that no two seeds below 2**64 start the generator alike."""


class ArrayTwin:
    """Hardware and model of one systolic array. Raises InputError where it has no hardware."""

    name = "array"

    def __init__(self, array: Array, extent_bits: int = EXTENT_BITS) -> None:
        Parameters(array, extent_bits)  # raises here rather than in half of a component
        self.array, self.extent_bits = array, extent_bits

    @property
    def component(self) -> SystolicArray:
        return SystolicArray(self.array, extent_bits=self.extent_bits)

    def traffic(self, seed: int) -> "ArrayTraffic":
        return ArrayTraffic(self.array, self.extent_bits, seed)


class ArrayTraffic:
    """Random commands, operands, back-pressure and resets for one array."""

    def __init__(self, array: Array, extent_bits: int, seed: int) -> None:
        self._model = model = Registers(array, extent_bits)
        self._state = np.zeros(1, TRAFFIC)
        self._state["random"] = ((seed + 1) * SEED_STEP) % 2**64 or 1
        self._state["operand_bits"] = array.operand_bits
        largest = 2**extent_bits - 1
        self._state["extent_large"] = min(3 * max(array.rows, array.cols), largest)
        self._state["extent_largest"] = largest
        self._before = np.zeros(len(model.layout.stimuli), np.int64)
        self._shapes = np.zeros(SHAPES_MAX, np.int64)
        self._words = np.zeros(1, ENGINE_TRAFFIC)
        self._words["word_bits"] = array.operand_bits

    @property
    def coverage(self) -> dict[str, int]:
        """Events so far; ``shapes`` is how many different products were begun."""
        engine = self._model.layout.engine
        counts = coverage_of(self._state, self._model.layout.stationary, engine is not None)
        if engine is not None:
            counts |= engine_coverage(self._words, len(engine.modes))
        taken = self._shapes[: int(self._state["shapes"][0])]
        return {"shapes": len(np.unique(taken)), **counts}

    @property
    def useful_cycles(self) -> int:
        """Cycles so far with a transfer or a stall."""
        return int(self._state["useful"][0])

    def next(self, cycles: int) -> Batch:
        model = self._model
        stimuli = np.zeros((cycles, len(self._before)), np.int64)
        resets = np.zeros(cycles, np.uint8)
        trace = np.empty((cycles + 1, len(model.row)), np.int64)
        trace[0] = model.row
        if model.work is not None:
            run_engine_traffic(
                model.config, model.work.engine, self._state, self._words, stimuli, resets, trace,
                model.reset, model.beat, model.total, *model.work.scratch, self._before,
                self._shapes,
            )  # fmt: skip
        else:
            run_traffic(
                model.config, self._state, stimuli, resets, trace, model.reset, model.memory,
                model.beat, model.total, self._before, self._shapes,
            )  # fmt: skip
        model.row = trace[-1].copy()
        return Batch(stimuli, resets, trace[:-1])


def array_twin(machine: Machine) -> ArrayTwin:
    """The twin of a machine's array. Raises InputError where it has none or no hardware."""
    if machine.array is None:
        raise InputError(f"{machine.name}: has no array")
    return ArrayTwin(machine.array)
