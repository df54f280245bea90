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

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.decode_layer import transformer_decode_layer
from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.prefill_layer import transformer_prefill_layer

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
WSE2_RAMP, RAMP = 2, 7
"""T_R of wse2 (HPDC 2024) and of older literature that it names, with which layers are simulated:
in decoding, T_R cannot be told from what software adds to each stage of an allreduce."""
GROUPS = {420: 20, 540: 20, 660: 22}
"""Of the K-tree, in WaferLLM's configurations."""
SMALL = (8, 12)
"""Grids of a prefill: with the tiles of the large one each step takes the same, and the number of
steps is linear in the side."""
WAVELETS = {"decode": 1, "prefill": 2}
"""That an operation moves: WaferLLM's code for WSE-2 has fabric transfers of 32 bits at once in
decoding (``simd_32``), and in the products of a prefill of 64 (``simd_64``)."""
LANES = (4, 2)
"""Elements of fp16 that are computed a cycle: by Hot Chips 34, and with the two reads and the write
of 32 bits that Cerebras' SDK documents (CSL language, appendix, SIMD mode)."""
COSTS = ("callback_millicycles", "fabric_cycles", "dependent_millicycles")
STEPS = (1000, 10, 10_000)
"""By which each cost is moved to see what it does."""


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


def mesh_of(
    side: int, costs: Mapping[str, int], ramp: int, wavelets: int, lanes: int
) -> WaveletMesh:
    """A square of wse2 with costs, ramps of so many cycles whose queues sustain a wavelet a cycle,
    wavelets of an operation, and lanes of fp16."""
    changes = [f"pe.costs.{name}={value}" for name, value in costs.items()]
    changes += [
        f"ramp_cycles={ramp}", f"ramp_down_wavelets={ramp + wavelets}",
        f"ramp_up_wavelets={ramp + wavelets + 1}", f"pe.wavelets_per_operation={wavelets}",
        f"pe.lanes.fp16={lanes}",
    ]  # fmt: skip
    return load_mesh("wse2", [f"width={side}", f"height={side}", *changes])  # type: ignore[return-value]


def known_cycles() -> dict[str, int]:
    """Of the simulations that the record has."""
    found: dict[str, int] = json.loads(RECORD.read_text())["simulated"] if RECORD.exists() else {}
    return found


class Simulated:
    """Cycles of layers on PEs with so many lanes; those in ``known`` are taken from there."""

    def __init__(self, known: dict[str, int], lanes: int) -> None:
        self.known, self.lanes = known, lanes

    def cycles(self, point: Point, costs: Mapping[str, int], ramp: int = RAMP) -> float:
        """Of a layer."""
        if point.phase == "decode":
            return self._decode(point, costs, ramp)
        first, second = SMALL
        low, high = (self.prefill(point, side, costs, ramp) for side in SMALL)
        return low + (high - low) / (second - first) * (point.grid - first)

    def _decode(self, point: Point, costs: Mapping[str, int], ramp: int) -> int:
        def run() -> int:
            grid = point.grid, point.grid
            mesh = mesh_of(point.grid, costs, ramp, WAVELETS["decode"], self.lanes)
            layer = Layer(*LAYERS[point.model])
            mapped = transformer_decode_layer(
                mesh, layer, TOKENS, grid, groups=GROUPS[point.grid], odd_chunks=True
            )
            return run_program(mesh, mapped.program).cycles

        return self._once(f"decode {point.model} {point.grid}", costs, ramp, run)

    def prefill(self, point: Point, side: int, costs: Mapping[str, int], ramp: int = RAMP) -> int:
        """With the tiles of the point's grid on a smaller one."""
        dim, ffn = (-(-each // point.grid) for each in LAYERS[point.model])
        tokens = -(-TOKENS // point.grid)

        def run() -> int:
            mesh = mesh_of(side, costs, ramp, WAVELETS["prefill"], self.lanes)
            layer = Layer(dim * side, ffn * side)
            mapped = transformer_prefill_layer(mesh, layer, tokens * side, side, odd_chunks=True)
            return run_program(mesh, mapped.program).cycles

        return self._once(f"prefill {tokens}x{dim}x{ffn} on {side}", costs, ramp, run)

    def _once(self, what: str, costs: Mapping[str, int], ramp: int, run: Callable[[], int]) -> int:
        given = {"lanes": self.lanes, "ramp_cycles": 0 if ramp == WSE2_RAMP else ramp, **costs}
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


def slopes_of(simulated: Simulated, own: Sequence[Point]) -> np.ndarray:  # type: ignore[type-arg]
    """[points, costs] cycles that each cost adds, where there are no others, with ramps of wse2."""
    at = dict.fromkeys(COSTS, 0)
    return np.array([
        [
            (
                simulated.cycles(point, {**at, name: step}, WSE2_RAMP)
                - simulated.cycles(point, at, WSE2_RAMP)
            )
            / step
            for name, step in zip(COSTS, STEPS, strict=True)
        ]
        for point in own
    ])  # fmt: skip


def fit(
    simulated: Simulated, own: Sequence[Point], slopes: np.ndarray,  # type: ignore[type-arg]
) -> dict[str, int]:  # fmt: skip
    """The costs, none below zero, with the least squares of relative errors.

    Cycles are taken as linear in the costs, twice: without any, and at what came of it.
    """
    wanted = np.array([point.cycles for point in own], float)
    at = dict.fromkeys(COSTS, 0)
    for _ in range(2):
        base = np.array([simulated.cycles(point, at) for point in own])
        rest = wanted - base + slopes @ np.array([at[name] for name in COSTS])
        at = dict(zip(COSTS, _least(slopes / wanted[:, None], rest / wanted), strict=True))
    return at


def _least(slopes: np.ndarray, rest: np.ndarray) -> list[int]:  # type: ignore[type-arg]
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


class Fitted(NamedTuple):
    """What the figures of some models give, with so many lanes."""

    simulated: Simulated
    costs: dict[str, int]

    def errors(self, some: Sequence[Point]) -> list[float]:
        """Relative, of these points."""
        return [self.simulated.cycles(each, self.costs) / each.cycles - 1 for each in some]


def fits(known: dict[str, int], models: Sequence[str] = (FITTED,)) -> list[Fitted]:
    """With each of ``LANES``, what fits the models best first; slopes are those of the first."""
    own = [point for point in points() if point.model in models]
    slopes = slopes_of(Simulated(known, LANES[0]), own)
    found = []
    for lanes in LANES:
        simulated = Simulated(known, lanes)
        found.append(Fitted(simulated, fit(simulated, own, slopes)))
    return sorted(found, key=lambda each: sum(error**2 for error in each.errors(own)))
