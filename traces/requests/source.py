"""Bytes of a trace, plain or compressed; what they are is told by their first bytes."""

import tempfile
from pathlib import Path
from typing import IO, Any

from arch.errors import InputError

PARQUET_MAGIC = b"PAR1"


def codec_of(head: bytes) -> str | None:
    """Name of the compression that begins so; None for plain bytes."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return "zstd"
    # pzstd begins with a frame to be skipped.
    skippable = head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50
    return "zstd" if skippable else None


class Source:
    """The content of a file, decompressed.

    - ``name``: of the file, for messages
    - ``bytes_total``: size of the file as it is stored
    """

    def __init__(self, name: str, raw: Any) -> None:
        """``raw`` is an Arrow file. Raises InputError where it is empty."""
        import pyarrow as pa

        self.name = name
        self._raw = raw
        self._closed_at: int | None = None
        self.bytes_total: int = raw.size()
        if not self.bytes_total:
            raise InputError(f"{name}: is empty; a trace holds at least one request")
        self.codec = codec_of(raw.read(4))
        raw.seek(0)
        self._stream = pa.CompressedInputStream(raw, self.codec) if self.codec else raw
        self._kept = b""
        self._copy: IO[bytes] | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes of the file as it is stored that have been read."""
        return int(self._raw.tell()) if self._closed_at is None else self._closed_at

    def read(self, size: int, line: int | None = None) -> bytes:
        """The next bytes, as many as there are; empty at the end.

        Raises InputError with ``line``, the last that was read, and the offset of the damage.
        """
        kept, self._kept = self._kept, b""
        if kept:
            return kept
        try:
            data: bytes = self._stream.read(size)
        except (OSError, ValueError, MemoryError) as error:
            where = "" if line is None else f"after line {line}, "
            what = f"{self.codec} data are damaged or cut" if self.codec else "cannot be read"
            raise InputError(
                f"{self.name}: {where}at or before byte {self.bytes_read} of "
                f"{self.bytes_total}: {what} ({first_line(error)})"
            ) from None
        return data

    def is_parquet(self) -> bool:
        """Whether the content begins as Parquet does. Raises InputError."""
        if not self._kept:
            self._kept = self.read(len(PARQUET_MAGIC))
        return self._kept.startswith(PARQUET_MAGIC)

    def seekable(self) -> Any:
        """The whole content as a file in which one can jump. Raises InputError."""
        if self.codec is None:
            self._raw.seek(0)
            return self._raw
        try:
            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
            while data := self.read(1 << 20):
                self._copy.write(data)
            self._copy.seek(0)
        except OSError as error:
            raise InputError(
                f"{self.name}: no room to decompress it for a while: {first_line(error)}; "
                "decompress the file (Parquet is compressed inside)"
            ) from None
        return self._copy

    def close(self) -> None:
        """Let go of the file."""
        if self._closed_at is None:
            # Closing a Parquet file has closed what it reads from.
            self._closed_at = self.bytes_total if self._raw.closed else self.bytes_read
            self._raw.close()
        if self._copy:
            self._copy.close()


def open_file(path: Path) -> Source:
    """The content of a file. Raises InputError where it is missing, a folder or empty."""
    import pyarrow as pa

    try:
        if not path.exists():
            raise InputError(f"{path}: there is no such file")
        if not path.is_file():
            raise InputError(f"{path}: is no plain file; give a trace")
        raw = pa.OSFile(str(path))
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {first_line(error)}") from None
    try:
        return Source(str(path), raw)
    except InputError:
        raw.close()
        raise


def open_bytes(name: str, data: bytes) -> Source:
    """The content of a file that is in memory."""
    import pyarrow as pa

    return Source(name, pa.BufferReader(data))


def first_line(error: BaseException) -> str:
    """An error of a library in one short line."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
