"""The attention of sequences in PIM, with what arrays' neighbours do for it.

For each sequence: queries and the new key go to its rows, a PIM command makes the logits, the
side queue of a vector unit their softmax, the weights go to the rows that GWRITEs read, a second
PIM command weighs the values. Results come with the instructions and need no load.
"""

from collections.abc import Sequence as Ordered
from dataclasses import replace

import numpy as np

from arch.commands import (
    FLAG_FINAL,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    OPERAND_OFMAP,
    PIM_ITEM,
    CommandTrace,
    pim_queue,
    side_queue,
    side_store_queue,
)
from arch.hybrid import HybridMapping
from arch.pim.joint import JointMemory
from arch.vector import VECTOR_OPS
from traces.mapping.builder import TraceBuilder
from traces.mapping.hybrid.cells import Cells, cells_of
from traces.mapping.hybrid.items import Items, key_items, query_slot, value_items
from traces.mapping.hybrid.placement import Rows, Sequence
from traces.mapping.joint_attention import (
    ELEMENT_BYTES,
    Shape,
    elements_a_row,
    heads_a_row,
    key_rows,
)
from traces.mapping.vector import work_of
from traces.operators import Softmax


def weights_bytes(shape: Shape, sequences: Ordered[Sequence]) -> int:
    """Softmax of all heads of some sequences."""
    return sum(shape.heads * each.length * ELEMENT_BYTES for each in sequences)


def apart_bytes(mapping: HybridMapping, shape: Shape, sequences: Ordered[Sequence]) -> int:
    """Of the weights that lie apart from the rows of their channel."""
    return weights_bytes(shape, sequences) if mapping.gwrite_rows == "first" else 0


def attention_in_pim(
    memory: JointMemory,
    cores: int,
    shape: Shape,
    mapping: HybridMapping,
    sequences: Ordered[Sequence],
    rows: dict[int, Rows],
    name: str = "attention",
) -> CommandTrace:
    """Commands of one layer; each channel's vector work is on core ``channel % cores``.

    Tensors: the whole memory, and weights that lie apart, where each GWRITE is of the first row.

    Raises InputError where rows have no address to write to.
    """
    return _Attention(memory, cores, shape, mapping, name).trace(sequences, rows)


def _by_turns(sequences: Ordered[Sequence]) -> list[Sequence]:
    """The first of each channel, then the second of each, and so on."""
    before: dict[int, int] = {}
    turns = []
    for each in sequences:
        turns.append(before.get(each.channel, 0))
        before[each.channel] = turns[-1] + 1
    order = sorted(range(len(sequences)), key=turns.__getitem__)
    return [sequences[at] for at in order]


