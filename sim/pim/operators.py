"""Where the time of a program goes: by kind of operator."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.pim.system import Pim
from arch.vector import VECTOR_OPS, VectorOp
from traces.pim.dtype import CODES, PimTrace

Records = npt.NDArray[np.void]


@dataclass
class Kind:
    """All operators of one kind: ``layer3.ffn_up`` is one of ``ffn_up``."""

    operators: int = 0
    ticks: int = 0
    """By which they move the end of all that has come before; those of all kinds add up to the time
    of the run."""
    span_ticks: int = 0
    """From when the first instruction of an operator is sent until all are done; operators may
    overlap."""
    mac_ticks: int = 0
    """In which multipliers work, summed over banks."""
    vector_ticks: int = 0
    """In which the vector unit works."""


@dataclass
class Operators:
    """Takes the traces of a run as they are done (``sim.pim.run.Watch``)."""

    pim: Pim
    kinds: dict[str, Kind] = field(default_factory=dict)
    elements: dict[VectorOp, int] = field(default_factory=dict)
    """Operated on by the vector unit, by operation."""
    ends: list[int] = field(default_factory=list)
    """Tick at which each trace was done."""

    def __post_init__(self) -> None:
        self._at = 0
        device = self.pim.device()
        banks = device.device.banks
        self._mac_cycles = np.zeros(len(CODES), np.int64)
        for name, instruction in self.pim.command_set().instructions.items():
            command = instruction.command
            if command is not None and device.mac_busy_cycles[command]:
                spans = {"bank": 1, "channel": banks}
                span = spans.get(device.level(command), device.device.sizes[-1])
                self._mac_cycles[CODES[name]] = device.mac_busy_cycles[command] * span

    def __call__(self, trace: PimTrace, progress: Records, period: int) -> None:
        """``period``: ticks of a cycle of the memory."""
        given = trace.instructions
        operator, count = given["operator"], len(trace.operator_names)
        ends, starts = np.zeros(count, np.int64), np.full(count, 2**62)
        np.maximum.at(ends, operator, progress["done"])
        np.minimum.at(starts, operator, progress["start"])
        frontier = np.maximum.accumulate(np.concatenate(([self._at], ends)))
        ticks = np.diff(frontier)
        channels = np.bitwise_count(given["channels"].astype(np.uint64)).astype(np.int64)
        macs = self._mac_cycles[given["op"]] * given["count"] * channels * period
        vector = given["op"] == CODES["VECTOR"]
        busy = np.where(vector, progress["done"] - progress["start"], 0)
        mac_ticks = np.bincount(operator, macs, count).astype(np.int64)
        vector_ticks = np.bincount(operator, busy, count).astype(np.int64)
        for i, name in enumerate(trace.operator_names):
            kind = self.kinds.setdefault(name.rpartition(".")[2], Kind())
            kind.operators += 1
            kind.ticks += int(ticks[i])
            kind.span_ticks += int(ends[i] - starts[i])
            kind.mac_ticks += int(mac_ticks[i])
            kind.vector_ticks += int(vector_ticks[i])
        elements = np.bincount(
            given["vector_op"][vector], given["elements"][vector], len(VECTOR_OPS)
        )
        for op, number in zip(VECTOR_OPS, elements, strict=True):
            if number:
                self.elements[op] = self.elements.get(op, 0) + int(number)
        self._at = int(frontier[-1])
        self.ends.append(self._at)
