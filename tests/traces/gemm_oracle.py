"""Commands of matrix products, plainly: tiles as tuples, slots as a dictionary in order of use."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import layout_oracle as layout
from layout_oracle import Block, Range

from arch.commands import (
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    FLAG_KEEP,
    OP_LOAD,
    OP_MATMUL,
    OP_STORE,
    OP_VECTOR,
    OPERAND_FILTER,
    OPERAND_IFMAP,
    OPERAND_OFMAP,
    QUEUE_ARRAY,
    QUEUE_LOAD,
    QUEUE_STORE,
    QUEUE_VECTOR,
)
from arch.machine import Machine
from arch.vector import VECTOR_OPS
from traces.mapping.builder import TraceBuilder
from traces.mapping.gemm import Epilogue, Tensors
from traces.mapping.partition import Split
from traces.mapping.precision import Words
from traces.mapping.product import Product
from traces.mapping.tiling import Tiling


@dataclass
class Slot:
    """A tile's place."""

    ready_after: list[int] = field(default_factory=list)
    """Commands that a user of the tile waits for."""
    room_after: list[int] = field(default_factory=list)
    """Commands that the first write to the slot waits for: users of the former tile."""
    free_after: list[int] = field(default_factory=list)
    """Commands that must be done before the tile may be replaced."""
    holds_sums: bool = False
    """Whether it holds partial sums, which must be stored before they are replaced."""


