"""Faults of commands and tasks, a class of programs at a time."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from arch.mesh.program import (
    FORMATS,
    LEVELS,
    NONE,
    Combine,
    Control,
    Function,
    MeshProgram,
    Op,
    PeProgram,
    TaskAction,
)  # fmt: skip
from arch.mesh.wavelet import CONTROLS_MAX, WaveletMesh

MARKS_MAX = 2**16
"""Numbers of marks; a run keeps three counts for each up to the largest."""
FABRIC = (Op.SEND, Op.RECV, Op.RADD, Op.RELAY, Op.CTRL)
RECEIVES = (Op.RECV, Op.RADD, Op.RELAY)
SENDS = (Op.SEND, Op.RELAY, Op.CTRL)
ELEMENTS = (Op.SEND, Op.RECV, Op.RADD, Op.RELAY, Op.FMA, Op.VEC)
BINARY = (Function.ADD, Function.SUB, Function.MUL, Function.MAX)
SHRINKS = (Function.SUM, Function.TOP)


def command_faults(program: MeshProgram, mesh: WaveletMesh) -> Iterator[str]:
    """Of all classes of programs."""
    for pe_program in program.programs:
        tasks = len(pe_program.tasks)
        if not 1 <= tasks <= mesh.pe.tasks:
            yield f"{pe_program.name}: {tasks} tasks; must be 1 to {mesh.pe.tasks} (pe.tasks)"
        for task in pe_program.tasks:
            where = f"{pe_program.name}, task {task.name}"
            if not NONE <= task.colour < mesh.router.colours:
                yield f"{where}: colour {task.colour}; {_colours(mesh)}"
            checked = _Commands(where, task.commands, pe_program, program, mesh)
            wrong = list(checked.faults())
            yield from wrong
            if not wrong:
                yield from checked.loop_faults()
                yield from checked.address_faults()


def _colours(mesh: WaveletMesh) -> str:
    return f"must be 0 to {mesh.router.colours - 1} (router.colours {mesh.router.colours})"


class _Commands:
    """Those of one task."""

    def __init__(
        self, where: str, commands: npt.NDArray[np.void], pe_program: PeProgram,
        program: MeshProgram, mesh: WaveletMesh,
    ) -> None:  # fmt: skip
        self.where, self.commands, self.pe_program = where, commands, pe_program
        self.program, self.mesh = program, mesh
        self.bits = np.int64(1) << np.clip(commands["op"], 0, 62)

    def tell(self, wrong: npt.NDArray[np.bool_], field: str, rule: str) -> Iterator[str]:
        """The first command that is wrong, with the value of its field."""
        at = np.flatnonzero(wrong)
        if len(at):
            index = int(at[0])
            row = self.commands[index]
            op = Op(int(row["op"])).name if 0 <= row["op"] < len(Op) else "?"
            yield f"{self.where}, command {index} ({op}): {field} is {row[field]}; {rule}"

    def has(self, ops: tuple[Op, ...]) -> npt.NDArray[np.bool_]:
        wanted: npt.NDArray[np.bool_] = self.bits & sum(1 << op for op in ops) != 0
        return wanted

    def faults(self) -> Iterator[str]:
        """Fields out of range."""
        commands, pe = self.commands, self.mesh.pe
        yield from self.outside("op", tuple(Op), 0, len(Op) - 1, "an operation")
        yield from self.outside("colour_in", RECEIVES, 0, *self._colour())
        yield from self.outside("colour_out", (*SENDS, Op.ROUTE), 0, *self._colour())
        yield from self.outside("slot", FABRIC, 0, pe.slots - 1, f"pe.slots is {pe.slots}")
        yield from self.tell(
            ~self.has(FABRIC) & (commands["slot"] != 0), "slot",
            "must be 0, the main one; other slots take fabric commands only",
        )  # fmt: skip
        yield from self.outside("format", ELEMENTS, 0, len(FORMATS) - 1, "an index in FORMATS")
        for index, name in enumerate(FORMATS):
            yield from self.tell(
                self.has(ELEMENTS) & (commands["format"] == index) & (name not in pe.lanes),
                "format",
                f"that is {name}, and there are no lanes for it; pe.lanes has "
                f"{', '.join(pe.lanes)}; add it there, or use one of them",
            )
        for field in ("length", "count", "cycles"):
            yield from self.tell(commands[field] < 0, field, "must be 0 or more")
        combines = len(Combine) - 1
        yield from self.outside("combine", (Op.RADD,), 1, combines, "ADD or MAX")
        yield from self.outside("combine", (Op.RELAY,), 0, combines, "NONE, ADD or MAX")
        yield from self.outside("combine", (Op.VEC,), 0, len(Function) - 1, "a function")
        yield from self.controls()
        tasks = len(self.pe_program.tasks) - 1
        there = f"{self.pe_program.name} has {tasks + 1} tasks"
        yield from self.outside("target", (Op.TASK,), 0, tasks, there)
        yield from self.outside("action", (Op.TASK,), 0, len(TaskAction) - 1, "an action")
        takes_time = self.has((*ELEMENTS, Op.CTRL, Op.DELAY))
        then = commands["then"]
        yield from self.tell(
            (then < NONE) | (then > tasks), "then", f"must be {NONE} to {tasks}: {there}"
        )
        yield from self.tell(
            ~takes_time & (then != NONE), "then",
            f"must be {NONE}: only commands that take time are followed by an action",
        )  # fmt: skip
        yield from self.outside("then_action", tuple(Op), 0, len(TaskAction) - 1, "an action")
        waits, mask = self.has((Op.WAIT,)), commands["target"]
        yield from self.tell(
            waits & ((mask < 0) | (mask >= 1 << pe.slots)), "target",
            f"a mask of slots that are not there; pe.slots is {pe.slots}, so it must be below "
            f"{1 << pe.slots}",
        )  # fmt: skip
        yield from self.tell(
            waits & (mask & 1 == 1), "target", "a mask with slot 0, which would wait for itself"
        )
        yield from self.outside("target", (Op.MARK,), 0, MARKS_MAX - 1, "the number of a mark")

    def _colour(self) -> tuple[int, str]:
        colours = self.mesh.router.colours
        return colours - 1, f"router.colours is {colours}"

    def outside(
        self, field: str, ops: tuple[Op, ...], least: int, most: int, why: str
    ) -> Iterator[str]:
        """Commands of these operations whose field is not within both."""
        values = self.commands[field]
        concerned = self.has(ops) | (field == "op")
        yield from self.tell(
            concerned & ((values < least) | (values > most)), field,
            f"must be {least} to {most}: {why}",
        )  # fmt: skip

    def controls(self) -> Iterator[str]:
        sends, controls = self.has((Op.CTRL,)), self.commands["controls"]
        yield from self.tell(
            sends & ((controls < 0) | (controls >= 1 << 2 * CONTROLS_MAX)), "controls",
            f"must be {CONTROLS_MAX} controls of two bits at most",
        )  # fmt: skip
        for place in range(CONTROLS_MAX):
            unknown = (controls >> 2 * place & 3) >= len(Control)
            yield from self.tell(
                sends & unknown, "controls", f"control {place} of it is 3; must be 0 to 2"
            )

    def loops(self) -> list[tuple[int, int, int, int]]:
        """(first command, LOOP, level, turns) of each."""
        return [
            (int(row["target"]), int(index), int(row["level"]), int(row["count"]))
            for index, row in enumerate(self.commands)
            if row["op"] == Op.LOOP
        ]

    def loop_faults(self) -> Iterator[str]:
        loops = self.loops()
        for start, end, level, turns in loops:
            where = f"{self.where}, command {end} (LOOP)"
            if not 0 <= start <= end:
                yield f"{where}: target is {start}; must be 0 to {end}, a command before it"
            if not 0 <= level < LEVELS:
                yield f"{where}: level is {level}; must be 0 to {LEVELS - 1}"
            if turns < 1:
                yield f"{where}: count is {turns}; must be 1 or more turns"
            for other, last, inner, _ in loops:
                if not start <= last < end:
                    continue
                if other < start:
                    yield (
                        f"{where}: goes back to {start}, into the loop from {other} to {last}; a "
                        "loop lies within another or beside it"
                    )
                elif inner <= level:
                    yield (
                        f"{where}: level is {level}, that of the loop from {other} to {last} "
                        f"within it {inner}; the inner one needs the higher level"
                    )

    def address_faults(self) -> Iterator[str]:
        """Elements out of memory, if there are values."""
        if not self.program.values:
            return
        size = self.program.memory_elements
        loops = self.loops()
        for index, row in enumerate(self.commands):
            for name, strides, optional in _operands(row):
                base = int(row[name])
                if base == NONE:
                    if not optional:
                        yield (
                            f"{self.where}, command {index} ({Op(int(row['op'])).name}): {name} is "
                            "missing; must be an element of memory"
                        )
                    continue
                spans = [*strides]
                for start, end, level, turns in loops:
                    if start <= index < end:
                        spans.append((turns - 1, int(row[f"{name}_turn"][level])))
                least = base + sum(min(number * on, 0) for number, on in spans)
                most = base + sum(max(number * on, 0) for number, on in spans)
                if least < 0 or most >= size:
                    yield (
                        f"{self.where}, command {index} ({Op(int(row['op'])).name}): {name} is "
                        f"elements {least} to {most}; memory has {size}, 0 to {size - 1}"
                    )


def _operands(row: np.void) -> Iterator[tuple[str, list[tuple[int, int]], bool]]:
    """(Field, (elements less one, distance) of each dimension, may be NONE) of a command."""
    op, length = int(row["op"]), int(row["length"])
    if op not in ELEMENTS or length == 0 or (op == Op.FMA and row["count"] == 0):
        return
    vectors = int(row["count"]) if op == Op.FMA else 1
    function = int(row["combine"]) if op == Op.VEC else NONE

    def operand(
        name: str, elements: int, optional: bool = False
    ) -> tuple[str, list[tuple[int, int]], bool]:
        spans = [(elements - 1, int(row[f"{name}_element"]))]
        if op == Op.FMA:
            spans.append((vectors - 1, int(row[f"{name}_step"])))
        return name, spans, optional

    if op != Op.SEND:
        result = 1 if op == Op.VEC and function in SHRINKS else length
        yield operand("dst", result, op in (Op.RECV, Op.RELAY))
    if op == Op.SEND or (op == Op.RELAY and row["combine"] != Combine.NONE):
        yield operand("a", length)
    if op == Op.FMA or (op == Op.VEC and function != Function.FILL):
        yield operand("a", 1 if op == Op.FMA else length)
    if op == Op.FMA or function in BINARY:
        yield operand("b", length)
