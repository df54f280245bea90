"""Commands of PEs, one by one; ``task`` makes a task of them. Lengths are in elements."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.mesh.program import (
    FORMATS,
    NONE,
    Combine,
    Control,
    Function,
    Op,
    Task,
    TaskAction,
    blank,
)

Command = dict[str, Any]
"""Fields of ``arch.mesh.program.COMMAND`` that differ from their defaults."""


def send(
    colour: int, length: int, a: int, format: str = "fp16", slot: int = 0, **others: Any
) -> Command:
    """Memory from ``a`` on to the fabric."""
    return _fabric(Op.SEND, NONE, colour, length, format, slot, a=a, **others)


def recv(
    colour: int, length: int, dst: int, format: str = "fp16", slot: int = 0, **others: Any
) -> Command:
    """The fabric to memory from ``dst`` on."""
    return _fabric(Op.RECV, colour, NONE, length, format, slot, dst=dst, **others)


def radd(
    colour: int, length: int, dst: int, format: str = "fp16", slot: int = 0,
    combine: Combine = Combine.ADD, **others: Any,
) -> Command:  # fmt: skip
    """The fabric combined into memory from ``dst`` on."""
    return _fabric(Op.RADD, colour, NONE, length, format, slot, dst=dst, combine=combine, **others)


def relay(
    colour_in: int, colour_out: int, length: int, a: int, format: str = "fp16", slot: int = 0,
    combine: Combine = Combine.ADD, **others: Any,
) -> Command:  # fmt: skip
    """The fabric combined with memory from ``a`` on, and on to the fabric; ``dst`` keeps it too."""
    return _fabric(
        Op.RELAY, colour_in, colour_out, length, format, slot, a=a, combine=combine, **others
    )


def _fabric(
    op: Op, colour_in: int, colour_out: int, length: int, format: str, slot: int, **others: Any
) -> Command:
    return {
        "op": op, "colour_in": colour_in, "colour_out": colour_out, "length": length,
        "format": FORMATS.index(format), "slot": slot, **others,
    }  # fmt: skip


def fma(
    length: int, dst: int, a: int, b: int, format: str = "fp16", count: int = 1, **others: Any
) -> Command:
    """``dst[0:length] += a[0] * b[0:length]``, ``count`` times, each operand on by its step."""
    return {
        "op": Op.FMA, "length": length, "dst": dst, "a": a, "b": b, "count": count,
        "format": FORMATS.index(format), **others,
    }  # fmt: skip


def vec(
    function: Function, length: int, dst: int, a: int = NONE, b: int = NONE, format: str = "fp16",
    **others: Any,
) -> Command:  # fmt: skip
    """``dst[0:length]`` = a function of ``a`` and ``b``."""
    return {
        "op": Op.VEC, "combine": function, "length": length, "dst": dst, "a": a, "b": b,
        "format": FORMATS.index(format), **others,
    }  # fmt: skip


def delay(cycles: int) -> Command:
    """The main slot waits."""
    return {"op": Op.DELAY, "cycles": cycles}


def route(colour: int, position: int) -> Command:
    """The own router switches a colour."""
    return {"op": Op.ROUTE, "colour_out": colour, "target": position}


def ctrl(colour: int, controls: Sequence[Control], slot: int = 0, **others: Any) -> Command:
    """A control wavelet; the first of ``controls`` is for the own router."""
    packed = sum(int(control) << (2 * at) for at, control in enumerate(controls))
    return {"op": Op.CTRL, "colour_out": colour, "controls": packed, "slot": slot, **others}


def wait(*slots: int) -> Command:
    """Until these slots are idle."""
    return {"op": Op.WAIT, "target": sum(1 << slot for slot in slots)}


def act(action: TaskAction, task: int) -> Command:
    """Activate, block or unblock a task."""
    return {"op": Op.TASK, "action": action, "target": task}


def loop(target: int, turns: int, level: int = 0) -> Command:
    """Back to the command ``target`` of this task until ``turns`` are done."""
    return {"op": Op.LOOP, "target": target, "count": turns, "level": level}


def mark(number: int) -> Command:
    """Note the cycle."""
    return {"op": Op.MARK, "target": number}


def halt() -> Command:
    """The PE is done."""
    return {"op": Op.HALT}


def packed(commands: Sequence[Command]) -> npt.NDArray[np.void]:
    """[n] of COMMAND."""
    made = blank(len(commands))
    for row, command in zip(made, commands, strict=True):
        for name, value in command.items():
            row[name] = value
    return made


def task(
    name: str, commands: Sequence[Command], *, colour: int = NONE, active: bool = False,
    blocked: bool = False,
) -> Task:  # fmt: skip
    """A task of these commands."""
    return Task(name, packed(commands), colour, active, blocked)
