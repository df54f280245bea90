"""The units that have hardware, and those of them that have a twin."""

from collections.abc import Callable
from typing import Any

from amaranth.lib import wiring

from arch.dram.memory import MemorySystem
from arch.errors import InputError
from arch.machine import Machine
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from arch.pim.joint import JointPim
from arch.pim.system import Pim
from rtl.lockstep.twin import Twin


def _array(machine: Machine) -> Twin:
    from rtl.lockstep.array import array_twin

    return array_twin(machine)


def _buffer(machine: Machine) -> Twin:
    from rtl.lockstep.buffer import buffer_twin

    return buffer_twin(machine)


def _dram(memory: MemorySystem) -> Twin:
    from rtl.lockstep.dram import dram_twin

    return dram_twin(memory)


def _joint(pim: JointPim) -> Twin:
    from rtl.lockstep.joint import joint_twin

    return joint_twin(pim)


def _mac(machine: Machine) -> Twin:
    from rtl.lockstep.mac import mac_twin

    return mac_twin(machine)


def _mesh(mesh: PacketMesh | WaveletMesh) -> Twin:
    if isinstance(mesh, WaveletMesh):
        from rtl.lockstep.wavelet import wavelet_twin

        return wavelet_twin(mesh)
    from rtl.lockstep.mesh import mesh_twin

    return mesh_twin(mesh)


def _pim(pim: Pim) -> Twin:
    from rtl.lockstep.pim import pim_twin

    return pim_twin(pim)


def _vector(owner: Machine | Pim) -> Twin:
    from rtl.lockstep.vector import vector_twin

    return vector_twin(owner)


def _plain_mac(machine: Machine) -> wiring.Component:
    """Of an array without an engine: what one of its PEs computes."""
    if machine.array is None:
        raise InputError(f"{machine.name}: has no array")
    if machine.array.engine is not None:
        return _mac(machine).component
    from rtl.plain_mac import PlainMac

    return PlainMac(machine.array.operand_format, machine.array.accumulator_format)


def _coprocessor(machine: Machine) -> wiring.Component:
    if machine.array is None:
        raise InputError(f"{machine.name}: has no array")
    from rtl.coprocessor import Coprocessor

    return Coprocessor(machine.array)


TWINS: dict[str, Callable[[Any], Twin]] = {
    "array": _array,
    "buffer": _buffer,
    "dram": _dram,
    "joint": _joint,
    "mac": _mac,
    "mesh": _mesh,
    "pim": _pim,
    "vector": _vector,
}
"""By name; a unit is imported when it is asked for."""
COMPONENTS: dict[str, Callable[[Any], wiring.Component]] = {
    "coprocessor": _coprocessor,
    "mac": _plain_mac,
}
"""Hardware that has no model, or not always."""
Built = Machine | MemorySystem | PacketMesh | WaveletMesh | Pim | JointPim
"""What units are of."""
OF_MEMORIES = ("dram",)
"""Units of a memory on its own."""
OF_MESHES = ("mesh",)
"""Units of a mesh."""
OF_JOINT_PIMS = ("joint",)
"""Units of a PIM with memory and PIM commands in one channel."""
OF_PIMS = ("pim",)
"""Units of a PIM; "vector" is of a PIM or of a machine, all others are of a machine."""


def twin_of(built: Built, unit: str, workload: str | None = None) -> Twin:
    """The twin of a unit of what has it; ``workload``: a program that its PEs run.

    Raises InputError where there is none.
    """
    if workload is not None:
        if unit not in OF_MESHES or not isinstance(built, WaveletMesh):
            raise InputError(
                f"--workload {workload}: is run by PEs of a wafer, as in lockstep cosim wse2 "
                f"--unit mesh; leave it out for {built.name}, unit {unit}"
            )
        from rtl.lockstep.wavelet_jobs import program_twin

        return program_twin(built, workload)
    if unit in COMPONENTS and unit not in TWINS:
        raise InputError(
            f"unit: {unit} has no model to be compared with; lockstep rtl and synth have it"
        )
    if unit not in TWINS:
        raise InputError(f"unit: must be {' or '.join(TWINS)}, not {unit!r}")
    return TWINS[unit](built)


def component_of(built: Built, unit: str) -> wiring.Component:
    """The hardware of a unit of what has it. Raises InputError where there is none."""
    if unit in COMPONENTS:
        return COMPONENTS[unit](built)
    if unit not in TWINS:
        raise InputError(f"unit: must be {' or '.join({**TWINS, **COMPONENTS})}, not {unit!r}")
    return TWINS[unit](built).component
