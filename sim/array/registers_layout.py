"""The fields of a row of the array's registers: names, widths, places."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arch.array import Array
from arch.mac.formats import scalar_named
from sim.array.registers_control import CONFIG
from sim.array.registers_fields import Field, bits_of, limbs
from sim.mac.engine import product_bits

Words = npt.NDArray[np.int64]


class Layout:
    """Fields of an array's hardware, and the parameters of its kernel.

    ``extent_bits`` is the width of the extents in a command. Registers of an engine's numbers are
    listed in limbs of 32 bits, those of a PE together; words and codes have no sign.
    """

    def __init__(self, array: Array, extent_bits: int) -> None:
        self.array, self.extent_bits = array, extent_bits
        self.stationary = array.dataflow != "os"
        self.accumulator_rows = array.accumulator_rows if self.stationary else 0
        self.engine = engine = array.engine
        self._operand, self._accumulator = array.operand_bits, array.accumulator_bits
        self._signed = engine is None
        self.result_bits = self._accumulator
        self.choices: dict[str, int] = {}
        if engine is not None:
            self.result_bits = max(scalar_named(name).bits for name in engine.results)
            self.choices["mode"] = bits_of(len(engine.modes) - 1)
            self.choices["result"] = bits_of(len(engine.results) - 1)
        self.groups: dict[str, list[Field]] = {}
        for name, field in self._all():
            self.groups.setdefault(name, []).append(field)

    @cached_property
    def token_bits(self) -> int:
        """Width of what travels with a vector of results."""
        rows, cols = self.array.rows, self.array.cols
        rest = 2 + 2 * (self.accumulator_rows > 0) if self.stationary else bits_of(rows - 1)
        return 1 + bits_of(rows - 1) + bits_of(cols - 1) + rest + sum(self.choices.values())

    @cached_property
    def since_bits(self) -> int:
        """Width of the count of beats since the last stream began; it stays at its largest."""
        array = self.array
        p = array.pe_latency_cycles
        return bits_of(2**self.extent_bits + array.rows * (p + 1) + array.cols + p)

    @cached_property
    def stimuli(self) -> list[Field]:
        """What enters in a cycle."""
        array = self.array
        fields = [*self._command("command.payload"), Field("command.valid", 1)]
        fields += [*self._operands("top.payload", array.cols), Field("top.valid", 1)]
        fields += [*self._operands("left.payload", array.rows), Field("left.valid", 1)]
        if self.stationary:
            fields += self._results("partial.payload")
            fields += [Field("partial.valid", 1)]
        return [*fields, Field("output.ready", 1)]

    @cached_property
    def outputs(self) -> list[Field]:
        """What leaves in a cycle, a function of the registers."""
        names = (
            ["command", "top", "left", "partial"] if self.stationary else ["command", "top", "left"]
        )
        fields = [Field(f"{name}.ready", 1) for name in names]
        fields += self._results("output.payload.words")
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
            "preloaded": array.drain == "preloaded",
            "full_edges": array.edge_folds == "full",
            "saturate": array.accumulator_overflow == "saturate",
            "accumulator_rows": self.accumulator_rows,
            "accumulator_bits": self._accumulator,
            "row_bits": bits_of(array.rows - 1),
            "edge_bits": bits_of(array.cols - 1),
            "since_largest": 2**self.since_bits - 1,
            "outputs": len(self.outputs),
            "command_words": len(self._command("")),
            "mode_bits": self.choices.get("mode", 0),
            "result_bits": self.choices.get("result", 0),
            "choice_at": self.token_bits - sum(self.choices.values()),
            "holds": self._holds,
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
        for name, width in self.choices.items():
            yield f"current_{name}", Field(f"controller.current.{name}", width)
        if self.stationary:
            yield "load_stage", Field("controller.loads", 1)
            yield "load_stage", Field("controller.loaded", 1)
            yield "word", Field("controller.word", bits_of(array.rows - 1))
            yield from self._fold("entry")
        rows, p = array.rows, array.pe_latency_cycles
        for j in range(rows * p if self.stationary else rows + p - 1):
            yield "leave", Field(f"leave.{j}", self.token_bits)
        if not self.stationary:
            yield "drains", Field("leave.drains", 1)
            yield "drain_word", Field("leave.word", bits_of(rows - 1))
            yield "drain_row", Field("leave.row", bits_of(rows - 1))
            yield "drain_edge", Field("leave.edge", bits_of(array.cols - 1))
            for name, width in self.choices.items():
                yield f"drain_{name}", Field(f"leave.{name}", width)
        yield from self._grid()
        for c in range(array.cols - 1):
            for j in range(array.cols - 1 - c):
                yield "deskew", Field(f"deskew.{c}.{j}", self.result_bits, self._signed)
        if self.accumulator_rows:
            width = max(1, bits_of(self.accumulator_rows - 1))
            yield "at", Field("accumulators.at", width)

    def _streams(self) -> Iterator[tuple[str, Field]]:
        array = self.array
        payloads: dict[str, list[Field]] = {
            "command": self._command(""),
            "top": self._operands("", array.cols),
            "left": self._operands("", array.rows),
        }
        if self.stationary:
            payloads["partial"] = self._results("")
        payloads["output"] = [*self._results(".words"), Field(".complete", 1)]
        for stream, payload in payloads.items():
            yield stream, Field(f"{stream}.level", 2)
            for entry in ("first", "second"):
                for field in payload:
                    name = f"{stream}.{entry}{field.name}"
                    yield stream, Field(name, field.width, field.signed)

    def _command(self, name: str) -> list[Field]:
        fields = [Field(f"{name}.{extent}", self.extent_bits) for extent in "mnk"]
        fields += [Field(f"{name}.{choice}", width) for choice, width in self.choices.items()]
        return [field for field in fields if field.width]

    def _operands(self, name: str, count: int) -> list[Field]:
        return [Field(f"{name}[{i}]", self._operand, self._signed) for i in range(count)]

    def _results(self, name: str) -> list[Field]:
        return [
            Field(f"{name}[{i}]", self.result_bits, self._signed) for i in range(self.array.cols)
        ]

    def _fold(self, which: str) -> Iterator[tuple[str, Field]]:
        widths = {
            "rows": bits_of(self.array.rows),
            "cols": bits_of(self.array.cols),
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
            yield "left_skew", Field(f"grid.left_skew.{r}.{j}", operand, self._signed)
        flags = 2 + self.choices.get("mode", 0)
        if self.stationary:
            flags = int(array.weight_load == "overlapped")
        if flags:
            for r, j in lanes:
                yield "flag_skew", Field(f"grid.flag_skew.{r}.{j}", flags)
        for c in range(cols):
            for j in range(c):
                yield "top_skew", Field(f"grid.top_skew.{c}.{j}", operand, self._signed)
        if self.stationary:
            for c in range(1, cols):
                yield "load", Field(f"grid.load.{c}", 1)
            for c in range(1, cols):
                yield "load_word", Field(f"grid.load_word.{c}", bits_of(rows - 1))
        for c in range(1, cols):
            yield "leaving", Field(f"grid.leaving.{c}", self.token_bits)
        pes = [(r, c) for r in range(rows) for c in range(cols)]
        if self.engine is not None:
            for group, name, width in self._engine_pe():
                for r, c in pes:
                    for field in limbs(f"grid.{name}.{r}.{c}", width):
                        yield group, field
            return
        for group, name, width, signed in self._pe():
            for r, c in pes:
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

    def _engine_pe(self) -> Iterator[tuple[str, str, int]]:
        """Group, name and width of each plane of an engine's registers."""
        assert self.engine is not None
        mode = self.choices["mode"]
        product = product_bits(self.engine) + self.engine.special_bits
        yield "left_operand", "left", self._operand
        yield "top_operand", "top", self._operand
        yield "first", "first", 1
        yield "last", "last", 1
        yield "mode", "mode", mode
        for j in range(self.array.pe_latency_cycles - 1):
            yield "product", f"product{j}", product
            if mode:
                yield "product", f"product{j}_mode", mode
            yield "product", f"product{j}_first", 1
            yield "product", f"product{j}_last", 1
        yield "sum", "sum", self._accumulator
        if self._holds:
            yield "done", "done", 1
        if self.array.drain == "overlapped":
            yield "drain", "drain", self._accumulator

    @property
    def _holds(self) -> bool:
        """Whether a sum waits in its register, where -0 + 0 would make it +0."""
        engine = self.engine
        return engine is not None and bool(engine.chain_format) and self.array.drain == "serial"
