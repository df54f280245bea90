"""Points of a study as a flat table: .csv, .parquet or .json.

Equal points give equal bytes, whoever evaluated them and when.
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from arch.errors import InputError
from sim.report.writing import open_whole
from sim.study.pareto import front
from sim.study.record import Record
from sim.study.study import Study

INT64_END = 2**63
SUFFIXES = (".csv", ".parquet", ".json")


def check_suffix(path: Path) -> None:
    """Raise InputError for a name that is none of ``SUFFIXES``."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: points are written as {', '.join(SUFFIXES)}, by the file's name")


def columns(study: Study, records: Sequence[Record]) -> dict[str, list[Any]]:
    """Columns by name, an entry a point: index, state, front, parameters, metrics, reason.

    A parameter that does not count in a point and a metric that was not computed are None.
    """
    best = {record.index for record in front(records, study.spec.objectives)}
    values = [study.space.values(record.point) for record in records]
    found: dict[str, list[Any]] = {
        "index": [record.index for record in records],
        "state": [record.state for record in records],
        "front": [record.index in best for record in records],
    }
    # Names may be one's own, even those of other columns.
    taken = {*found, "reason"}
    for name in study.space.names:
        key = name if name not in taken else f"parameter.{name}"
        found[key] = _one_type([row[name] for row in values])
    taken |= set(found)
    metrics = dict.fromkeys(name for record in records for name in record.metrics)
    for name in metrics:
        key = name if name not in taken else f"metric.{name}"
        found[key] = _numbers([record.metrics.get(name) for record in records])
    found["reason"] = [record.reason for record in records]
    return found


def _one_type(values: list[Any]) -> list[Any]:
    """Values as they are if they are numbers, texts or truth values alone, else as JSON."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and kinds <= {int, float, str, bool}:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [
        value if value is None or isinstance(value, str) else json.dumps(value) for value in values
    ]


def _numbers(values: list[Any]) -> list[Any]:
    """Whole numbers if all are and fit into 64 bits."""
    if all(
        value is None or (isinstance(value, int) and -INT64_END < value < INT64_END)
        for value in values
    ):
        return values
    return [None if value is None else float(value) for value in values]


def export(study: Study, records: Sequence[Record], path: Path) -> None:
    """Write all points. Raises InputError where the name or the disk does not allow it."""
    check_suffix(path)
    found = columns(study, records)
    with open_whole(path) as file:
        if path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet

            pyarrow.parquet.write_table(pa.table(found), file)
        elif path.suffix == ".csv":
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(found)
            writer.writerows(zip(*found.values(), strict=True))
            file.write(text.getvalue().encode())
        else:
            rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
            file.write((json.dumps(rows, indent=1) + "\n").encode())
