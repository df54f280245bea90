"""The attention of a stack of AttAcc as commands of its first channel, unit in each bank.

The order is that of AttAcc's generator (scale-snu/attacc_simulator, commit c600051,
gen_trace_attacc_bank.py): heads go round the channels; of two heads of a channel one is at its
scores while the other's vector is written, one at its softmax while the other is at its scores.
Commands to all banks and moves of data go on together between two barriers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.pim.attacc import AttAcc

MAC, WRGB, MVSB, MVGB, SFM, BARRIER = range(6)
"""Column of all banks; write of the vector; move of results, of logits; softmax."""
COMMANDS = ("mac", "wrgb", "mvsb", "mvgb", "softmax", "barrier")
VALUES_AT = 1 << 23
"""Byte of a bank at which values begin."""
STEP = 16
"""Rows of scores between two barriers."""
Command = tuple[int, int, int]
"""One of COMMANDS, its bank and its row."""


@dataclass
class Head:
    """Commands for the heads that all channels are at together, those of one channel."""

    channels: int
    """That take part."""
    vector: list[Command]
    scores: list[list[Command]]
    results: list[list[Command]]
    logits: list[Command]
    context: list[list[Command]]
    outputs: list[list[Command]]


@dataclass
class Stream:
    """Commands of the first channel, and counts of all."""

    commands: list[Command] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0] * len(COMMANDS))

    def put(self, commands: Sequence[Command], channels: int) -> None:
        """To so many channels."""
        self.commands += commands
        for kind, _, _ in commands:
            self.counts[kind] += channels

    def share(self, commands: Sequence[Command], channels: int, part: int, size: int) -> None:
        """One of several parts, of so many commands of all channels, which take turns."""
        for place in range(part * size, min((part + 1) * size, len(commands) * channels)):
            command = commands[place // channels]
            self.counts[command[0]] += 1
            if place % channels == 0:
                self.commands.append(command)

    def barrier(self) -> None:
        """What follows waits."""
        self.commands.append((BARRIER, 0, 0))


def _ceil(a: int, b: int) -> int:
    return -(-a // b)


def attention(
    pim: AttAcc, length: int, heads: int, head_dim: int, element_bytes: int
) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """[command, (one of COMMANDS, bank, row)] of the first channel, and how many of each all
    channels have. Raises InputError for numbers that do not fit."""
    if min(length, heads, head_dim, element_bytes) < 1:
        raise InputError("length, heads, head_dim and element_bytes must be 1 at least")
    if length > pim.tokens_max:
        raise InputError(f"{pim.name}: length must be {pim.tokens_max} at most, not {length}")
    rounds = _ceil(heads, pim.channels)
    given = [_head(pim, i, heads, length, head_dim, element_bytes, rounds) for i in range(rounds)]
    stream = Stream()
    for first in range(0, rounds - 1, 2):
        _pair(pim, stream, given[first], given[first + 1], first == 0)
    if rounds % 2:
        _alone(pim, stream, given[-1])
    counts = dict(zip(COMMANDS[:BARRIER], stream.counts, strict=False))
    return np.array(stream.commands, np.int64), counts


def _head(
    pim: AttAcc, index: int, heads: int, length: int, dim: int, size: int, rounds: int
) -> Head:
    lanes = pim.column_bytes // size
    units = pim.pseudo_channels * pim.ranks * pim.bank_groups
    reserved = _ceil(pim.tokens_max * dim, units * pim.banks)
    left = heads % pim.channels if index == rounds - 1 else 0

    def place(rank: int, group: int, bank: int) -> int:
        return (rank * pim.bank_groups + group) * pim.banks + bank

    def macs(begin: int, outer: int, inner: int) -> list[list[Command]]:
        at = index * reserved + begin
        return [
            [
                (MAC, 0, (at + (i * inner + j) * pim.column_bytes) // pim.row_bytes)
                for j in range(inner)
            ]
            for i in range(outer)
        ]

    deep, tokens = _ceil(dim, pim.banks * lanes), _ceil(length, units)
    ranks, groups = range(pim.ranks), range(pim.bank_groups)
    moves: list[Command] = [(MVSB, place(rank, group, 0), 0) for group in groups for rank in ranks]
    outs: list[Command] = [
        (MVSB, place(rank, 0, bank), 0) for bank in range(pim.banks) for rank in ranks
    ]
    return Head(
        channels=left or pim.channels,
        vector=[(WRGB, place(0, 0, bank), 0) for bank in range(pim.banks) for _ in range(deep)],
        scores=macs(0, tokens, deep),
        results=[moves] * _ceil(tokens, STEP),
        logits=[
            (MVGB, place(rank, group, 0), 0)
            for rank in ranks
            for group in groups
            for _ in range(_ceil(length, units * lanes))
        ],
        context=macs(VALUES_AT, deep, tokens),
        outputs=[outs] * deep,
    )


def _scores(stream: Stream, head: Head, step: int) -> None:
    """Sixteen rows of scores, then the results of those before."""
    for row in head.scores[step * STEP : (step + 1) * STEP]:
        stream.put(row, head.channels)
    if step > 0:
        stream.put(head.results[step - 1], head.channels)


def _context(stream: Stream, head: Head, step: int) -> None:
    if step < len(head.context):
        stream.put(head.context[step], head.channels)
    if step > 0:
        stream.put(head.outputs[step - 1], head.channels)


def _share_logits(stream: Stream, head: Head, step: int, steps: int) -> None:
    """Logits move in the second half of the other head's steps."""
    if step >= steps // 2:
        size = len(head.logits) * head.channels // _ceil(steps, 2)
        stream.share(head.logits, head.channels, step - steps // 2, size)


SOFTMAX: list[Command] = [(SFM, 0, 0)]


def _pair(pim: AttAcc, stream: Stream, one: Head, two: Head, begins: bool) -> None:
    stream.put(one.vector, one.channels)
    if begins:
        stream.put(one.scores[0][:1], one.channels)
    stream.barrier()
    steps = len(one.results)
    for step in range(steps + 1):
        _scores(stream, one, step)
        if step < steps:
            stream.share(two.vector, two.channels, step, len(two.vector) * two.channels // steps)
            stream.barrier()
    for step in range(steps + 1):
        _scores(stream, two, step)
        if step == 0:
            stream.put(SOFTMAX, one.channels)
        if step < steps:
            _share_logits(stream, one, step, steps)
            stream.barrier()
    steps = len(one.context)
    for step in range(steps + 1):
        _context(stream, one, step)
        if step == 0:
            stream.put(SOFTMAX, two.channels)
        if step < steps:
            _share_logits(stream, two, step, steps)
            stream.barrier()
    last = one if pim.second_context == "of_first" else two
    for step in range(steps + 1):
        _context(stream, last, step)
        if step < steps:
            stream.barrier()


def _alone(pim: AttAcc, stream: Stream, head: Head) -> None:
    stream.put(head.vector, head.channels)
    stream.barrier()
    steps = len(head.results)
    for step in range(steps + 1):
        _scores(stream, head, step)
        if step < steps:
            stream.barrier()
        if step == steps or pim.softmax == "each_step":
            stream.put(SOFTMAX, head.channels)
            stream.put(head.logits, head.channels)
            stream.barrier()
    steps = len(head.context)
    for step in range(steps + 1):
        _context(stream, head, step)
        if step < steps:
            stream.barrier()
