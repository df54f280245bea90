"""Packet traces from and to CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from traces.requests.source import open_file

COLUMNS = ("created", "src", "dst")
LENGTH = "flits"
BESIDE = ("injected", "arrived", "measured")
"""Columns of results, which may stand in a trace and are not read."""
CYCLE_MAX = 2**60
FLITS_MAX = 2**31 - 1
BLOCK_BYTES = 1 << 24

PACKET_TRACE = np.dtype(
    [
        ("created", np.int64),  # cycle in which it enters the queue of its source
        ("src", np.int64),  # node
        ("dst", np.int64),  # node
        ("flits", np.int64),  # length
    ]
)


def read_packets(path: Path, nodes: int, packet_flits: int) -> npt.NDArray[np.void]:
    """Packets [n] of PACKET_TRACE in the order of the file, which may be compressed.

    The first line names the columns: created, src, dst, and flits where lengths are not all
    ``packet_flits``. Raises InputError with file and line for what is no packet on ``nodes`` nodes.
    """
    source = open_file(path)
    try:
        blocks = []
        while data := source.read(BLOCK_BYTES):
            blocks.append(data)
    finally:
        source.close()
    content = b"".join(blocks)
    titles = _titles(path, content)
    numbers = _fast(content, titles)
    if numbers is None or not _in_range(numbers, nodes):
        numbers = _slow(path, content, titles, nodes)
    packets = np.zeros(len(numbers["created"]), PACKET_TRACE)
    packets[LENGTH] = packet_flits
    for name, values in numbers.items():
        packets[name] = values
    return packets


def write_packets(packets: npt.NDArray[np.void], path: Path) -> None:
    """Write packets of PACKET_TRACE as CSV. Raises OSError."""
    names = [*COLUMNS, LENGTH]
    path.write_bytes(csv_bytes({name: packets[name] for name in names}))


def csv_bytes(columns: dict[str, npt.NDArray[np.int64]]) -> bytes:
    """Whole numbers as CSV with a line of titles."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    sink = io.BytesIO()
    table = pa.table({name: np.ascontiguousarray(values) for name, values in columns.items()})
    options = arrow_csv.WriteOptions(include_header=False)
    sink.write((",".join(columns) + "\n").encode())
    arrow_csv.write_csv(table, sink, options)
    return sink.getvalue()


def _titles(path: Path, content: bytes) -> list[str]:
    first = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip()
    titles = [title.strip() for title in first.split(",")]
    missing = [name for name in COLUMNS if name not in titles]
    known = (*COLUMNS, LENGTH, *BESIDE)
    odd = [title for title in titles if title not in known or titles.count(title) > 1]
    if missing or odd:
        raise InputError(
            f"{path}:1: must name the columns created,src,dst (and flits, where lengths differ), "
            f"not {first[:80]!r}"
        )
    return titles


def _wanted(titles: Sequence[str]) -> list[str]:
    return [title for title in titles if title not in BESIDE]


def _fast(content: bytes, titles: Sequence[str]) -> dict[str, npt.NDArray[np.int64]] | None:
    """Columns; None where a line is not right."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = _wanted(titles)
    # Arrow reads hexadecimal numbers and quotes too.
    if content.partition(b"\n")[2].translate(None, b"0123456789-,. \r\n"):
        return None
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(content),
            read_options=arrow_csv.ReadOptions(column_names=titles, skip_rows=1),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=names, column_types=dict.fromkeys(names, pa.int64())
            ),
        )
    except pa.ArrowInvalid:
        return None
    if any(table[name].null_count for name in names):
        return None
    return {name: table[name].to_numpy() for name in names}


def _in_range(numbers: dict[str, npt.NDArray[np.int64]], nodes: int) -> bool:
    return all(
        not len(values) or (values.min() >= low and values.max() <= high)
        for name, values in numbers.items()
        for low, high in [_bounds(name, nodes)]
    )


def _bounds(name: str, nodes: int) -> tuple[int, int]:
    if name == LENGTH:
        return 1, FLITS_MAX
    return 0, CYCLE_MAX if name == "created" else nodes - 1


def _slow(
    path: Path, content: bytes, titles: Sequence[str], nodes: int
) -> dict[str, npt.NDArray[np.int64]]:
    """Columns, line by line. Raises InputError for the first line that is not right."""
    found: dict[str, list[int]] = {name: [] for name in _wanted(titles)}
    for number, row in _rows(path, content):
        if len(row) != len(titles):
            raise InputError(
                f"{path}:{number}: has {len(row)} values; must have {len(titles)}: "
                f"{','.join(titles)}"
            )
        for name, text in zip(titles, row, strict=True):
            if name in found:
                found[name].append(_number(f"{path}:{number}", name, text.strip(), nodes))
    return {name: np.array(values, np.int64) for name, values in found.items()}


def _rows(path: Path, content: bytes) -> Iterator[tuple[int, list[str]]]:
    lines = content.decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            try:
                yield number, next(csv.reader([line]))
            except csv.Error as error:
                raise InputError(f"{path}:{number}: is no line of CSV: {error}") from None


def _number(where: str, name: str, text: str, nodes: int) -> int:
    low, high = _bounds(name, nodes)
    digits = text.isascii() and text.isdigit() and len(text) < 20
    if not digits or not low <= int(text) <= high:
        what = "a node" if name in ("src", "dst") else "a whole number"
        raise InputError(f"{where}: {name}: given {text[:40]!r}; must be {what}, {low} to {high}")
    return int(text)
