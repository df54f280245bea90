"""The log of commands as Parquet and CSV."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from log_examples import example, log

from arch.errors import InputError
from sim.report.commands import check_suffix, write_commands

COLUMNS = [
    *("command", "after"),
    *("queue", "opcode", "operator", "start_tick", "end_tick", "start_cycle", "end_cycle"),
    *("operand", "tensor", "tensor_address", "vector_op", "accumulate", "final", "keep"),
    *("offset_bytes", "bytes", "segment_bytes", "stride_bytes"),
    *("m", "n", "k", "groups", "pack", "elements", "output_bits", "mode", "result"),
]


def test_what_has_a_meaning_is_there_and_the_rest_is_null(tmp_path: Path) -> None:
    path = tmp_path / "commands.parquet"
    write_commands(example(), path, clock_khz=700_000)
    table = pq.read_table(path)
    assert table.column_names == COLUMNS
    rows = [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()]
    assert [row.pop("command") for row in rows] == list(range(6))
    plain = {"accumulate": False, "final": False, "keep": False, "after": ""}
    first = {"offset_bytes": 0, "bytes": 4096, "segment_bytes": 512, "stride_bytes": 1024}
    second = {"offset_bytes": 64, "bytes": 100, "segment_bytes": 0, "stride_bytes": 0}
    load = {"queue": "core0.load", "opcode": "LOAD", "operator": "conv1"}
    assert rows == [
        load | plain | first | {
            "operand": "ifmap", "tensor": "conv1.ifmap",
            "start_tick": 0, "end_tick": 100, "start_cycle": 0, "end_cycle": 50,
        },
        load | plain | second | {
            "operand": "filter", "tensor": "conv1.filter",
            "start_tick": 60, "end_tick": 140, "start_cycle": 30, "end_cycle": 70,
        },
        {
            "queue": "core0.array", "opcode": "MATMUL", "operator": "conv1", "accumulate": False,
            "keep": False, "after": "", "final": True,
            "m": 64, "n": 32, "k": 16, "groups": 3, "pack": 2,
            "start_tick": 140, "end_tick": 340, "start_cycle": 70, "end_cycle": 170,
        },
        plain | {
            "queue": "core0.vector", "opcode": "VECTOR", "operator": "fc", "vector_op": "max",
            "elements": 77,
            "start_tick": 340, "end_tick": 341, "start_cycle": 170, "end_cycle": 171,
        },
        load | plain | second | {
            "operand": "filter", "tensor": "conv1.filter",
            "start_tick": 140, "end_tick": 200, "start_cycle": 70, "end_cycle": 100,
        },
        {
            "queue": "core0.store", "opcode": "STORE", "operator": "conv1", "operand": "ofmap",
            "accumulate": True, "final": False, "keep": False, "after": "",
            "offset_bytes": 0, "bytes": 10,
            "segment_bytes": 0, "stride_bytes": 0, "start_tick": 351, "start_cycle": 175,
        },
    ]  # fmt: skip


def test_the_file_has_a_version(tmp_path: Path) -> None:
    path = tmp_path / "commands.parquet"
    write_commands(example(), path, clock_khz=700_000)
    metadata = pq.read_schema(path).metadata
    assert metadata[b"lockstep.schema_version"] == b"1"
    assert metadata[b"lockstep.tick_khz"] == b"1400000"


def test_csv_holds_what_parquet_holds(tmp_path: Path) -> None:
    for name in ("c.parquet", "c.CSV"):
        write_commands(example(), tmp_path / name, clock_khz=700_000)
    with (tmp_path / "c.CSV").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == [*COLUMNS, "schema_version"]

    wanted = pq.read_table(tmp_path / "c.parquet").to_pylist()
    for row, parquet in zip(rows[1:], wanted, strict=True):
        for name, cell in zip(COLUMNS, row, strict=False):
            value = parquet[name]
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert cell == ("" if value is None else shown)
        assert row[-1] == "1"


def test_equal_logs_give_equal_bytes(tmp_path: Path) -> None:
    for suffix in ("csv", "parquet"):
        for name in ("a", "b"):
            write_commands(example(), tmp_path / f"{name}.{suffix}", clock_khz=700_000)
        written = [(tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b")]
        assert written[0] == written[1]


def test_a_log_of_nothing(tmp_path: Path) -> None:
    write_commands(log(), tmp_path / "none.parquet", clock_khz=700_000)
    table = pq.read_table(tmp_path / "none.parquet")
    assert table.column_names == COLUMNS
    assert len(table) == 0


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    for name, given in (("a.json", r"not \.json"), ("a", "not without a suffix")):
        with pytest.raises(InputError, match=rf"written as \.parquet or \.csv, {given}"):
            check_suffix(tmp_path / name)
        with pytest.raises(InputError, match=given):
            write_commands(example(), tmp_path / name, clock_khz=700_000)
    assert list(tmp_path.iterdir()) == []
