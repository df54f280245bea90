"""A run's commands, written and read back, run the same; wrong files say what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios import machine_of, scenario
from test_simulate import machine_and_workload

from arch.errors import InputError
from arch.load import load_machine
from arch.mac.layer import Formats
from sim.report.commands import write_commands
from sim.simulate import Options, Run, replay, run
from traces.commands_file import read_commands
from traces.operators import Elementwise, Gemm, Workload

LOGGED = Options(log_commands=True)
NPE = load_machine("xr_npe")


def written(tmp_path: Path, seed: int, suffix: str = "parquet") -> tuple[Path, Run]:
    machine, workload = machine_and_workload(seed)
    done = run(machine, workload, LOGGED)
    assert done.log is not None
    path = tmp_path / f"commands.{suffix}"
    write_commands(done.log, path, machine.clocks[machine.array.clock])
    return path, done


@given(seed=st.integers(0, 2**32), suffix=st.sampled_from(["parquet", "csv"]))
def test_a_replayed_run_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, suffix: str
) -> None:
    path, done = written(tmp_path_factory.mktemp("replay"), seed, suffix)
    machine, _ = machine_and_workload(seed)
    again = replay(machine, path, LOGGED)
    assert again.result.cycles == done.result.cycles
    assert again.result.units == done.result.units
    assert again.result.events() == done.result.events()
    assert again.log is not None
    assert done.log is not None
    for name in ("ids", "start_ticks", "end_ticks", "dependencies"):
        assert np.array_equal(getattr(again.log, name), getattr(done.log, name))


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("seed", [3, 11, 12])
def test_a_replayed_run_has_the_same_addresses(tmp_path: Path, seed: int, suffix: str) -> None:
    """Where tensors lie counts with DRAM, also that of an operator which begins in the middle."""
    plain, workload = machine_and_workload(seed)
    dram = {"standard": "DDR4", "channels": 2, "bank_hash": "none"}
    machine = machine_of({**plain.model_dump(mode="json"), "memory": dram})
    done = run(machine, workload, LOGGED)
    assert done.log is not None
    path = tmp_path / f"commands.{suffix}"
    write_commands(done.log, path, machine.clocks[machine.array.clock])
    again = replay(machine, path).result
    assert again.units == done.result.units
    assert again.events() == done.result.events()


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_replayed_run_of_engines_is_the_same(tmp_path: Path, suffix: str) -> None:
    path, done = engines_written(tmp_path, suffix)
    again = replay(NPE, path).result
    assert again.units == done.result.units
    assert again.events()["memory_write_bytes"] == done.result.events()["memory_write_bytes"]
    assert again.events()["macs"] == done.result.events()["mac_words"]


def engines_written(tmp_path: Path, suffix: str = "parquet") -> tuple[Path, Run]:
    formats = Formats(input="fp4_e2m1"), Formats(input="posit16_1")
    workload = Workload(
        name="w",
        source="a test",
        operators=(
            Gemm(name="a", m=20, n=30, k=40, formats=formats[0]),
            Elementwise(name="r", inputs=("a",), op="exp", elements=600),
            Gemm(name="b", inputs=("r",), m=20, n=30, k=30, formats=formats[1]),
        ),
    )
    done = run(NPE, workload, LOGGED)
    assert done.log is not None
    path = tmp_path / f"commands.{suffix}"
    write_commands(done.log, path, NPE.clocks[NPE.array.clock])
    return path, done


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("output_bits", 65, "output_bits is 65; must be a number from 0 to 64"),
        ("mode", 16, "mode is 16; must be a number from 0 to 15"),
        ("mode", 4, "operator 'a' need more than 4 modes"),
        ("result", 9, "operator 'a' need more than 4 result formats"),
        ("output_bits", None, "operator 'a' need output_bits of SIMD engines"),
    ],
)
def test_wrong_columns_of_engines(
    tmp_path: Path, column: str, value: int | None, told: str
) -> None:
    path, _ = engines_written(tmp_path)
    table = pq.read_table(path)
    given = [
        value if opcode == "MATMUL" else before
        for opcode, before in zip(
            table.column("opcode").to_pylist(), table.column(column).to_pylist(), strict=True
        )
    ]
    index = table.column_names.index(column)
    pq.write_table(table.set_column(index, column, pa.array(given, pa.int64())), path)
    with pytest.raises(InputError, match=told):
        replay(NPE, path)


def test_commands_of_engines_need_engines(tmp_path: Path) -> None:
    path, _ = engines_written(tmp_path)
    with pytest.raises(InputError, match="need an array of SIMD engines; run them on another"):
        replay(load_machine("systolic_32"), path)


def test_traces_are_those_that_were_lowered(tmp_path: Path) -> None:
    _, _, steps = scenario(11)
    path, _ = written(tmp_path, 11)
    for trace, step in zip(read_commands(path), steps, strict=True):
        assert np.array_equal(trace.dependencies, step.trace.dependencies)
        of_first = dict(zip(step.trace.tensor_names, step.trace.tensors["address"], strict=True))
        found = dict(zip(trace.tensor_names, trace.tensors["address"], strict=True))
        assert found == {name: of_first[name] for name in found}
        names = [name for name in trace.commands.dtype.names or () if name != "tensor"]
        assert np.array_equal(trace.commands[names], step.trace.commands[names])


CHANGES: dict[str, tuple[str, Any, str]] = {
    "opcode": ("opcode", "FLY", "opcode is 'FLY'; must be one of LOAD, STORE"),
    "queue": ("queue", "core0.array", "a LOAD goes to one like 'core0.load'"),
    "bytes": ("bytes", 0, "bytes is 0; a LOAD needs a number from 1"),
    "operand": ("operand", "other", "operand is 'other'; must be one of ifmap"),
    "after": ("after", "99", "'after' names 99; it must list commands that come before"),
    "offset": ("offset_bytes", -1, "offset_bytes is -1"),
    "address": ("tensor_address", -1, "tensor_address is -1; must be a number from 0"),
}


@pytest.mark.parametrize("case", sorted(CHANGES))
def test_a_wrong_row_is_named(tmp_path: Path, case: str) -> None:
    path, _ = written(tmp_path, 11)
    name, value, message = CHANGES[case]
    table = pq.read_table(path)
    values = table.column(name).to_pylist()
    values[0] = value
    index = table.column_names.index(name)
    pq.write_table(table.set_column(index, name, pa.array(values)), path)
    with pytest.raises(InputError, match=f"commands.parquet: row 1: .*{message}"):
        read_commands(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path, _ = written(tmp_path, 11)
    pq.write_table(pq.read_table(path).drop_columns(["opcode"]), path)
    with pytest.raises(InputError, match="column 'opcode' is missing"):
        read_commands(path)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"\x00\xff" * 50])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_what_is_no_file_of_commands_is_refused(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\."):
        read_commands(path)


def test_a_tensor_lies_in_one_place(tmp_path: Path) -> None:
    path, _ = written(tmp_path, 3)
    table = pq.read_table(path)
    values, names = (table.column(name).to_pylist() for name in ("tensor_address", "tensor"))
    second = next(at for at, name in enumerate(names) if name and name in names[:at])
    values[second] += 64
    index = table.column_names.index("tensor_address")
    pq.write_table(table.set_column(index, "tensor_address", pa.array(values)), path)
    wanted = rf"row {second + 1}: tensor_address of {names[second]} is .*, but was .* before"
    with pytest.raises(InputError, match=wanted):
        read_commands(path)


def test_a_machine_must_have_what_the_commands_need(tmp_path: Path) -> None:
    path, _ = written(tmp_path, 11)
    machine, _ = machine_and_workload(11)
    fields = machine.model_dump(mode="json")
    for change, message in (
        ({"vector": None}, "need a vector unit"),
        ({"memory": None}, "need a memory"),
    ):
        with pytest.raises(InputError, match=message):
            replay(machine_of({**fields, **change}), path)


def test_another_version_and_suffix_are_refused(tmp_path: Path) -> None:
    path, _ = written(tmp_path, 11)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"lockstep.schema_version": "0"}), path)
    with pytest.raises(InputError, match="version 0 of the columns"):
        read_commands(path)
    with pytest.raises(InputError, match=r"read from \.parquet or \.csv"):
        read_commands(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_commands(tmp_path / "none.csv")
