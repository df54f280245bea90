"""Numbers of an HBM-PIM run: what its log of commands does to cells and registers.

Each addition and each multiplication is rounded to the nearest fp16, ties to even; a MAC rounds its
product before it adds. Cells and registers that nothing has written hold zeroes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.pim.hbm import HbmPim
from sim.pim.hbm.run import HbmRun, run_trace
from traces.pim.hbm_dtype import HbmChunk
from traces.pim.hbm_isa import AUTO, RELU
from traces.pim.hbm_operands import EVEN_BANK, GRF_A, GRF_B, ODD_BANK, SRF_A, SRF_M, place_of
from traces.pim.hbm_where import where

Halves = npt.NDArray[np.float16]
Records = npt.NDArray[np.void]
BLOCKS, LANES, GRF = 8, 16, 8


@dataclass
class Numbers:
    """Of all channels."""

    pim: HbmPim
    cells: dict[tuple[int, int, int, int], Halves] = field(default_factory=dict)
    """[lane] by channel, flat bank, row and column"""
    read: dict[tuple[int, int, int], Halves] = field(default_factory=dict)
    """[lane] of what was read over the bus, by line of the trace, channel and column of the line"""

    def __post_init__(self) -> None:
        channels = self.pim.channels
        self.registers = {
            GRF_A: np.zeros((channels, BLOCKS, GRF, LANES), np.float16),
            GRF_B: np.zeros((channels, BLOCKS, GRF, LANES), np.float16),
        }
        """[channel, block, register, lane]"""
        self.srf = np.zeros((channels, LANES), np.float16)
        """[channel, scalar]: of SRF_M, then of SRF_A"""
        self.outs = np.zeros((2, channels, BLOCKS, LANES), np.float16)
        """A_OUT and M_OUT, [which, channel, block, lane]"""
        self._all_grf = np.zeros(channels, np.bool_)
        self._where = where(self.pim)[0]
        self._names = {code: name for name, code in self.pim.command_set().opcodes.items()}
        self._lines: dict[int, tuple[int, int, Halves | None]] = {}

    def chunk(self, chunk: HbmChunk) -> None:
        """Take what a chunk of the trace writes."""
        halves = chunk.words.astype("<u4").view(np.uint16).reshape(-1, LANES).view(np.float16)
        for line in chunk.lines:
            first = int(line["data"])
            data = halves[first : first + int(line["count"])] if first >= 0 else None
            self._lines[int(line["line"])] = int(line["row"]), int(line["column"]), data

    def cell(self, channel: int, bank: int, row: int, column: int) -> Halves:
        """A column of a bank."""
        zeroes = np.zeros(LANES, np.float16)
        return self.cells.get((channel, bank, row, column), zeroes)

    def follow(self, log: Records, names: tuple[str, ...]) -> None:
        """Do what the commands of a log do, in its order."""
        for one in log:
            name = names[one["command"]]
            if name[:2] in ("RD", "WR"):
                self._column(one, name[:2])

    def _column(self, one: np.void, kind: str) -> None:
        w, row, column = self._where, int(one["row"]), int(one["column"])
        channel, bank = int(one["channel"]), int(one["bank"])
        first_row, first_column, data = self._lines[int(one["line"])]
        at = (row - first_row) * int(w["columns"]) + column - first_column
        given = np.zeros(LANES, np.float16) if data is None else data[at]
        if one["mode"] == 0:
            if kind == "RD":
                self.read[int(one["line"]), channel, at] = self._single(channel, bank, row, column)
            elif not row & int(w["first_row"]):
                self.cells[channel, bank, row, column] = given.copy()
        elif one["pc"] >= 0:
            self._execute(int(one["word"]), kind, channel, bank, row, column)
        elif row == w["register_row"] and kind == "WR":
            self._register(channel, column, given)
        elif not row & int(w["first_row"]):
            self._move(kind, channel, bank, row, column)

    def _grf(self, column: int) -> tuple[int, int] | None:
        for which, first in ((GRF_A, self._where["grf_a"]), (GRF_B, self._where["grf_b"])):
            if first <= column < first + GRF:
                return which, column - int(first)
        return None

    def _single(self, channel: int, bank: int, row: int, column: int) -> Halves:
        grf = self._grf(column) if row == self._where["register_row"] else None
        if grf is not None:
            held: Halves = self.registers[grf[0]][channel, bank // 2, grf[1]].copy()
            return held
        return self.cell(channel, bank, row, column).copy()

    def _register(self, channel: int, column: int, given: Halves) -> None:
        grf = self._grf(column)
        if grf is not None:
            self.registers[grf[0]][channel, :, grf[1]] = given
        elif column == self._where["srf"]:
            self.srf[channel] = given
        elif column == self._where["control"]:
            held = given.view(np.uint8)
            self._all_grf[channel] = held[10] & 1
            for which, byte in ((GRF_A, 20), (GRF_B, 21)):
                if held[byte]:
                    self.registers[which][channel] = 0

    def _move(self, kind: str, channel: int, bank: int, row: int, column: int) -> None:
        which = GRF_B if kind == "RD" or bank & 1 else GRF_A
        if self._all_grf[channel]:
            which = GRF_B if column & GRF else GRF_A
        self._between(kind, which, channel, bank, row, column)

    def _between(
        self, kind: str, which: int, channel: int, bank: int, row: int, column: int
    ) -> None:
        register = self.registers[which][channel, :, column % GRF]
        for block in range(BLOCKS):
            place = channel, 2 * block + bank, row, column
            if kind == "RD":
                register[block] = self.cell(*place)
            else:
                self.cells[place] = register[block].copy()

    def _operand(self, operand: int, index: int, channel: int, row: int, column: int) -> Halves:
        """[block, lane] of an operand."""
        if operand in self.registers:
            held: Halves = self.registers[operand][channel, :, index].copy()
            return held
        if operand in (SRF_M, SRF_A):
            scalar = self.srf[channel, index + GRF * (operand == SRF_A)]
            return np.full((BLOCKS, LANES), scalar, np.float16)
        if operand in (EVEN_BANK, ODD_BANK):
            odd = int(operand == ODD_BANK)
            return np.stack(
                [self.cell(channel, 2 * block + odd, row, column) for block in range(BLOCKS)]
            )
        out: Halves = self.outs[operand, channel].copy()
        return out

    def _execute(
        self, word: int, kind: str, channel: int, bank: int, row: int, column: int
    ) -> None:
        name = self._names[word >> 28 & 15]
        if name in ("JUMP", "EXIT"):
            return
        if name == "NOP":
            if kind == "WR":
                self._between(kind, GRF_B if bank & 1 else GRF_A, channel, bank, row, column)
            return
        automatic = name == "FILL" or (name != "MOV" and bool(word & AUTO))

        def index_of(operand: int, shift: int) -> int:
            place = place_of(operand, word >> shift & 15, automatic, name == "MAC", row, column)
            return int(place)

        target = word >> 25 & 7
        to = index_of(target, 8)
        operands = []
        for shift, index_shift in ((22, 4), (19, 0), (16, 0)):
            operand = word >> shift & 7
            index = index_of(operand, index_shift)
            operands.append(self._operand(operand, index, channel, row, column))
        with np.errstate(over="ignore", invalid="ignore"):
            result = _result(
                name, operands, self._operand(target, to, channel, row, column), bool(word & RELU)
            )
        if target in self.registers:
            self.registers[target][channel, :, to] = result
        elif target in (EVEN_BANK, ODD_BANK):
            odd = int(target == ODD_BANK)
            for block in range(BLOCKS):
                self.cells[channel, 2 * block + odd, row, column] = result[block].copy()
        elif target not in (SRF_M, SRF_A):
            self.outs[target, channel] = result


def _result(name: str, operands: list[Halves], before: Halves, relu: bool) -> Halves:
    first, second, third = operands
    if name in ("MOV", "FILL"):
        return np.where(np.signbit(first), np.float16(0), first) if relu else first
    if name == "ADD":
        return first + second
    product = first * second
    if name == "MUL":
        return product
    return product + (before if name == "MAC" else third)


def run_with_numbers(pim: HbmPim, chunks: Iterable[HbmChunk]) -> tuple[HbmRun, Numbers]:
    """Run a trace whose writes have data, and what became of them. Raises as ``run_trace``."""
    numbers = Numbers(pim)
    logs: list[Records] = []

    def seen() -> Iterable[HbmChunk]:
        for chunk in chunks:
            numbers.chunk(chunk)
            yield chunk

    done = run_trace(pim, seen(), log=lambda log: logs.append(log.copy()))
    for log in logs:
        numbers.follow(log, done.tables.names)
    return done, numbers
