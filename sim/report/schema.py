"""The JSON form of a result and its JSON Schema, both made from the dataclasses.

``python -m sim.report.schema`` writes ``docs/result.schema.json`` of a clone.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from sim.result import Count, Documented, Quantity, Result

SCHEMA_VERSION: Literal[1] = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "docs" / "result.schema.json"


@dataclass(frozen=True)
class Totals(Documented):
    """Sums over the operators, for the reader's convenience."""

    macs: Count
    """Multiply-accumulates."""
    utilisation: Quantity
    """macs / (cycles x rows x cols x cores)."""
    stall_cycles: Count
    """Array cycles in which every array that still had work stalled."""
    energy_pj: Quantity
    """Energy of all components that are known, in pJ."""
    energy_is_lower_bound: bool
    """Whether the energy of a component is unknown."""
    events: dict[str, Count]
    """Counts of the whole run, by the names that operators use."""


@dataclass(frozen=True, kw_only=True)
class Document(Result):
    """A run of a workload on a machine, as ``lockstep run --out`` writes it."""

    schema_version: Literal[1]
    """Version of this format; another one is not read."""
    totals: Totals
    """Sums over ``operators``."""

    @property
    def result(self) -> Result:
        """Without what was added for the file."""
        return Result(**{each.name: getattr(self, each.name) for each in fields(Result)})


DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)


def document(result: Result) -> Document:
    """A result with what the file adds to it."""
    totals = Totals(
        macs=result.macs,
        utilisation=result.utilisation,
        stall_cycles=sum(operator.stall_cycles for operator in result.operators),
        energy_pj=result.energy.total_pj,
        energy_is_lower_bound=result.energy.is_lower_bound,
        events=result.events(),
    )
    held = {each.name: getattr(result, each.name) for each in fields(Result)}
    return Document(**held, schema_version=SCHEMA_VERSION, totals=totals)


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``result.json``."""
    made = _plain(DOCUMENT.json_schema(mode="serialization"))
    # pydantic reads the docstrings of a class's own fields only.
    made["properties"] |= _plain(TypeAdapter(Result).json_schema(mode="serialization"))[
        "properties"
    ]
    made["required"] = sorted({*made["required"], "notes"})
    return {"$schema": DIALECT, "title": "lockstep result", **made}


def _plain(node: Any, *, names: bool = False) -> Any:
    """Without the titles that pydantic makes of names; ``names``: the keys are the user's."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value, names=key in ("properties", "$defs"))
        for key, value in node.items()
        if names or key != "title"
    }


def schema_text() -> str:
    """The schema as it stands in docs/."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
