"""Every register of the array's hardware, clock by clock, with its streams.

The value kernel (``sim.array.value``) computes a tile with all operands at hand. This model is the
same array as it is built: streams with back-pressure, the controller that cuts commands into
folds, skew, deskew and accumulators, register by register. It is what generated hardware is
compared with; its grid and its times are those of the value kernel.

A row of the state is one cycle: an integer a register, in the order of ``Layout.registers``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.array import Array
from arch.mac.formats import FORMAT_BITS
from sim.array.registers_control import BEAT, CONFIG
from sim.array.registers_run import run

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Field:
    """One integer of a stimulus, an output or the state."""

    name: str
    width: int
    """In bits; a field of width 0 is always 0 and not visible from outside."""
    signed: bool = False
    reset: int = 0


def _bits(largest: int) -> int:
    return largest.bit_length()


class Layout:
    """Fields of an array's hardware, and the parameters of its kernel.

    ``extent_bits`` is the width of the extents in a command.
    """

    def __init__(self, array: Array, extent_bits: int) -> None:
        self.array, self.extent_bits = array, extent_bits
        self.stationary = array.dataflow != "os"
        self.accumulator_rows = array.accumulator_rows if self.stationary else 0
        self._operand = FORMAT_BITS[array.operand_format]
        self._accumulator = FORMAT_BITS[array.accumulator_format]
        self.groups: dict[str, list[Field]] = {}
        for name, field in self._all():
            self.groups.setdefault(name, []).append(field)

    @cached_property
    def token_bits(self) -> int:
        """Width of what travels with a vector of results."""
        rows, cols = self.array.rows, self.array.cols
        rest = 2 + 2 * (self.accumulator_rows > 0) if self.stationary else _bits(rows - 1)
        return 1 + _bits(rows - 1) + _bits(cols - 1) + rest

    @cached_property
    def since_bits(self) -> int:
        """Width of the count of beats since the last stream began; it stays at its largest."""
        array = self.array
        p = array.pe_latency_cycles
        return _bits(2**self.extent_bits + array.rows * (p + 1) + array.cols + p)

    @cached_property
    def stimuli(self) -> list[Field]:
        """What enters in a cycle."""
        array, operand, accumulator = self.array, self._operand, self._accumulator
        fields = [Field(f"command.payload.{name}", self.extent_bits) for name in "mnk"]
        fields += [Field("command.valid", 1)]
        fields += [*_vector("top.payload", array.cols, operand), Field("top.valid", 1)]
        fields += [*_vector("left.payload", array.rows, operand), Field("left.valid", 1)]
        if self.stationary:
            fields += _vector("partial.payload", array.cols, accumulator)
            fields += [Field("partial.valid", 1)]
        return [*fields, Field("output.ready", 1)]

    @cached_property
    def outputs(self) -> list[Field]:
        """What leaves in a cycle, a function of the registers."""
        names = (
            ["command", "top", "left", "partial"] if self.stationary else ["command", "top", "left"]
        )
        fields = [Field(f"{name}.ready", 1) for name in names]
        fields += _vector("output.payload.words", self.array.cols, self._accumulator)
        return [*fields, Field("output.payload.complete", 1), Field("output.valid", 1)]

    @cached_property
    def registers(self) -> list[Field]:
        """All registers that have a width."""
        return [field for group in self.groups.values() for field in group if field.width]

    @cached_property
    def hidden(self) -> list[Field]:
        """Registers of width 0; the kernel keeps them behind the others."""
        return [field for group in self.groups.values() for field in group if not field.width]

    @cached_property
    def reset_row(self) -> Words:
        """A cycle's outputs and state after reset."""
        fields = [*self.outputs, *self.registers, *self.hidden]
        row = np.array([field.reset for field in fields], np.int64)
        for i, field in enumerate(self.outputs):
            row[i] = field.name.endswith(".ready")
        return row

    def config(self) -> npt.NDArray[np.void]:
        """The kernel's parameters and the place of each group in a row."""
        array = self.array
        config = np.zeros(1, CONFIG)
        parameters = {
            "rows": array.rows,
            "cols": array.cols,
            "stationary": self.stationary,
            "input_stationary": array.dataflow == "is",
            "latency": array.pe_latency_cycles,
            "overlapped_load": array.weight_load == "overlapped",
            "overlapped_drain": array.drain == "overlapped",
            "full_edges": array.edge_folds == "full",
            "saturate": array.accumulator_overflow == "saturate",
            "accumulator_rows": self.accumulator_rows,
            "accumulator_bits": self._accumulator,
            "row_bits": _bits(array.rows - 1),
            "edge_bits": _bits(array.cols - 1),
            "since_largest": 2**self.since_bits - 1,
            "outputs": len(self.outputs),
        }
        for name, value in parameters.items():
            config[name] = value
        at = len(self.outputs)
        hidden_at = at + len(self.registers)
        for name, group in self.groups.items():
            if group[0].width:
                config[f"at_{name}"] = at
                at += len(group)
            else:
                config[f"at_{name}"] = hidden_at
                hidden_at += len(group)
        stimuli = [field.name for field in self.stimuli]
        for stream in ("command", "top", "left", "partial"):
            if f"{stream}.valid" in stimuli:
                first = next(i for i, name in enumerate(stimuli) if name.startswith(stream))
                config[f"in_{stream}"] = first
                config[f"valid_{stream}"] = stimuli.index(f"{stream}.valid")
        config["in_ready"] = stimuli.index("output.ready")
        return config

    def _all(self) -> Iterator[tuple[str, Field]]:
        """Group and field of each register, in order; the fields of a group have one width or
        the group starts with one that is not 0."""
        yield from self._streams()
        array, extent = self.array, self.extent_bits
        for name in ("inner", "outer"):
            yield "cutter", Field(f"cutter.{name}", extent)
        largest = 2**self.since_bits - 1
        yield "controller", Field("controller.streams", 1)
        yield "controller", Field("controller.since", self.since_bits, reset=largest)
        yield from self._fold("current")
        if self.stationary:
            yield "load_stage", Field("controller.loads", 1)
            yield "load_stage", Field("controller.loaded", 1)
            yield "word", Field("controller.word", _bits(array.rows - 1))
            yield from self._fold("entry")
        rows, p = array.rows, array.pe_latency_cycles
        for j in range(rows * p if self.stationary else rows + p - 1):
            yield "leave", Field(f"leave.{j}", self.token_bits)
        if not self.stationary:
            yield "drains", Field("leave.drains", 1)
            yield "drain_word", Field("leave.word", _bits(rows - 1))
            yield "drain_row", Field("leave.row", _bits(rows - 1))
            yield "drain_edge", Field("leave.edge", _bits(array.cols - 1))
        yield from self._grid()
        for c in range(array.cols - 1):
            for j in range(array.cols - 1 - c):
                yield "deskew", Field(f"deskew.{c}.{j}", self._accumulator, True)
        if self.accumulator_rows:
            width = max(1, _bits(self.accumulator_rows - 1))
            yield "at", Field("accumulators.at", width)

    def _streams(self) -> Iterator[tuple[str, Field]]:
        array = self.array
        payloads: dict[str, list[Field]] = {
            "command": [Field(f".{name}", self.extent_bits) for name in "mnk"],
            "top": _vector("", array.cols, self._operand),
            "left": _vector("", array.rows, self._operand),
        }
        if self.stationary:
            payloads["partial"] = _vector("", array.cols, self._accumulator)
        words = _vector(".words", array.cols, self._accumulator)
        payloads["output"] = [*words, Field(".complete", 1)]
        for stream, payload in payloads.items():
            yield stream, Field(f"{stream}.level", 2)
            for entry in ("first", "second"):
                for field in payload:
                    name = f"{stream}.{entry}{field.name}"
                    yield stream, Field(name, field.width, field.signed)

    def _fold(self, which: str) -> Iterator[tuple[str, Field]]:
        widths = {
            "rows": _bits(self.array.rows),
            "cols": _bits(self.array.cols),
            "length": self.extent_bits,
            "first": 1,
            "last": 1,
        }
        for name, width in widths.items():
            yield which, Field(f"controller.{which}.{name}", width)

    def _grid(self) -> Iterator[tuple[str, Field]]:
        array, operand = self.array, self._operand
        rows, cols, p = array.rows, array.cols, array.pe_latency_cycles
        pace = p if self.stationary else 1
        lanes = [(r, j) for r in range(rows) for j in range(r * pace)]
        for r, j in lanes:
            yield "left_skew", Field(f"grid.left_skew.{r}.{j}", operand, True)
        flags = int(array.weight_load == "overlapped") if self.stationary else 2
        if flags:
            for r, j in lanes:
                yield "flag_skew", Field(f"grid.flag_skew.{r}.{j}", flags)
        for c in range(cols):
            for j in range(c):
                yield "top_skew", Field(f"grid.top_skew.{c}.{j}", operand, True)
        if self.stationary:
            for c in range(1, cols):
                yield "load", Field(f"grid.load.{c}", 1)
            for c in range(1, cols):
                yield "load_word", Field(f"grid.load_word.{c}", _bits(rows - 1))
        for c in range(1, cols):
            yield "leaving", Field(f"grid.leaving.{c}", self.token_bits)
        for group, name, width, signed in self._pe():
            for r in range(rows):
                for c in range(cols):
                    yield group, Field(f"grid.{name}.{r}.{c}", width, signed)

    def _pe(self) -> Iterator[tuple[str, str, int, bool]]:
        """Group, name, width and sign of each plane of a PE's registers."""
        array, operand, accumulator = self.array, self._operand, self._accumulator
        p = array.pe_latency_cycles
        if self.stationary:
            yield "operand", "operand", operand, True
            yield "weight", "weight", operand, True
            if array.weight_load == "overlapped":
                yield "shadow", "shadow", operand, True
                yield "swap", "swap", 1, False
            for j in range(p):
                yield "psum", f"psum{j}", accumulator, True
            return
        yield "left_operand", "left", operand, True
        yield "top_operand", "top", operand, True
        yield "first", "first", 1, False
        yield "last", "last", 1, False
        for j in range(p - 1):
            yield "product", f"product{j}", accumulator, True
            yield "product", f"product{j}_first", 1, False
            yield "product", f"product{j}_last", 1, False
        yield "sum", "sum", accumulator, True
        if array.drain == "overlapped":
            yield "drain", "drain", accumulator, True


def _vector(name: str, count: int, width: int) -> list[Field]:
    return [Field(f"{name}[{i}]", width, True) for i in range(count)]


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

    @property
    def visible(self) -> int:
        """Outputs and registers that have a width."""
        return len(self.layout.outputs) + len(self.layout.registers)

    def advance(self, stimuli: Words, resets: npt.NDArray[np.uint8]) -> Words:
        """Responses [cycle, field] to stimuli [cycle, field]; resets take hold at the end."""
        trace: Any = np.empty((len(stimuli) + 1, len(self.row)), np.int64)
        trace[0] = self.row
        run(self.config, stimuli, resets, trace, self.reset, self.memory, self.beat, self.total)
        self.row = trace[-1].copy()
        return trace[:-1, : self.visible]  # type: ignore[no-any-return]
