"""Programs of a mesh of PEs in from YAML: small ones, written by hand."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from arch.catalog import read_text
from arch.errors import InputError
from arch.mesh.program import (
    FORMATS,
    NONE,
    PORT_NAMES,
    Combine,
    Control,
    Function,
    MeshProgram,
    Op,
    PeProgram,
    Region,
    Route,
    Task,
    TaskAction,
)
from arch.paths import parsed
from arch.spec_file import read_spec
from arch.yaml_lines import parse
from traces.mesh.commands import Command, packed
from traces.mesh.program_spec import (
    NUMBER_MAX,
    SPAN,
    Address,
    ColourRoute,
    CommandSpec,
    Pes,
    ProgramFile,
    ProgramSpec,
)

_PLACE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\+(\d+))?")


def read_program(path: Path) -> MeshProgram:
    """A program from YAML. Raises InputError with file, line and what would be right."""
    found = read_spec(ProgramFile, path, "a program: name, width, height, routes, programs ...")
    try:
        return _program(found)
    except InputError as error:
        raise InputError(f"{path}:{_line(path, str(error))}: {error}") from None


def _line(path: Path, fault: str) -> int:
    """Of what a fault names: the innermost part of it that stands in the file."""
    lines = parse(read_text(path)).lines
    part = parsed(fault.partition(": ")[0]) or ()
    while part not in lines:
        part = part[:-1]
    return lines[part]


def _program(found: ProgramFile) -> MeshProgram:
    regions, start = [], 0
    for region in found.memory:
        made = Region(region.name, start, region.elements, FORMATS.index(region.format))
        regions.append(made)
        start += region.elements
    shape = (found.height, found.width)
    program_of = np.full(shape, NONE, np.int32)
    for at, program in enumerate(found.programs):
        program_of[_picked(program.pes, f"programs[{at}].pes", shape)] = at
    if (program_of == NONE).any():
        y, x = (int(v) for v in np.argwhere(program_of == NONE)[0])
        raise InputError(f"programs: PE ({x}, {y}) has none; name it in one of the pes")
    route_of = np.zeros(shape, np.int32)
    classes: list[dict[int, Route]] = [{}]
    for at, routers in enumerate(found.routes):
        _once((each.colour for each in routers.colours), f"routes[{at}].colours", "colour")
        route_of[_picked(routers.pes, f"routes[{at}].pes", shape)] = len(classes)
        classes.append({each.colour: _route(each, f"routes[{at}]") for each in routers.colours})
    places = {region.name: region.start for region in regions}
    given = {region.name: region.value for region in found.memory if region.value is not None}
    return MeshProgram(
        name=found.name, width=found.width, height=found.height,
        programs=tuple(
            _tasks(program, places, f"programs[{at}]")
            for at, program in enumerate(found.programs)
        ),
        program_of=program_of, routes=tuple(classes), route_of=route_of, regions=tuple(regions),
        values={
            # Spread without copies: whether it fits a PE is asked later.
            region.name: np.broadcast_to(
                np.float32(given[region.name]), (*shape, region.elements)
            )
            for region in regions
            if region.name in given
        },
    )  # fmt: skip


def _picked(pes: Pes, where: str, shape: tuple[int, int]) -> tuple[slice, slice]:
    return _slice(pes.y, f"{where}.y", shape[0]), _slice(pes.x, f"{where}.x", shape[1])


def _slice(span: int | str | None, where: str, extent: int) -> slice:
    if span is None:
        return slice(None)
    match = SPAN.fullmatch(str(span))
    if match is None:
        raise InputError(f"{where}: must be like 3, 0..7 or 0..7/2, not {span!r}")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if not first <= last < extent:
        raise InputError(f"{where}: must be within 0..{extent - 1}, not {span}")
    return slice(first, last + 1, int(match[3] or 1))


def _route(route: ColourRoute, where: str) -> Route:
    if not route.positions or not all(each.to for each in route.positions):
        raise InputError(
            f"{where}: colour {route.colour} must have positions, each with ports to go to"
        )
    return Route(
        tuple(
            (PORT_NAMES.index(each.source), tuple(PORT_NAMES.index(port) for port in each.to))
            for each in route.positions
        ),
        route.first,
    )


def _tasks(program: ProgramSpec, places: dict[str, int], where: str) -> PeProgram:
    _once((task.name for task in program.tasks), f"{where}.tasks", "name")
    numbers = {task.name: at for at, task in enumerate(program.tasks)}
    made = []
    for at, task in enumerate(program.tasks):
        commands = [
            _command(command, places, numbers, f"{where}.tasks[{at}].commands[{index}]")
            for index, command in enumerate(task.commands)
        ]
        made.append(Task(task.name, packed(commands), task.colour, task.active, task.blocked))
    return PeProgram(program.name, tuple(made), program.serves)


def _command(
    command: CommandSpec, places: dict[str, int], tasks: dict[str, int], where: str
) -> Command:
    given = command.model_dump(exclude_unset=True)
    made: Command = {"op": Op[given.pop("op").upper()]}
    for name, value in given.items():
        if name in ("dst", "a", "b"):
            made[name] = _element(value, places, f"{where}.{name}")
        elif name == "format":
            made[name] = FORMATS.index(value)
        elif name == "combine":
            made[name] = Combine[value.upper()]
        elif name == "function":
            made["combine"] = Function[value.upper()]
        elif name == "slots":
            made["target"] = sum(1 << slot for slot in set(value))
        elif name == "controls":
            made[name] = sum(Control[text.upper()] << (2 * i) for i, text in enumerate(value))
        elif name in ("action", "then_action"):
            made[name] = TaskAction[value.upper()]
        elif name == "then" or (name == "target" and command.op == "task"):
            made[name] = _task_number(value, tasks, f"{where}.{name}")
        elif name == "target" and not isinstance(value, int):
            raise InputError(f"{where}.target: of {command.op} must be a number, not {value!r}")
        else:
            made[name] = value
    if command.op in ("radd", "relay") and "combine" not in made:
        made["combine"] = Combine.ADD
    return made


def _once(values: Iterable[int | str], where: str, field: str) -> None:
    """Raise InputError for what would silently stand in place of another."""
    seen = set[int | str]()
    for at, value in enumerate(values):
        if value in seen:
            raise InputError(f"{where}[{at}].{field}: {value} is given twice; remove one")
        seen.add(value)


def _element(value: Address, places: dict[str, int], where: str) -> int:
    if isinstance(value, int):
        return value
    match = _PLACE.fullmatch(value)
    if match is None or match[1] not in places:
        known = ", ".join(places) or "none"
        raise InputError(f"{where}: must be an element, or a region ({known}), not {value!r}")
    beyond = match[2] or "0"
    if len(beyond) > len(str(NUMBER_MAX)):
        raise InputError(f"{where}: must be within a PE's memory, not {value[:60]!r}")
    return places[match[1]] + int(beyond)


def _task_number(value: Any, tasks: dict[str, int], where: str) -> int:
    if value not in tasks:
        raise InputError(f"{where}: must be a task ({', '.join(tasks)}), not {value!r}")
    return tasks[value]
