"""WaferLLM's layers: ``PYTHONPATH=. python benchmarks/waferllm.py``.

Three costs of commands, and the lanes of the datapath, are fitted to the six published figures of
LLaMA3-8B; layers of the other models are then simulated with them. docs/waferllm.md and
docs/validation/waferllm.json are what came of it. Simulations that the record has are not done
again: delete it to begin anew. Some 25 minutes.
"""

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
PAGE = ROOT / "docs" / "waferllm.md"
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
"""Elements of fp16 that are computed a cycle: what Hot Chips 34 says, and half of it."""
COSTS = ("callback_millicycles", "fabric_cycles", "dependent_millicycles")
STEPS = (1000, 10, 10_000)
"""By which each cost is moved to see what it does."""

HEAD = """\
# WaferLLM's layers on wse2

Written by `PYTHONPATH=. python benchmarks/waferllm.py`.

WaferLLM (OSDI 2025, arXiv 2502.04563v3) gives tokens a second of four models on three grids each,
for prefills of 4096 tokens (Table 3) and decoding with 4096 in the cache (Table 4): 24 figures,
as cycles a layer at its 1.1 GHz. Of the layers [mapped to the mesh](wavelet_workloads.md) every
wavelet, router and PE is simulated: decoding on the whole grid; a prefill with the tiles of the
grid on {small} PEs, drawn out to the grid, as each of its steps takes the same on all grids
({straight:.2f} % is the most by which {check} PEs differ from that line).

Ramps take 7 cycles, as in older literature; HPDC 2024 has about 2, as `wse2`. Decoding cannot tell
them from what software adds to each stage of an allreduce. What begins a command costs nothing in
`wse2`. Three costs are fitted, to the six figures of LLaMA3-8B alone, one set for prefill and
decoding: {costs}. What is printed for the others is predicted.

Which three is a choice. With what begins a VEC in place of the last, LLaMA3-8B fits as well (4.43
cycles a vector, 50, 32 a VEC), and the others are {other} off, decoding and prefill. That GEMV's
vectors cost more is what a regression over all 24 figures says too (17.6 cycles a vector in
decoding, 4.83 in prefill).

Beside them two null models. *Work*: cycles = a + b x multiply-adds of a PE, a and b fitted to the
same three figures of LLaMA3-8B. *Between*: linear in the weights of a layer between the
**measured** cycles of LLaMA3-8B and QWen2-72B, so that it knows six figures more than we do; it
says nothing of these two.
"""

PREFILL_TOLD = """
The larger tiles are, the more is overestimated: a PE takes a datapath operation for each wavelet,
which compute has to wait for, while WaferLLM moves 64 bits at once.
"""


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


def slopes_of(simulated: Simulated, of: Sequence[Point]) -> np.ndarray:  # type: ignore[type-arg]
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
        for point in of
    ])  # fmt: skip


def fit(
    simulated: Simulated, of: Sequence[Point], slopes: np.ndarray,  # type: ignore[type-arg]
) -> dict[str, int]:  # fmt: skip
    """The costs, none below zero, with the least squares of relative errors.

    Cycles are taken as linear in the costs, twice: without any, and at what came of it.
    """
    wanted = np.array([point.cycles for point in of], float)
    at = dict.fromkeys(COSTS, 0)
    for _ in range(2):
        base = np.array([simulated.cycles(point, at) for point in of])
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


def by_work(point: Point, every: Sequence[Point]) -> float:
    """The null model of multiply-adds, from LLaMA3-8B's figures."""
    own = [each for each in every if each.model == FITTED and each.phase == point.phase]
    line = np.polyfit([each.macs for each in own], [each.cycles for each in own], 1)
    return float(np.polyval(line, point.macs))


def between(point: Point, every: Sequence[Point]) -> float | None:
    """The null model between the measured cycles of the first and the last model."""
    ends = {
        each.model: each.cycles
        for each in every
        if (each.phase, each.grid) == (point.phase, point.grid)
    }
    small, large = next(iter(LAYERS)), next(reversed(LAYERS))
    if point.model in (small, large):
        return None
    part = (weights(point.model) - weights(small)) / (weights(large) - weights(small))
    return ends[small] + part * (ends[large] - ends[small])


