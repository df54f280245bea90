"""MeshGEMM, Cannon and SUMMA by assumption: the first part of docs/wafer_products.md.

X [t P, t P] times W [t P, t P] on P x P PEs, tiles of t x t; X and W come skewed from the host.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wafer_record import MACHINES, callback_millicycles, cycles_of, mesh_of

from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.shift_gemm import TURN
from traces.mapping.mesh.workloads import build

ALGORITHMS = {
    "MeshGEMM": "mesh_gemm",
    "Cannon": "cannon",
    "SUMMA": "summa",
    "SUMMA, relayed": "summa:forward=relay",
}
SHIFTS = ("MeshGEMM", "Cannon")
OWN = ((64, 3), (64, 12), (128, 3), (256, 3), (720, 3))
"""P and t of steps at a PE's own pace."""
RELAYED_MAX, UNSTEADY_MAX = 64, 256
"""Grids on which each PE has a program of its own, and on which periods may not repeat."""
TOGETHER = ((2048, 360), (2048, 540), (2048, 720), (8192, 720))
"""N and P of steps that all begin together."""
LARGEST, SMALL, LARGE = 720, 2048, 8192

HEAD = """
## MeshGEMM, Cannon and SUMMA

X [N, N] times W [N, N] on P x P PEs, tiles of t x t, both skewed by the host. *own*: a PE begins
a step when it has done the one before and has its tiles. *together*: all PEs begin a step when
all have done the one before, at no cost: a step simulated on its own, from rest, times P. Of SUMMA
steps differ by their root: the mean of those of a corner and of the middle. *SUMMA* has its panels
multicast by routers, *relayed* from PE to PE, each wavelet sent on as it comes. *product* is the
share of MeshGEMM's cycles that the FMAs of a PE take, callbacks included.
"""
TOLD = """
WaferLLM's repository has MeshGEMM, not Cannon or SUMMA; of these the paper says what a step's
longest way is: the wrap across the line, P hops, for Cannon, P hops and P stages of software for
SUMMA, which has more paths than colours. In its MeshGEMM (`MeshGEMM/WSE-2/src`) a PE begins a
step when its own two sends and two receives are done (`comm_pe.csl`, `two_hop_comm`), with the
product beside them, and nothing is waited for across a line; moves are of 64 bits. A ring of PEs
at their own pace has a tile on each of its links: the wrap delays each PE once, by P hops in all,
not at each step. So the paper's order needs steps that wait for their longest way.
"""


