"""Requests as Parquet: columns ``cycle``, ``address`` and ``write``.

Rows count from 1. ``cycle`` and ``address`` may be of any integer type, ``write`` a truth value or
0 and 1. ``write_requests`` writes int64, uint64 and bool.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from arch.errors import InputError
from traces.requests.dtype import REQUEST, Requests
from traces.requests.source import first_line

COLUMNS = ("cycle", "address", "write")
BUFFER_BYTES = 1 << 16
GROUP_REQUESTS = 1 << 20
"""Requests of a row group; the file's index grows with their number."""

_CAUGHT = (OSError, ValueError, MemoryError, OverflowError, RuntimeError, TypeError)
"""What reading a damaged file raises; Arrow's own errors are of these."""


class ParquetRequests:
    """A file of requests.

    - ``rows_total``, ``rows_read``: requests
    """

    def __init__(self, name: str, source: Any, size: int) -> None:
        """``source`` is a seekable file of ``size`` bytes. Raises InputError."""
        import pyarrow.parquet

        self.name = name
        self.rows_read = 0
        try:
            self._file = pyarrow.parquet.ParquetFile(
                source, memory_map=False, pre_buffer=False, buffer_size=BUFFER_BYTES
            )
            self.rows_total = int(self._file.metadata.num_rows)
            schema = self._file.schema_arrow
            types = list(zip(schema.names, schema.types, strict=True))
        except _CAUGHT as error:
            raise InputError(
                f"{name}: before byte {size}, its end: Parquet is damaged or cut "
                f"({first_line(error)})"
            ) from None
        self._check(types)

    def _check(self, types: list[tuple[str, Any]]) -> None:
        import pyarrow as pa

        names = [name for name, _ in types]
        if sorted(names) != sorted(COLUMNS):
            raise InputError(
                f"{self.name}: columns are {', '.join(names)[:200] or 'none'}; must be "
                f"{', '.join(COLUMNS)} and no other"
            )
        for name, kind in types:
            whole = pa.types.is_integer(kind)
            if not (whole or (name == "write" and pa.types.is_boolean(kind))):
                wanted = "bool or an integer" if name == "write" else "an integer"
                raise InputError(
                    f"{self.name}: column {name} is of type {str(kind)[:60]}; must be {wanted}"
                )
        if not self.rows_total:
            raise InputError(f"{self.name}: has no rows; a trace holds at least one request")

    def chunks(self, chunk_requests: int) -> Iterator[Requests]:
        """Requests, at most so many at a time. Raises InputError with the row."""
        cycle = 0
        batches = self._batches(chunk_requests)
        while (batch := self._next(batches)) is not None:
            if not len(batch[0]):
                continue
            requests = np.empty(len(batch[0]), REQUEST)
            for column, values in zip(COLUMNS, batch, strict=True):
                self._fill(requests, column, values)
            cycles = requests["cycle"]
            before = np.concatenate(([cycle], cycles[:-1]))
            self._refuse(cycles < before, "cycle", cycles, "not be less than in the row before")
            cycle = int(cycles[-1])
            self.rows_read += len(requests)
            yield requests
        if self.rows_read != self.rows_total:
            raise InputError(
                f"{self.name}: row {self.rows_read + 1}: Parquet is damaged (its end tells of "
                f"{self.rows_total} rows, but there are {self.rows_read})"
            )

    def _batches(self, chunk_requests: int) -> Iterator[list[Any]]:
        """Columns of rows."""
        for batch in self._file.iter_batches(chunk_requests, use_threads=False):
            yield [batch.column(name) for name in COLUMNS]

    def _next(self, batches: Iterator[list[Any]]) -> list[Any] | None:
        try:
            return next(batches, None)
        except _CAUGHT as error:
            raise InputError(
                f"{self.name}: row {self.rows_read + 1} or later: Parquet is damaged or cut "
                f"({first_line(error)})"
            ) from None

    def _fill(self, requests: Requests, column: str, values: Any) -> None:
        """Check a column and copy it."""
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._refuse(missing, column, None, "be given in each row")
        numbers = values.to_numpy(zero_copy_only=False)
        if numbers.dtype.kind == "i":
            self._refuse(numbers < 0, column, numbers, "not be negative")
        if column == "cycle" and numbers.dtype == np.uint64:
            self._refuse(numbers >= 1 << 63, column, numbers, "be below 2^63")
        if column == "write" and numbers.dtype.kind != "b":
            self._refuse(numbers > 1, column, numbers, "be 0 or 1")
        requests[column] = numbers

    def _refuse(self, wrong: Any, column: str, numbers: Any, rule: str) -> None:
        """Raise InputError for the first row that is wrong."""
        if wrong.any():
            index = int(np.argmax(wrong))
            given = "missing" if numbers is None else str(int(numbers[index]))
            raise InputError(
                f"{self.name}: row {self.rows_read + index + 1}: {column} is {given}; must {rule}"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close(force=True)


def write_requests(path: str | Path, chunks: Iterable[Requests]) -> int:
    """Write requests as Parquet, whole or not at all; return their number.

    ``chunks`` are arrays of REQUEST, together one trace. Raises InputError where they are not,
    where cycles decrease or are negative, and where the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet

    path = Path(path)
    schema = pa.schema([("cycle", pa.int64()), ("address", pa.uint64()), ("write", pa.bool_())])
    options = {
        "compression": "zstd",
        "use_dictionary": False,
        "column_encoding": {"cycle": "DELTA_BINARY_PACKED"},
    }
    count = 0
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=path.name, suffix=".part", delete=False
        ) as part:
            temporary = Path(part.name)
        try:
            with pa.parquet.ParquetWriter(temporary, schema, **options) as writer:
                for group in _groups(str(path), chunks):
                    columns = [
                        np.ascontiguousarray(group["cycle"]),
                        np.ascontiguousarray(group["address"]),
                        group["write"].astype(np.bool_),
                    ]
                    writer.write_batch(pa.record_batch(columns, schema=schema), GROUP_REQUESTS)
                    count += len(group)
            if not count:
                raise InputError(f"{path}: no requests to write; a trace holds at least one")
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return count


def _groups(name: str, chunks: Iterable[Requests]) -> Iterator[Requests]:
    """The same requests in groups of equal size, but the last. Raises InputError."""
    held: list[Requests] = []
    cycle = count = 0
    for chunk in chunks:
        if chunk.dtype != REQUEST:
            raise InputError(
                f"{name}: requests are of type {chunk.dtype}; must be REQUEST (vectors have no "
                "address: map them first)"
            )
        before = np.concatenate(([cycle], chunk["cycle"][:-1]))
        wrong = (chunk["cycle"] < before) | (chunk["write"] > 1)
        if wrong.any():
            index = int(np.argmax(wrong))
            raise InputError(
                f"{name}: request {count + index + 1} is {chunk[index]}; cycles must not be "
                "negative or decrease, write must be 0 or 1"
            )
        count += len(chunk)
        cycle = int(chunk["cycle"][-1]) if len(chunk) else cycle
        held.append(chunk)
        while sum(map(len, held)) >= GROUP_REQUESTS:
            whole = np.concatenate(held)
            yield whole[:GROUP_REQUESTS]
            held = [whole[GROUP_REQUESTS:]]
    rest = np.concatenate(held) if held else np.empty(0, REQUEST)
    if len(rest):
        yield rest
