"""Matrix by vector: the global buffer is written chunk by chunk, all banks multiply their rows."""

from dataclasses import dataclass

from arch.errors import InputError
from arch.pim.operands import FP32_RESULT
from traces.mapping.pim.builder import PimBuilder
from traces.mapping.pim.layout import MatrixLayout
from traces.pim.dtype import PimTrace

SLOTS = 3
"""Buffers of sums of a chunk: one is read from the PIM, one is added, one is written next."""


@dataclass(frozen=True)
class Workspace:
    """GPRs for sums of chunks: SLOTS buffers of a block's outputs, then its fp32 sums."""

    first: int

    @staticmethod
    def gprs(layout: MatrixLayout, biased: bool) -> int:
        """That a product takes."""
        if layout.accumulates:
            return 0
        block = layout.block_groups * len(layout.geometry.channels)
        return block * (SLOTS + (2 if len(layout.chunks) + biased > 2 else 0))


def most_block_groups(layout: MatrixLayout, gprs: int, biased: bool) -> int:
    """Groups of the largest block whose sums fit; one where none does, which needs no room."""
    one = MatrixLayout(layout.geometry, layout.name, layout.n, layout.k, 0, 2)
    each = Workspace.gprs(one, biased) // 2
    if not each:
        return layout.groups
    fit = gprs // each
    return min(layout.groups, max(1, fit))


def emit_gemv(
    builder: PimBuilder, layout: MatrixLayout, source: int, result: int, workspace: int,
    bias: int | None = None,
) -> None:  # fmt: skip
    """Append the product of a matrix and the vector in the GPRs from ``source`` on.

    Results go to the GPRs from ``result`` on, in the order of the outputs. Sums of chunks, each
    rounded to the operands' format when it is read, are added in fp32 on the chip: the first and
    the bias, then the second, the third ...; the last sum is rounded.
    """
    g = layout.geometry
    width = len(g.channels)
    if layout.accumulates:
        _accumulate(builder, layout, source, result, bias)
        return
    block_gprs = layout.block_groups * width
    sums = workspace + SLOTS * block_gprs
    turn = 0
    for block in layout.blocks:
        groups = range(block, layout.block_end(block))
        for chunk, (first, count) in enumerate(layout.chunks):
            builder.memory("WR_GB", g.mask(), reads=(source + first, count), count=count)
            slot = workspace + turn * block_gprs
            turn = (turn + 1) % SLOTS
            for group in groups:
                _multiply(builder, layout, group, chunk)
                channels = layout.channels_of(group)
                place = (slot + (group - block) * width, channels)
                builder.memory("RD_MAC", g.mask(0, channels), writes=place)
            _add_chunk(builder, layout, block, chunk, slot, sums, result, bias)


def _accumulate(
    builder: PimBuilder, layout: MatrixLayout, source: int, result: int, bias: int | None
) -> None:
    """Group by group, each over all chunks; the global buffer keeps what does not change."""
    g = layout.geometry
    held = -1
    for block in layout.blocks:
        for group in range(block, layout.block_end(block)):
            for chunk, (first, count) in enumerate(layout.chunks):
                if held != chunk:
                    builder.memory("WR_GB", g.mask(), reads=(source + first, count), count=count)
                    held = chunk
                _multiply(builder, layout, group, chunk)
            channels = layout.channels_of(group)
            place = (result + group * len(g.channels), channels)
            builder.memory("RD_MAC", g.mask(0, channels), writes=place)
        if bias is None:
            continue
        for before, elements in _pieces(layout, block):
            at = (result + before, g.columns_of(elements))
            builder.vector("add", elements, at, at, (bias + before, at[1]))


def _multiply(builder: PimBuilder, layout: MatrixLayout, group: int, chunk: int) -> None:
    mask = layout.geometry.mask(0, layout.channels_of(group))
    for part in layout.segments(group, chunk):
        builder.memory(
            "MAC_ABK", mask, row=part.row, column=part.column, count=part.count,
            buffer_column=part.offset,
        )  # fmt: skip


def _pieces(layout: MatrixLayout, block: int) -> list[tuple[int, int]]:
    """A block's outputs by as many as the global buffer takes: GPRs before them, and outputs. What
    comes next can begin with the first while the last are added."""
    g = layout.geometry
    step = max(1, g.buffer_columns // len(g.channels))
    found = []
    for group in range(block, layout.block_end(block), step):
        end = min(group + step, layout.block_end(block))
        elements = min(layout.n, end * g.group) - group * g.group
        found.append((group * len(g.channels), elements))
    return found


def _add_chunk(
    builder: PimBuilder, layout: MatrixLayout, block: int, chunk: int, slot: int, sums: int,
    result: int, bias: int | None,
) -> None:  # fmt: skip
    """Add sums of a chunk to those of the chunks before; the first waits for the second."""
    g = layout.geometry
    last = chunk == len(layout.chunks) - 1
    block_gprs = layout.block_groups * len(g.channels)
    before = _slot_before(slot, sums, block_gprs)
    for place, elements in _pieces(layout, block):
        inside, gprs = place - block * len(g.channels), g.columns_of(elements)
        here = (slot + inside, gprs)
        total = (sums + 2 * inside, 2 * gprs)
        if chunk == 0:
            if bias is not None:
                added = (bias + place, gprs)
                builder.vector("add", elements, total, here, added, flags=FP32_RESULT)
            continue
        past = (before + inside, gprs) if chunk == 1 and bias is None else total
        if last:
            builder.vector("add", elements, (result + place, gprs), past, here)
        else:
            builder.vector("add", elements, total, past, here, flags=FP32_RESULT)


def _slot_before(slot: int, sums: int, block_gprs: int) -> int:
    """The buffer before one, in turn."""
    first = sums - SLOTS * block_gprs
    return first + (slot - first - block_gprs) % (SLOTS * block_gprs)


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
    gprs = batch * (source + result) + Workspace.gprs(layout, False)
    if gprs > sram_gprs:
        raise InputError(
            f"{layout.name}: takes {gprs} columns of SRAM; there are {sram_gprs}; take a larger "
            "asic.sram_kib, a smaller batch, or smaller blocks of groups"
        )
    builder = PimBuilder(gprs)
    builder.operator(layout.name)
    workspace = batch * (source + result)
    for i in range(batch):
        emit_gemv(builder, layout, i * source, batch * source + i * result, workspace)
    return GemvProgram(builder.build(), 0, batch * source, source, result)
