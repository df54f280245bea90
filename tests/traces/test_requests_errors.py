"""Traces of memory requests that are wrong: each error names the file, the place and the remedy."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from request_examples import COMPRESSIONS, WRITERS, dramsim3, load_store, parquet, rows

from arch.errors import InputError
from traces.requests import REQUEST, VECTOR, open_requests, write_requests
from traces.requests.open import requests_in


def fault(data: bytes, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        list(requests_in(data, "a.trace", **options))
    return str(caught.value)


BAD_LINES = {
    "ramulator": [
        (b"LDD 0x10", "operation is 'LDD'; must be LD or ST"),
        (b"ld 0x10", "operation is 'ld'"),
        (b"0x10 LD", "operation is '0x10'"),
        (b"LD", "has 1 field; must have 2, as in 'LD 0x1f40'"),
        (b"LD 0x10 7", "has 3 fields; must have 2"),
        (b"LD 0x10 # why", "has 4 fields"),
        (b"LD -16", "address is '-16'; must be a number from 0 to 18446744073709551615"),
        (b"LD 0x", "address is '0x'"),
        (b"LD 1f", "address is '1f'"),
        (b"LD 0x1g", "address is '0x1g'"),
        (b"LD 1_0", "address is '1_0'"),
        (b"LD +1", "address is '+1'"),
        (b"LD 1.0", "address is '1.0'"),
        (b"LD 0x10000000000000000", "address is '0x10000000000000000'"),
        (b"LD 18446744073709551616", "address is '18446744073709551616'"),
        (b"LD 99999999999999999999", "address is '99999999999999999999'"),
        (b"LD " + b"9" * 6000, "address is '9999"),
        (b"LD \xff", "address is '\\\\xff'"),
        (b"R 0,1,2,3", "dialect ramulator-vector in a trace of ramulator; a trace has one dialect"),
        (b"0x10 READ 3", "dialect dramsim3 in a trace of ramulator"),
        (b"LD\0 0x10", "holds a byte 0x00; this is not text"),
        (b"LD\x0b0x10", "holds a byte 0x0b"),
        (b"LD 0x10\rLD 0x20", "holds a byte 0x0d"),
        (b"LD\r0x10", "holds a byte 0x0d"),
        (b"# \x1a", "holds a byte 0x1a"),
    ],
    "ramulator-vector": [
        (b"X 0,0,0,0,0,0", "operation is 'X'; must be R or W"),
        (b"RD 0,0,0,0,0,0", "operation is 'RD'"),
        (b"R", "has 1 field; must have 2, as in 'R 0,0,1,2,300,7'"),
        (b"R 0,0,0, 0,0,0", "has 3 fields"),
        (b"R 0,0,0,0,0", "vector has 5 levels; must have 6, as the lines before"),
        (b"R 0,0,0,0,0,0,0", "vector has 7 levels; must have 6"),
        (b"R 0,0,0,0,0,0,0,0,0", "vector has 9 levels; must have at most 8"),
        (b"R 0,0,,0,0,0", "level is ''; must be a number from 0 to 2147483647"),
        (b"R 0,0,0,0,-1,0", "level is '-1'"),
        (b"R 0,0,0,0,2147483648,0", "level is '2147483648'"),
        (b"R 0,0,0,0,0x1,0", "level is '0x1'"),
        (b"LD 0x10", "dialect ramulator in a trace of ramulator-vector"),
    ],
    "dramsim3": [
        (b"0x10 LOOK 999999", "operation is 'LOOK'; must be READ or WRITE"),
        (b"0x10 READ", "has 2 fields; must have 3, as in '0x1f40 READ 100'"),
        (b"0x10", "has 1 field"),
        (b"0x10 READ 999999 1", "has 4 fields"),
        (b"-10 READ 999999", "address is '-10'; must be a hexadecimal number from 0"),
        (b"0xg READ 999999", "address is '0xg'"),
        (b"10000000000000000 READ 999999", "address is '10000000000000000'"),
        (b"0x10 READ -1", "cycle is '-1'; must be a number from 0 to 9223372036854775807"),
        (b"0x10 READ 0x9", "cycle is '0x9'"),
        (b"0x10 READ 9223372036854775808", "cycle is '9223372036854775808'"),
        (b"0x10 READ 1", "cycle is 1, before "),
        (b"LD 0x10", "dialect ramulator in a trace of dramsim3"),
    ],
}
CASES = [(dialect, line, why) for dialect, cases in BAD_LINES.items() for line, why in cases]


@pytest.mark.parametrize("by_line_below", [0, 1 << 20])
@pytest.mark.parametrize(("dialect", "bad", "why"), CASES)
def test_a_wrong_line_is_named(dialect: str, bad: bytes, why: str, by_line_below: int) -> None:
    given = [(cycle + 2, address, write) for cycle, address, write in rows(100, 1)]
    lines = WRITERS[dialect](given).splitlines()
    for at in (1, 50, 100):
        data = b"\n".join([*lines[:at], bad, *lines[at:], b""])
        for form in (data, data.replace(b"\n", b"\r\n")):
            message = fault(form, by_line_below=by_line_below)
            assert message.startswith(f"a.trace: line {at + 1}: "), message
            assert why in message


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dialect", BAD_LINES)
def test_a_wrong_line_deep_in_a_file(dialect: str, compression: str, tmp_path: Path) -> None:
    lines = WRITERS[dialect](rows(100_000, 2)).splitlines()
    lines[77_776:77_776] = [b"# comment", b"", b"what is this"]
    path = tmp_path / "deep"
    path.write_bytes(COMPRESSIONS[compression](b"\r\n".join([*lines, b""])))
    stream = open_requests(path)
    read: list[int] = []
    with pytest.raises(InputError, match=rf"^{path}: line 77779: "):
        read.extend(len(chunk) for chunk in stream)
    assert 30_000 < sum(read) <= 77_776
    assert next(stream, None) is None


def test_a_cycle_that_decreases_from_one_block_to_the_next() -> None:
    data = b"0x1 READ 7\n" * 50 + b"0x1 READ 6\n" * 50
    for block_bytes in range(528, 573):
        message = fault(data, block_bytes=block_bytes, by_line_below=0)
        assert message == (
            "a.trace: line 51: cycle is 6, before 7 of the request before; cycles must not decrease"
        )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "a.trace: is empty; a trace holds at least one request"),
        (b"# nothing\n\n", "a.trace: has no requests; a trace holds at least one"),
        (b"\xef\xbb\xbf", "a.trace: has no requests"),
        (gzip.compress(b"", mtime=0), "a.trace: has no requests"),
        (b"# only\0\n", "a.trace: line 1: holds a byte 0x00"),
        (b"LD 0x1\nLD 0x2", "a.trace: line 2: has no end, so that 'LD 0x2' may be cut; end the"),
        (b"LD 0x1\nLD 0x2\r", "a.trace: line 2: has no end, so that"),
        (b"\n0x1 READ\n", "a.trace: line 2: has 2 fields; must have 3"),
        (b"\nhello you\n", "a.trace: line 2: 'hello you' is no request of a known dialect; must"),
        (b"\x7fELF\x02\x01\x01\0\0", "a.trace: line 1: holds a byte 0x02"),
        (b"L\0D\0 \0001\0\n\0", "a.trace: line 1: holds a byte 0x00"),
        (b"x" * 3_000_000, "a.trace: line 1: is longer than 1048576 bytes"),
        (b"LD 1\n" + b"\0" * 3_000_000, "a.trace: line 2: holds a byte 0x00"),
        (
            gzip.compress(gzip.compress(b"LD 1\n", mtime=0), mtime=0),
            "a.trace: line 1: holds a byte 0x",
        ),
    ],
)
def test_what_is_no_trace(data: bytes, why: str) -> None:
    assert fault(data).startswith(why)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("dialect", WRITERS)
def test_compressed_data_cut_anywhere(dialect: str, compression: str) -> None:
    data = COMPRESSIONS[compression](WRITERS[dialect](rows(300, 3)))
    for size in [*range(4, 40), *range(40, len(data), 97), len(data) - 1]:
        message = fault(data[:size])
        assert f"byte {size} of {size}: {compression} data are damaged or cut" in message
    data = COMPRESSIONS[compression](load_store(rows(200_000, 3)))
    assert "after line 1" in fault(data[: len(data) * 3 // 4])
    assert f"{compression} data are damaged" in fault(data + b"garbage")


@pytest.mark.parametrize("dialect", ["ramulator", "ramulator-vector", "dramsim3"])
def test_plain_text_cut_anywhere(dialect: str) -> None:
    data = WRITERS[dialect](rows(20, 4))
    for size in range(1, len(data)):
        if data[size - 1 : size] != b"\n":
            line = data.count(b"\n", 0, size) + 1
            assert fault(data[:size]).startswith(f"a.trace: line {line}: has no end")


def test_a_dialect_that_is_not_the_files() -> None:
    assert "dialect dramsim3 in a trace of ramulator" in fault(
        dramsim3(rows(3, 5)), dialect="ramulator"
    )
    assert "is not Parquet" in fault(dramsim3(rows(3, 5)), dialect="parquet")
    assert "this is not text" in fault(parquet(rows(3, 5)), dialect="dramsim3")
    with pytest.raises(InputError, match=r"^dialect is 'gem5'; must be one of ramulator, "):
        open_requests("x", "gem5")
    with pytest.raises(InputError, match=r"^chunk_requests is 0; must be at least 1"):
        open_requests("x", chunk_requests=0)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, why in (
        (tmp_path / "none", "there is no such file"),
        (tmp_path, "is no plain file"),
        (Path("/dev/null"), "is no plain file"),
    ):
        with pytest.raises(InputError, match=f"^{path}: {why}"):
            open_requests(path)
    for name in ("a\0b", "\udcff", "x" * 5000):
        with pytest.raises(InputError):
            open_requests(name)


def stored(**columns: Any) -> bytes:
    stream = pa.BufferOutputStream()
    table = pa.table(columns)
    pa.parquet.write_table(table, stream, row_group_size=10)
    return bytes(stream.getvalue())


COUNT = 40
GOOD: dict[str, list[Any]] = {
    "cycle": list(range(COUNT)),
    "address": [64] * COUNT,
    "write": [True] * COUNT,
}


def but(column: str, row: int, value: Any) -> dict[str, Any]:
    values = [int(each) for each in GOOD[column]] if value is not None else list(GOOD[column])
    values[row - 1] = value
    return {**GOOD, column: values}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (but("cycle", 35, -1), "row 35: cycle is -1; must not be negative"),
        (but("cycle", 35, 3), "row 35: cycle is 3; must not be less than in the row before"),
        (but("cycle", 11, 3), "row 11: cycle is 3; must not be less than in the row before"),
        (but("cycle", 36, 3), "row 36: cycle is 3; must not be less than in the row before"),
        (but("cycle", 1, 99), "row 2: cycle is 1; must not be less than in the row before"),
        (but("cycle", 35, 2**63), "row 35: cycle is 9223372036854775808; must be below 2^63"),
        (but("address", 12, -64), "row 12: address is -64; must not be negative"),
        (but("write", 33, 2), "row 33: write is 2; must be 0 or 1"),
        (but("write", 33, -1), "row 33: write is -1; must not be negative"),
        (but("write", 34, None), "row 34: write is missing; must be given in each row"),
        (but("address", 40, None), "row 40: address is missing"),
        ({**GOOD, "cycle": [0.5] * COUNT}, "column cycle is of type double; must be an integer"),
        ({**GOOD, "address": ["0x1"] * COUNT}, "column address is of type string"),
        ({**GOOD, "address": [True] * COUNT}, "column address is of type bool; must be an integer"),
        ({**GOOD, "write": ["R"] * COUNT}, "column write is of type string; must be bool or an"),
        ({**GOOD, "write": [[1]] * COUNT}, "column write is of type list"),
        ({**GOOD, "id": [1] * COUNT}, "columns are cycle, address, write, id; must be cycle, "),
        ({"cycle": [1], "addr": [1], "write": [1]}, "columns are cycle, addr, write; must be"),
        ({}, "columns are none; must be cycle, address, write and no other"),
        ({each: pa.array([], pa.int64()) for each in GOOD}, "has no rows"),
    ],
)
def test_wrong_parquet(columns: dict[str, Any], why: str) -> None:
    if columns.get("cycle") and 2**63 in columns["cycle"]:
        columns["cycle"] = pa.array(columns["cycle"], pa.uint64())
    data = stored(**columns)
    for form in (data, gzip.compress(data)):
        assert fault(form, chunk_requests=7).startswith(f"a.trace: {why}")


def test_parquet_cut_or_damaged() -> None:
    data = stored(**GOOD)
    for size in range(4, len(data), 50):
        assert fault(data[:size]).startswith(f"a.trace: before byte {size}, its end: Parquet is ")
    pages = len(data) // 4
    message = fault(data[:pages] + b"\xff" * 40 + data[pages + 40 :])
    assert message.startswith("a.trace: row ")
    assert "Parquet is damaged or cut" in message


def test_no_row_is_lost_to_a_damaged_index() -> None:
    """Counts of rows stand in the file's end; a changed one must not shorten the trace."""
    data = stored(**GOOD)
    said = set()
    for at in range(len(data) * 2 // 5, len(data)):
        for step in (20, 236, 254):
            changed = data[:at] + bytes(((data[at] + step) % 256,)) + data[at + 1 :]
            try:
                assert sum(map(len, requests_in(changed))) == COUNT
            except InputError as error:
                said.add(str(error))
    assert any("its end tells of 50 rows, but there are 40" in each for each in said)
    assert any("its end tells of 40 rows, but there are 30" in each for each in said)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    good = np.array([(5, 0, 0), (6, 0, 1)], REQUEST)
    for chunks, why in (
        ([], "no requests to write"),
        ([good, good], r"request 3 is \(5, 0, 0\); cycles must not be negative or decrease"),
        ([np.array([(-1, 0, 0)], REQUEST)], "request 1 is"),
        ([good, np.array([(7, 0, 2)], REQUEST)], "request 3 is .* write must be 0 or 1"),
        ([np.zeros(3, VECTOR)], "requests are of type .* must be REQUEST"),
    ):
        with pytest.raises(InputError, match=f"{path}: {why}"):
            write_requests(path, chunks)
        assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        write_requests(tmp_path / "none" / "out.parquet", [good])
