"""Reading and writing files, so that whatever is wrong with one becomes an ``InputError``."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from arch.errors import InputError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
"""Folder of the files that are known by name."""

SpecT = TypeVar("SpecT", bound=BaseModel)
Location = tuple[int | str, ...]
MISSING = "is missing"


def exists(path: Path) -> bool:
    """Whether there is a file or folder; what cannot be a path is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path) -> bytes:
    """Content of a file. Raises InputError where it is missing, empty or cannot be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give a file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{path}: cannot be read: {reason}") from None
    if not data:
        raise InputError(f"{path}: is empty")
    return data


def read_text(path: Path) -> str:
    """Text of a file in UTF-8, with or without a byte order mark. Raises InputError."""
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: is not text in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path}: line {line}: holds a zero byte; this is not a text file")
    return text


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises InputError where it cannot be written."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def shown(value: object) -> str:
    """A value as it stands in a message, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def fault(error: ValidationError) -> tuple[Location, str]:
    """Place and reason of the first fault that pydantic found."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "value_error":
        return first["loc"], str(first["ctx"]["error"])
    if first["type"] in ("missing", "extra_forbidden"):
        reason = MISSING if first["type"] == "missing" else "is not a known key"
        return first["loc"], reason
    return first["loc"], f"{first['msg'].lower()}, not {shown(first['input'])}"


def build(kind: type[SpecT], where: str, /, **fields: Any) -> SpecT:
    """``kind(**fields)``; a fault becomes an InputError that begins with ``where``."""
    try:
        return kind(**fields)
    except ValidationError as error:
        place, reason = fault(error)
        name = str(fields.get("name", ""))
        if name and name in where:
            reason = reason.removeprefix(f"{name}: ")
        raise InputError(f"{where}: {dotted(place)}{reason}") from None


def dotted(place: Location) -> str:
    """A place as ``operators[3].m: ``; empty for the whole."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") + ": " if text else ""


def parse_spec(kind: type[SpecT], path: Path) -> SpecT:
    """Read a parameter object from YAML or JSON.

    Raises InputError with file, line, path in the file, what was given and what would be right.
    """
    text = read_text(path)
    data = parse(path, text)
    if not isinstance(data, dict):
        raise InputError(f"{path}: must be keys and values, not {shown(data)}")
    return parse_data(kind, path, text, data)


def parse_data(kind: type[SpecT], path: Path, text: str, data: Any, below: Location = ()) -> SpecT:
    """Make a parameter object of parsed ``data``, which stands at ``below`` in the file."""
    try:
        # Strict validation takes a list for a tuple from JSON only.
        return kind.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        found, reason = fault(error)
        place, line = _locate(text, (*below, *found))
        if reason == MISSING:
            place = (*place, found[-1])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}") from None
    raise InputError(f"{path}: line {line}: {dotted(place)}{reason}")


def parse(path: Path, text: str) -> Any:
    """YAML or, by its suffix, JSON as plain objects. Raises InputError with file and line."""
    try:
        if path.suffix.lower() == ".json":
            return json.loads(text)
        return yaml.load(text, Loader=_loader())
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: not JSON: {error.msg}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}: line {line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be parsed: {shown(str(error))}") from None


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _locate(text: str, found: Location) -> tuple[Location, int]:
    """Place without pydantic's own tags, and the line (from 1) of its deepest part that exists."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_loader())
    except yaml.YAMLError:
        node = None
    place: list[int | str] = []
    line = node.start_mark.line + 1 if node else 1
    for part in found:
        child = _child(node, part)
        if child is not None:
            node = child[1]
            line = child[0].start_mark.line + 1
            place.append(part)
    return tuple(place), line


def _child(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def unique(name: str, taken: Iterable[str]) -> str:
    """``name``, or ``name#2``, ``name#3`` ... where it is taken."""
    held = taken if isinstance(taken, set | dict | frozenset) else set(taken)
    candidate = name
    count = 1
    while candidate in held:
        count += 1
        candidate = f"{name}#{count}"
    return candidate
