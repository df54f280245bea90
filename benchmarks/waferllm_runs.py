"""WaferLLM's layers simulated, and costs fitted to the figures of LLaMA3-8B."""

import csv
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.decode_layer import transformer_decode_layer
from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.prefill_layer import transformer_prefill_layer

Floats = npt.NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden" / "waferllm_layers.csv"
RECORD = ROOT / "docs" / "validation" / "waferllm.json"
TOKENS = 4096
LAYERS = {
    "LLaMA3-8B": (4096, 14336),
    "LLaMA2-13B": (5120, 13824),
    "CodeLLaMA-34B": (8192, 22016),
    "QWen2-72B": (8192, 29568),
}
"""Elements of a token, and inside the FFN; those of 13B and 34B are the models' own, as WaferLLM's
repository has no configurations of them."""
FITTED = "LLaMA3-8B"
ENDS = (FITTED, "QWen2-72B")
"""The models between which the others lie."""
PHASES = ("decode", "prefill")
GROUPS = {420: 20, 540: 20, 660: 22}
"""Of the K-tree, in WaferLLM's configurations."""
SMALL = (8, 12)
"""Grids of a prefill: with the tiles of the large one each step takes the same, and the number of
steps is linear in the side."""
WAVELETS = {"decode": 1, "prefill": 2}
"""That an operation moves: WaferLLM's code for WSE-2 has fabric transfers of 32 bits at once in
decoding (``simd_32``), and in the products of a prefill of 64 (``simd_64``)."""
COSTS = ("callback_millicycles", "descriptor_millicycles", "divide_cycles")
"""That are fitted: a vector of an FMA, the descriptor of an operand, an element that is divided."""
STEPS = (1000, 4000, 50)
"""By which each cost is moved to see what it does."""
NUDGES = (100, 333, 4)
"""By which each is moved at last: descriptors of an FMA by a cycle."""
ROUNDS = 2
"""Of a fit in which cycles are taken as linear."""
BEGUN = ("fma_cycles", "fabric_cycles", "microthread_cycles")
COUNTED, ALIKE = (3, 3, 1), (1, 1, 1)
"""Descriptors that are loaded to begin commands of ``BEGUN``. Counted in WaferLLM's code: two
sources and a destination of an FMA (``matmul_compute``, ``vecmat_computation``); memory, and by the
compiler the fabric in and out, for a sum of an allreduce (``two_tree_allreduce_*``); memory alone
for a tile that moves, as those of the fabric stay loaded (``mm_two_hop_comm_impl``)."""


class Point(NamedTuple):
    """A published figure."""

    phase: str
    model: str
    grid: int
    cycles: int

    @property
    def macs(self) -> float:
        """Multiply-adds of the weights for a PE."""
        rows = TOKENS if self.phase == "prefill" else 1
        return rows * weights(self.model) / self.grid**2


def weights(model: str) -> int:
    """Of a layer."""
    dim, ffn = LAYERS[model]
    return 4 * dim * dim + 3 * dim * ffn


def points() -> list[Point]:
    """All 24."""
    with GOLDEN.open() as file:
        return [
            Point(row["phase"], row["model"], int(row["grid"]), int(row["cycles_per_layer"]))
            for row in csv.DictReader(file)
        ]


def of(phase: str) -> list[Point]:
    """Those of a phase."""
    return [point for point in points() if point.phase == phase]


class Reading(NamedTuple):
    """What is taken for given of a PE."""

    lanes: int = 2
    """Of fp16: two with two reads and a write of 32 bits (WaferLLM's section 7; Cerebras' SDK, CSL
    language, appendix, SIMD mode), four with 64 (Hot Chips 34)."""
    descriptors: tuple[int, ...] = COUNTED
    """That are loaded to begin commands of ``BEGUN``."""
    ramp_cycles: int = 7
    """Of older literature that HPDC 2024 names; its own T_R is about 2. In decoding it cannot be
    told from what software adds to each stage of an allreduce."""

    def costs(self, fitted: Mapping[str, int]) -> dict[str, int]:
        """``pe.costs`` from those that are fitted."""
        each = fitted["descriptor_millicycles"]
        found = {name: value for name, value in fitted.items() if name != "descriptor_millicycles"}
        numbers = zip(BEGUN, self.descriptors, strict=True)
        return found | {name: round(number * each / 1000) for name, number in numbers}

    def mesh(self, side: int, fitted: Mapping[str, int], wavelets: int) -> WaveletMesh:
        """A square of wse2, with ramps whose queues sustain a wavelet a cycle, and wavelets of an
        operation."""
        ramp = self.ramp_cycles
        changes = [f"pe.costs.{name}={value}" for name, value in self.costs(fitted).items()]
        changes += [
            f"ramp_cycles={ramp}", f"ramp_down_wavelets={ramp + wavelets}",
            f"ramp_up_wavelets={ramp + wavelets + 1}", f"pe.wavelets_per_operation={wavelets}",
            f"pe.lanes.fp16={self.lanes}",
        ]  # fmt: skip
        return load_mesh("wse2", [f"width={side}", f"height={side}", *changes])  # type: ignore[return-value]


READINGS = {
    "as above": Reading(),
    "4 lanes": Reading(lanes=4),
    "commands alike": Reading(descriptors=ALIKE),
    "ramps of 2": Reading(ramp_cycles=2),
}
"""What LLaMA3-8B's figures decide between."""


def known_cycles() -> dict[str, int]:
    """Of the simulations that the record has."""
    found: dict[str, int] = json.loads(RECORD.read_text())["simulated"] if RECORD.exists() else {}
    return found


