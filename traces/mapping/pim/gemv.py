"""Matrix by vector: the global buffer is written chunk by chunk, all banks multiply their rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from arch.errors import InputError
from arch.pim.operands import FP32_RESULT
from traces.mapping.pim.builder import PimBuilder
from traces.mapping.pim.layout import MatrixLayout
from traces.pim.dtype import PimTrace

Finished = Callable[[tuple[int, int], int], None]
"""Takes a result's first GPR and how many, and its elements."""
SLOTS = 3
"""Buffers of sums of a chunk: one is read from the PIM, one is added, one is written next."""


def workspace_gprs(layout: MatrixLayout, biased: bool) -> int:
    """For sums of chunks: SLOTS buffers of a block's outputs, then its fp32 sums if there are more
    than two to add."""
    if layout.accumulates:
        return 0
    block = layout.block_groups * len(layout.geometry.channels)
    return block * (SLOTS + (2 if len(layout.chunks) + biased > 2 else 0))


def most_block_groups(layout: MatrixLayout, gprs: int, biased: bool) -> int:
    """Groups of the largest block whose sums fit; one where none does, which needs no room."""
    two = MatrixLayout(layout.geometry, layout.name, layout.n, layout.k, 0, 2)
    each = workspace_gprs(two, biased) // 2
    return min(layout.groups, max(1, gprs // each)) if each else layout.groups


@dataclass(frozen=True)
class Gemv:
    """The product of a matrix and a vector in the SRAM; the places are first GPRs."""

    layout: MatrixLayout
    source: int
    result: int
    """Outputs in their order."""
    workspace: int
    bias: int | None = None
    finished: Finished | None = None
    """Appends what is done with a piece of the result, as soon as it is there."""

    def emit(self, builder: PimBuilder) -> None:
        """Append it. Sums of chunks, each rounded to the operands' format when it is read, are
        added in fp32 on the chip: the first and the bias, then the second, the third ...; the last
        sum is rounded."""
        if self.layout.accumulates:
            self._accumulate(builder)
        else:
            self._in_blocks(builder)

    def _accumulate(self, builder: PimBuilder) -> None:
        """Group by group, each over all chunks; the global buffer keeps what does not change."""
        layout, held = self.layout, -1
        for group in range(layout.groups):
            for chunk in range(len(layout.chunks)):
                if held != chunk:
                    self._write_buffer(builder, chunk)
                    held = chunk
                self._multiply(builder, group, chunk)
            self._read_sums(builder, group, self.result + group * self._width)
        for before, elements in self._pieces(0, layout.groups):
            at = (self.result + before, layout.geometry.columns_of(elements))
            if self.bias is not None:
                builder.vector("add", elements, at, at, (self.bias + before, at[1]))
            if self.finished is not None:
                self.finished(at, elements)

    def _in_blocks(self, builder: PimBuilder) -> None:
        """In a block, all groups take a chunk before they take the next."""
        layout, turn = self.layout, 0
        for block in layout.blocks:
            for chunk in range(len(layout.chunks)):
                self._write_buffer(builder, chunk)
                for group in range(block, layout.block_end(block)):
                    self._multiply(builder, group, chunk)
                    place = self._slot(turn) + (group - block) * self._width
                    self._read_sums(builder, group, place)
                self._add(builder, block, chunk, turn)
                turn += 1

    @property
    def _width(self) -> int:
        """GPRs of a group's results."""
        return len(self.layout.geometry.channels)

    def _slot(self, turn: int) -> int:
        """Buffer of the sums of a chunk, by how many came before."""
        return self.workspace + turn % SLOTS * self.layout.block_groups * self._width

    def _write_buffer(self, builder: PimBuilder, chunk: int) -> None:
        first, count = self.layout.chunks[chunk]
        mask = self.layout.geometry.mask()
        builder.memory("WR_GB", mask, reads=(self.source + first, count), count=count)

    def _multiply(self, builder: PimBuilder, group: int, chunk: int) -> None:
        mask = self.layout.geometry.mask(0, self.layout.channels_of(group))
        for part in self.layout.segments(group, chunk):
            builder.memory(
                "MAC_ABK", mask, row=part.row, column=part.column, count=part.count,
                buffer_column=part.offset,
            )  # fmt: skip

    def _read_sums(self, builder: PimBuilder, group: int, place: int) -> None:
        channels = self.layout.channels_of(group)
        mask = self.layout.geometry.mask(0, channels)
        builder.memory("RD_MAC", mask, writes=(place, channels))

    def _pieces(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Outputs of groups by as many as the global buffer takes: GPRs before them, and outputs.
        What comes next can begin with the first while the last are added."""
        g = self.layout.geometry
        step = max(1, g.buffer_columns // self._width)
        for group in range(first, end, step):
            elements = min(self.layout.n, min(group + step, end) * g.group) - group * g.group
            yield group * self._width, elements

    def _add(self, builder: PimBuilder, block: int, chunk: int, turn: int) -> None:
        """Add sums of a chunk to those of the chunks before; the first waits for the second."""
        layout = self.layout
        last = chunk == len(layout.chunks) - 1
        sums = self.workspace + SLOTS * layout.block_groups * self._width
        for place, elements in self._pieces(block, layout.block_end(block)):
            inside, gprs = place - block * self._width, layout.geometry.columns_of(elements)
            here = (self._slot(turn) + inside, gprs)
            total = (sums + 2 * inside, 2 * gprs)
            if chunk == 0:
                if self.bias is not None:
                    bias = (self.bias + place, gprs)
                    builder.vector("add", elements, total, here, bias, flags=FP32_RESULT)
                continue
            first_two = chunk == 1 and self.bias is None
            past = (self._slot(turn - 1) + inside, gprs) if first_two else total
            result = (self.result + place, gprs) if last else total
            builder.vector("add", elements, result, past, here, flags=0 if last else FP32_RESULT)
            if last and self.finished is not None:
                self.finished(result, elements)


@dataclass(frozen=True)
class GemvProgram:
    """Products of a matrix and vectors, one after the other."""

    trace: PimTrace
    source: int
    """First GPR of the first vector; the others follow, each in whole GPRs."""
    result: int
    """First GPR of the first result."""
    source_gprs: int
    """Of a vector."""
    result_gprs: int
    """Of a result: one a channel of each group, those of no output with them."""


def lower_gemv(layout: MatrixLayout, batch: int = 1, sram_gprs: int = 1 << 20) -> GemvProgram:
    """The matrix by each of ``batch`` vectors. Raises InputError where they do not fit the SRAM.

    Banks have one accumulator and the buffer one vector, so vectors cannot share an opened row:
    each goes over the whole matrix.
    """
    g = layout.geometry
    if not g.addressed:
        raise InputError(f"{g.name}: MAC_ABK begins at column 0; use lower_aim_gemv")
    source, result = g.columns_of(layout.k), layout.groups * len(g.channels)
    gprs = batch * (source + result) + workspace_gprs(layout, False)
    if gprs > sram_gprs:
        raise InputError(
            f"{layout.name}: takes {gprs} columns of SRAM; there are {sram_gprs}; take a larger "
            "asic.sram_kib, a smaller batch, or smaller blocks of groups"
        )
    builder = PimBuilder(gprs)
    builder.operator(layout.name)
    workspace = batch * (source + result)
    for i in range(batch):
        Gemv(layout, i * source, batch * source + i * result, workspace).emit(builder)
    return GemvProgram(builder.build(), 0, batch * source, source, result)
