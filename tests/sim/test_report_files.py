"""Results as files: what is written can be read, is described, and is whole or not there."""

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from result_examples import MACHINE, PROVENANCE, fused, operator, result

from arch.errors import InputError
from sim.report.files import read_result, result_json, write_result
from sim.report.operators import operators_csv, operators_parquet
from sim.report.schema import SCHEMA_FILE, schema, schema_text
from sim.report.writing import check_file, check_folder, open_whole
from sim.result import Energy, OperatorResult, Result, UnitAccount

FILES = ["operators.csv", "operators.parquet", "result.json"]

counts = st.integers(0, 2**62)
quantities = st.floats(0, 1e18)
names = st.text(max_size=8)
energies = st.builds(Energy, st.dictionaries(names, quantities, max_size=2), st.tuples(names))
operators = st.builds(
    OperatorResult,
    *[names, names, st.none() | names, *[counts] * 5, names, *[counts] * 3, quantities],
    st.dictionaries(names, counts, max_size=3),
    energies,
)
results = st.builds(
    Result,
    machine=st.just(MACHINE),
    workload=names,
    workload_source=names,
    cycles=counts,
    seconds=quantities,
    first_cycle=counts,
    end_cycle=counts,
    complete=st.booleans(),
    units=st.tuples(
        st.builds(UnitAccount, names, st.integers(1, 10**8), counts,
                  st.dictionaries(names, counts, max_size=2))
    ),
    operators=st.lists(operators, max_size=3).map(tuple),
    energy=energies,
    provenance=st.just(PROVENANCE),
    notes=st.tuples(names),
)  # fmt: skip


@given(results)
def test_what_is_written_is_read_and_described(written: Result) -> None:
    text = result_json(written)
    jsonschema.validate(json.loads(text), schema())
    assert json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n" == text


@given(example=results)
def test_reading_gives_back_what_was_written(
    example: Result, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("out")
    write_result(example, folder)
    assert read_result(folder) == example
    assert read_result(folder / "result.json") == example


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_result(result(), tmp_path / name)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_schema_in_docs_is_in_sync() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "run: python -m sim.report.schema"


def test_the_schema_is_a_schema_that_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for name, kind in {"": schema(), **schema()["$defs"]}.items():
        for field, description in kind["properties"].items():
            assert len(description["description"]) > 15, f"{name}.{field}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda it: it.pop("cycles"),
        lambda it: it.update(extra=1),
        lambda it: it.update(cycles=1.5),
        lambda it: it.update(cycles=-1),
        lambda it: it["operators"][0].update(name=None),
        lambda it: it["units"][0]["cycles_by_cause"].update(idle="0"),
        lambda it: it.update(schema_version=2),
        lambda it: it.pop("schema_version"),
        lambda it: it.pop("totals"),
    ],
)
def test_a_damaged_result_is_refused_by_schema_and_reader(spoil: Any, tmp_path: Path) -> None:
    found = json.loads(result_json(result()))
    spoil(found)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema())
    file = tmp_path / "result.json"
    file.write_text(json.dumps(found))
    with pytest.raises(InputError, match=r"result\.json: "):
        read_result(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{", "line 1: not JSON"),
        ("[]", "schema_version must be 1, not None"),
        ('{"schema_version": 7}', "schema_version must be 1, not 7"),
        ('{"schema_version": 1}', "machine: is missing"),
        ('{"lockstep": "0.1.0"}', "something else than a machine"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
    ],
)
def test_what_is_no_result_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_result(tmp_path)


def test_a_missing_result_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"result\.json: there is no such file"):
        read_result(tmp_path)


