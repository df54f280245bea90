"""YAML as plain data, with the line on which each part stands."""

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from arch.paths import Path, dotted

NODES_MAX = 100_000
"""Bound on the parts of a file, aliases counted each time, so that no file explodes."""

_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_AMBIGUOUS = re.compile(r"[-+]?0[0-9_]+|.*:.*")


class YamlError(ValueError):
    """What is wrong with a YAML text, and where."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Document:
    """Plain data of dicts, lists, texts, numbers, booleans and None."""

    data: Any
    lines: dict[Path, int]
    """Line (from 1) of each key and list item; of the whole under the empty path."""


def parse(text: str) -> Document:
    """Read one YAML document.

    Raises YamlError where it is no YAML, gives a key twice, or holds what JSON cannot (dates,
    binary data, keys that are no text, infinite numbers).
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        builder = _Builder()
        data = None if node is None else builder.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, _explained(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(
            line, f"holds a character that is no text, {chr(error.character)!r}"
        ) from None
    except RecursionError:
        raise YamlError(1, "is nested too deeply") from None
    return Document(data, builder.lines)


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not YAML"
    if "'\\t'" in problem:
        return "is not YAML: a tab; indent with spaces"
    context = f"{error.context}: " if error.context else ""
    return f"is not YAML: {context}{problem}"


class _Builder:
    def __init__(self) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self._scalars = yaml.constructor.SafeConstructor()
        self._open: set[int] = set()
        self._nodes = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise YamlError(line, f"has more than {NODES_MAX} parts")
        if id(node) in self._open:
            raise YamlError(line, f"{dotted(path)}: contains itself")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        built: Any
        if isinstance(node, yaml.MappingNode):
            built = self._mapping(node, path)
        else:
            built = []
            for index, item in enumerate(node.value):
                self.lines[(*path, index)] = item.start_mark.line + 1
                built.append(self.build(item, (*path, index)))
        self._open.remove(id(node))
        return built

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key_node, value in node.value:
            if key_node.tag == _TAG + "merge":
                for other in self._merged(value, path):
                    merged = {**self._mapping(other, path), **merged}
        built: dict[str, Any] = {}
        for key_node, value in node.value:
            if key_node.tag == _TAG + "merge":
                continue
            key, line = self._key(key_node, path), key_node.start_mark.line + 1
            where = (*path, key)
            if key in built:
                first = self.lines[where]
                raise YamlError(
                    line, f"{dotted(where)}: is given twice, first in line {first}; remove one"
                )
            self.lines[where] = line
            built[key] = self.build(value, where)
        return {**merged, **built}

    def _merged(self, node: yaml.Node, path: Path) -> list[yaml.MappingNode]:
        found = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for each in found:
            if not isinstance(each, yaml.MappingNode):
                raise YamlError(
                    each.start_mark.line + 1, f"{dotted((*path, '<<'))}: must merge keys and values"
                )
        return list(found)

    def _key(self, node: yaml.Node, path: Path) -> str:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode):
            raise YamlError(line, f"{dotted(path) or 'the file'}: a key must be text")
        if node.tag != _TAG + "str":
            where = dotted((*path, node.value))
            raise YamlError(line, f"{where}: a key must be text; write {node.value!r} in quotes")
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        line, name = node.start_mark.line + 1, node.tag.removeprefix(_TAG)
        where, raw = f"{dotted(path)}: " if path else "", str(node.value)
        if name not in _PLAIN:
            kind = "a date" if name == "timestamp" else f"of the type {node.tag}"
            raise YamlError(line, f"{where}given {raw}, {kind}; put it in quotes to make it text")
        if name == "int" and _AMBIGUOUS.fullmatch(raw):
            raise YamlError(
                line,
                f"{where}given {raw}, which YAML reads as octal or base 60; "
                "write it as a decimal number",
            )
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, KeyError):
            raise YamlError(
                line, f"{where}given {raw[:40]}, which cannot be read as {_PLAIN[name]}"
            ) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise YamlError(line, f"{where}given {raw}; must be a finite number")
        return value
