"""The journal of a study: finished points, one a line, never changed once written.

A line is a check sum (CRC-32, in hexadecimal), a space and JSON. The first says which study, code
and layout the others belong to. One process writes, in batches, and a batch is on the disk before
its points are told to anyone. A line that was torn when its writer died is cut off; its point runs
again.
"""

import fcntl
import json
import os
import re
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from arch.errors import InputError
from sim.study.record import Record

VERSION = 1
"""Of the layout."""
NAME = "journal.jsonl"
TORN_HEADER = re.compile(rb"[0-9a-f]{0,8}\0*|[0-9a-f]{8} (\{[^\n]*)?", re.DOTALL)
"""A first line without its end, or what a file system leaves of one."""
LOCK_SECONDS = 0.5
"""How long a writer waits for those that only look."""


@dataclass(frozen=True)
class Contents:
    """What a journal holds."""

    header: dict[str, Any]
    """Empty where its writer died before the first line was whole."""
    records: tuple[Record, ...]
    """By index."""
    times: tuple[float, ...]
    """When each batch was written, in s since 1970, a time for each record in file order."""
    whole_bytes: int
    """Bytes up to the end of the last whole line."""


def read(path: Path) -> Contents:
    """Read a journal, while it is written as well. Raises InputError where it is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if _is_torn_header(data):
        return Contents({}, (), (), 0)
    lines = data.split(b"\n")
    parsed = [_parsed(line) for line in lines[:-1]]
    whole = len(parsed)
    while whole and parsed[whole - 1] is None:
        whole -= 1
    if not whole:
        raise InputError(
            f"{path}: is no journal of a study, or its first line is damaged; run the study in "
            "another folder"
        )
    header = parsed[0]
    for number, fields in enumerate(parsed[:whole], 1):
        if fields is None:
            raise InputError(
                f"{path}:{number}: is damaged (its check sum does not fit); remove the line, and "
                "its point runs again"
            )
    assert header is not None
    if header.get("version") != VERSION:
        versions = header.get("versions")
        writer = versions.get("lockstep") if isinstance(versions, dict) else None
        raise InputError(
            f"{path}: has layout {header.get('version')}, this lockstep reads {VERSION}; use "
            f"lockstep {writer or 'of then'}, or run the study in another folder"
        )
    records, times = {}, []
    for number, fields in enumerate(parsed[1:whole], 2):
        assert fields is not None
        try:
            record = Record.of_dict(fields)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}:{number}: is no point: {error}") from None
        if record.index in records:
            raise InputError(f"{path}:{number}: has point {record.index} a second time; remove it")
        records[record.index] = record
        times.append(float(fields.get("time", 0)))
    size = sum(len(line) + 1 for line in lines[:whole])
    ordered = tuple(records[index] for index in sorted(records))
    return Contents(header, ordered, tuple(times), size)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The fields of a line that is whole."""
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        fields = json.loads(text)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _is_torn_header(data: bytes) -> bool:
    """Whether a file is what is left of a first line, which may be nothing."""
    return TORN_HEADER.fullmatch(data) is not None


def _line(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


class Journal:
    """A journal that this process writes; no other can at the same time."""

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        """Open a journal, or begin it. Raises InputError where it belongs to something else, is
        being written, or the disk does not let us."""
        self.path = path
        try:
            self._file: IO[bytes] = path.open("ab+", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from None
        if not self._locked():
            self._file.close()
            raise InputError(
                f"{path}: another process runs this study; `lockstep study status {path.parent}` "
                "shows how far it is"
            )
        self.records: tuple[Record, ...] = ()
        self._size = 0
        header = {"version": VERSION, **header}
        try:
            self._begin(header)
        except BaseException:
            self._file.close()
            raise

    def _locked(self) -> bool:
        """Take the lock, which ``is_written`` has for a moment as well."""
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() > until:
                    return False
                time.sleep(LOCK_SECONDS / 20)

    def _begin(self, header: dict[str, Any]) -> None:
        contents = read(self.path)
        if not contents.records:
            self._file.truncate(0)
            self._append(_line(header))
            _sync_folder(self.path.parent)
            return
        for key, value in header.items():
            if contents.header.get(key) != value:
                raise InputError(
                    f"{self.path}: was begun with {key} {_short(contents.header.get(key))}, not "
                    f"{_short(value)}; go on with what it was begun with, or run the study in "
                    "another folder"
                )
        self._file.truncate(contents.whole_bytes)
        self._size = contents.whole_bytes
        self.records = contents.records

    def append(self, records: list[Record]) -> None:
        """Put points on the disk. Raises InputError where that fails; then none is there."""
        now = round(time.time(), 3)
        self._append(b"".join(_line({**record.as_dict(), "time": now}) for record in records))

    def _append(self, data: bytes) -> None:
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            # What was written of a batch must not be taken for all of it; if it stays, its last
            # line is torn.
            with suppress(OSError):
                self._file.truncate(self._size)
            raise self._unwritable(error) from None
        self._size += len(data)

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: cannot be written: {error.strerror}; what is in it is kept: make room, "
            f"then `lockstep study resume {self.path.parent}`"
        )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_written(path: Path) -> bool:
    """Whether a process has a journal open for writing."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _sync_folder(folder: Path) -> None:
    """Put the name of a new file on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
