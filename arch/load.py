"""Machines in and out of YAML."""

import hashlib
import json
from collections.abc import Sequence

import yaml

from arch.catalog import find_machine, machine_names, read_text
from arch.errors import InputError
from arch.faults import shown
from arch.machine import Channelled, Machine
from arch.overrides import parse_override
from arch.pim.joint import JointMemory
from arch.spec import Spec
from arch.validating import validated
from arch.yaml_lines import YamlError, parse

__all__ = [
    "dump_yaml",
    "load_machine",
    "machine_names",
    "machine_sha256",
    "with_overrides",
]


def load_machine(name_or_path: str, overrides: Sequence[str] = ()) -> Machine:
    """Read a machine from YAML.

    ``name_or_path`` is a name of ``machine_names()`` or a file. ``overrides`` are what ``--set``
    takes: ``array.rows=64``, ``memory=null``, ``buffer.scratchpads.ifmap.operands[0]=filter``.

    Raises InputError with a line for each fault: file, line (or override), path, what was given
    and what would be right.
    """
    given = [parse_override(text) for text in overrides]
    path = find_machine(name_or_path)
    try:
        document = parse(read_text(path))
    except YamlError as fault:
        raise InputError(f"{path}:{fault.line}: {fault.reason}") from None
    if document.data is None:
        raise InputError(f"{path}: is empty; a machine needs {', '.join(_needed())}")
    if not isinstance(document.data, dict):
        raise InputError(
            f"{path}:1: given {shown(document.data)}; must be keys and values: "
            f"{', '.join(_needed())}"
        )
    places = {key: f"{path}:{line}" for key, line in document.lines.items()}
    return validated(Machine, document.data, places, given)


def with_overrides(machine: Machine, overrides: Sequence[str]) -> Machine:
    """A machine with fields set as by ``load_machine``; what is wrong is an InputError."""
    given = [parse_override(text) for text in overrides]
    return validated(
        Machine, machine.model_dump(mode="json"), {(): f"machine {machine.name}"}, given
    )


def _needed() -> list[str]:
    return [name for name, info in Machine.model_fields.items() if info.is_required()]


def dump_yaml(machine: Spec) -> str:
    """All fields of a machine, memory or PIM, defaults included, as YAML that is read back."""
    return yaml.safe_dump(
        machine.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100
    )


def machine_sha256(machine: Machine) -> str:
    """SHA-256 of a machine's parameters, in hexadecimal.

    The order of names does not count, but for the scratchpads, whose order numbers them.
    """
    data = machine.model_dump(mode="json")
    data["buffer"]["scratchpads"] = list(data["buffer"]["scratchpads"].items())
    memory = machine.memory
    if isinstance(memory, Channelled):
        # The numbers of the standard count, not its name alone.
        data["memory"]["device"] = repr(memory.device())
    if isinstance(memory, JointMemory):
        data["memory"]["set"] = repr((memory.command_set().mac, memory.counted()))
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
