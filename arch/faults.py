"""What pydantic found wrong, in the user's words."""

import json
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from arch.fields import Shape, find, one_of, rows
from arch.paths import Path, dotted, parsed
from arch.spec import Spec

Where = Callable[[Path, bool], str]
"""Place (file and line, or an override) of the nearest part of a path that was given; if true,
with the overrides inside it."""


FAULTS_MAX = 30


def explain(error: ValidationError, root: type[Spec], where: Where) -> list[str]:
    """One line a fault: place, path, what was given and what would be right."""
    lines = []
    for fault in error.errors(include_url=False):
        path = tuple(part for part in fault["loc"] if not str(part).startswith("["))
        above = find(root, path[:-1])
        if above is not None and above.or_text:
            path = path[:-1]  # without pydantic's name for one of both
            if isinstance(fault["input"], str) and fault["type"] == "int_type":
                continue  # wrong as text, of which another fault tells
        if fault["type"] == "value_error":
            reason = str(fault["ctx"]["error"])
            named = parsed(re.split(r":?\s", reason, maxsplit=1)[0])
            place = where((*path, *(named or ())), True)
        else:
            reason, place = _reason(fault, path, root), where(path, False)
        lines.append(": ".join(part for part in (place, dotted(path), reason) if part))
    lines = list(dict.fromkeys(lines))
    more = len(lines) - FAULTS_MAX
    return [*lines[:FAULTS_MAX], f"and {more} more"] if more > 0 else lines


def _reason(fault: Any, path: Path, root: type[Spec]) -> str:
    loc = tuple(part for part in fault["loc"] if part != "[key]")
    above = find(root, loc[:-1])
    if fault["loc"][-1:] == ("[key]",):
        return _unknown_name(path, above)
    shape = find(root, loc)
    if shape is None:
        return _unknown_key(path, above.sections if above else (), root)
    if fault["type"] == "missing":
        return f"is missing; must be {shape.wanted()}"
    given = fault["input"]
    sized = fault["type"] in ("greater_than_equal", "less_than_equal") and not shape.or_text
    wanted = shape.range() if sized else shape.wanted()
    return f"given {shown(given)}; must be {wanted}{_hint(given, shape)}"


def _unknown_key(path: Path, above: tuple[type[Spec], ...], root: type[Spec]) -> str:
    key = str(path[-1])
    known = list(dict.fromkeys(name for each in above for name in each.model_fields))
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    if not near:
        elsewhere = [row.path for row in rows(root) if key == row.path.rpartition(".")[2]]
        hint = f"did you mean {one_of(elsewhere)}?" if elsewhere else "remove it."
    return f"is not a known key; {hint} Known are {', '.join(known)}"


def _unknown_name(path: Path, above: Shape | None) -> str:
    key = above.key if above else None
    if key is None or not key.choices:
        return f"must be {key.wanted() if key else 'another name'}"
    near = get_close_matches(str(path[-1]), key.choices, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"is not a known key; {hint}Known are {', '.join(key.choices)}"


def _hint(given: Any, shape: Shape) -> str:
    if shape.kind == "integer" and isinstance(given, str | float):
        try:
            number = float(given.replace("_", "") if isinstance(given, str) else given)
        except ValueError:
            return ""
        if number.is_integer() and abs(number) < 2**53:
            return f"; write {int(number)}"
    if shape.kind == "choice" and isinstance(given, str):
        near = get_close_matches(given, shape.choices, n=1)
        return f"; did you mean {near[0]}?" if near else ""
    return ""


def shown(value: Any) -> str:
    """A value as YAML would have it, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