class _Attention:
    """Commands so far."""

    def __init__(
        self, memory: JointMemory, cores: int, shape: Shape, mapping: HybridMapping, name: str
    ) -> None:
        self._memory, self._cores, self._shape, self._mapping = memory, cores, shape, mapping
        self._cells: Cells = cells_of(memory)
        self._builder = TraceBuilder(name)
        capacity = memory.address_map().capacity_bytes
        self._rows = self._builder.tensor(f"{name}.rows", capacity)
        self._name = name
        self._items: list[Items] = []
        self._apart_bytes = 0
        """Of the weights that lie apart from the rows of their channel."""

    def trace(self, sequences: Ordered[Sequence], rows: dict[int, Rows]) -> CommandTrace:
        size = apart_bytes(self._mapping, self._shape, sequences)
        self._apart = self._builder.tensor(f"{self._name}.weights", size)
        # Engines keep order: what waits for nothing goes first, then the first sequence of each
        # channel, the second of each, so that none waits for a later one of another channel.
        if self._mapping.values_wait == "own":
            sequences = _by_turns(sequences)
        news = [self._new_tokens(each, rows[each.number]) for each in sequences]
        weights = [
            self._logits(each, rows[each.number], new)
            for each, new in zip(sequences, news, strict=True)
        ]
        everyone = [store for stores in weights for store in stores]
        waited: set[int] = set()
        for each, stores in zip(sequences, weights, strict=True):
            after = stores
            if self._mapping.values_wait == "all":
                after = [] if each.channel in waited else everyone
                waited.add(each.channel)
            self._values(each, rows[each.number], after)
        built = self._builder.build()
        items = np.concatenate(self._items) if self._items else np.zeros(0, PIM_ITEM)
        return replace(built, items=items)

    def _new_tokens(self, each: Sequence, rows: Rows) -> list[int]:
        """Stores of queries, keys and values of the new token."""
        memory, found = self._memory, list[int]()
        if self._mapping.cache_stores == "none":
            return found
        parts = self._parts()
        tile, bank = divmod(each.length - 1, memory.device().banks)
        for part, size in enumerate(parts):
            row = rows.cache + tile * len(parts) + part
            query = query_slot(memory, rows.queries, part)
            found.append(self._store(each, *query, size, []))
            found.append(self._store(each, bank, row, size, []))
        return found + self._new_values(each, rows)

    def _logits(self, each: Sequence, rows: Rows, stored: Ordered[int]) -> list[int]:
        """Up to the stores of the weights, whose commands are given back."""
        memory, shape = self._memory, self._shape
        parts = len(self._parts())
        items = key_items(memory, shape, each.length, rows.cache, self._query_row(rows))
        logits = self._pim(each, items, stored)
        work = work_of(Softmax(name="softmax", rows=shape.heads, cols=each.length))
        done = [logits]
        for op, elements in work.ops:
            done = [self._side(each, VECTOR_OPS.index(op), work.units * elements, done)]
        if self._mapping.gwrite_rows == "first":
            size = weights_bytes(shape, [each])
            self._apart_bytes += size
            return [self._move(each, self._apart, self._apart_bytes - size, size, size, size, done)]
        tokens = elements_a_row(memory)
        value_parts = -(-each.length // tokens)
        found = []
        for slot in range(shape.heads * value_parts):
            size = min(tokens, each.length - slot % value_parts * tokens) * ELEMENT_BYTES
            place = query_slot(memory, rows.queries, parts + slot)
            found.append(self._store(each, *place, size, done))
        return found

    def _values(self, each: Sequence, rows: Rows, after: Ordered[int]) -> None:
        """What the weights weigh."""
        memory, shape = self._memory, self._shape
        items = value_items(memory, shape, each.length, rows.cache, self._query_row(rows))
        done = self._pim(each, items, after)
        parts = -(-each.length // elements_a_row(memory))
        elements = shape.heads * shape.head_dim
        if parts > 1:
            done = self._side(each, VECTOR_OPS.index("add"), (parts - 1) * elements, [done])
        if self._mapping.cache_stores == "all":
            for part, size in enumerate(self._parts()):
                self._store(each, *query_slot(memory, rows.queries, part), size, [done])

    def _new_values(self, each: Sequence, rows: Rows) -> list[int]:
        """Stores of the values of a burst of tokens, if the new token is its last."""
        memory, shape = self._memory, self._shape
        in_burst = self._cells.burst_bytes // ELEMENT_BYTES
        if each.length % in_burst:
            return []
        part, token = divmod(each.length - 1, elements_a_row(memory))
        first = rows.cache + key_rows(memory, each.length, shape)
        parts, banks = -(-each.length // elements_a_row(memory)), memory.device().banks
        tiles = -(-shape.head_dim // banks)
        burst, found = self._cells.burst_bytes, []
        for head in range(shape.heads):
            for tile in range(tiles):
                row = first + (head * tiles + tile) * parts + part
                count = min(banks, shape.head_dim - tile * banks)
                at = self._cells.address(each.channel, 0, row, token // in_burst)
                stride = self._cells.bank_stride_bytes
                found.append(self._move(each, self._rows, at, count * burst, burst, stride, []))
        return found

    def _parts(self) -> list[int]:
        """Bytes of a token's queries, keys or results in each row that they take."""
        in_row, shape = heads_a_row(self._memory, self._shape), self._shape
        return [
            min(in_row, shape.heads - first) * shape.head_dim * ELEMENT_BYTES
            for first in range(0, shape.heads, in_row)
        ]

    def _query_row(self, rows: Rows) -> int | None:
        return rows.queries if self._mapping.gwrite_rows == "own" else None

    def _pim(self, each: Sequence, items: Items, after: Ordered[int]) -> int:
        command = self._builder.add(pim_queue(self._cores, each.channel), OP_PIM, after)
        items["command"] = command
        self._items.append(items)
        return command

    def _side(self, each: Sequence, op: int, elements: int, after: Ordered[int]) -> int:
        queue = side_queue(self._cores, self._memory.channels, each.channel % self._cores)
        return self._builder.add(queue, OP_VECTOR, after, vector_op=op, elements=elements)

    def _store(self, each: Sequence, bank: int, row: int, size: int, after: Ordered[int]) -> int:
        """A part of a row, from its beginning."""
        burst, stride = self._cells.burst_bytes, self._cells.column_stride_bytes
        segment = size if stride == burst else min(size, burst)
        at = self._cells.address(each.channel, bank, row)
        return self._move(each, self._rows, at, size, segment, stride, after)

    def _move(
        self, each: Sequence, tensor: int, at: int, size: int, segment: int, stride: int,
        after: Ordered[int],
    ) -> int:  # fmt: skip
        queue = side_store_queue(self._cores, self._memory.channels, each.channel % self._cores)
        return self._builder.add(
            queue, OP_STORE, after, operand=OPERAND_OFMAP, tensor=tensor, flags=FLAG_FINAL,
            offset_bytes=at, bytes=size, segment_bytes=segment, stride_bytes=max(segment, stride),
        )  # fmt: skip
