"""ONNXim's products on our machines, mapped as it does and as we do."""

import csv
from dataclasses import dataclass
from math import ceil, isqrt
from pathlib import Path

from arch.load import load_machine
from sim.simulate import run
from traces.operators import Gemm, Workload

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "tests" / "golden" / "onnxim_runs.csv"
NAMES = {
    ("ws128", "simple"): "onnxim_ws128",
    ("ws128", "hbm2"): "onnxim_ws128_hbm2",
    ("ws8", "ddr4"): "onnxim_ws8",
}


@dataclass(frozen=True)
class Case:
    """A product that ONNXim ran."""

    machine: str
    memory: str
    cores: int
    m: int
    n: int
    k: int
    cycles: int
    """ONNXim's."""
    cycles_per_second: float | None
    """That it simulated on one core of its host."""

    @property
    def name(self) -> str:
        """Of the product and the machine."""
        return f"{self.m} x {self.k} x {self.n}, {self.machine} {self.memory}, {self.cores} cores"

    @property
    def config(self) -> str:
        """Our machine."""
        return NAMES[self.machine, self.memory]

    def blocks(self) -> tuple[int, int]:
        """Blocks of the output along m and n, by the rule of ONNXim's src/Mapping.cc: squares of
        array tiles whose sums fit half the accumulators, then more along the longer side until
        every core has one. Depth is never cut here: a scratchpad holds all of it."""
        machine = load_machine(self.config)
        size = machine.array.rows
        side = isqrt(machine.array.accumulator_rows // size) * size
        along = [min(ceil(extent / size), ceil(extent / side)) for extent in (self.m, self.n)]
        if self.m != self.n:
            longer = int(self.n > self.m)
            if along[0] * along[1] < self.cores:
                along[longer] *= ceil(self.cores / (along[0] * along[1]))
            along[longer] += along[0] * along[1] % self.cores
        found = []
        for extent, count in zip((self.m, self.n), along, strict=True):
            block = ceil(ceil(extent / size) * size / count) // size * size
            found.append(ceil(extent / block))
        return found[0], found[1]

    def settings(self) -> list[str]:
        """Overrides that map the product as ONNXim does: tiles of the array's size and all of the
        depth, columns of a block in turn, blocks to cores round robin."""
        size = load_machine(self.config).array.rows
        rows, cols = self.blocks()
        used = min(self.cores, rows * cols)
        split = "mn" if rows * cols == used and rows > 1 else "n"
        return [
            f"cores={used}",
            f"mapping={{tile_sizes: exact, tile_m: {size}, tile_n: {size}, tile_k: {self.k}, "
            f"loop_order: {'nmk' if rows * cols == used else 'mnk'}, partition: {split}}}",
        ]

    def ours(self) -> int:
        """Cycles with its mapping."""
        return self.cycles_with(self.settings())

    def own(self) -> int:
        """Cycles with the mapping that we choose."""
        return self.cycles_with([f"cores={self.cores}"])

    def cycles_with(self, settings: list[str]) -> int:
        """Cycles of the product on our machine with overrides."""
        product = Gemm(name="product", m=self.m, n=self.n, k=self.k)
        work = Workload(name="product", source="ONNXim", operators=(product,))
        return run(load_machine(self.config, settings), work).result.cycles


def cases() -> list[Case]:
    """All of tests/golden/onnxim_runs.csv."""
    with RUNS.open() as file:
        return [
            Case(
                row["machine"], row["memory"], *(int(row[x]) for x in ("cores", "m", "n", "k")),
                int(row["cycles"]),
                float(row["cycles_per_cpu_s"]) if row["cycles_per_cpu_s"] else None,
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip
