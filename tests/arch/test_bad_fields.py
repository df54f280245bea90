"""Every field of a machine, wrong in every way, from the JSON Schema that pydantic derives."""

from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest
from machine_text import (
    DRAM,
    JOINT,
    Path,
    block,
    dram,
    engines,
    everything,
    get,
    held,
    joint,
    line_of,
    put,
    separate,
    take,
)

from arch.errors import InputError
from arch.load import load_machine
from arch.machine import Machine

SCHEMA = Machine.model_json_schema()
BASES = (everything, separate, held, dram, joint, engines)
NAMES = {
    "scratchpads": "rest", "operations": "exp", "clocks": "ddr", "sources": "array.rows",
    "levels": "rank", "timings": "nRCD",
    **dict.fromkeys(JOINT["energy"], "RD"),
}  # fmt: skip
"""The name in the machine that stands for all names."""


def resolved(schema: dict[str, Any], kind: int = 0) -> dict[str, Any]:
    """A schema without references and without the alternative null; of several kinds of a section,
    the one asked for."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] | schema
    if "anyOf" in schema:
        (only,) = (each for each in schema["anyOf"] if each.get("type") != "null")
        return {**resolved(only, kind), "nullable": True}
    if "oneOf" in schema:
        return resolved(schema["oneOf"][kind])
    return schema


def fields(
    schema: dict[str, Any], kind: int, path: Path = ()
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Path and schema of all fields, sections and names."""
    schema = resolved(schema, kind)
    if path:
        yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from fields(inner, kind, (*path, name))
    others = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    for inner in others:
        if isinstance(inner, dict):
            yield from fields(inner, kind, (*path, NAMES[str(path[-1])]))
    if "items" in schema:
        yield from fields(schema["items"], kind, (*path, 0))


FIELDS = {path: of for kind in (2, 1, 0) for path, of in fields(SCHEMA, kind)}
NUMBERS = [path for path, schema in FIELDS.items() if schema.get("type") == "integer"]
SECTIONS = [(), *(path for path, schema in FIELDS.items() if "properties" in schema)]
REQUIRED = [
    (*path, name)
    for path in SECTIONS
    for name in (resolved(FIELDS[path]) if path else SCHEMA).get("required", [])
]


def base_of(path: Path) -> dict[str, Any]:
    if len(path) > 1 and path[0] == "memory" and path[1] in DRAM and path[1] != "latency_cycles":
        both = path[1] == "controller" and len(path) > 2 and path[2] not in DRAM["controller"]
        return joint() if both else dram()
    if len(path) > 1 and path[0] == "memory" and path[1] in JOINT and path[1] != "latency_cycles":
        return joint()
    if path in (("array", "copies"), ("array", "empty_load_cycles")):
        return held()
    if path[:2] in (("array", "engine"), ("mapping", "formats")):
        return engines()
    return separate() if "operand_bytes_per_cycle" in path else everything()


def named(path: Path) -> str:
    """A path as messages show it."""
    text = ""
    for part in path:
        plain = isinstance(part, str) and "." not in part
        text += f".{part}" if plain else f"[{part!r}]".replace("'", '"')
    return text.lstrip(".")


def fault(tmp_path: File, data: Any, at: Path) -> str:
    """The one fault that is found, without the file and line at which it must stand."""
    text = block(data)
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_machine(str(file))
    message = str(caught.value)
    start = f"{file}:{line_of(text, at)}: "
    assert "\n" not in message
    assert message.startswith(start)
    return message.removeprefix(start)


def test_the_walk_meets_every_kind_of_field() -> None:
    assert len(FIELDS) >= 80
    assert len(NUMBERS) == 46
    assert {named(path) for path in SECTIONS} == {
        "", "array", "buffer", "buffer.scratchpads.rest", "buffer.dma", "vector", "mapping",
        "vector.operations.exp", "array.engine", "array.engine.modes[0]", "mapping.formats[0]",
        "memory", "memory.operand_bytes_per_cycle", "memory.controller",
        "memory.energy", "link",
    }  # fmt: skip


@pytest.mark.parametrize("base", BASES)
def test_the_machines_that_are_spoilt_are_right(tmp_path: File, base: Any) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(block(base()))
    assert load_machine(str(file)).name == "full"


