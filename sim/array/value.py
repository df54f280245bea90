"""A tile's product as the array computes it: each register of each PE, each cycle.

This is the slow, literal account of the systolic array, against which the timing kernel and the
generated hardware are held. It covers integer formats; see docs/systolic_array.md.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from arch.array import Array
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from sim.array.state import DRAINS
from sim.array.value_folds import (
    Plan,
    Values,
    gather_output,
    gather_stationary,
    plan_output,
    plan_stationary,
)
from sim.array.value_output import run_output
from sim.array.value_planes import SLACK_STEPS
from sim.array.value_stationary import EARLY_LOAD, EARLY_NONE, EARLY_STREAM, run_stationary

REGISTERS_MAX = 2**30
"""Bound on the words of state that the kernels hold."""

Early = tuple[Literal["load", "stream"], int]
Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TileValues:
    """What the array computed and when; cycles count from the first load or stream."""

    output: Values
    """[groups, m, n] in the accumulator format."""
    cycles: int
    """Until the last output vector has left."""
    load_start: Cycles
    """Of each fold, the cycle in which its first stationary word enters (os: as stream_start)."""
    stream_start: Cycles
    """Of each fold, the cycle in which its first streamed vector enters."""
    end: Cycles
    """Of each fold, the cycle after the one in which its last output vector leaves."""
    registers: dict[str, Values] = field(default_factory=dict)
    """If traced: by name, [cycle, row, column] at the end of each cycle; ``psum`` and ``product``
    [stage, cycle, row, column]."""


def run_tile(
    array: Array,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    pack: int = 1,
    trace: bool = False,
    early: Early | None = None,
) -> TileValues:
    """Multiply ``a`` [groups, m, k] by ``b`` [groups, k, n] on the array.

    ``pack`` groups share a fold. ``trace`` keeps all registers of all cycles. ``early`` is for
    tests: it moves the start of the load or stream of one fold (a load: not the first fold's; os:
    a stream, not the first) to a cycle before its earliest, which spoils the product.

    Raises InputError where the operands do not fit each other, their format or the array, and for
    formats and conventions that no hardware stands behind.
    """
    dtype = accumulator_dtype(array)
    a_values, b_values = np.asarray(a), np.asarray(b)
    _check_operands(array, a_values, b_values)
    _check_array(array, pack)
    first_kind = "stream" if array.dataflow == "os" or array.drain == "preloaded" else "load"
    if early is not None and array.drain != "overlapped" and early[0] == first_kind:
        raise InputError("early: a start that waits until the array is empty cannot be early")
    a_values, b_values = a_values.astype(dtype), b_values.astype(dtype)
    with np.errstate(over="ignore"):  # sums may wrap; uncompiled kernels would warn
        values = _multiply(array, a_values, b_values, pack, early, 0)
        if trace:
            values = _multiply(array, a_values, b_values, pack, early, values.cycles)
    return values


def _multiply(
    array: Array, a: Values, b: Values, pack: int, early: Early | None, traced_cycles: int
) -> TileValues:
    (groups, m, _), n = a.shape, b.shape[2]
    if array.dataflow == "os":
        plan = plan_output(array, a, b, pack)
        cycles, registers = _run_output(array, plan, early, traced_cycles)
        output = gather_output(plan, (groups, m, n))
    elif array.dataflow == "ws":
        plan = plan_stationary(array, a, b, pack)
        cycles, registers = _run_stationary(array, plan, early, traced_cycles)
        output = gather_stationary(plan, (groups, m, n))
    else:
        plan = plan_stationary(array, b.transpose(0, 2, 1), a.transpose(0, 2, 1), pack)
        cycles, registers = _run_stationary(array, plan, early, traced_cycles)
        output = np.ascontiguousarray(gather_stationary(plan, (groups, n, m)).transpose(0, 2, 1))
    folds = plan.folds
    return TileValues(output, cycles, folds["load"], folds["start"], folds["end"], registers)


def accumulator_dtype(array: Array) -> np.dtype[Any]:
    """NumPy type of the partial sums; raises InputError where the formats are not integers."""
    for name in ("operand_format", "accumulator_format"):
        given = getattr(array, name)
        if not given.startswith("int"):
            raise InputError(f"array.{name}: values need an integer format, not {given!r}")
    accumulator, operand = array.accumulator_format, array.operand_format
    if accumulator == "int4" or FORMAT_BITS[accumulator] < FORMAT_BITS[operand]:
        raise InputError(
            "array.accumulator_format: must be int8 or wider and no narrower than "
            f"operand_format {operand!r}, not {accumulator!r}"
        )
    return np.dtype(accumulator)


def _largest(array: Array) -> int:
    """Where sums saturate, 0 if they wrap."""
    if array.accumulator_overflow == "wrap":
        return 0
    return int(2 ** (FORMAT_BITS[array.accumulator_format] - 1)) - 1


def _check_operands(array: Array, a: Values, b: Values) -> None:
    for name, values, axes in (("a", a, "[groups, m, k]"), ("b", b, "[groups, k, n]")):
        if values.ndim != 3 or 0 in values.shape or values.dtype.kind not in "iu":
            raise InputError(
                f"{name}: must be integers {axes}, none of them 0, "
                f"not {values.dtype} of shape {values.shape}"
            )
        bits = FORMAT_BITS[array.operand_format]
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        for value in (int(values.min()), int(values.max())):
            if not low <= value <= high:
                raise InputError(
                    f"{name}: values of operand_format {array.operand_format!r} "
                    f"must be {low} to {high}, not {value}"
                )
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise InputError(
            "a [groups, m, k] and b [groups, k, n] must agree in groups and k, "
            f"not have shapes {a.shape} and {b.shape}"
        )


def _check_array(array: Array, pack: int) -> None:
    if array.convention == "scalesim" and array.dataflow == "os":
        raise InputError(
            "array.convention: 'scalesim' counts no drain under dataflow 'os', which no hardware "
            "can do; for values use 'physical', or 'ws' or 'is'"
        )
    if array.empty_load_cycles is not None:
        raise InputError(
            "array.empty_load_cycles: is a way to count cycles, which no hardware does; for values "
            f"leave it out, not {array.empty_load_cycles}"
        )
    if array.copies > 1:
        raise InputError(
            f"array.copies: values are those of one grid; must be 1, not {array.copies}"
        )
    if array.accumulator_overflow == "saturate" and array.accumulator_format == "int64":
        raise InputError(
            "array.accumulator_overflow: must be 'wrap' with accumulator_format 'int64', "
            "not 'saturate'"
        )
    if not 1 <= pack <= min(array.rows, array.cols):
        raise InputError(
            f"pack: must be 1 to {min(array.rows, array.cols)} on {array.rows} x {array.cols} "
            f"PEs, not {pack}"
        )
    words = array.rows * (array.cols + array.rows) * (array.pe_latency_cycles + 3)
    if words > REGISTERS_MAX:
        raise InputError(
            f"array: the value kernel holds every register, at most about {REGISTERS_MAX} words; "
            f"{array.rows} x {array.cols} PEs of latency {array.pe_latency_cycles} have {words}"
        )


def _run_stationary(
    array: Array, plan: Plan, early: Early | None, traced_cycles: int
) -> tuple[int, dict[str, Values]]:
    rows, cols, p = array.rows, array.cols, array.pe_latency_cycles
    dtype = plan.left.dtype
    overlapped = array.weight_load == "overlapped"
    weight = np.zeros(rows * cols, dtype)
    shadow = np.zeros(rows * cols, dtype) if overlapped else weight
    kinds = {"load": EARLY_LOAD, "stream": EARLY_STREAM}
    registers = {
        name: np.zeros((traced_cycles, rows, cols), dtype)
        for name in ("operand", "weight", "shadow")
    }
    registers["psum"] = np.zeros((p, traced_cycles, rows, cols), dtype)
    cycles = run_stationary(
        plan.folds,
        plan.left,
        plan.top,
        plan.out,
        rows,
        cols,
        p,
        _largest(array),
        int(overlapped),
        DRAINS.index(array.drain),
        kinds[early[0]] if early else EARLY_NONE,
        early[1] if early else 0,
        np.zeros((cols + (rows - 1) * p + SLACK_STEPS) * rows, dtype),
        np.zeros(p * (rows * cols + SLACK_STEPS), dtype),
        np.zeros(p, np.int64),
        weight,
        shadow,
        np.zeros((cols + 1, cols), dtype),
        np.zeros(cols + 1, np.int64),
        registers["operand"],
        registers["psum"],
        registers["weight"],
        registers["shadow"],
    )
    if not overlapped:
        del registers["shadow"]
    return int(cycles), registers if traced_cycles else {}


def _run_output(
    array: Array, plan: Plan, early: Early | None, traced_cycles: int
) -> tuple[int, dict[str, Values]]:
    rows, cols, p = array.rows, array.cols, array.pe_latency_cycles
    dtype = plan.left.dtype
    overlapped = array.drain == "overlapped"
    sums = np.zeros(rows * cols, dtype)
    drain = np.zeros(rows * cols, dtype) if overlapped else sums
    registers = {
        name: np.zeros((traced_cycles, rows, cols), dtype)
        for name in ("left", "top", "sum", "drain")
    }
    registers["product"] = np.zeros((p - 1, traced_cycles, rows, cols), dtype)
    cycles = run_output(
        plan.folds,
        plan.left,
        plan.top,
        plan.out,
        rows,
        cols,
        p,
        _largest(array),
        int(overlapped),
        early[1] if early else -1,
        np.zeros((cols + rows - 1 + SLACK_STEPS) * rows, dtype),
        np.zeros(rows * cols + SLACK_STEPS, dtype),
        np.zeros((cols + 1, cols), dtype),
        np.zeros((p - 1) * rows * cols, dtype),
        sums,
        drain,
        np.zeros((cols + 1, cols), dtype),
        np.zeros(cols + 1, np.int64),
        registers["left"],
        registers["top"],
        registers["product"],
        registers["sum"],
        registers["drain"],
    )
    if not overlapped:
        del registers["drain"]
    return int(cycles), registers if traced_cycles else {}
