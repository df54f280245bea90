"""What the campaigns build: hardware of random parameters, with the seed of its work."""

from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from arch.array import Array
from arch.buffer import Scratchpad
from rtl.buffer.parameters import ACCESSES_MAX, BYTES_MAX, lines_of_half
from rtl.lockstep.array import ArrayTwin
from rtl.lockstep.buffer import BufferTwin
from rtl.lockstep.twin import Twin


def cycles_of(size: int, budget: int, least: int, most: int) -> int:
    """Cycles of a build of a size: ``budget`` is cycles times size, as more cost more."""
    return max(least, min(most, budget // size))


class Build(Protocol):
    """One piece of hardware and its work."""

    seed: int
    cycles: int

    @property
    def group(self) -> str:
        """Builds of one group count their events together."""

    @property
    def large(self) -> bool:
        """Whether it is of the largest size."""

    @property
    def parameters(self) -> dict[str, Any]:
        """For the record."""

    def twin(self) -> Twin:
        """Hardware and model."""


LARGE = 16
"""Rows and columns of the largest arrays."""
LARGE_SHARE = 14
"""One build in so many is of the largest size."""
WIDE_PES = 150
"""Arrays with more PEs have at most three stages in each: no wire has more than 65536 bits."""
ARRAY_CYCLES = ((64, 550_000), (255, 300_000), (LARGE * LARGE, 160_000))
"""Cycles a build, by the PEs that it has at most."""
ARRAY_OPTIONS: dict[str, tuple[Any, ...]] = {
    "operand_format": ("int4", "int8", "int16"),
    "accumulator_format": ("int16", "int32"),
    "accumulator_overflow": ("wrap", "saturate"),
    "weight_load": ("serial", "overlapped"),
    "drain": ("serial", "overlapped", "overlapped"),
    "edge_folds": ("clipped", "clipped", "full"),
    "pe_latency_cycles": (1, 1, 2, 3, 5),
    "accumulator_rows": (0, 4, 24),
}


@dataclass
class ArrayBuild:
    """A systolic array."""

    array: Array
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return self.array.dataflow

    @property
    def large(self) -> bool:
        return self.array.rows == self.array.cols == LARGE

    @property
    def parameters(self) -> dict[str, Any]:
        return {"array": self.array.model_dump(exclude_defaults=True)}

    def twin(self) -> Twin:
        return ArrayTwin(self.array)


def array_builds(count: int, seed: int) -> list[Build]:
    """The arrays of a campaign: dataflows in turn, every so often one of the largest size."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        rows, cols = (min(random.choice((4, 8, LARGE)), random.randint(1, LARGE)) for _ in "rc")
        if i // 3 % LARGE_SHARE == 0:
            rows = cols = LARGE
        options = {name: random.choice(values) for name, values in ARRAY_OPTIONS.items()}
        if rows * cols > WIDE_PES:
            options["pe_latency_cycles"] = min(options["pe_latency_cycles"], 3)
        array = Array(rows=rows, cols=cols, dataflow=("ws", "is", "os")[i % 3], **options)
        cycles = next(cycles for pes, cycles in ARRAY_CYCLES if rows * cols <= pes)
        chosen.append(ArrayBuild(array, random.randrange(2**32), cycles))
    return chosen


BUFFER_CYCLES = 200_000
BUFFER_WIDTHS_BYTES = (1, 2, 3, 4, 5, 8, 16, 32, 64)
BUFFER_DEPTHS_LINES = (2, 4, 8, 16, 32, 64)


@dataclass
class BufferBuild:
    """A scratchpad."""

    pad: Scratchpad
    depth_lines: int
    seed: int
    cycles: int

    @property
    def group(self) -> str:
        return "double-buffered" if self.pad.double_buffered else "single"

    @property
    def large(self) -> bool:
        return self.pad.accesses_per_cycle == ACCESSES_MAX

    @property
    def parameters(self) -> dict[str, Any]:
        pad = self.pad.model_dump(mode="json", exclude_defaults=True)
        return {"buffer": pad, "depth_lines": self.depth_lines}

    def twin(self) -> Twin:
        return BufferTwin(self.pad, self.depth_lines)


def buffer_builds(count: int, seed: int) -> list[Build]:
    """The scratchpads of a campaign, double-buffered and not in turn."""
    random = Random(seed)
    chosen: list[Build] = []
    for i in range(count):
        ports = random.choice((1, 1, 2, 4))
        banks = ACCESSES_MAX // ports if i % LARGE_SHARE == 0 else random.randint(1, 8 // ports)
        widths = [w for w in BUFFER_WIDTHS_BYTES if banks * ports * w <= BYTES_MAX // 4]
        pad = Scratchpad(
            operands=("ifmap",),
            capacity_kib=64,
            banks=banks,
            ports=ports,
            bank_width_bytes=random.choice(widths),
            double_buffered=i % 2 == 0,
        )
        depths = [
            lines for lines in BUFFER_DEPTHS_LINES if banks * ports <= lines <= lines_of_half(pad)
        ]
        depth_lines = random.choice(depths)
        chosen.append(BufferBuild(pad, depth_lines, random.randrange(2**32), BUFFER_CYCLES))
    return chosen
