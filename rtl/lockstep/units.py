"""The units that have a twin."""

from collections.abc import Callable

from arch.errors import InputError
from arch.machine import Machine
from rtl.lockstep.twin import Twin


def _array(machine: Machine) -> Twin:
    from rtl.lockstep.array import array_twin

    return array_twin(machine)


def _buffer(machine: Machine) -> Twin:
    from rtl.lockstep.buffer import buffer_twin

    return buffer_twin(machine)


TWINS: dict[str, Callable[[Machine], Twin]] = {"array": _array, "buffer": _buffer}
"""By name; a unit is imported when it is asked for."""


def twin_of(machine: Machine, unit: str) -> Twin:
    """The twin of a machine's unit. Raises InputError where there is none."""
    if unit not in TWINS:
        raise InputError(f"unit: must be {' or '.join(TWINS)}, not {unit!r}")
    return TWINS[unit](machine)
