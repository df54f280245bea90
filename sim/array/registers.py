"""Every register of the array's hardware, clock by clock, with its streams.

The value kernel (``sim.array.value``) computes a tile with all operands at hand. This model is the
same array as it is built: streams with back-pressure, the controller that cuts commands into
folds, skew, deskew and accumulators, register by register. It is what generated hardware is
compared with; its grid and its times are those of the value kernel.

A row of the state is one cycle: an integer a register, in the order of ``Layout.registers``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from arch.array import Array
from sim.array.registers_control import BEAT
from sim.array.registers_engine import run_engine
from sim.array.registers_fields import Field
from sim.array.registers_layout import Layout, Words
from sim.array.registers_run import run
from sim.mac.engine import engine_record, product_scratch, wide_scratch

__all__ = ["Field", "Layout", "Registers", "Words"]


class EngineWork:
    """What kernels take for an array of SIMD engines."""

    def __init__(self, array: Array) -> None:
        assert array.engine is not None
        self.engine = engine_record(array.engine)
        product = product_scratch(array.engine)
        self.scratch = (
            np.zeros(array.cols, np.int64),
            np.zeros(len(product) + 3, np.int64),
            wide_scratch(array.engine),
        )
        """Codes of the columns; a product with mode, first and last; limbs."""


class Registers:
    """The model of one array, from reset on.

    ``advance`` runs it under given stimuli; between calls the state is kept.
    """

    def __init__(self, array: Array, extent_bits: int = 16) -> None:
        self.layout = Layout(array, extent_bits)
        self.config = self.layout.config()
        self.reset = self.layout.reset_row
        self.row = self.reset.copy()
        depth = max(1, self.layout.accumulator_rows)
        self.memory = np.zeros((depth, array.cols), np.int64)
        self.beat = np.zeros(1, BEAT)
        self.total = np.zeros(array.cols + 1, np.int64)
        self.work = EngineWork(array) if array.engine is not None else None

    @property
    def visible(self) -> int:
        """Outputs and registers that have a width."""
        return len(self.layout.outputs) + len(self.layout.registers)

    def advance(self, stimuli: Words, resets: npt.NDArray[np.uint8]) -> Words:
        """Responses [cycle, field] to stimuli [cycle, field]; resets take hold at the end."""
        trace: Any = np.empty((len(stimuli) + 1, len(self.row)), np.int64)
        trace[0] = self.row
        if self.work is not None:
            run_engine(
                self.config, self.work.engine, stimuli, resets, trace, self.reset, self.beat,
                self.total, *self.work.scratch,
            )  # fmt: skip
        else:
            self._run(stimuli, resets, trace)
        self.row = trace[-1].copy()
        return trace[:-1, : self.visible]  # type: ignore[no-any-return]

    def _run(self, stimuli: Words, resets: npt.NDArray[np.uint8], trace: Words) -> None:
        run(self.config, stimuli, resets, trace, self.reset, self.memory, self.beat, self.total)
