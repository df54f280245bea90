"""DRAMsim3's traces: ``0x1f40 READ 100``, address, operation, cycle.

The address is hexadecimal with 0x or without, the cycle decimal. DRAMsim3 takes an operation that
it does not know for a read; here it is an error.
"""

import numpy as np

from traces.requests.dialect import (
    DRAMSIM3_OPERATIONS,
    DRAMSIM3_READS,
    DRAMSIM3_WRITES,
    Dialect,
)
from traces.requests.digits import PAD, Text
from traces.requests.dtype import REQUEST, Requests
from traces.requests.fields import (
    ADDRESS_END,
    CYCLE_END,
    FieldError,
    decimal,
    hexadecimal,
    text,
)

_SPACE = ord(" ")
_FORM = np.frombuffer(b"  \n", np.uint8)
_FIRST = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Masks of the first n bytes of a word."""


def _words(operations: frozenset[bytes]) -> list[np.uint64]:
    return [np.uint64(int.from_bytes(each, "little")) for each in sorted(operations)]


_READ, _WRITE = _words(frozenset((b"READ", b"WRITE")))
_READS, _WRITES = _words(DRAMSIM3_READS), _words(DRAMSIM3_WRITES)


class Dramsim3(Dialect):
    """Address, operation, cycle."""

    name = "dramsim3"

    def __init__(self) -> None:
        self._cycle = 0

    def block(self, text: bytes) -> Requests | None:
        lines = Text(text)
        separators = np.flatnonzero(lines.bytes[PAD:-8] <= _SPACE) + PAD
        if len(separators) % 3:
            return None
        ends = separators.reshape(-1, 3)
        if not (lines.bytes[ends] == _FORM).all():
            return None
        starts = lines.starts(separators).reshape(-1, 3)
        begin = starts[:, 0] + 2 * lines.prefixed(starts[:, 0])
        address = lines.hexadecimal(begin, ends[:, 0])
        cycle = lines.decimal(starts[:, 2], ends[:, 2])
        length = ends[:, 1] - starts[:, 1]
        if address is None or cycle is None or int(length.max()) > 8:
            return None
        operation = lines.words[starts[:, 1]] & _FIRST[length]
        write = operation == _WRITE
        if not (write | (operation == _READ)).all():
            write = np.isin(operation, _WRITES)
            if not (write | np.isin(operation, _READS)).all():
                return None
        last = int(cycle[-1])
        if int(cycle[0]) < self._cycle or last >= CYCLE_END or (cycle[1:] < cycle[:-1]).any():
            return None
        requests = np.empty(len(ends), REQUEST)
        requests["cycle"] = cycle
        requests["address"] = address
        requests["write"] = write
        self._cycle = last
        return requests

    def line(self, fields: list[bytes]) -> tuple[int, int, bool]:
        if len(fields) > 1 and fields[1] not in DRAMSIM3_OPERATIONS:
            raise FieldError(
                f"operation is {text(fields[1])}; must be READ or WRITE (or one of "
                f"{', '.join(sorted(each.decode() for each in DRAMSIM3_OPERATIONS))})"
            )
        self.expect_fields(fields, 3)
        address = hexadecimal("address", fields[0], ADDRESS_END)
        cycle = decimal("cycle", fields[2], CYCLE_END)
        if cycle < self._cycle:
            raise FieldError(
                f"cycle is {cycle}, before {self._cycle} of the request before; cycles must not "
                "decrease"
            )
        self._cycle = cycle
        return cycle, address, fields[1] in DRAMSIM3_WRITES
