"""Collects instructions, and finds what each must wait for from the SRAM columns it touches."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.vector import VECTOR_OPS, VectorOp
from traces.pim.dtype import CODES, INSTRUCTION, PimTrace

FIELDS = {name: index for index, name in enumerate(INSTRUCTION.names or ())}
VECTOR_INDEX = {name: index for index, name in enumerate(VECTOR_OPS)}
EMPTY = [{"count": 1, "gpr": -1, "gpr2": -1, "bank": -1, "row": -1}.get(name, 0) for name in FIELDS]
VECTOR_MASK = -1
RD_MAC = CODES["RD_MAC"]
Readers = tuple[tuple[int, int], ...]
"""Instructions that have read a column since it was written, each with its channels."""


@dataclass(frozen=True)
class Size:
    """Of a program so far."""

    instructions: int
    waits: int
    """Places of instructions that others wait for."""
    operators: int


class PimBuilder:
    """Appends instructions in program order.

    An instruction waits for those that wrote the GPRs it reads, and for those that read or wrote
    the ones it writes, where the order of its queue does not see to that: instructions of the PIM
    are sent in order and are done in order in a channel; those of the chip begin in order, so none
    of them overwrites what one before has still to read.
    """

    def __init__(self, gprs: int) -> None:
        """``gprs``: columns of the SRAM."""
        self.rows: list[list[int]] = []
        self.after: list[list[int]] = []
        self.names: list[str] = []
        self.marks: dict[str, list[int]] = {}
        """Instructions by what of them depends on the token."""
        self.row_offset = 0
        """Added to the rows of instructions."""
        self._operator = 0
        self._writer = [-1] * gprs
        self._readers: list[Readers] = [()] * gprs
        self._met: tuple[set[int], set[int]] = (set(), set())
        """What instructions of the PIM, and of the chip, have waited for already."""

    def operator(self, name: str) -> None:
        """What follows belongs to an operator."""
        if name not in self.names:
            self.names.append(name)
        self._operator = self.names.index(name)

    @property
    def size(self) -> Size:
        """Of the program so far."""
        return Size(len(self.rows), sum(map(len, self.after)), len(self.names))

    def mark(self, name: str) -> None:
        """Note the last instruction."""
        self.marks.setdefault(name, []).append(len(self.rows) - 1)

    def memory(
        self, op: str, mask: int, *, reads: tuple[int, int] | None = None,
        writes: tuple[int, int] | None = None, **fields: int,
    ) -> int:  # fmt: skip
        """Append an instruction of the PIM that reads or writes so many GPRs from one on."""
        gpr = (reads or writes or (-1, 0))[0]
        return self._add(
            mask, [reads] if reads else [], writes, op=CODES[op], channels=mask, gpr=gpr, **fields
        )

    def vector(
        self, op: VectorOp, elements: int, result: tuple[int, int], *operands: tuple[int, int],
        flags: int = 0,
    ) -> int:  # fmt: skip
        """Append an operation of the chip; each vector as first GPR and how many."""
        second = operands[1][0] if len(operands) > 1 else 0
        return self._add(
            VECTOR_MASK, operands, result, op=CODES["VECTOR"], vector_op=VECTOR_INDEX[op],
            elements=elements, gpr=result[0], gpr2=operands[0][0], data=second, column=flags,
        )  # fmt: skip

    def _add(
        self, mask: int, reads: Iterable[tuple[int, int]], writes: tuple[int, int] | None,
        **fields: int,
    ) -> int:  # fmt: skip
        index = len(self.rows)
        row = EMPTY.copy()
        for name, value in fields.items():
            row[FIELDS[name]] = value
        row[FIELDS["operator"]] = self._operator
        if row[FIELDS["row"]] >= 0:
            row[FIELDS["row"]] += self.row_offset
        needed: set[int] = set()
        for first, count in reads:
            needed.update(self._writer[first : first + count])
            self._note_readers(first, count, index, mask)
        if writes is not None:
            first, end = writes[0], writes[0] + writes[1]
            pairs = zip(self._writer[first:end], self._readers[first:end], strict=True)
            for writer, readers in set(pairs):
                if not readers and not (mask == VECTOR_MASK and self._is_vector(writer)):
                    needed.add(writer)
                needed.update(i for i, by in readers if not (mask == by == VECTOR_MASK))
            self._writer[first:end] = [index] * writes[1]
            self._readers[first:end] = [()] * writes[1]
        needed -= {-1, index}
        met = self._met[mask == VECTOR_MASK]
        needed -= met
        met |= needed
        self.rows.append(row)
        self.after.append(self._last(needed))
        return index

    def _last(self, needed: set[int]) -> list[int]:
        """Without reads of accumulators that are followed by others in all their channels: they are
        done in order."""
        covered = 0
        kept: list[int] = []
        for i in sorted(needed, reverse=True):
            row = self.rows[i]
            if row[FIELDS["op"]] == RD_MAC:
                channels = row[FIELDS["channels"]]
                if channels & ~covered == 0:
                    continue
                covered |= channels
            kept.append(i)
        return kept[::-1]

    def _is_vector(self, index: int) -> bool:
        return index >= 0 and self.rows[index][FIELDS["op"]] == CODES["VECTOR"]

    def _note_readers(self, first: int, count: int, index: int, mask: int) -> None:
        """A column is read; a reader of the same channels before this one is done before it."""
        known: dict[Readers, Readers] = {}
        columns = self._readers
        for i in range(first, first + count):
            old = columns[i]
            new = known.get(old)
            if new is None:
                new = (*(r for r in old if not self._superseded(r[1], mask)), (index, mask))
                known[old] = new
            columns[i] = new

    @staticmethod
    def _superseded(old: int, new: int) -> bool:
        if VECTOR_MASK in (old, new):
            return False
        return old & ~new == 0

    def arrays(self) -> tuple[npt.NDArray[np.void], npt.NDArray[np.int64]]:
        """Instructions with their ranges of the second, places of what must be done before."""
        instructions = np.array(self.rows, np.int64).reshape(-1, len(FIELDS))
        lengths = np.array([len(each) for each in self.after], np.int64)
        ends = np.cumsum(lengths)
        instructions[:, FIELDS["after_begin"]] = ends - lengths
        instructions[:, FIELDS["after_end"]] = ends
        after = np.array([i for each in self.after for i in each], np.int64)
        return instructions.view(INSTRUCTION).reshape(-1), after

    def build(self) -> PimTrace:
        """The trace so far."""
        return PimTrace(*self.arrays(), tuple(self.names))
