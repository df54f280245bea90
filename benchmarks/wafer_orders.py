"""MeshGEMM, Cannon and SUMMA by assumption: the first part of docs/wafer_products.md.

X [t P, t P] times W [t P, t P] on P x P PEs, tiles of t x t; X and W come skewed from the host.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wafer_record import MACHINES, cycles_of, mesh_of

from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.shift_gemm import TURN
from traces.mapping.mesh.workloads import build

ALGORITHMS = {
    "MeshGEMM": "mesh_gemm:align=host",
    "Cannon": "cannon:align=host",
    "SUMMA": "summa",
    "SUMMA, relayed": "summa:forward=relay",
}
ANSWERED = {
    "MeshGEMM, answered": "mesh_gemm:align=host,steps=answered",
    "Cannon, answered": "cannon:align=host,steps=answered",
}
OWN = ((64, 3), (64, 12), (128, 3), (720, 3))
"""P and t of steps at a PE's own pace."""
RELAYED_MAX, UNSTEADY_MAX = 64, 128
"""Grids on which each PE has a program of its own, and on which periods may not repeat."""
RELAYED_TILE_MAX = 6
"""Beyond it, a relayed panel takes long to simulate."""
TOGETHER = ((2048, 360), (2048, 540), (2048, 720), (8192, 720))
"""N and P of steps that all begin together."""
LARGEST, SMALL, LARGE = 720, 2048, 8192

HEAD = """
## MeshGEMM, Cannon and SUMMA

X [N, N] times W [N, N] on P x P PEs, tiles of t x t, both skewed by the host where they shift.

- *own*: a PE begins a step when it has done the one before and has its tiles.
- *answered*: and when those whom it sent tiles to have told it that they are through with the step,
  a wavelet on rings that go back.
- *together*: all PEs begin a step when all have done the one before, at no cost: a step simulated
  from rest, times P. Of SUMMA, whose steps differ by their root, the mean of those of a corner and
  of the middle.

*SUMMA* has its panels multicast by routers; *relayed*, each PE sends a wavelet on as it comes. Its
panels and products take turns, shifts go on beside products. *product* is the share of MeshGEMM's
cycles that the FMAs of a PE take, with what begins them. "-" is not simulated: there each PE has a
program of its own, or no periods that repeat themselves can be left out.
"""
TOLD = """
What holds under which assumption:

- *together*, N = {small}: the paper's order, and with fitted costs on 720 x 720 its factors. Both
  others take more cycles there than on 360 x 360; MeshGEMM as many with fitted costs, as in the
  paper, where it is flat. No figure of a product was in the fit.
- *together*, N = {large}: Cannon's wrap hides behind the product where that is the longer one; with
  fitted costs it does. The paper has 17 % fewer cycles than both for large products. MeshGEMM's
  share of products is above the paper's 70 % then, but those of the others are not below a half.
- *answered*: Cannon pays the wrap there and back in each step; with fitted costs that shows where
  the wrap is longer than the commands of a step.
- *own*: **not the paper's order**, but of SUMMA where it is relayed, as it is in the paper: there
  it has more paths than colours. A ring has a tile on each of its links: the wrap delays each PE
  once, by P hops in all, not in each step. With multicast SUMMA is as fast or faster, as it begins
  half as many commands a step as shifts do.
- Relaying costs SUMMA two ramps and an operation for each PE on the way, in each step where steps
  begin together; at their own pace panels follow each other, and most of that is hidden.
- Two wavelets an operation shorten the steps of shifts more than those of SUMMA. They turn none of
  these orders round.

WaferLLM's repository (commit 2cd13b5 and all before it) has MeshGEMM, not Cannon or SUMMA. Of these
the paper says what a step's longest way is: P hops for Cannon, P hops and P stages of software for
SUMMA, which has more paths than colours. In its MeshGEMM a PE begins a step when its own sends and
receives and its product are done (`MeshGEMM/WSE-2/src/meshgemm.csl`, `x_finish` to `next_step`),
moves are of 64 bits (`comm_lib/comm_pe.csl`), and nothing is waited for across a line. How the
others' steps were joined is not published.
"""


