"""Reading traces of memory requests that are right."""

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from request_examples import (
    COMPRESSIONS,
    WRITERS,
    dramsim3,
    listed,
    load_store,
    parquet,
    place,
    rows,
    vector,
)

from traces.requests import REQUEST, VECTOR, open_requests, write_requests
from traces.requests.dramsim3 import Dramsim3
from traces.requests.open import requests_in
from traces.requests.ramulator import LoadStore, Vector


def read(data: bytes, **options: Any) -> list[Any]:
    with requests_in(data, **options) as stream:
        return [each for chunk in stream for each in listed(chunk, stream.levels)]


def wanted(dialect: str, given: list[Any]) -> list[Any]:
    if dialect == "ramulator":
        return [(index, address, write) for index, (_, address, write) in enumerate(given)]
    if dialect == "ramulator-vector":
        return [
            (index, tuple(place(address)), write) for index, (_, address, write) in enumerate(given)
        ]
    return given


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dialect", WRITERS)
def test_every_dialect_and_compression_by_content(
    dialect: str, compression: str, tmp_path: Path
) -> None:
    given = rows(30_000, 1)
    path = tmp_path / "trace.misleading"
    path.write_bytes(COMPRESSIONS[compression](WRITERS[dialect](given)))
    for named in (None, dialect):
        with open_requests(path, named, chunk_requests=4096) as stream:
            assert stream.dialect == dialect
            assert stream.dtype == (VECTOR if dialect == "ramulator-vector" else REQUEST)
            chunks = list(stream)
            levels = stream.levels
        assert max(map(len, chunks)) <= 4096
        assert all(chunk.flags.writeable and chunk.dtype == stream.dtype for chunk in chunks)
        assert [each for c in chunks for each in listed(c, levels)] == wanted(dialect, given)


@pytest.mark.parametrize("by_line_below", [0, 1 << 20])
@pytest.mark.parametrize("dialect", ["ramulator", "ramulator-vector", "dramsim3"])
def test_blocks_of_any_size_give_the_same(dialect: str, by_line_below: int) -> None:
    given = rows(200, 2)
    data = WRITERS[dialect](given)
    for block_bytes in (1, 2, 7, 64, 1000):
        assert read(data, block_bytes=block_bytes, by_line_below=by_line_below) == wanted(
            dialect, given
        )


