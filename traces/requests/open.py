"""Opening a trace of requests, whatever its dialect and compression."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from arch.errors import InputError
from traces.reading import shown
from traces.requests import lines
from traces.requests.dialect import Dialect
from traces.requests.dramsim3 import Dramsim3
from traces.requests.dtype import DIALECTS, REQUEST, Requests
from traces.requests.parquet import ParquetRequests
from traces.requests.ramulator import LoadStore, Vector
from traces.requests.source import Source, open_bytes, open_file

CHUNK_REQUESTS = 65536
BLOCK_BYTES = 1 << 18
"""Text that is parsed at a time: small enough for the second-level cache."""

_TEXT: dict[str, Callable[[], Dialect]] = {
    each.name: each for each in (LoadStore, Vector, Dramsim3)
}


class RequestStream(Iterator[Requests]):
    """The requests of a trace, once from its first to its last.

    Iterating gives arrays of at most ``chunk_requests``, each its own memory, and raises
    InputError with the line (text) or row (Parquet) where the trace is wrong. A ``with``
    statement closes the file; so does the end of the trace.

    - ``path``: the file's name
    - ``dialect``: in ``DIALECTS``
    - ``dtype``: REQUEST, or VECTOR for address vectors
    - ``bytes_total``: size of the file
    """

    def __init__(
        self, source: Source, dialect: str | None, chunk_requests: int, block_bytes: int, below: int
    ) -> None:
        self.path = source.name
        self.bytes_total = source.bytes_total
        self.dtype: np.dtype[Any] = REQUEST
        self._source = source
        self._chunk_requests = chunk_requests
        self._by_line_below = below
        self._parser: Dialect | None = None
        self._parquet: ParquetRequests | None = None
        try:
            if dialect == "parquet" or (dialect is None and source.is_parquet()):
                self._chunks = self._open_parquet()
            else:
                self._chunks = self._open_text(dialect, block_bytes)
        except BaseException:
            source.close()
            raise

    @property
    def dialect(self) -> str:
        return self._parser.name if self._parser else "parquet"

    @property
    def levels(self) -> int:
        """Numbers in an address vector, known from the first chunk on; 0 for addresses."""
        return self._parser.levels if self._parser else 0

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that have been read, up to ``bytes_total``."""
        if self._parquet:
            return self.bytes_total * self._parquet.rows_read // self._parquet.rows_total
        return self._source.bytes_read

    def __next__(self) -> Requests:
        return next(self._chunks)

    def __enter__(self) -> "RequestStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; no more requests come."""
        self._chunks.close()
        if self._parquet:
            self._parquet.close()
        self._source.close()

    def _open_parquet(self) -> Any:
        if not self._source.is_parquet():
            raise InputError(
                f"{self.path}: is not Parquet, which begins with PAR1; give the dialect it has"
            )
        self._parquet = ParquetRequests(self.path, self._source.seekable(), self.bytes_total)
        return self._closing(self._parquet.chunks(self._chunk_requests))

    def _open_text(self, dialect: str | None, block_bytes: int) -> Any:
        blocks = lines.blocks(self._source, block_bytes)
        for block in blocks:
            found = lines.first_request(self.path, block)
            if found:
                break
        else:
            raise InputError(f"{self.path}: has no requests; a trace holds at least one")
        self._parser = _TEXT[dialect or lines.detect(self.path, *found)]()
        self.dtype = self._parser.dtype
        return self._closing(self._parse(self._parser, chain([block], blocks)))

    def _parse(self, parser: Dialect, blocks: Iterator[lines.Block]) -> Iterator[Requests]:
        for block in blocks:
            requests = lines.requests_of(self.path, parser, block, self._by_line_below)
            for begin in range(0, len(requests), self._chunk_requests):
                yield requests[begin : begin + self._chunk_requests]

    def _closing(self, chunks: Iterator[Requests]) -> Iterator[Requests]:
        try:
            yield from chunks
        finally:
            if self._parquet:
                self._parquet.close()
            self._source.close()


def open_requests(
    path: str | Path, dialect: str | None = None, chunk_requests: int = CHUNK_REQUESTS
) -> RequestStream:
    """Open a trace of requests, plain or compressed with gzip or zstd.

    Dialect and compression are told by the content; ``dialect`` (in ``DIALECTS``) insists on one.
    Raises InputError where the file cannot be read or does not begin with a request.
    """
    _check(dialect, chunk_requests)
    source = open_file(Path(path))
    return RequestStream(source, dialect, chunk_requests, BLOCK_BYTES, lines.BY_LINE_BELOW_BYTES)


def requests_in(
    data: bytes,
    name: str = "trace",
    dialect: str | None = None,
    chunk_requests: int = CHUNK_REQUESTS,
    block_bytes: int = BLOCK_BYTES,
    by_line_below: int = lines.BY_LINE_BELOW_BYTES,
) -> RequestStream:
    """As ``open_requests``, of a file's bytes; the sizes of what is read at a time may be set."""
    _check(dialect, chunk_requests)
    return RequestStream(
        open_bytes(name, data), dialect, chunk_requests, block_bytes, by_line_below
    )


def _check(dialect: str | None, chunk_requests: int) -> None:
    if dialect is not None and dialect not in DIALECTS:
        raise InputError(f"dialect is {shown(dialect)}; must be one of {', '.join(DIALECTS)}")
    if chunk_requests < 1:
        raise InputError(f"chunk_requests is {chunk_requests}; must be at least 1")
