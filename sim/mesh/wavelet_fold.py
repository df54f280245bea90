"""Programs that are alike along an axis: one row or column stands for all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from arch.errors import InputError
from arch.mesh.program import EAST, NORTH, SOUTH, WEST, MeshProgram

AXES = {"x": (1, (EAST, WEST), "E or W"), "y": (0, (SOUTH, NORTH), "S or N")}


@dataclass(frozen=True)
class Folded:
    """A program of one column, or of one row, and how many of it there are."""

    program: MeshProgram
    axis: str
    """Along which all are alike: ``x`` leaves a column, ``y`` a row."""
    times: int


def fold(program: MeshProgram, axes: Sequence[str] = ("x", "y")) -> Folded:
    """One column, or one row, of a program in which all do the same, without links between them.

    What it does is what each of them does. Raises InputError for another program.
    """
    reasons = []
    for axis in axes:
        reason = _unlike(program, axis)
        if reason is None:
            return _folded(program, axis)
        reasons.append(f"along {axis} {reason}")
    raise InputError(f"program {program.name} cannot be folded: {'; '.join(reasons)}")


def _unlike(program: MeshProgram, axis: str) -> str | None:
    dimension, ports, names = AXES[axis]
    for told, classes in (("programs", program.program_of), ("routes", program.route_of)):
        if (classes != classes.take([0], axis=dimension)).any():
            return f"PEs have other {told}"
    for name, values in program.values.items():
        if not np.array_equal(values, np.broadcast_to(
            values.take([0], axis=dimension), values.shape
        ), equal_nan=True):  # fmt: skip
            return f"values of {name} differ"
    for kind in np.unique(program.route_of):
        for colour, route in program.routes[kind].items():
            for port, outs in route.positions:
                if port in ports or any(out in ports for out in outs):
                    return f"colour {colour} goes by {names}"
    return None


def _folded(program: MeshProgram, axis: str) -> Folded:
    dimension = AXES[axis][0]
    narrow = replace(
        program,
        width=1 if axis == "x" else program.width,
        height=1 if axis == "y" else program.height,
        program_of=program.program_of.take([0], axis=dimension),
        route_of=program.route_of.take([0], axis=dimension),
        values={name: values.take([0], axis=dimension) for name, values in program.values.items()},
    )
    return Folded(narrow, axis, program.width if axis == "x" else program.height)
