"""The attention of sequences on the arrays, with keys and values loaded from memory.

A sequence's heads are independent products of one row each. Sequences go round the cores; a core
loads a sequence's keys and values while it works on the one before. Keys and values lie together,
and every byte of them is loaded once.
"""

from collections.abc import Sequence as Ordered
from typing import Literal

from arch.commands import (
    FLAG_FINAL,
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
    CommandTrace,
)
from arch.errors import InputError
from arch.machine import Machine
from arch.vector import VECTOR_OPS
from traces.mapping.builder import TraceBuilder
from traces.mapping.hybrid.placement import Sequence
from traces.mapping.joint_attention import ELEMENT_BYTES, Shape
from traces.mapping.vector import work_of
from traces.operators import Softmax

Heads = Literal["together", "in_turn"]


def cache_bytes(shape: Shape, length: int) -> int:
    """Keys and values of a sequence in one layer."""
    return 2 * shape.heads * shape.head_dim * length * ELEMENT_BYTES


def attention_on_npu(
    machine: Machine,
    shape: Shape,
    sequences: Ordered[Sequence],
    heads: Heads = "together",
    name: str = "attention",
) -> CommandTrace:
    """Commands of one layer; ``heads`` as of ``HybridMapping.npu_heads``.

    Tensors: queries, results, then keys and values of each sequence.

    Raises InputError where keys of one head do not fit half of the weights' room.
    """
    builder = TraceBuilder(name)
    width = shape.heads * shape.head_dim * ELEMENT_BYTES
    queries = builder.tensor(f"{name}.queries", len(sequences) * width)
    results = builder.tensor(f"{name}.results", len(sequences) * width)
    used = machine.cores if heads == "together" else 1
    cores = [_Core(builder, machine, core, shape, heads) for core in range(used)]
    for place, each in enumerate(sequences):
        cache = builder.tensor(f"{name}.cache{each.number}", cache_bytes(shape, each.length))
        cores[place % len(cores)].attend(each, place, queries, cache, results)
    return builder.build()


class _Core:
    """Emits the work of one core, two loads of keys or values in flight."""

    def __init__(
        self, builder: TraceBuilder, machine: Machine, core: int, shape: Shape, heads: Heads
    ) -> None:
        self._builder, self._core, self._shape = builder, core, shape
        self._together = shape.heads if heads == "together" else 1
        self._in_turn = heads == "in_turn"
        _, pad = machine.buffer.scratchpad_of("filter")
        share = pad.capacity_bytes // len(pad.operands)
        self._room_bytes = share // 2 if pad.double_buffered else share
        self._depth = 2 if pad.double_buffered else 1
        self._used: list[int] = []
        """Products by the room that they free, in order."""

    def attend(self, each: Sequence, place: int, queries: int, cache: int, results: int) -> None:
        """Logits, softmax, and what the weights weigh, so many heads at a time as there is room
        for."""
        shape = self._shape
        head = shape.head_dim * each.length * ELEMENT_BYTES
        together = min(self._together, self._room_bytes // head)
        if not together:
            raise InputError(
                f"sequence {each.number}: the keys of one head of {each.length} tokens take {head} "
                f"bytes; half of the scratchpad's share for weights has {self._room_bytes}"
            )
        width = shape.head_dim * ELEMENT_BYTES
        for first in range(0, shape.heads, together):
            heads = min(together, shape.heads - first)
            at = (place * shape.heads + first) * width
            loads = [
                self._move(QUEUE_LOAD, OP_LOAD, OPERAND_IFMAP, queries, at, heads * width, []),
                self._cache(cache, first * head, heads * head),
            ]
            done = self._product(heads, each.length, shape.head_dim, loads)
            work = work_of(Softmax(name="softmax", rows=heads, cols=each.length))
            for op, elements in work.ops:
                done = self._add(
                    QUEUE_VECTOR, OP_VECTOR, [done],
                    vector_op=VECTOR_OPS.index(op), elements=work.units * elements,
                )  # fmt: skip
            values = self._cache(cache, (shape.heads + first) * head, heads * head)
            done = self._product(heads, shape.head_dim, self._depth_of(each), [values, done])
            self._move(QUEUE_STORE, OP_STORE, OPERAND_OFMAP, results, at, heads * width, [done])

    def _depth_of(self, each: Sequence) -> int:
        """Of the product with the values; NeuPIMs' simulator steps by 128 to the length and 127, so
        that it does one fold more than it has to."""
        return each.length + (127 if self._in_turn else 0)

    def _cache(self, tensor: int, offset: int, size: int) -> int:
        free = self._used[-self._depth : len(self._used) - self._depth + 1]
        after = free if len(self._used) >= self._depth else []
        return self._move(QUEUE_LOAD, OP_LOAD, OPERAND_FILTER, tensor, offset, size, after)

    def _product(self, groups: int, n: int, k: int, after: Ordered[int]) -> int:
        done = self._add(
            QUEUE_ARRAY, OP_MATMUL, after, m=1, n=n, k=k, groups=groups, pack=1, flags=FLAG_FINAL
        )
        self._used.append(done)
        return done

    def _move(
        self, queue: int, opcode: int, operand: int, tensor: int, offset: int, size: int,
        after: Ordered[int],
    ) -> int:  # fmt: skip
        return self._add(
            queue, opcode, after, operand=operand, tensor=tensor, flags=FLAG_FINAL,
            offset_bytes=offset, bytes=size, segment_bytes=size, stride_bytes=size,
        )  # fmt: skip

    def _add(self, queue: int, opcode: int, after: Ordered[int], **columns: int) -> int:
        return self._builder.add(self._core * 4 + queue, opcode, after, **columns)
