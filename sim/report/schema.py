"""JSON Schema of ``result.json``, made from the dataclasses, their types and docstrings.

``python -m sim.report.schema`` writes ``docs/result.schema.json`` of a clone.
"""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from sim.report.docstrings import field_docstrings
from sim.report.document import Document

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "docs" / "result.schema.json"
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``result.json``."""
    definitions: dict[str, Any] = {}
    made = _object(Document, definitions)
    return {"$schema": DIALECT, "title": "lockstep result", **made, "$defs": definitions}


def schema_text() -> str:
    """The schema as it stands in docs/."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Every field of a dataclass is written, and nothing else."""
    types, texts = get_type_hints(kind, include_extras=True), field_docstrings(kind)
    names = [field.name for field in fields(kind)]
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": {
            name: {"description": texts[name], **_value(types[name], definitions)} for name in names
        },
        "required": names,
        "additionalProperties": False,
    }


def _value(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if kind in NAMES:
        return {"type": NAMES[kind]}
    if origin is Annotated:
        bounds = [bound.ge for field in parts[1:] for bound in field.metadata]
        return {**_value(parts[0], definitions), "minimum": max(bounds)}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, UnionType):
        return {"anyOf": [_value(part, definitions) for part in parts]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(parts[1], definitions)}
    if origin is tuple:
        return {"type": "array", "items": _value(parts[0], definitions)}
    assert is_dataclass(kind), f"no JSON for {kind}"
    name = kind.__name__  # type: ignore[union-attr]
    if name not in definitions:
        definitions[name] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
