"""Which options of a machine neither generated hardware nor an outside reference stands behind.

``unproven.json`` is written with docs/VALIDATION.md by ``python -m tests.validation``.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from arch.dram.channels import Channels
from arch.machine import Machine
from arch.mesh.packet import PacketMesh
from arch.mesh.wavelet import WaveletMesh
from arch.pim.hbm import HbmPim
from arch.pim.joint import JointMemory, JointPim
from arch.pim.system import Pim
from arch.spec import Spec

RECORD = Path(__file__).with_name("unproven.json")


def used(machine: Machine) -> Iterator[str]:
    """Options that a machine uses, as ``unit.field`` and as ``unit.field=value``."""
    specs: list[tuple[str, Spec | None]] = [("array", machine.array)]
    specs += [("buffer", pad) for pad in machine.buffer.scratchpads.values()]
    specs += [
        ("buffer", machine.buffer.dma),
        *memory_specs(machine.memory),
        ("vector", machine.vector),
        ("mapping", machine.mapping),
        ("link", machine.link),
    ]
    for unit, spec in specs:
        yield from options_of(unit, spec)


def memory_specs(memory: Spec | None) -> list[tuple[str, Spec | None]]:
    """Unit and parameter objects of a memory; DRAM channels and their controllers are one unit."""
    if isinstance(memory, Channels):
        return [("dram", memory), ("dram", memory.controller)]
    if isinstance(memory, JointMemory):
        return [("joint_pim", memory), ("joint_pim", memory.controller)]
    return [("memory", memory)]


def pim_options(pim: Pim) -> Iterator[str]:
    """Options that a PIM uses, its controller and the chip beside it."""
    for unit, spec in (("pim", pim), ("pim", pim.controller), ("asic", pim.asic)):
        yield from options_of(unit, spec)


def hbm_pim_options(pim: HbmPim) -> Iterator[str]:
    """Options that an HBM-PIM uses, and its controller."""
    for spec in (pim, pim.controller):
        yield from options_of("hbm_pim", spec)


def joint_options(pim: JointPim) -> Iterator[str]:
    """Options that a PIM uses whose channels hold memory commands too, and its controller."""
    for spec in (pim, pim.controller):
        yield from options_of("joint_pim", spec)


def mesh_options(mesh: PacketMesh | WaveletMesh) -> Iterator[str]:
    """Options that a mesh uses, its routers and PEs; wavelet meshes are a unit of their own."""
    if isinstance(mesh, WaveletMesh):
        for part in (mesh, mesh.router, mesh.pe, mesh.pe.costs):
            yield from options_of("wavelet", part)
    else:
        for spec in (mesh, mesh.router):
            yield from options_of("mesh", spec)


def options_of(unit: str, spec: Spec | None) -> Iterator[str]:
    """Options that a parameter object uses."""
    for name in type(spec).model_fields if spec is not None else ():
        value = getattr(spec, name)
        if name == "standard":
            value = value.lower()
        if value is not None and value != {}:
            yield f"{unit}.{name}"
            yield f"{unit}.{name}={value}"


def unproven(machine: Machine) -> tuple[str, ...]:
    """Options in use that rest on lockstep's own tests alone, in the order of the record."""
    return unproven_among(used(machine))


def unproven_among(options: Iterable[str]) -> tuple[str, ...]:
    """Those of the options that rest on lockstep's own tests alone."""
    asked = set(options)
    return tuple(option for option in json.loads(RECORD.read_text()) if option in asked)


def as_lines(options: Sequence[str]) -> list[str]:
    """For a reader, in 80 columns; the unit is left out where all are of one."""
    units = {option.partition(".")[0] for option in options}
    shown = [option.partition(".")[2] for option in options] if len(units) == 1 else options
    named = ", ".join(shown)
    return textwrap.wrap(f"rests on lockstep's own tests alone: {named}", 80) if named else []