def _percent(found: float | None, point: Point) -> str:
    return "" if found is None else f"{100 * (found / point.cycles - 1):+.1f} %"


def _mean(errors: Sequence[float]) -> str:
    return f"{100 * float(np.mean(np.abs(errors))):.1f} %" if errors else ""


def page(simulated: Simulated, costs: Mapping[str, int]) -> str:
    """docs/waferllm.md."""
    every = points()
    check = next(point for point in every if point.phase == "prefill")
    first, second = SMALL
    low, high = (simulated.prefill(check, side, costs) for side in SMALL)
    side = 2 * second
    line = low + (high - low) / (second - first) * (side - first)
    straight = 100 * abs(simulated.prefill(check, side, costs) / line - 1)
    words = {
        "callback_millicycles": f"{costs['callback_millicycles'] / 1000:.2f} cycles a vector of an "
        "FMA (a callback)",
        "fabric_cycles": f"{costs['fabric_cycles']} to begin a command that sends or receives",
        "dependent_millicycles": f"{costs['dependent_millicycles'] / 1000:.2f} more a vector that "
        "adds to the elements of the one before (GEMV, not GEMM)",
    }
    text = [
        HEAD.format(
            small=" and ".join(f"{each} x {each}" for each in SMALL), straight=straight,
            check=f"{side} x {side}", costs=", ".join(words[name] for name in COSTS),
            other=" and ".join(
                _mean([
                    simulated.cycles(point, OTHER) / point.cycles - 1
                    for point in every
                    if point.phase == phase and point.model != FITTED
                ])
                for phase in PHASES
            ),
        )
    ]  # fmt: skip
    for phase in PHASES:
        text.append(f"\n## {'Decoding' if phase == 'decode' else 'Prefill'}, cycles a layer\n")
        text.append(
            "| model | grid | published | simulated | | work | between |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        )
        errors: dict[str, list[float]] = {"simulated": [], "work": [], "between": [], "same": []}
        for point in every:
            if point.phase != phase:
                continue
            found = simulated.cycles(point, costs)
            work, middle = by_work(point, every), between(point, every)
            text.append(
                f"| {point.model} | {point.grid} | {point.cycles:,} | {found:,.0f} | "
                f"{_percent(found, point)} | {_percent(work, point)} | {_percent(middle, point)} |"
            )
            if point.model != FITTED:
                errors["simulated"].append(found / point.cycles - 1)
                errors["work"].append(work / point.cycles - 1)
            if middle is not None:
                errors["between"].append(middle / point.cycles - 1)
                errors["same"].append(found / point.cycles - 1)
        if phase == "prefill":
            text.append(PREFILL_TOLD)
        text.append(
            f"\nMean error of the nine that are predicted: {_mean(errors['simulated'])}; of the "
            f"work alone {_mean(errors['work'])}. Of the six between: {_mean(errors['same'])}; of "
            f"the line between measured ones {_mean(errors['between'])}."
        )
    return "\n".join(text) + "\n"


class Fitted(NamedTuple):
    """What LLaMA3-8B's figures give, with so many lanes."""

    simulated: Simulated
    costs: dict[str, int]

    def errors(self, of: Sequence[Point]) -> list[float]:
        """Relative, of these points."""
        return [self.simulated.cycles(each, self.costs) / each.cycles - 1 for each in of]


def fits(known: dict[str, int]) -> list[Fitted]:
    """With each of ``LANES``, what fits LLaMA3-8B best first; slopes are those of the first."""
    own = [point for point in points() if point.model == FITTED]
    slopes = slopes_of(Simulated(known, LANES[0]), own)
    found = []
    for lanes in LANES:
        simulated = Simulated(known, lanes)
        found.append(Fitted(simulated, fit(simulated, own, slopes)))
    return sorted(found, key=lambda each: sum(error**2 for error in each.errors(own)))


def main() -> None:
    """Fit, predict, write."""
    simulated = Simulated()
    costs = fit(simulated, [point for point in points() if point.model == FITTED])
    PAGE.write_text(page(simulated, costs))
    simulated.save({"costs": costs})


if __name__ == "__main__":
    main()
