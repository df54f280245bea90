"""Results of operators as a flat table, one row an operator."""

import csv
import io
from typing import Any

from sim.report.document import SCHEMA_VERSION
from sim.result import OperatorResult, Result

FIXED = (
    "name",
    "kind",
    "fused_into",
    "m",
    "n",
    "k",
    "groups",
    "pack",
    "loop_order",
    "macs",
    "cycles",
    "stall_cycles",
    "utilisation",
    "formats",
    "relative_error",
)
"""Columns that are fields of ``OperatorResult``."""


def operator_columns(result: Result) -> dict[str, list[Any]]:
    """Columns by name, an entry an operator: ``FIXED``, counts of events, energies in pJ.

    ``energy_pj`` is the sum of the components behind it; the last column names those that are
    unknown, separated by blanks.
    """
    rows = result.operators
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in FIXED}
    events = sorted({name for row in rows for name in row.events} - {*FIXED})
    for name in events:
        columns[name] = [row.events.get(name, 0) for row in rows]
    columns["energy_pj"] = [float(row.energy.total_pj) for row in rows]
    for component in sorted({name for row in rows for name in row.energy.by_component_pj}):
        columns[f"energy_{component}_pj"] = [_energy(row, component) for row in rows]
    columns["energy_unknown"] = [" ".join(row.energy.unknown) for row in rows]
    return columns


def _energy(row: OperatorResult, component: str) -> float:
    return float(row.energy.by_component_pj.get(component, 0.0))


def operators_csv(result: Result) -> str:
    """The table as CSV with a header, texts quoted; what does not apply is empty."""
    columns = operator_columns(result)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def operators_parquet(result: Result) -> bytes:
    """The table as Parquet: the columns of the CSV with their types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = operator_columns(result)
    table = pa.table(
        {name: pa.array(cells, _type(pa, name)) for name, cells in columns.items()}
    ).replace_schema_metadata(
        {"lockstep.schema_version": str(SCHEMA_VERSION), "lockstep.workload": result.workload}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _type(pa: Any, name: str) -> Any:
    if name in ("name", "kind", "fused_into", "loop_order", "formats", "energy_unknown"):
        return pa.string()
    if name in ("utilisation", "relative_error") or name.endswith("_pj"):
        return pa.float64()
    return pa.int64()