@dataclass(frozen=True)
class Case:
    """A product, on a machine of ``MACHINES``."""

    algorithm: str
    grid: int
    tile: int
    machine: str

    def _text(self, *options: str) -> str:
        name, _, option = ALGORITHMS[self.algorithm].partition(":")
        side = self.grid * self.tile
        given = [f"m={side}", f"k={side}", f"n={side}", f"grid={self.grid}", *options]
        return f"{name}:{','.join([*given, *filter(None, [option])])}"

    def own(self) -> int | None:
        """Cycles of steps at a PE's own pace; None where that is too long to simulate."""
        shifts = self.algorithm in SHIFTS
        largest = {"MeshGEMM": LARGEST, "SUMMA, relayed": RELAYED_MAX}
        if self.grid > largest.get(self.algorithm, UNSTEADY_MAX):
            return None
        text = self._text(*(["align=host"] if shifts else []))

        def simulate(mesh: WaveletMesh) -> int:
            program = build(text, mesh).program
            if not shifts:
                return run_program(mesh, program).cycles
            return run_program(mesh, program, steady="mark", steady_mark=TURN).cycles

        return cycles_of(text, self.machine, self.grid, simulate)

    def together(self) -> int:
        """Cycles of steps that all PEs begin together."""
        steps = (0,) if self.algorithm in SHIFTS else (0, self.grid // 2)
        found = 0
        for step in steps:
            text = self._text(f"step={step}")
            found += cycles_of(
                text, self.machine, self.grid,
                lambda mesh, text=text: run_program(mesh, build(text, mesh).program).cycles,
            )  # fmt: skip
        return self.grid * found // len(steps)

    def product(self) -> int:
        """Cycles of its FMAs, in a PE."""
        callback, t = callback_millicycles(self.machine), self.tile
        vector = -(-t // mesh_of(self.grid, self.machine).pe.lanes["fp16"])
        return self.grid * t * (-(-t * callback // 1000) + t * vector)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(cells), _row(["---:"] * len(cells))]


def _times(cycles: int | None, of: int) -> str:
    return "-" if cycles is None else f"{cycles:,} ({cycles / of:.2f})"


def _cases(grid: int, tile: int, machine: str) -> list[Case]:
    return [Case(name, grid, tile, machine) for name in ALGORITHMS]


def own_table() -> list[str]:
    """Cycles at a PE's own pace."""
    lines = _head("machine", "P", "t", "MeshGEMM", "product", *list(ALGORITHMS)[1:])
    for machine in MACHINES:
        for grid, tile in OWN:
            cases = _cases(grid, tile, machine)
            ours, *others = (case.own() for case in cases)
            assert ours is not None
            share = f"{100 * cases[0].product() / ours:.0f} %"
            lines.append(
                _row((machine, grid, tile, f"{ours:,}", share, *(_times(o, ours) for o in others)))
            )
    return lines


def together_table() -> list[str]:
    """Cycles of steps that begin together."""
    lines = _head("machine", "N", "P", "t", "MeshGEMM", "product", *list(ALGORITHMS)[1:])
    for machine in MACHINES:
        for size, grid in TOGETHER:
            cases = _cases(grid, -(-size // grid), machine)
            ours, *others = (case.together() for case in cases)
            share = f"{100 * cases[0].product() / ours:.0f} %"
            lines.append(
                _row(
                    (
                        machine, size, grid, cases[0].tile, f"{ours:,}", share,
                        *(_times(o, ours) for o in others),
                    )
                )
            )  # fmt: skip
    return lines


def claims_table() -> list[str]:
    """What the paper says, and what steps that begin together give."""
    lines = _head("of the paper", "the paper", *MACHINES)
    rows: list[tuple[str, str, list[str]]] = []
    for name in list(ALGORITHMS)[1:]:
        rows.append((f"{name} / MeshGEMM, N = {SMALL}", "2 to 3", []))
        rows.append((f"{name} / MeshGEMM, N = {LARGE}", "1.2", []))
    for name in ALGORITHMS:
        told = "flat" if name == "MeshGEMM" else "rises"
        rows.append((f"{name}, P = 720 / 360, N = {SMALL}", told, []))
    for name in ALGORITHMS:
        told = "> 70 %" if name == "MeshGEMM" else "< 50 %"
        rows.append((f"{name}, product, N = {LARGE}", told, []))
    for machine in MACHINES:
        small, half, large = (
            {
                case.algorithm: (case.together(), case.product())
                for case in _cases(grid, -(-size // grid), machine)
            }
            for size, grid in ((SMALL, LARGEST), (SMALL, LARGEST // 2), (LARGE, LARGEST))
        )
        cells = []
        for name in list(ALGORITHMS)[1:]:
            cells += [f"{at[name][0] / at['MeshGEMM'][0]:.2f}" for at in (small, large)]
        cells += [f"{small[name][0] / half[name][0]:.2f}" for name in ALGORITHMS]
        cells += [f"{100 * large[name][1] / large[name][0]:.0f} %" for name in ALGORITHMS]
        for row, cell in zip(rows, cells, strict=True):
            row[2].append(cell)
    return lines + [_row((what, told, *cells)) for what, told, cells in rows]


def section() -> list[str]:
    """Lines of the page."""
    return [
        HEAD, "Steps that begin together:\n", *together_table(), "",
        "Steps at a PE's own pace:\n", *own_table(), "",
        f"Steps that begin together, on {LARGEST} x {LARGEST}, and what the paper says:\n",
        *claims_table(), "", TOLD.strip("\n"),
    ]  # fmt: skip
