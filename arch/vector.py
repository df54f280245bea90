"""The vector unit: lanes that do what is not a matrix product."""

from typing import Literal, get_args

from pydantic import Field

from arch.spec import Spec

VectorOp = Literal["add", "mul", "max", "exp", "div", "sqrt", "act", "sum", "copy"]
VECTOR_OPS: tuple[VectorOp, ...] = get_args(VectorOp)
"""Primitive operations. ``act`` is any activation function; ``max`` and ``sum`` also reduce."""


class OpTiming(Spec):
    """Timing of one primitive operation."""

    interval_cycles: int = Field(default=1, ge=1, le=4096)
    """Cycles from one group of ``lanes`` elements to the next."""
    latency_cycles: int = Field(default=1, ge=1, le=4096)
    """Cycles from a group's operands to its result."""


class Vector(Spec):
    """``lanes`` elements at a time, through its own port of the scratchpads."""

    clock: str = "core"
    """Name of the clock whose edges the unit steps on."""
    lanes: int = Field(ge=1, le=2**20)
    """Elements operated on at a time."""
    operations: dict[VectorOp, OpTiming] = Field(default_factory=dict)
    """Timing by operation; those not named take one cycle a group and one of latency."""

    def timing(self, op: VectorOp) -> OpTiming:
        """Timing of an operation."""
        return self.operations.get(op, OpTiming())
