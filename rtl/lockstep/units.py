"""The units that have a twin."""

from collections.abc import Callable

from arch.errors import InputError
from arch.machine import Machine
from rtl.lockstep.array import array_twin
from rtl.lockstep.buffer import buffer_twin
from rtl.lockstep.twin import Twin

TWINS: dict[str, Callable[[Machine], Twin]] = {"array": array_twin, "buffer": buffer_twin}


def twin_of(machine: Machine, unit: str) -> Twin:
    """The twin of a machine's unit. Raises InputError where there is none."""
    if unit not in TWINS:
        raise InputError(f"unit: must be {' or '.join(TWINS)}, not {unit!r}")
    return TWINS[unit](machine)
