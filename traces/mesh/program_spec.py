"""What a YAML file of a program of a mesh of PEs holds."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from arch.mesh.program import NONE
from arch.spec import Name, Spec

Port = Literal["E", "W", "S", "N", "R"]
Format = Literal["fp16", "bf16", "fp32"]
Address = int | str
"""An element, or a region, or ``region+elements``."""

SPAN = re.compile(r"(\d+)(?:\.\.(\d+)(?:/([1-9]\d*))?)?")
"""First, last and distance of PEs along an axis."""


def _is_span(text: str) -> str:
    if not SPAN.fullmatch(text):
        raise ValueError(f"must be like 3, 0..7 or 0..7/2 (each second one), not {text!r}")
    return text


Span = Annotated[str, AfterValidator(_is_span)]
"""PEs along one axis: ``3``, ``0..7``, or ``0..7/2``, each second one."""


class Pes(Spec):
    """PEs of a rectangle; without ``x`` or ``y`` all along that axis."""

    x: int | Span | None = None
    y: int | Span | None = None


class Position(Spec):
    """One route of a colour."""

    source: Port
    """Where wavelets come from."""
    to: tuple[Port, ...]
    """Where they go."""


class ColourRoute(Spec):
    """The routes of a colour that a router can switch between."""

    colour: int = Field(ge=0)
    positions: tuple[Position, ...]
    first: int = Field(default=0, ge=0)
    """Position at the start."""


class RoutersSpec(Spec):
    """What some routers route; what comes later in the list stands in place of what came before."""

    pes: Pes
    colours: tuple[ColourRoute, ...]


class RegionSpec(Spec):
    """Part of the memory of every PE."""

    name: Name
    elements: int = Field(ge=1)
    format: Format = "fp16"
    value: float | None = None
    """Of every element of every PE at the start; a program with one has values."""


class CommandSpec(Spec):
    """A command; the fields that an operation has are those of docs/wavelet.md."""

    op: Literal[
        "send", "recv", "radd", "relay", "fma", "vec", "delay", "route", "ctrl", "wait", "task",
        "loop", "mark", "halt",
    ]  # fmt: skip
    slot: int = Field(default=0, ge=0)
    colour_in: int = Field(default=NONE, ge=0)
    colour_out: int = Field(default=NONE, ge=0)
    format: Format = "fp16"
    length: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=0)
    combine: Literal["none", "add", "max"] = "add"
    function: Literal[
        "copy", "fill", "add", "sub", "mul", "max", "sum", "top", "exp", "reciprocal", "rsqrt",
        "silu",
    ] = "copy"  # fmt: skip
    dst: Address = NONE
    a: Address = NONE
    b: Address = NONE
    dst_element: int = 1
    a_element: int = 1
    b_element: int = 1
    dst_step: int = 0
    a_step: int = 0
    b_step: int = 0
    dst_turn: tuple[int, int] = (0, 0)
    a_turn: tuple[int, int] = (0, 0)
    b_turn: tuple[int, int] = (0, 0)
    constant: float = 0.0
    cycles: int = Field(default=0, ge=0)
    level: int = Field(default=0, ge=0)
    target: int | str = 0
    """Of route a position, of task a task's name, of loop a command's index, of mark a number."""
    slots: tuple[int, ...] = ()
    """Of wait."""
    controls: tuple[Literal["keep", "advance", "reset"], ...] = ()
    """Of ctrl."""
    action: Literal["activate", "block", "unblock"] = "activate"
    then: str | None = None
    """Name of the task that ``then_action`` is for."""
    then_action: Literal["activate", "block", "unblock"] = "activate"

    @model_validator(mode="after")
    def _has_its_fields(self) -> "CommandSpec":
        needed, others = FIELDS[self.op]
        given = self.model_fields_set - {"op"}
        missing = sorted(needed - given)
        if missing:
            raise ValueError(f"{self.op}: needs {', '.join(missing)}")
        wrong = sorted(given - needed - others)
        if wrong:
            raise ValueError(
                f"{self.op}: has no {wrong[0]}; it has {', '.join(sorted(needed | others))}"
            )
        return self


_THEN = {"then", "then_action"}
_ASYNC = {"slot", "format", *_THEN}
_ADDRESS = {name: {name, f"{name}_element", f"{name}_turn"} for name in ("dst", "a", "b")}
_VECTORS = {*_ADDRESS["dst"], *_ADDRESS["a"], *_ADDRESS["b"], "format", *_THEN}
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "send": ({"colour_out", "length", "a"}, _ASYNC | _ADDRESS["a"]),
    "recv": ({"colour_in", "length"}, _ASYNC | _ADDRESS["dst"]),
    "radd": ({"colour_in", "length", "dst"}, _ASYNC | _ADDRESS["dst"] | {"combine"}),
    "relay": (
        {"colour_in", "colour_out", "length"},
        _ASYNC | _ADDRESS["a"] | _ADDRESS["dst"] | {"combine"},
    ),
    "fma": (
        {"length", "dst", "a", "b"}, _VECTORS | {"count", "dst_step", "a_step", "b_step"},
    ),
    "vec": ({"function", "length", "dst"}, _VECTORS | {"constant"}),
    "delay": ({"cycles"}, _THEN),
    "route": ({"colour_out", "target"}, set()),
    "ctrl": ({"colour_out", "controls"}, {"slot", *_THEN}),
    "wait": ({"slots"}, set()),
    "task": ({"action", "target"}, set()),
    "loop": ({"target", "count"}, {"level"}),
    "mark": ({"target"}, set()),
    "halt": (set(), set()),
}  # fmt: skip
"""Fields of each operation: those that it must have, and those that it may have."""


class TaskSpec(Spec):
    """A list of commands."""

    name: Name
    commands: tuple[CommandSpec, ...]
    colour: int = Field(default=NONE, ge=0)
    """The task is active whenever a wavelet of this colour is there."""
    active: bool = False
    blocked: bool = False


class ProgramSpec(Spec):
    """What some PEs do; what comes later in the list stands in place of what came before."""

    name: Name
    pes: Pes
    tasks: tuple[TaskSpec, ...]
    serves: bool = False


class ProgramFile(Spec):
    """A program for a mesh; docs/wavelet.md."""

    name: Name
    width: int = Field(ge=1, le=4096)
    height: int = Field(ge=1, le=4096)
    memory: tuple[RegionSpec, ...] = ()
    routes: tuple[RoutersSpec, ...] = ()
    programs: tuple[ProgramSpec, ...]