class Slots:
    """``count`` slots, replaced least recently used first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._tiles: OrderedDict[Hashable, Slot] = OrderedDict()

    def find(self, tile: Hashable) -> Slot | None:
        """The slot of a tile, which is then the most recently used; None if it is not here."""
        slot = self._tiles.get(tile)
        if slot is not None:
            self._tiles.move_to_end(tile)
        return slot

    def make_room(self) -> tuple[Hashable, Slot] | None:
        """Take out the tile to replace, None while there is a free slot."""
        if len(self._tiles) < self._count:
            return None
        return self._tiles.popitem(last=False)

    def put(self, tile: Hashable) -> Slot:
        """Give a tile a free slot."""
        slot = self._tiles[tile] = Slot()
        return slot


@dataclass(frozen=True)
class Share:
    """The part of a product that one core does."""

    core: int
    groups: tuple[Range, ...]
    blocks: tuple[Block, ...]
    ns: tuple[Range, ...]


def ranges(begin: int, end: int, size: int) -> tuple[Range, ...]:
    """Consecutive parts of at most ``size``."""
    return tuple(Range(at, min(at + size, end)) for at in range(begin, end, size))


def blocks_of(product: Product, rows: int, pixels: int) -> tuple[Block, ...]:
    """Blocks of the output; the rows of one are of one image or of several whole ones."""
    image = product.rows_per_image
    if rows >= image:
        parts = ranges(0, product.rows, rows)
    else:
        parts = tuple(
            part
            for begin in range(0, product.rows, image)
            for part in ranges(begin, min(begin + image, product.rows), rows)
        )
    columns = ranges(0, product.row_pixels, pixels)
    return tuple(Block(*part, *of_row) for part in parts for of_row in columns)


def shares(product: Product, tiling: Tiling, split: Split) -> Iterator[Share]:
    """What each core does: consecutive tiles of each dimension that is split; cores go along n
    first, then m, then groups."""
    core = 0
    for groups in pieces(ranges(0, product.groups, tiling.groups), split.groups):
        for blocks in pieces(blocks_of(product, tiling.rows, tiling.pixels), split.m):
            for ns in pieces(ranges(0, product.n, tiling.n), split.n):
                if groups and blocks and ns:
                    yield Share(core, groups, blocks, ns)
                core += 1


def pieces(items: tuple[Any, ...], count: int) -> list[tuple[Any, ...]]:
    """Consecutive items, as even as can be."""
    ends = [len(items) * at // count for at in range(count + 1)]
    return [items[begin:end] for begin, end in pairwise(ends)]


def emitted(
    machine: Machine,
    product: Product,
    tiling: Tiling,
    epilogue: Epilogue,
    tensors: Tensors,
    split: Split,
    words: Words,
) -> tuple[Any, Any]:
    """Commands and dependencies of a product, like ``traces.mapping.gemm.emit_product``."""
    builder = TraceBuilder(product.name)
    for share in shares(product, tiling, split):
        Emitter(builder, machine, product, tiling, epilogue, tensors, share, words).lower()
    trace = builder.build()
    return trace.commands, trace.dependencies


class Emitter:
    """Emits the commands of one core's share of a product."""

    def __init__(
        self,
        builder: TraceBuilder,
        machine: Machine,
        product: Product,
        tiling: Tiling,
        epilogue: Epilogue,
        tensors: Tensors,
        share: Share,
        words: Words,
    ) -> None:
        self._builder, self._product, self._tiling = builder, product, tiling
        self._epilogue, self._tensors, self._share = epilogue, tensors, share
        self._array, self._words = machine.array, words
        self._has_memory = machine.memory is not None
        self._slots = [Slots(count) for count in tiling.slots]
        self._spilled: dict[Any, int] = {}
        """Store command of each tile of partial sums that is in memory."""

    def lower(self) -> None:
        """Emit everything."""
        for groups in self._share.groups:
            for block, ns, channels in self._nest():
                self._tile(groups, block, ns, channels)

    def _nest(self) -> Iterator[tuple[Block, Range, Range]]:
        loops: dict[str, Sequence[Any]] = {
            "m": self._share.blocks,
            "n": self._share.ns,
            "k": ranges(0, self._product.channels, self._tiling.channels),
        }
        order = self._tiling.order
        for outer in loops[order[0]]:
            for middle in loops[order[1]]:
                for inner in loops[order[2]]:
                    at = dict(zip(order, (outer, middle, inner), strict=True))
                    yield at["m"], at["n"], at["k"]

    def _add(self, queue: int, opcode: int, after: list[int], **columns: int) -> int:
        return self._builder.add(self._share.core * 4 + queue, opcode, after, **columns)

    def _tile(self, groups: Range, block: Block, ns: Range, channels: Range) -> None:
        """One tile product, with the loads it needs and the stores that make room."""
        product = self._product
        bits = self._array.operand_bits
        a = self._input(
            OPERAND_IFMAP,
            (groups, block, channels),
            self._tensors.ifmap,
            lambda: layout.ifmap(product, groups, block, channels, bits),
        )
        b = self._input(
            OPERAND_FILTER,
            (groups, ns, channels),
            self._tensors.filters,
            lambda: layout.filters(product, groups, ns, channels, bits),
        )
        c = self._output(groups, block, ns)
        last = channels.end == product.channels
        flags = FLAG_ACCUMULATE * c.holds_sums | FLAG_FINAL * last
        flags |= FLAG_KEEP * self._tiling.keeps_sums
        command = self._add(
            QUEUE_ARRAY,
            OP_MATMUL,
            a.ready_after + b.ready_after + c.ready_after,
            m=block.size,
            n=ns.size,
            k=channels.size * product.window,
            groups=groups.size,
            pack=min(self._tiling.pack, groups.size),
            flags=flags,
            output_bits=self._words.given_bits,
            mode=self._words.mode,
            result=self._words.result,
        )
        a.free_after = b.free_after = [command]
        if last:
            self._complete(c, command, groups, block, ns)
        else:
            c.holds_sums = True
            c.free_after = [command]
            c.ready_after = []

    def _input(self, operand: int, tile: Any, tensor: int, where: Any) -> Slot:
        """The slot of an input tile, loaded if it is not there."""
        slots = self._slots[operand]
        slot = slots.find(tile)
        if slot is None:
            replaced = slots.make_room()
            slot = slots.put(tile)
            columns = where()
            if self._has_memory and columns["bytes"]:
                after = replaced[1].free_after if replaced else []
                slot.ready_after = [
                    self._add(QUEUE_LOAD, OP_LOAD, after, operand=operand, tensor=tensor, **columns)
                ]
        return slot

    def _output(self, groups: Range, block: Block, ns: Range) -> Slot:
        """The slot of an output tile; its partial sums are loaded if they had to leave."""
        slots = self._slots[OPERAND_OFMAP]
        tile = (groups, block, ns)
        slot = slots.find(tile)
        if slot is not None:
            return slot
        replaced = slots.make_room()
        free_after: list[int] = []
        if replaced is not None:
            old_tile, old = replaced
            if old.holds_sums and self._has_memory:
                old.free_after = [self._move_sums(QUEUE_STORE, OP_STORE, old.free_after, old_tile)]
                self._spilled[old_tile] = old.free_after[0]
            free_after = old.free_after
        slot = slots.put(tile)
        slot.room_after = slot.ready_after = free_after
        stored_by = self._spilled.pop(tile, None)
        if stored_by is not None:
            after = [*free_after, stored_by]
            slot.ready_after = [self._move_sums(QUEUE_LOAD, OP_LOAD, after, tile)]
            slot.holds_sums = True
        return slot

    def _move_sums(self, queue: int, opcode: int, after: list[int], tile: Any) -> int:
        groups, block, ns = tile
        bits = self._array.accumulator_bits
        where = layout.sums(self._product, groups, block, ns, bits)
        return self._add(
            queue, opcode, after, operand=OPERAND_OFMAP, tensor=self._tensors.sums, **where
        )

    def _complete(self, slot: Slot, command: int, groups: Range, block: Block, ns: Range) -> None:
        """Epilogue and store of an output tile."""
        where = layout.ofmap(self._product, groups, block, ns, self._words.output_bits)
        after = [command]
        if self._has_memory:
            after += [
                self._add(
                    QUEUE_LOAD, OP_LOAD, slot.room_after, operand=OPERAND_OFMAP, tensor=tensor,
                    flags=FLAG_FINAL, **where,
                )
                for tensor in self._tensors.residuals
            ]  # fmt: skip
        for op in self._epilogue.vector_ops:
            elements = groups.size * block.size * ns.size
            after = [
                self._add(
                    QUEUE_VECTOR, OP_VECTOR, after, vector_op=VECTOR_OPS.index(op),
                    elements=elements, output_bits=self._words.given_bits,
                )
            ]  # fmt: skip
        slot.holds_sums = False
        slot.free_after = after
        if self._has_memory:
            slot.free_after = [
                self._add(
                    QUEUE_STORE, OP_STORE, after, operand=OPERAND_OFMAP,
                    tensor=self._tensors.ofmap, flags=FLAG_FINAL, **where,
                )
            ]  # fmt: skip