@dataclass(frozen=True)
class Case:
    """A product, on a machine of ``MACHINES``."""

    algorithm: str
    grid: int
    tile: int
    machine: str

    def _text(self, *options: str) -> str:
        name, _, option = (ALGORITHMS | ANSWERED)[self.algorithm].partition(":")
        side = self.grid * self.tile
        given = [f"m={side}", f"k={side}", f"n={side}", f"grid={self.grid}", *options]
        return f"{name}:{','.join([*given, *filter(None, [option])])}"

    def own(self) -> int | None:
        """Cycles of steps at a PE's own pace; None where that is too long to simulate."""
        largest = {"MeshGEMM": LARGEST, "SUMMA, relayed": RELAYED_MAX}
        if self._is_long() or self.grid > largest.get(self.algorithm, UNSTEADY_MAX):
            return None
        return self._cycles(self._text())

    def together(self) -> int | None:
        """Cycles of steps that all PEs begin together, likewise."""
        if self._is_long():
            return None
        steps = (0, self.grid // 2) if "SUMMA" in self.algorithm else (0,)
        found = [self._cycles(self._text(f"step={step}")) for step in steps]
        return self.grid * sum(found) // len(found)

    def _is_long(self) -> bool:
        return self.algorithm == "SUMMA, relayed" and self.tile > RELAYED_TILE_MAX

    def _cycles(self, text: str) -> int:
        return cycles_of(
            text, self.machine, self.grid,
            lambda mesh: run_program(
                mesh, build(text, mesh).program, steady="mark", steady_mark=TURN
            ).cycles,
        )  # fmt: skip

    def product(self) -> int:
        """Cycles of its FMAs, in a PE."""
        pe, t = mesh_of(self.grid, self.machine).pe, self.tile
        callbacks = -(-t * pe.costs.callback_millicycles // 1000)
        return self.grid * t * (pe.costs.fma_cycles + callbacks + t * -(-t // pe.lanes["fp16"]))


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(cells), _row(["---:"] * len(cells))]


def _times(cycles: int | None, of: int) -> str:
    return "-" if cycles is None else f"{cycles:,} ({cycles / of:.2f})"


def _cases(grid: int, tile: int, machine: str, more: Iterable[str] = ()) -> list[Case]:
    return [Case(name, grid, tile, machine) for name in (*ALGORITHMS, *more)]


def own_table() -> list[str]:
    """Cycles at a PE's own pace."""
    lines = _head("machine", "P", "t", "MeshGEMM", "product", *list(ALGORITHMS)[1:], *ANSWERED)
    for machine in MACHINES:
        for grid, tile in OWN:
            cases = _cases(grid, tile, machine, ANSWERED)
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
            assert ours is not None
            share = f"{100 * cases[0].product() / ours:.0f} %"
            times = (_times(other, ours) for other in others)
            row = (machine, size, grid, cases[0].tile, f"{ours:,}", share, *times)
            lines.append(_row(row))
    return lines


def claims_table() -> list[str]:
    """What the paper says, and what steps that begin together give."""
    claims = [_claims(machine) for machine in MACHINES]
    lines = _head("on 720 x 720", "the paper", *MACHINES)
    for row in zip(*claims, strict=True):
        what, told = row[0][:2]
        if all(cell == "-" for _, _, cell in row):
            continue
        lines.append(_row((what, told, *(cell for _, _, cell in row))))
    return lines


def _claims(machine: str) -> list[tuple[str, str, str]]:
    """What is claimed, what the paper says of it, and what is found."""
    small, half, large = (
        {case.algorithm: case for case in _cases(grid, -(-size // grid), machine)}
        for size, grid in ((SMALL, LARGEST), (SMALL, LARGEST // 2), (LARGE, LARGEST))
    )
    rows = []
    for name in list(ALGORITHMS)[1:]:
        for size, at, told in ((SMALL, small, "2 to 3"), (LARGE, large, "1.2")):
            found = _ratio(at[name].together(), at["MeshGEMM"].together())
            rows.append((f"{name} / MeshGEMM, N = {size}", told, found))
    for name in ALGORITHMS:
        told = "flat" if name == "MeshGEMM" else "rises"
        found = _ratio(small[name].together(), half[name].together())
        rows.append((f"{name}, to that on 360 x 360, N = {SMALL}", told, found))
    for name in ALGORITHMS:
        told = "> 0.7" if name == "MeshGEMM" else "< 0.5"
        found = _ratio(large[name].product(), large[name].together())
        rows.append((f"{name}, product, N = {LARGE}", told, found))
    return rows


def _ratio(cycles: int | None, of: int | None) -> str:
    return "-" if cycles is None or of is None else f"{cycles / of:.2f}"


def section() -> list[str]:
    """Lines of the page."""
    return [
        HEAD, "Steps that begin together:\n", *together_table(), "",
        "Steps at a PE's own pace:\n", *own_table(), "",
        "What the paper says, and what steps that begin together take:\n",
        *claims_table(), "", TOLD.format(small=SMALL, large=LARGE).strip("\n"),
    ]  # fmt: skip
