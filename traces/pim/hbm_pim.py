"""Traces of an HBM-PIM: reads, writes and fences.

A line is ``R CHANNELS GROUP BANK ROW COLUMN`` or ``W ...``, and behind it, in any order,
``xN`` (so many columns, one after the other), ``tag=NAME``, ``bar`` (a barrier behind the last of
them), and in writes what is written: ``data=HEX``, ``crf=PROGRAM``, ``mode=HAB_PIM,zero_b``.
CHANNELS is a number, a list ``0,2,8-15`` or ``*``. ``FENCE`` waits until all before it is done.
``#`` begins a comment. docs/pim.md has all of it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arch.errors import InputError
from arch.pim.hbm import HbmPim
from traces.pim.hbm_check import Check
from traces.pim.hbm_data import written
from traces.pim.hbm_dtype import FENCE, LINE, READ, WORDS, WRITE, HbmChunk
from traces.requests.fields import FieldError, decimal, prefixed_or_decimal, text
from traces.requests.lines import blocks
from traces.requests.source import Source, open_bytes, open_file

BLOCK_BYTES = 1 << 20
COUNT_END = 1 << 20
KINDS = {b"R": READ, b"W": WRITE}
PLACES = ("channels", "bank group", "bank", "row", "column")


class HbmTrace:
    """A trace of transactions, chunk by chunk.

    - ``path``: of the file
    - ``bytes_total``, ``bytes_read``: of the file as it is stored
    - ``tags``: names given so far, by the number that ``LINE`` has of them
    """

    def __init__(self, source: Source, pim: HbmPim, block_bytes: int = BLOCK_BYTES) -> None:
        self._source, self._pim, self._block_bytes = source, pim, block_bytes
        self.path = source.name
        self.bytes_total = source.bytes_total
        self.tags: list[str] = []
        self._tag_numbers: dict[bytes, int] = {}
        device = pim.device()
        self._group_banks = device.sizes[-1]
        self._groups = device.banks // self._group_banks
        self._rows, self._columns = device.rows, device.columns
        self._channels: dict[bytes, int] = {}
        self._crf_column = pim.command_set().registers.crf_column

    @property
    def bytes_read(self) -> int:
        """For a progress bar."""
        return self._source.bytes_read

    def __iter__(self) -> Iterator[HbmChunk]:
        """Chunks. Raises InputError with file and line of what is wrong."""
        check = Check(self._pim, self.path)
        line, any_line = 1, False
        try:
            for first, content in blocks(self._source, self._block_bytes):
                chunk = self._chunk(first, content)
                line = first + content.count(b"\n")
                if len(chunk.lines):
                    any_line = True
                    check.feed(chunk)
                    yield chunk
        finally:
            self._source.close()
        if not any_line:
            raise InputError(f"{self.path}: holds no transactions")
        check.end(line - 1)

    def _chunk(self, first: int, content: bytes) -> HbmChunk:
        rows: list[tuple[int, ...]] = []
        words: list[list[int]] = []
        for number, raw in enumerate(content.split(b"\n")[:-1], start=first):
            fields = raw.split()
            if not fields or fields[0].startswith(b"#"):
                continue
            try:
                rows.append(self._line(fields, number, words))
            except FieldError as fault:
                raise InputError(f"{self.path}: line {number}: {fault}") from None
        return HbmChunk(np.array(rows, LINE), np.array(words, np.int64).reshape(len(words), WORDS))

    def _line(self, fields: list[bytes], number: int, words: list[list[int]]) -> tuple[int, ...]:
        if fields[0] == b"FENCE":
            if len(fields) > 1:
                raise FieldError(f"FENCE is followed by {text(fields[1])}; must stand alone")
            return FENCE, 0, -1, -1, 0, 0, 0, -1, -1, number
        kind = KINDS.get(fields[0])
        if kind is None:
            raise FieldError(f"begins with {text(fields[0])}; must begin with R, W or FENCE")
        if len(fields) < 6:
            raise FieldError(
                f"{text(b' '.join(fields))} has no {PLACES[len(fields) - 1]}; must have "
                f"{', '.join(PLACES)}"
            )
        channels = self._channels.get(fields[1])
        if channels is None:
            channels = self._channels[fields[1]] = self._channel_set(fields[1])
        group = decimal("bank group", fields[2], self._groups)
        bank = decimal("bank", fields[3], self._group_banks)
        row = prefixed_or_decimal("row", fields[4], self._rows)
        column = prefixed_or_decimal("column", fields[5], self._columns)
        given = self._options(fields[6:])
        count = given["count"]
        data = -1
        if given["data"] is not None:
            if kind == READ:
                raise FieldError(f"{text(given['data'])} stands in a read; must stand in a write")
            found = written(given["data"], column - self._crf_column, self._pim.command_set())
            if count not in (1, len(found)):
                raise FieldError(
                    f"x{count} does not fit what is written, {len(found)} columns; leave it out"
                )
            data, count = len(words), len(found)
            words += found
        if row + (column + count - 1) // self._columns >= self._rows:
            raise FieldError(f"x{count} leads beyond row {self._rows - 1}, the last one")
        return (
            kind, channels, group * self._group_banks + bank, row, column, count, given["bar"],
            data, given["tag"], number,
        )  # fmt: skip

    def _options(self, fields: list[bytes]) -> dict[str, Any]:
        found: dict[str, Any] = {"count": 1, "bar": 0, "tag": -1, "data": None}
        for field in fields:
            if field == b"bar":
                found["bar"] = 1
            elif field.startswith(b"tag="):
                found["tag"] = self._tag(field)
            elif field.startswith((b"data=", b"crf=", b"mode=")):
                if found["data"] is not None:
                    raise FieldError(f"{text(field)} is the second thing written; must be one")
                found["data"] = field
            elif field[:1] == b"x":
                found["count"] = decimal("number of columns", field[1:], COUNT_END)
                if not found["count"]:
                    raise FieldError("x0 has no columns; must be x1 at least")
            else:
                raise FieldError(
                    f"{text(field)} is unknown; must be xN, bar, tag=, data=, crf= or mode="
                )
        return found

    def _tag(self, field: bytes) -> int:
        number = self._tag_numbers.get(field)
        if number is None:
            name = field[4:].decode("ascii", "replace")
            if not name or not name.isprintable() or "\ufffd" in name or "," in name:
                raise FieldError(f"{text(field)} must be a name of ASCII without commas")
            number = self._tag_numbers[field] = len(self.tags)
            self.tags.append(name)
        return number

    def _channel_set(self, field: bytes) -> int:
        """A bit for each, as a number of 64 bits with a sign."""
        channels = self._pim.channels
        bits = 0
        if field == b"*":
            bits = (1 << channels) - 1
        else:
            for part in field.split(b","):
                ends = [decimal("channel", each, channels) for each in part.split(b"-", 1)]
                if ends[0] > ends[-1]:
                    raise FieldError(f"channels are {text(part)}; must go up")
                bits |= (1 << ends[-1] + 1) - (1 << ends[0])
        return bits - (1 << 64) if bits >> 63 else bits


def open_hbm(path: str | Path, pim: HbmPim) -> HbmTrace:
    """Open a trace, plain or compressed with gzip or zstd. Raises InputError."""
    return HbmTrace(open_file(Path(path)), pim)


def hbm_in(
    data: bytes, pim: HbmPim, name: str = "trace", block_bytes: int = BLOCK_BYTES
) -> HbmTrace:
    """As ``open_hbm``, of a file's bytes."""
    return HbmTrace(open_bytes(name, data), pim, block_bytes)