def test_totals_are_the_sums() -> None:
    example = result(operator("a", 3000), operator("b", 1000))
    totals = json.loads(result_json(example))["totals"]
    macs = 2 * 64 * 32 * 16
    assert totals["macs"] == macs
    assert totals["stall_cycles"] == 1000
    assert totals["utilisation"] == macs / (4000 * 128 * 128)
    assert totals["energy_pj"] == macs * 0.5 + 40_000
    assert totals["energy_is_lower_bound"] is True
    assert totals["events"] == {
        "macs": macs, "memory_read_bytes": 12_000, "memory_write_bytes": 4000,
        "ifmap_read_words": 2048,
    }  # fmt: skip


def test_operators_as_csv() -> None:
    example = result(operator("a,\n", 3000), fused("b", "a,\n"))
    rows = list(csv.DictReader(io.StringIO(operators_csv(example), newline="")))
    assert rows[0] == {
        "name": "a,\n", "kind": "Gemm", "fused_into": "", "m": "64", "n": "32", "k": "16",
        "groups": "1", "pack": "1", "loop_order": "mnk", "macs": "32768", "cycles": "3000",
        "stall_cycles": "750", "utilisation": repr(32768 / (3000 * 16384)),
        "formats": "", "relative_error": "",
        "ifmap_read_words": "1024", "memory_read_bytes": "9000", "memory_write_bytes": "3000",
        "energy_pj": "46384.0", "energy_array_pj": "16384.0", "energy_memory_pj": "30000.0",
        "energy_unknown": "vector",
    }  # fmt: skip
    assert rows[1]["fused_into"] == "a,\n"
    assert rows[1]["memory_read_bytes"] == "0"


@given(results)
def test_parquet_holds_what_the_csv_holds(example: Result) -> None:
    table = pq.read_table(io.BytesIO(operators_parquet(example)))
    rows = list(csv.reader(io.StringIO(operators_csv(example), newline="")))
    assert table.column_names == rows[0]
    cells = [[("" if each is None else str(each)) for each in row.values()]
             for row in table.to_pylist()]  # fmt: skip
    assert cells == rows[1:]


def test_parquet_has_types_and_a_version() -> None:
    for example in (result(), replace(result(), operators=())):
        found = pq.read_schema(io.BytesIO(operators_parquet(example)))
        assert str(found.field("cycles").type) == "int64"
        assert str(found.field("utilisation").type) == "double"
        assert str(found.field("name").type) == "string"
        assert found.metadata[b"lockstep.schema_version"] == b"1"


def test_a_new_folder_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    write_result(result(), tmp_path / "x" / "y")
    modes = [path.stat().st_mode for path in (tmp_path / "usual", tmp_path / "x" / "y")]
    assert modes[0] == modes[1]
    assert sorted(path.name for path in (tmp_path / "x" / "y").iterdir()) == FILES
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["y"]


def test_a_folder_that_is_there_keeps_its_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    write_result(result(), tmp_path)
    write_result(result(workload="other"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", *FILES]
    assert read_result(tmp_path).workload == "other"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for folder in (file, file / "below", tmp_path / ("n" * 300)):
        for act in (check_folder, lambda folder: write_result(result(), folder)):
            with pytest.raises(InputError) as raised:
                act(folder)
            message = str(raised.value)
            assert message.startswith(f"{folder}: cannot be written: ")
            assert message.endswith("; give a folder that may be written, or one that does not "
                                    "exist yet")  # fmt: skip
    assert list(tmp_path.iterdir()) == [file]


def test_checking_leaves_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    check_folder(tmp_path)
    check_file(tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "file"):
        with pytest.raises(InputError, match="give the name of a file in a folder that exists"):
            check_file(path)
        with pytest.raises(InputError, match="cannot be written"), open_whole(path):
            pass


@pytest.mark.parametrize("there", [False, True])
def test_nothing_half_written_when_the_disk_is_full(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    if there:
        write_result(result(), folder)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "result.json":
            write(path, data[:10])
            raise OSError(28, os.strerror(28))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        write_result(result(workload="other"), folder)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert folder.exists() == there


def test_a_file_is_there_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def interrupted() -> None:
        with open_whole(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"before"
    with open_whole(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]
