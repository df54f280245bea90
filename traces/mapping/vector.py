"""Operators of the vector unit to commands: load a tile, work on it, store the result.

An operator is a number of *units* (elements, vectors or output rows); a tile is as many of them
as fit half of the scratchpads' room for inputs and outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from arch.buffer import Operand
from arch.commands import (
    FLAG_FINAL,
    OP_LOAD,
    OP_STORE,
    OP_VECTOR,
    OPERAND_IFMAP,
    OPERAND_OFMAP,
    QUEUE_LOAD,
    QUEUE_STORE,
    QUEUE_VECTOR,
)
from arch.errors import InputError
from arch.mac.formats import packed_bytes
from arch.machine import Machine
from arch.vector import VECTOR_OPS, VectorOp
from traces.mapping.builder import TraceBuilder
from traces.mapping.precision import Words, words_of
from traces.mapping.product import Axis
from traces.operators import AnyOperator, Elementwise, Move, Norm, Pool, Softmax


@dataclass(frozen=True)
class VectorWork:
    """What an operator asks of the vector unit."""

    units: int
    inputs: int
    """Tensors that are read."""
    in_elements: Callable[[int, int], int]
    """Elements of one input that units ``begin`` to ``end - 1`` read."""
    out_elements: int
    """Elements that a unit writes."""
    ops: tuple[tuple[VectorOp, int], ...]
    """Operations in order, each with the elements of a unit that it goes over."""
    passes: int = 1
    """Times that the inputs are read."""


def work_of(operator: AnyOperator) -> VectorWork:
    """Units and operations of an operator that is no matrix product."""
    if isinstance(operator, Elementwise):
        ops = ((operator.op, 1),) * max(1, operator.operands - 1)
        return VectorWork(operator.elements, operator.operands, _times(1), 1, ops)
    if isinstance(operator, Move):
        return VectorWork(operator.elements, 1, _times(1), 1, (("copy", 1),))
    if isinstance(operator, Softmax | Norm):
        c = operator.cols
        return VectorWork(operator.rows, 1, _times(c), c, _row_ops(operator))
    if isinstance(operator, Pool):
        return _pool(operator)
    raise InputError(f"operator {operator.name!r}: {operator.kind} is no vector operator")


def _times(elements: int) -> Callable[[int, int], int]:
    return lambda begin, end: (end - begin) * elements


def _row_ops(operator: Softmax | Norm) -> tuple[tuple[VectorOp, int], ...]:
    c = operator.cols
    if isinstance(operator, Softmax):
        return (("max", c), ("add", c), ("exp", c), ("sum", c), ("div", 1), ("mul", c))
    if operator.op == "batch":
        return (("mul", c), ("add", c))
    if operator.op == "local_response":
        squares: tuple[tuple[VectorOp, int], ...] = (("mul", c), ("sum", c * operator.window))
        return (*squares, ("exp", c), ("mul", c))
    variance: tuple[tuple[VectorOp, int], ...] = (("mul", c), ("sum", c), ("sqrt", 1), ("div", 1))
    if operator.op == "rms":
        return (*variance, ("mul", c), ("mul", c))
    return (("sum", c), ("add", c), *variance, ("mul", c), ("mul", c), ("add", c))


def _pool(operator: Pool) -> VectorWork:
    """A unit is an output row of all channels."""
    rows = Axis(
        operator.in_h, operator.filt_h, operator.stride_h, operator.pad_top, operator.dilation_h
    )
    row_elements = operator.in_w * operator.channels
    out = operator.out_w * operator.channels
    window = operator.filt_h * operator.filt_w
    ops: tuple[tuple[VectorOp, int], ...] = (("max", out * window),)
    if operator.op == "average":
        ops = (("add", out * window), ("mul", out))

    def in_elements(begin: int, end: int) -> int:
        total = 0
        while begin < end:
            image, row = divmod(begin, operator.out_h)
            stop = min(end, (image + 1) * operator.out_h)
            total += rows.touched(row, row + stop - begin) * row_elements
            begin = stop
        return total

    return VectorWork(operator.batch * operator.out_h, 1, in_elements, out, ops)


def _room(machine: Machine, operand: Operand) -> int:
    """Bytes that a tile of an operand may take."""
    _, pad = machine.buffer.scratchpad_of(operand)
    share = pad.capacity_bytes // len(pad.operands)
    return share // 2 if pad.double_buffered else share


def _units_per_tile(work: VectorWork, machine: Machine, bits: int) -> int:
    """The most units whose inputs and outputs fit, at least one."""
    if machine.memory is None:
        return work.units
    inputs, outputs = _room(machine, "ifmap"), _room(machine, "ofmap")
    low, high = 1, work.units
    while low < high:
        middle = (low + high + 1) // 2
        fits = (
            packed_bytes(work.in_elements(0, middle), bits) * work.inputs <= inputs
            and packed_bytes(middle * work.out_elements, bits) <= outputs
        )
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def lower_vector(builder: TraceBuilder, machine: Machine, operator: AnyOperator) -> None:
    """Emit an operator's commands; tiles go round the cores.

    A unit that does not fit is taken in pieces. Where an operation needs the whole unit first
    (softmax, norms) its inputs are then read twice.
    """
    work = work_of(operator)
    words = words_of(operator, machine.array)
    bits = words.output_bits
    tile = _units_per_tile(work, machine, bits)
    if machine.mapping.vector_tiles == "shared":
        tile = min(tile, ceil(work.units / machine.cores))
    pieces = _pieces(work, machine, bits) if tile == 1 else 1
    passes = 2 if pieces > 1 and isinstance(operator, Softmax | Norm) else 1
    starts = range(0, work.units, tile)
    per_core = ceil(len(starts) / machine.cores)
    read, written = work.in_elements(0, work.units), work.units * work.out_elements
    tensors = (
        builder.tensor(f"{operator.name}.in", packed_bytes(read, bits)),
        builder.tensor(f"{operator.name}.out", packed_bytes(written, bits)),
    )
    lanes = [_Lane(builder, machine, core, tensors, words) for core in range(machine.cores)]
    for index, begin in enumerate(starts):
        end = min(begin + tile, work.units)
        lane = lanes[index // per_core]
        for piece in range(pieces):
            lane.tile(work, begin, end, piece, pieces, passes)


def _pieces(work: VectorWork, machine: Machine, bits: int) -> int:
    inputs = packed_bytes(work.in_elements(0, 1), bits) * work.inputs / _room(machine, "ifmap")
    outputs = packed_bytes(work.out_elements, bits) / _room(machine, "ofmap")
    return max(1, ceil(inputs), ceil(outputs)) if machine.memory is not None else 1


class _Lane:
    """Emits one core's tiles, two in flight."""

    def __init__(
        self,
        builder: TraceBuilder,
        machine: Machine,
        core: int,
        tensors: tuple[int, int],
        words: Words,
    ) -> None:
        self._builder, self._core, self._tensors = builder, core, tensors
        self._bits, self._given_bits = words.output_bits, words.given_bits
        self._has_memory = machine.memory is not None
        in_flight = [machine.buffer.scratchpad_of(name)[1].double_buffered
                     for name in ("ifmap", "ofmap")]  # fmt: skip
        self._depth = 2 if all(in_flight) else 1
        self._computed: list[int] = []
        self._stored: list[int] = []

    def _add(self, queue: int, opcode: int, after: list[int], **columns: int) -> int:
        return self._builder.add(self._core * 4 + queue, opcode, after, **columns)

    def _part(self, total: int, piece: int, pieces: int) -> int:
        return total * (piece + 1) // pieces - total * piece // pieces

    def tile(
        self, work: VectorWork, begin: int, end: int, piece: int, pieces: int, passes: int
    ) -> None:
        """Loads, operations and store of units ``begin`` to ``end - 1`` (or a piece of one)."""
        read = self._part(work.in_elements(begin, end), piece, pieces)
        size = packed_bytes(read, self._bits)
        depth = self._depth
        after: list[int] = []
        if self._has_memory and size:
            free = self._computed[-depth : len(self._computed) - depth + 1] if (
                len(self._computed) >= depth) else []  # fmt: skip
            offset = packed_bytes(begin * work.out_elements, self._bits)
            after = [
                self._add(
                    QUEUE_LOAD, OP_LOAD, free, operand=OPERAND_IFMAP, tensor=self._tensors[0],
                    bytes=size, segment_bytes=size, stride_bytes=size, offset_bytes=offset,
                )
                for _ in range(work.inputs * passes)
            ]  # fmt: skip
        if len(self._stored) >= depth:
            after.append(self._stored[-depth])
        done = -1
        for op, elements in work.ops:
            count = self._part((end - begin) * elements, piece, pieces)
            if count:
                done = self._add(
                    QUEUE_VECTOR,
                    OP_VECTOR,
                    after,
                    vector_op=VECTOR_OPS.index(op),
                    elements=count,
                    output_bits=self._given_bits,
                )
                after = [done]
        self._computed.append(done)
        written = self._part((end - begin) * work.out_elements, piece, pieces)
        size = packed_bytes(written, self._bits)
        if self._has_memory and size:
            self._stored.append(
                self._add(
                    QUEUE_STORE, OP_STORE, [done], operand=OPERAND_OFMAP, tensor=self._tensors[1],
                    flags=FLAG_FINAL, bytes=size, segment_bytes=size, stride_bytes=size,
                    offset_bytes=packed_bytes(begin * work.out_elements, self._bits),
                )
            )  # fmt: skip
