"""Ramulator 2's traces, as its frontends LoadStoreTrace and ReadWriteTrace define them.

A line holds no cycle: each request is offered as soon as the one before is taken, so that its
cycle is its index. Addresses of LD and ST are decimal, or hexadecimal with 0x. A vector of R and
W gives the place at each level of the memory (channel, rank, bank group, bank, row, column).
"""

from typing import Any

import numpy as np

from traces.requests.dialect import Dialect
from traces.requests.digits import PAD, Text
from traces.requests.dtype import LEVELS_MAX, REQUEST, VECTOR, Requests
from traces.requests.fields import (
    ADDRESS_END,
    LEVEL_END,
    FieldError,
    decimal,
    prefixed_or_decimal,
    text,
)

_NEWLINE, _SPACE, _COMMA = b"\n ,"


def _word(characters: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(characters, "little"))


class LoadStore(Dialect):
    """``LD 0x1f40`` or ``ST 8000``: operation, address."""

    name = "ramulator"

    def __init__(self) -> None:
        self._count = 0

    def block(self, text: bytes) -> Requests | None:
        lines = Text(text)
        ends = np.flatnonzero(lines.bytes == _NEWLINE)
        starts = lines.starts(ends)
        operation = lines.words[starts] & np.uint64(0xFFFFFF)
        write = operation == _word(b"ST ")
        if not (write | (operation == _word(b"LD "))).all():
            return None
        starts += 3
        prefixed = lines.prefixed(starts)
        if prefixed.all():
            address = lines.hexadecimal(starts + 2, ends)
        elif not prefixed.any():
            address = lines.decimal(starts, ends)
        else:
            address = _either(lines, starts, ends, prefixed)
        if address is None:
            return None
        requests = np.empty(len(ends), REQUEST)
        requests["cycle"] = np.arange(self._count, self._count + len(ends))
        requests["address"] = address
        requests["write"] = write
        self._count += len(ends)
        return requests

    def line(self, fields: list[bytes]) -> tuple[int, int, bool]:
        if fields[0] not in (b"LD", b"ST"):
            raise FieldError(f"operation is {text(fields[0])}; must be LD or ST")
        self.expect_fields(fields, 2)
        address = prefixed_or_decimal("address", fields[1], ADDRESS_END)
        self._count += 1
        return self._count - 1, address, fields[0] == b"ST"


def _either(lines: Text, starts: Any, ends: Any, prefixed: Any) -> Any:
    """Addresses of which some are hexadecimal."""
    address = np.empty(len(ends), np.uint64)
    high = lines.hexadecimal(starts[prefixed] + 2, ends[prefixed])
    low = lines.decimal(starts[~prefixed], ends[~prefixed])
    if high is None or low is None:
        return None
    address[prefixed], address[~prefixed] = high, low
    return address


class Vector(Dialect):
    """``R 0,0,1,2,300,7``: operation, place at each level."""

    name = "ramulator-vector"
    dtype = VECTOR

    def __init__(self) -> None:
        self._count = 0

    def block(self, text: bytes) -> Requests | None:
        levels = self.levels or text.count(b",", 0, text.index(b"\n")) + 1
        lines = Text(text)
        body = lines.bytes[PAD:-8]
        separators = np.flatnonzero((body <= _SPACE) | (body == _COMMA)) + PAD
        if levels > LEVELS_MAX or len(separators) % (levels + 1):
            return None
        ends = separators.reshape(-1, levels + 1)
        form = np.array([_SPACE] + [_COMMA] * (levels - 1) + [_NEWLINE], np.uint8)
        starts = lines.starts(separators).reshape(-1, levels + 1)
        operation = lines.bytes[starts[:, 0]]
        write = operation == ord("W")
        known = (write | (operation == ord("R"))) & (ends[:, 0] - starts[:, 0] == 1)
        if not (known.all() and (lines.bytes[ends] == form).all()):
            return None
        level = lines.decimal(starts[:, 1:].ravel(), ends[:, 1:].ravel())
        if level is None or int(level.max()) >= LEVEL_END:
            return None
        requests = np.zeros(len(ends), VECTOR)
        requests["cycle"] = np.arange(self._count, self._count + len(ends))
        requests["level"][:, :levels] = level.reshape(-1, levels)
        requests["write"] = write
        self._count += len(ends)
        self.levels = levels
        return requests

    def line(self, fields: list[bytes]) -> tuple[int, list[int], bool]:
        if fields[0] not in (b"R", b"W"):
            raise FieldError(f"operation is {text(fields[0])}; must be R or W")
        self.expect_fields(fields, 2)
        numbers = fields[1].split(b",")
        if len(numbers) > LEVELS_MAX:
            raise FieldError(f"vector has {len(numbers)} levels; must have at most {LEVELS_MAX}")
        if self.levels not in (0, len(numbers)):
            raise FieldError(
                f"vector has {len(numbers)} levels; must have {self.levels}, as the lines before"
            )
        level = [decimal("level", number, LEVEL_END) for number in numbers]
        self.levels = len(numbers)
        self._count += 1
        return self._count - 1, level + [0] * (LEVELS_MAX - len(level)), fields[0] == b"W"
