"""A system that serves a model: a machine or a roofline, and how a batch is laid onto it."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from arch.catalog import CONFIGS
from arch.errors import InputError
from arch.hybrid import HybridMapping
from arch.load import load_machine
from arch.machine import Machine
from arch.roofline import Roofline
from arch.spec import Name, Spec
from arch.spec_file import Folder, read_spec

SYSTEMS = Folder(CONFIGS / "systems", "system")
MACHINE_PREFIX = "machine."
KIND_PREFIX = "systems/"
"""May stand before a name, which a PIM may have too."""


class ServingSystem(Spec):
    """A file of configs/systems: one of many devices that are alike."""

    name: Name
    """Of the system."""
    source: str = Field(min_length=1)
    """Where its choices come from."""
    sources: dict[str, str] = Field(default={})
    """Source by path of a field, where it differs."""
    assumed: tuple[str, ...] = ()
    """Paths of fields that no source gives."""
    machine: str | None = None
    """The device: a machine by name or file; null where it is a roofline."""
    changes: tuple[str, ...] = ()
    """Fields of the machine that are set anew, each as of ``--set``."""
    roofline: Roofline | None = None
    """The device by its peaks alone."""
    mapping: HybridMapping | None = None
    """How sequences are laid onto the machine; null where it is a roofline."""
    interleave_from: Annotated[int, Field(ge=2, le=2**20)] = 2
    """Sequences from which a batch is run as the sub-batches that the mapping has."""
    split: Literal["halves", "balanced"] = "halves"
    """Two sub-batches: of each channel's sequences half by number, or the sums of their estimated
    loads as equal as can be."""

    @model_validator(mode="after")
    def _one_device(self) -> "ServingSystem":
        if (self.machine is None) == (self.roofline is None):
            raise ValueError("machine: must be given where roofline is not, and not beside it")
        if (self.mapping is None) != (self.machine is None):
            raise ValueError("mapping: must be given with a machine, and not with a roofline")
        if self.roofline is not None and self.changes:
            raise ValueError("changes: are those of a machine; a roofline has its own fields")
        return self

    @cached_property
    def _device(self) -> Machine | None:
        return None if self.machine is None else load_machine(self.machine, self.changes)

    def device(self) -> Machine | None:
        """The machine with its changes; None for a roofline. Raises InputError."""
        return self._device

    def expanded(self) -> dict[str, Any]:
        """All fields as plain data, the machine in place of its name and changes."""
        data = self.model_dump(mode="json")
        device = self.device()
        if device is not None:
            del data["changes"]
            data["machine"] = device.model_dump(mode="json")
        return data


system_names = SYSTEMS.names


def is_system(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a system that serves."""
    content = SYSTEMS.content(name_or_path.removeprefix(KIND_PREFIX))
    return "source" in content and ("machine" in content or "roofline" in content)


def load_system(name_or_path: str, overrides: Sequence[str] = ()) -> ServingSystem:
    """Read a system from YAML; ``overrides`` as of ``arch.load.load_machine``, those of the
    machine's fields with ``machine.`` before them.

    Raises InputError with a line for each fault, of its machine too.
    """
    path = SYSTEMS.find(name_or_path.removeprefix(KIND_PREFIX))
    own = [text for text in overrides if not text.startswith(MACHINE_PREFIX)]
    changes = [text.removeprefix(MACHINE_PREFIX) for text in overrides if text not in own]
    what = "a system: name, source, machine and mapping, or roofline"
    system = read_spec(ServingSystem, path, what, own)
    if changes:
        if system.machine is None:
            raise InputError(f"--set machine.{changes[0]}: {system.name} is a roofline")
        system = system.model_copy(update={"changes": (*system.changes, *changes)})
    try:
        device, mapping = system.device(), system.mapping
    except InputError as fault:
        raise InputError(_placed(str(fault), changes)) from None
    if device and mapping and mapping.attention == "pim" and not device.pim_channels:
        raise InputError(
            f"{path}: mapping.attention: must be npu, as the memory of {system.machine} takes no "
            "PIM commands"
        )
    return system


def _placed(faults: str, changes: Sequence[str]) -> str:
    """Faults of a machine, with the changes as they were given."""
    for change in changes:
        faults = faults.replace(f"--set {change}", f"--set {MACHINE_PREFIX}{change}")
    return faults