@pytest.mark.parametrize("path", NUMBERS, ids=named)
@pytest.mark.parametrize("side", ["below", "above"])
def test_out_of_range(tmp_path: File, path: Path, side: str) -> None:
    schema = FIELDS[path]
    low, high = schema["minimum"], schema["maximum"]
    data, wrong = base_of(path), low - 1 if side == "below" else high + 1
    put(data, path, wrong)
    null = ", or null" if schema.get("nullable") else ""
    reason = f"{named(path)}: given {wrong}; must be {low} to {high}{null}"
    assert fault(tmp_path, data, path) == reason


@pytest.mark.parametrize("path", NUMBERS, ids=named)
@pytest.mark.parametrize("side", ["minimum", "maximum"])
def test_bounds_are_in_range(tmp_path: File, path: Path, side: str) -> None:
    data = base_of(path)
    put(data, path, FIELDS[path][side])
    file = tmp_path / "good.yaml"
    file.write_text(block(data))
    kept = load_machine(str(file)).model_dump(mode="json")
    assert get(kept, path) == FIELDS[path][side]


WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "integer": ("seven", 1.5, True, [1]),
    "number": ("seven", True, [1]),
    "string": (7, False, ["a"]),
    "boolean": ("true", 1),
    "object": (3, "text", [1]),
    "array": (3, "ifmap", {"a": 1}),
}


@pytest.mark.parametrize("path", FIELDS, ids=named)
def test_wrong_type(tmp_path: File, path: Path) -> None:
    schema = FIELDS[path]
    wrongs = list(WRONG_TYPES[schema["type"]])
    if not schema.get("nullable"):
        wrongs.append(None)
    for wrong in wrongs:
        data = base_of(path)
        put(data, path, wrong)
        reason = fault(tmp_path, data, path)
        assert reason.startswith(f"{named(path)}: given ")
        assert "; must be " in reason


CHOICES = [path for path, schema in FIELDS.items() if "enum" in schema or "const" in schema]


@pytest.mark.parametrize("path", CHOICES, ids=named)
def test_a_choice_that_does_not_exist(tmp_path: File, path: Path) -> None:
    data = base_of(path)
    put(data, path, "no_such")
    reason = fault(tmp_path, data, path)
    assert reason.startswith(f'{named(path)}: given "no_such"; must be ')
    for choice in FIELDS[path].get("enum", [FIELDS[path].get("const")]):
        assert str(choice) in reason


@pytest.mark.parametrize("path", SECTIONS, ids=named)
def test_an_unknown_key(tmp_path: File, path: Path) -> None:
    data = base_of(path)
    put(data, (*path, "frobnicate"), 1)
    reason = fault(tmp_path, data, (*path, "frobnicate"))
    assert reason.startswith(f"{named((*path, 'frobnicate'))}: is not a known key; ")
    known = (resolved(FIELDS[path]) if path else SCHEMA)["properties"]
    assert reason.endswith("Known are " + ", ".join(known))


@pytest.mark.parametrize("path", REQUIRED, ids=named)
def test_a_missing_field(tmp_path: File, path: Path) -> None:
    data = base_of(path)
    take(data, path)
    reason = fault(tmp_path, data, path[:-1])
    assert reason.startswith(f"{named(path)}: is missing; must be ")


@pytest.mark.parametrize("path", [path for path in FIELDS if path[-1] != 0], ids=named)
def test_a_key_given_twice(tmp_path: File, path: Path) -> None:
    text = block(base_of(path))
    lines, line = text.splitlines(), line_of(text, path)
    again = lines[line - 1].partition(":")[0] + ": 1"
    if again.lstrip().startswith("- "):
        lines.insert(line, again.replace("- ", "  ", 1))
    else:
        lines.insert(line - 1, again)
    file = tmp_path / "bad.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        load_machine(str(file))
    where = f"{file}:{line + 1}: {named(path)}"
    assert str(caught.value) == f"{where}: is given twice, first in line {line}; remove one"


def test_every_fault_of_a_file_is_told_at_once(tmp_path: File) -> None:
    data = everything()
    wrongs: dict[Path, Any] = {
        ("array", "rows"): -3,
        ("array", "dataflow"): "xs",
        ("buffer", "dma", "outstanding"): "many",
        ("memory", "latency_cycles"): None,
    }
    for path, wrong in wrongs.items():
        put(data, path, wrong)
    text = block(data)
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_machine(str(file))
    told = str(caught.value).splitlines()
    assert [line.split(": ")[:2] for line in told] == [
        [f"{file}:{line_of(text, path)}", named(path)] for path in wrongs
    ]
