"""The chip beside the memory of a PIM: a vector unit of adders and multipliers, with an SRAM."""

from functools import cached_property

from pydantic import Field

from arch.spec import Spec
from arch.vector import OpTiming, Vector, VectorOp


class Steps(Spec):
    """What one element of an operation takes."""

    adds: int = Field(default=0, ge=0, le=64)
    """Additions, comparisons and copies, on the adders."""
    multiplies: int = Field(default=0, ge=0, le=64)
    """On the multipliers."""
    latency_cycles: int = Field(default=1, ge=1, le=4096)
    """From the operands of the last element to its result."""


class Asic(Spec):
    """It sends the instructions and does what is not a matrix product."""

    clock_khz: int = Field(ge=1, le=100_000_000)
    """Of its own clock."""
    synchroniser_cycles: int = Field(default=2, ge=0, le=64)
    """Edges of the receiver that a signal takes longer between two clocks that differ."""
    sram_kib: int = Field(ge=1, le=2**20)
    """For vectors between operators."""
    adders: int = Field(ge=1, le=2**16)
    """Additions a cycle."""
    multipliers: int = Field(ge=1, le=2**16)
    """Multiplications a cycle."""
    operations: dict[VectorOp, Steps]
    """What each operation takes; those not named take one addition an element."""

    @cached_property
    def _vector(self) -> Vector:
        lanes = self.adders
        timings: dict[VectorOp, OpTiming] = {}
        for name, steps in self.operations.items():
            multiplying = -(-steps.multiplies * lanes // self.multipliers)
            timings[name] = OpTiming(
                interval_cycles=max(1, steps.adds, multiplying),
                latency_cycles=steps.latency_cycles,
            )
        return Vector(lanes=lanes, operations=timings)

    def vector(self) -> Vector:
        """The vector unit: a lane for each adder; a group of lanes takes as many cycles as its
        additions or its multiplications, whichever are more."""
        return self._vector
