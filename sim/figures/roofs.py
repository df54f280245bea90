"""What bounds a machine: its peak and its bandwidths."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from arch.buffer import OPERANDS
from arch.dram.memory import Dram
from arch.pim.joint import JointMemory
from sim.figures.alike import TIMES
from sim.result import peak_macs_per_second

NAMES = {"ifmap": "inputs", "filter": "weights", "ofmap": "outputs"}


@dataclass(frozen=True)
class Roof:
    """A bandwidth between memory and scratchpads."""

    name: str
    bytes_per_second: float


@dataclass(frozen=True)
class Roofs:
    """Bounds of a machine."""

    peak_macs_per_second: float
    """All PEs of all cores busy."""
    memory: Roof | None
    """All interfaces together, which no operator can exceed; None: the machine has no memory."""
    alone: tuple[Roof, ...] = ()
    """Of separate interfaces: bounds of an operator all of whose traffic is of that operand."""


def roofs(machine: Mapping[str, Any]) -> Roofs:
    """The roofs of a result's machine.

    Raises InputError for a DRAM standard that is not there any more.
    """
    memory, peak = machine["memory"], float(peak_macs_per_second(machine))
    if memory is None:
        return Roofs(peak, None)
    if "channels" in memory:
        name = f"{memory['channels']} {TIMES} {memory.get('standard') or memory['commands']}"
        return Roofs(peak, Roof(name, dram_bytes_per_second(memory)))
    hz = machine["clocks"][memory["clock"]] * 1000
    if memory.get("bytes_per_cycle") is not None:
        return Roofs(peak, Roof("memory", float(memory["bytes_per_cycle"] * hz)))
    widths = memory["operand_bytes_per_cycle"]
    by_width: dict[int, list[str]] = {}
    for operand in OPERANDS:
        by_width.setdefault(widths[operand], []).append(NAMES[operand])
    alone = [Roof(" or ".join(names), float(w * hz)) for w, names in by_width.items()]
    return Roofs(
        peak,
        Roof("three interfaces", float(sum(widths.values()) * hz)),
        tuple(sorted(alone, key=lambda roof: -roof.bytes_per_second)),
    )


def dram_bytes_per_second(memory: Mapping[str, Any]) -> float:
    """Peak of all data pins."""
    kind: TypeAdapter[Dram | JointMemory]
    kind = TypeAdapter(Dram) if "standard" in memory else TypeAdapter(JointMemory)
    dram = kind.validate_json(json.dumps(memory))
    device = dram.device()
    bursts_per_second = dram.channels * device.data_buses * device.clock_khz * 1e3
    return bursts_per_second * device.burst_bytes / device.burst_cycles
