"""The points of a study: which fields each of them sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from math import prod
from typing import Any

from arch.errors import InputError
from arch.fields import find, rows
from arch.machine import Machine
from arch.mesh.packet import PacketMesh
from arch.overrides import Override
from arch.paths import Path, parsed
from arch.validating import validated
from sim.study.spec import Parameter, StudySpec

Base = Machine | PacketMesh
"""What a study varies."""
Point = tuple[int, ...]
"""A level of each parameter, an index into its values; ``UNUSED`` where it does not count."""
UNUSED = -1


@dataclass(frozen=True)
class Space:
    """All points of a study around its base machine."""

    base: Base
    parameters: dict[str, Parameter]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the parameters, in their order."""
        return tuple(self.parameters)

    @cached_property
    def levels(self) -> tuple[Sequence[Any], ...]:
        """Values of each parameter."""
        return tuple(parameter.levels() for parameter in self.parameters.values())

    @cached_property
    def size(self) -> int:
        """Combinations, before conditions make some the same."""
        return prod(len(levels) for levels in self.levels)

    def fields(self, name: str) -> tuple[str, ...]:
        """That a parameter sets, in one choice or another."""
        parameter = self.parameters[name]
        if parameter.choices is None:
            return parameter.fields or (name,)
        return tuple(field for chosen in parameter.choices.values() for field in chosen)

    @cached_property
    def _paths(self) -> dict[str, Path]:
        """Of the fields that parameters set."""
        fields = (field for name in self.names for field in self.fields(name))
        return {field: parsed(field) or () for field in fields}

    @cached_property
    def _plain(self) -> dict[str, Any]:
        return self.base.model_dump(mode="json")

    def combination(self, index: int) -> Point:
        """The combination of an index below ``size``; the last parameter varies fastest."""
        found = []
        for levels in reversed(self.levels):
            index, level = divmod(index, len(levels))
            found.append(level)
        return self.settled(tuple(reversed(found)))

    def settled(self, point: Point) -> Point:
        """A point with the parameters marked that do not count in it."""
        found: dict[str, Any] = {}
        settled = []
        for name, parameter, level, levels in zip(
            self.names, self.parameters.values(), point, self.levels, strict=True
        ):
            # A condition on a parameter that does not count is not met.
            counts = all(
                other in found and found[other] in wanted
                for other, wanted in parameter.when.items()
            )
            if counts and level == UNUSED:
                level = 0
            if counts:
                found[name] = levels[level]
            settled.append(level if counts else UNUSED)
        return tuple(settled)

    def values(self, point: Point) -> dict[str, Any]:
        """Value of each parameter by name, None where it does not count."""
        return {
            name: None if level == UNUSED else levels[level]
            for name, level, levels in zip(self.names, point, self.levels, strict=True)
        }

    def settings(self, point: Point) -> list[tuple[str, Any]]:
        """Fields that a point sets, in order, and what they are."""
        found: list[tuple[str, Any]] = []
        for name, level, levels in zip(self.names, point, self.levels, strict=True):
            if level == UNUSED:
                continue
            parameter = self.parameters[name]
            if parameter.choices is not None:
                found += parameter.choices[levels[level]].items()
            else:
                found += [(field, levels[level]) for field in parameter.fields or (name,)]
        return found

    def machine(self, point: Point) -> Base:
        """The machine of a point. Raises InputError where there can be none."""
        given = [
            Override(f"{field}={value}", self._paths[field], _copy(value))
            for field, value in self.settings(point)
        ]
        kind = "machine" if isinstance(self.base, Machine) else "mesh"
        where: dict[Path, str] = {(): f"{kind} {self.base.name}"}
        return validated(type(self.base), _copy(self._plain), where, given)

    def neighbours(self, point: Point) -> list[Point]:
        """Points that differ in one parameter: a level up or down where values are numbers, any
        other level where they are not."""
        found: list[Point] = []
        for at, (level, levels) in enumerate(zip(point, self.levels, strict=True)):
            if level == UNUSED:
                continue
            numbers = all(isinstance(value, int | float) for value in levels)
            near = (level - 1, level + 1) if numbers else range(len(levels))
            for other in near:
                if other != level and 0 <= other < len(levels):
                    found.append(self.settled((*point[:at], other, *point[at + 1 :])))
        return list(dict.fromkeys(each for each in found if each != point))


def _copy(value: Any) -> Any:
    """Plain data that may be changed."""
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(each) for each in value]
    return value


def space_of(spec: StudySpec, base: Base, place: str) -> Space:
    """The space of a study. Raises InputError, with ``place`` (a file) in front, for parameters
    that the machine does not have and conditions that cannot be met."""
    faults = []
    before: dict[str, Sequence[Any]] = {}
    for name, parameter in spec.parameters.items():
        where = f"{place}: parameters.{name}"
        if parameter.choices is None:
            faults += [f"{where}: {fault}" for fault in _unknown(parameter.fields or (name,), base)]
        else:
            for choice, fields in parameter.choices.items():
                unknown = _unknown(tuple(fields), base)
                faults += [f"{where}.choices.{choice}: {fault}" for fault in unknown]
        for other, wanted in parameter.when.items():
            if other not in before:
                known = ", ".join(before) or "none"
                faults.append(f"{where}.when.{other}: must be a parameter above it: {known}")
            else:
                faults += [
                    f"{where}.when.{other}: given {value!r}, which {other} never has"
                    for value in wanted
                    if value not in before[other]
                ]
        before[name] = parameter.levels()
    if faults:
        raise InputError("\n".join(faults))
    return Space(base, spec.parameters)


def _unknown(fields: Sequence[str], base: Base) -> list[str]:
    """What is wrong with the paths of fields."""
    faults = []
    known = [row.path for row in rows(type(base))]
    for field in fields:
        path = parsed(field)
        if path is not None and find(type(base), path) is not None and _names_exist(path, base):
            continue
        near = get_close_matches(field, known, n=1) or [
            each for each in known if path and each.rpartition(".")[2] == path[-1]
        ]
        hint = f"; did you mean {near[0]}?" if near else ""
        if isinstance(base, Machine):
            all_of = f"a machine{hint} `lockstep show --yaml {base.name}` prints all"
        else:
            all_of = f"a packet mesh or its traffic{hint} They are {', '.join(known)}"
        faults.append(f"{field} is no field of {all_of}")
    return faults


def _names_exist(path: Path, base: Base) -> bool:
    """Whether what a path goes through, up to its last part, is in the machine where it names what
    machines name themselves."""
    at: Any = base.model_dump(mode="json")
    for part in path[:-1]:
        if isinstance(at, dict) and at and part not in at and "<" not in str(part):
            return False
        at = at.get(part) if isinstance(at, dict) else None
        if at is None:
            return True
    return True