def as_windows(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")


def as_spread(data: bytes) -> bytes:
    return b"\n \t\n" + data.replace(b" ", b" \t  ").replace(b"\n", b"  \n\t ") + b"\n"


def as_commented(data: bytes) -> bytes:
    return b"# all\n" + data.replace(b"\n", b"\n  # caf\xc3\xa9 LD 0x1\n\n#\n") + b"#LD\n"


@pytest.mark.parametrize("by_line_below", [0, 1 << 20])
@pytest.mark.parametrize("change", [as_windows, as_spread, as_commented])
@pytest.mark.parametrize("dialect", ["ramulator", "ramulator-vector", "dramsim3"])
def test_line_ends_blanks_and_comments_do_not_matter(
    dialect: str, change: Any, by_line_below: int
) -> None:
    given = rows(50, 3)
    data = change(WRITERS[dialect](given))
    assert read(data, by_line_below=by_line_below) == wanted(dialect, given)


@pytest.mark.parametrize("change", [bytes, as_windows, as_spread, as_commented])
@pytest.mark.parametrize("form", ["0x{:x}", "0X{:X}", "{}"])
def test_regular_lines_are_read_a_block_at_a_time(
    form: str, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line they would be right, but slow."""

    def slow(*_: Any) -> None:
        raise AssertionError("read line by line")

    given = rows(500, 9)
    for dialect in (LoadStore, Vector, Dramsim3):
        monkeypatch.setattr(dialect, "line", slow)
    for data in (load_store(given, form), vector(given), dramsim3(given)):
        assert len(read(change(data))) == 500


@pytest.mark.parametrize("by_line_below", [0, 1 << 20])
@pytest.mark.parametrize("bits", [1, 8, 32, 33, 63, 64])
def test_addresses_of_any_length(bits: int, by_line_below: int) -> None:
    given = [(0, address, 0) for address in (0, 1, 2**bits - 1, 2 ** (bits - 1))]
    given += [(0, address, 1) for _, address, _ in rows(100, bits, bits)]
    options = {"by_line_below": by_line_below}
    expected = wanted("ramulator", given)
    for form in ("0x{:x}", "0X{:X}", "{}", "0x{:016x}", "0x{:030x}", "{:020}", "{:040}"):
        assert read(load_store(given, form), **options) == expected
    halves = load_store(given[:52]) + load_store(given[52:], "{}")
    assert read(halves, **options) == expected
    for old, new in ((b"", b""), (b"0x", b""), (b"0x", b"0X000")):
        data = dramsim3(given).replace(b"\n0x", b"\n" + new)
        assert read(data.replace(old, new, 1), **options) == given


@pytest.mark.parametrize("by_line_below", [0, 1 << 20])
def test_dramsim3_operations_and_cycles(by_line_below: int) -> None:
    words = [("READ", 0), ("read", 0), ("P_MEM_RD", 0), ("P_FETCH", 0)]
    words += [("WRITE", 1), ("write", 1), ("P_MEM_WR", 1), ("BOFF", 1)]
    cycles = [0, 0, 9, 10, 99_999_999, 100_000_000, 10**16, 2**63 - 1]
    data = "".join(f"1f {w} {c}\n" for (w, _), c in zip(words, cycles, strict=True)).encode()
    expected = [(c, 0x1F, write) for (_, write), c in zip(words, cycles, strict=True)]
    assert read(data, by_line_below=by_line_below) == expected


@pytest.mark.parametrize("levels", range(1, 9))
def test_vectors_of_any_levels(levels: int) -> None:
    for below in (0, 1 << 20):
        data = b"W %b\n" % b",".join([b"2147483647"] * levels) * 3
        with requests_in(data, by_line_below=below) as stream:
            (chunk,) = stream
            assert stream.levels == levels
        assert chunk["level"].tolist() == [[2**31 - 1] * levels + [0] * (8 - levels)] * 3
        assert chunk["write"].tolist() == [1] * 3


def test_members_and_frames_one_behind_the_other() -> None:
    given = rows(100, 4)
    data = load_store(given)
    for compress in COMPRESSIONS.values():
        halves = compress(b"") + compress(data[:333]) + compress(b"") + compress(data[333:])
        assert read(halves) == wanted("ramulator", given)
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert read(skippable + COMPRESSIONS["zstd"](data)) == wanted("ramulator", given)


@pytest.mark.parametrize(
    ("cycle", "address", "write"),
    [
        (pa.int64(), pa.uint64(), pa.bool_()),
        (pa.uint64(), pa.int64(), pa.uint8()),
        (pa.int32(), pa.uint64(), pa.int64()),
        (pa.uint32(), pa.int64(), pa.int8()),
    ],
)
def test_parquet_of_any_integers(cycle: Any, address: Any, write: Any, tmp_path: Path) -> None:
    given = rows(1000, 5)
    columns = {
        "write": pa.array([each[2] for each in given]).cast(write),
        "cycle": pa.array([each[0] for each in given], cycle),
        "address": pa.array([each[1] for each in given], address),
    }
    pa.parquet.write_table(pa.table(columns), tmp_path / "a", row_group_size=300)
    with open_requests(tmp_path / "a", chunk_requests=128) as stream:
        chunks = list(stream)
    assert max(map(len, chunks)) <= 128
    assert [each for chunk in chunks for each in listed(chunk, 0)] == given


def test_what_is_written_is_read(tmp_path: Path) -> None:
    given = rows(5000, 6, bits=64)
    requests = np.array([(c, a, w) for c, a, w in given], REQUEST)
    path = tmp_path / "out.parquet"
    assert write_requests(path, [requests[:17], requests[17:17], requests[17:]]) == 5000
    assert list(tmp_path.iterdir()) == [path]
    table = pa.parquet.read_table(path)
    assert table.column_names == ["cycle", "address", "write"]
    assert table["address"].to_pylist() == [each[1] for each in given]
    assert table["write"].to_pylist() == [bool(each[2]) for each in given]
    assert np.array_equal(np.concatenate(list(open_requests(path))), requests)
    first = path.read_bytes()
    write_requests(path, open_requests(path, chunk_requests=999))
    assert path.read_bytes() == first


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dialect", WRITERS)
def test_bytes_read_grow_to_the_file_size(dialect: str, compression: str, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(COMPRESSIONS[compression](WRITERS[dialect](rows(100_000, 7))))
    stream = open_requests(path, chunk_requests=1000)
    assert stream.bytes_total == path.stat().st_size
    steps = [stream.bytes_read for _ in stream]
    assert steps == sorted(steps)
    assert 0 < steps[0] < stream.bytes_total == stream.bytes_read
    assert len(set(steps)) > 3


def test_a_stream_closed_early_ends() -> None:
    for data in (dramsim3(rows(100, 8)), gzip.compress(parquet(rows(100, 8)))):
        stream = requests_in(data, chunk_requests=10)
        assert len(next(stream)) == 10
        stream.close()
        stream.close()
        assert next(stream, None) is None
        requests_in(data).close()


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dialect", WRITERS)
def test_memory_does_not_grow_with_the_trace(
    dialect: str, compression: str, tmp_path: Path
) -> None:
    """Ten times the requests take no more memory, neither Python's nor Arrow's."""
    peaks = []
    piece = WRITERS[dialect]([(5, address, write) for _, address, write in rows(60_000, 9)])
    for times in (1, 10):
        path = tmp_path / f"{times}"
        if dialect == "parquet":
            chunk = next(requests_in(piece))
            many = [chunk] * times
            table = pa.table(
                {n: np.concatenate([c[n] for c in many]) for n in chunk.dtype.names or ()}
            )
            pa.parquet.write_table(table, path, use_dictionary=False)
            path.write_bytes(COMPRESSIONS[compression](path.read_bytes()))
        else:
            path.write_bytes(COMPRESSIONS[compression](piece * times))
        before = pa.total_allocated_bytes()
        tracemalloc.start()
        count = arrow = 0
        for chunk in open_requests(path, chunk_requests=16384):
            count += len(chunk)
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        peaks.append(tracemalloc.get_traced_memory()[1] + arrow)
        tracemalloc.stop()
        assert count == 60_000 * times
    assert peaks[1] < 1.3 * peaks[0] + 1_000_000, peaks