class Simulated:
    """Cycles of layers by a reading of PEs; those in ``known`` are taken from there."""

    def __init__(self, known: dict[str, int], reading: Reading) -> None:
        self.known, self.reading = known, reading

    def cycles(self, point: Point, costs: Mapping[str, int]) -> float:
        """Of a layer."""
        if point.phase == "decode":
            return self._decode(point, costs)
        first, second = SMALL
        low, high = (self.prefill(point, side, costs) for side in SMALL)
        return low + (high - low) / (second - first) * (point.grid - first)

    def _decode(self, point: Point, costs: Mapping[str, int]) -> int:
        def run() -> int:
            grid = point.grid, point.grid
            mesh = self.reading.mesh(point.grid, costs, WAVELETS["decode"])
            layer = Layer(*LAYERS[point.model])
            mapped = transformer_decode_layer(
                mesh, layer, TOKENS, grid, groups=GROUPS[point.grid], as_published=True
            )
            return run_program(mesh, mapped.program).cycles

        return self._once(f"decode {point.model} {point.grid}", costs, run)

    def prefill(self, point: Point, side: int, costs: Mapping[str, int]) -> int:
        """With the tiles of the point's grid on a smaller one."""
        dim, ffn = (-(-each // point.grid) for each in LAYERS[point.model])
        tokens = -(-TOKENS // point.grid)

        def run() -> int:
            mesh = self.reading.mesh(side, costs, WAVELETS["prefill"])
            layer = Layer(dim * side, ffn * side)
            mapped = transformer_prefill_layer(
                mesh, layer, tokens * side, side, groups=1, as_published=True
            )
            return run_program(mesh, mapped.program).cycles

        return self._once(f"prefill {tokens}x{dim}x{ffn} on {side}", costs, run)

    def _once(self, what: str, costs: Mapping[str, int], run: Callable[[], int]) -> int:
        given = {
            "ramp_cycles": self.reading.ramp_cycles, "lanes": self.reading.lanes,
            **self.reading.costs(costs),
        }  # fmt: skip
        key = " ".join([what, *(f"{name}={value}" for name, value in given.items() if value)])
        if key not in self.known:
            began = time.perf_counter()
            self.known[key] = int(run())
            seconds = time.perf_counter() - began
            print(f"{key}: {self.known[key]} ({seconds:.0f} s)", file=sys.stderr, flush=True)
            self.save({})
        return self.known[key]

    def save(self, more: Mapping[str, object]) -> None:
        """Write the record."""
        found = {"source": "python benchmarks/waferllm.py", **more, "simulated": self.known}
        RECORD.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


class Fitted(NamedTuple):
    """What the figures of some models give, by a reading of PEs."""

    simulated: Simulated
    costs: dict[str, int]

    def errors(self, some: Sequence[Point]) -> list[float]:
        """Relative, of these points."""
        return [self.simulated.cycles(each, self.costs) / each.cycles - 1 for each in some]

    def squares(self, some: Sequence[Point]) -> float:
        """Of these errors."""
        return sum(error**2 for error in self.errors(some))


def slopes_at(simulated: Simulated, own: Sequence[Point], at: Mapping[str, int]) -> Floats:
    """[points, costs] cycles that each cost adds to what ``at`` takes."""
    return np.array([
        [
            (simulated.cycles(point, {**at, name: at[name] + step}) - simulated.cycles(point, at))
            / step
            for name, step in zip(COSTS, STEPS, strict=True)
        ]
        for point in own
    ])  # fmt: skip


def fit(simulated: Simulated, own: Sequence[Point]) -> dict[str, int]:
    """The costs, none below zero, with the least squares of relative errors.

    Cycles are taken as linear in the costs around what came of it before, at first around none;
    then costs, which are whole cycles of a machine, are nudged while that helps.
    """
    wanted = np.array([point.cycles for point in own], float)
    at = dict.fromkeys(COSTS, 0)
    for _ in range(ROUNDS):
        slopes = slopes_at(simulated, own, at)
        base = np.array([simulated.cycles(point, at) for point in own])
        rest = wanted - base + slopes @ np.array([at[name] for name in COSTS])
        at = dict(zip(COSTS, _least(slopes / wanted[:, None], rest / wanted), strict=True))
    return _nudged(simulated, own, at)


def _nudged(simulated: Simulated, own: Sequence[Point], at: dict[str, int]) -> dict[str, int]:
    least = Fitted(simulated, at).squares(own)
    helps = True
    while helps:
        helps = False
        for name, nudge in zip(COSTS, NUDGES, strict=True):
            for change in (nudge, -nudge):
                tried = {**at, name: max(at[name] + change, 0)}
                error = Fitted(simulated, tried).squares(own)
                if error < least:
                    at, least, helps = tried, error, True
    return at


def _least(slopes: Floats, rest: Floats) -> list[int]:
    """Least squares without negative numbers, by trying which of them are zero."""
    best, least = [0] * slopes.shape[1], float((rest**2).sum())
    for number in range(1, slopes.shape[1] + 1):
        for taken in combinations(range(slopes.shape[1]), number):
            found = np.linalg.lstsq(slopes[:, taken], rest, rcond=None)[0]
            error = float(((slopes[:, taken] @ found - rest) ** 2).sum())
            if (found >= 0).all() and error < least:
                best, least = [0] * slopes.shape[1], error
                for column, value in zip(taken, found, strict=True):
                    best[column] = round(float(value))
    return best


def fits(known: dict[str, int]) -> dict[str, Fitted]:
    """By each of ``READINGS``, what fits LLaMA3-8B best first."""
    own = [point for point in points() if point.model == FITTED]
    every = {name: Simulated(known, reading) for name, reading in READINGS.items()}
    found = {name: Fitted(each, fit(each, own)) for name, each in every.items()}
    return dict(sorted(found.items(), key=lambda each: each[1].squares(own)))
