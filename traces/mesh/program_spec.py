"""What a YAML file of a program of a mesh of PEs holds."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from arch.mesh.program import NONE
from arch.mesh.wavelet import CONTROLS_MAX, SLOTS_MAX
from arch.spec import Name, Spec

NUMBER_MAX = 2**31 - 1
"""More than any field can mean, and few enough for sums of products to stay in 64 bits."""
ELEMENTS_MAX = 2**28
"""As many of 4 bytes as the largest memory of a PE has."""
VALUE_MAX = 3.4028234e38
"""Of fp32."""

Port = Literal["E", "W", "S", "N", "R"]
Format = Literal["fp16", "bf16", "fp32"]
Number = Annotated[int, Field(ge=0, le=NUMBER_MAX)]
Distance = Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
Value = Annotated[float, Field(ge=-VALUE_MAX, le=VALUE_MAX)]
Address = Distance | str
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

    colour: Number
    positions: tuple[Position, ...]
    first: Number = 0
    """Position at the start."""


class RoutersSpec(Spec):
    """What some routers route; what comes later in the list stands in place of what came before."""

    pes: Pes
    colours: tuple[ColourRoute, ...]


class RegionSpec(Spec):
    """Part of the memory of every PE."""

    name: Name
    elements: int = Field(ge=1, le=ELEMENTS_MAX)
    format: Format = "fp16"
    value: Value | None = None
    """Of every element of every PE at the start; a program with one has values."""


class CommandSpec(Spec):
    """A command; the fields that an operation has are those of docs/wavelet.md."""

    op: Literal[
        "send", "recv", "radd", "relay", "fma", "vec", "delay", "route", "ctrl", "wait", "task",
        "loop", "mark", "halt",
    ]  # fmt: skip
    slot: Number = 0
    colour_in: Number = NONE
    colour_out: Number = NONE
    format: Format = "fp16"
    length: Number = 0
    count: Number = 1
    combine: Literal["none", "add", "max"] = "add"
    function: Literal[
        "copy", "fill", "add", "sub", "mul", "max", "sum", "top", "exp", "reciprocal", "rsqrt",
        "silu",
    ] = "copy"  # fmt: skip
    dst: Address = NONE
    a: Address = NONE
    b: Address = NONE
    dst_element: Distance = 1
    a_element: Distance = 1
    b_element: Distance = 1
    dst_step: Distance = 0
    a_step: Distance = 0
    b_step: Distance = 0
    dst_turn: tuple[Distance, Distance] = (0, 0)
    a_turn: tuple[Distance, Distance] = (0, 0)
    b_turn: tuple[Distance, Distance] = (0, 0)
    constant: Value = 0.0
    cycles: Number = 0
    level: Number = 0
    target: Distance | str = 0
    """Of route a position, of task a task's name, of loop a command's index, of mark a number."""
    slots: tuple[Annotated[int, Field(ge=1, le=SLOTS_MAX - 1)], ...] = ()
    """Of wait."""
    controls: tuple[Literal["keep", "advance", "reset"], ...] = Field(
        default=(), max_length=CONTROLS_MAX
    )
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
    colour: Number = NONE
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
