"""Points as tables: the same in each format, whatever names and values are one's own."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import studies

from arch.errors import InputError
from sim.study import Outcome
from sim.study.export import export
from sim.study.record import Record

PARAMETERS = {
    "array.rows": [1, 2],
    "state": {"values": [1, 2.5], "fields": ["array.cols"]},
    "mixed": {"values": ["a", None, 7, [1, {"b": 2}]], "fields": ["name"]},
    "bound": {"values": [5, 6], "fields": ["vector.lanes"], "when": {"array.rows": [2]}},
}


def outcome() -> Outcome:
    study = studies.own(studies.rows_and_cols, PARAMETERS)
    points = [(0, 0, 0, -1), (1, 1, 3, 0), (1, 1, 2, 1), (0, 1, 1, -1)]
    metrics: list[dict[str, float]] = [
        {"cost": 3, "reason": 1.5, "array.rows": 9},
        {"cost": 2, "state": 4, "huge": 2**70},
        {},
        {"cost": 4},
    ]
    states: Any = ["done", "done", "failed", "rejected"]
    rows = zip(points, states, metrics, strict=True)
    records = [Record(at, point, state, found, "w,h\ny") for at, (point, state, found) in
               enumerate(rows)]  # fmt: skip
    return Outcome(study, records)


EXPECTED: dict[str, list[Any]] = {
    "index": [0, 1, 2, 3],
    "state": ["done", "done", "failed", "rejected"],
    "front": [False, True, False, False],
    "array.rows": [1, 2, 2, 1],
    "parameter.state": [1.0, 2.5, 2.5, 2.5],
    "mixed": ["a", '[1, {"b": 2}]', "7", None],
    "bound": [None, 5, 6, None],
    "cost": [3, 2, None, 4],
    "metric.reason": [1.5, None, None, None],
    "metric.array.rows": [9, None, None, None],
    "metric.state": [None, 4, None, None],
    "huge": [None, 2.0**70, None, None],
    "reason": ["w,h\ny"] * 4,
}


def test_each_format_has_all(tmp_path: Path) -> None:
    found = outcome()
    for suffix in studies.SUFFIXES:
        export(found.study, found.records, tmp_path / f"points{suffix}")
    rows = json.loads((tmp_path / "points.json").read_text())
    assert {name: [row[name] for row in rows] for name in rows[0]} == EXPECTED
    table = pyarrow.parquet.read_table(tmp_path / "points.parquet")
    assert table.to_pydict() == EXPECTED
    assert table.column_names == list(EXPECTED)
    with (tmp_path / "points.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == list(EXPECTED)
    texts = [["" if value is None else str(value) for value in column]
             for column in EXPECTED.values()]  # fmt: skip
    assert [list(column) for column in zip(*lines[1:], strict=True)] == texts
    frame = found.frame()
    assert list(frame.columns) == list(EXPECTED)
    assert frame["cost"].sum() == 9


def test_a_study_without_points_has_no_rows(tmp_path: Path) -> None:
    study = outcome().study
    export(study, [], tmp_path / "points.csv")
    assert (tmp_path / "points.csv").read_text() == (
        "index,state,front,array.rows,parameter.state,mixed,bound,reason\n"
    )


def test_a_name_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"points\.xls: points are written as \.csv, \.parquet"):
        export(outcome().study, [], tmp_path / "points.xls")
    assert list(tmp_path.iterdir()) == []
