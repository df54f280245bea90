"""Products on a wafer, by algorithm: ``PYTHONPATH=. python benchmarks/wafer_products.py``.

docs/wafer_products.md is what came of it. Some five minutes.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from sim.mesh.wavelet_fold import fold
from sim.mesh.wavelet_run import WaveletRun, run_program
from traces.mapping.mesh.workloads import build

DOCS = Path(__file__).resolve().parents[1] / "docs"
FITTED = json.loads((DOCS / "validation" / "waferllm.json").read_text())["costs"]
GRIDS = (16, 32, 64)
TILES = (1, 2, 4)
LINES = (360, 540, 720)
SIZES = (4096, 8192, 16384)
ALLREDUCES = {"k_tree": "MeshGEMV", "two_phase": "two-phase", "chain": "chain", "ring": "ring"}

HEAD = """\
# Products on a wafer

Written by `PYTHONPATH=. python benchmarks/wafer_products.py`.

The algorithms of WaferLLM (OSDI 2025, sections 5 and 6) and those that it is held against, on
`wse2`, fp16, every wavelet simulated. *Free* is without costs of commands, *fitted* with those of
[its layers](waferllm.md). The paper's own figures 9 and 10 are images; what its text says of them
stands with each table.
"""
GEMM = """
## MeshGEMM, Cannon and SUMMA

X [t P, t P] times W [t P, t P] on P x P PEs, tiles of t x t. Cycles, and as a multiple of
MeshGEMM's; the share of its cycles in which a PE computes.
"""
GEMM_TOLD = """
The paper: MeshGEMM is two to three times as fast as both; on the largest grids it computes for
more than 70 % of its cycles, they for less than 50 %. **That order is not found here.** Cannon's
tiles that go back over a row of 64 hide behind those of its neighbours, as rows need not wait for
each other; grids of 360 to 720 are not simulated. SUMMA is the fastest: its panels are multicast,
one control wavelet moves the root on, and a PE receives each wavelet once and sends hardly any,
while the paper's SUMMA forwards in software, as it has more paths than colours. And a PE
takes a datapath operation for each wavelet, while WaferLLM moves 64 bits at once, which MeshGEMM
pays for twice.
"""
GEMV = """
## MeshGEMV and other allreduces

x [N] times W [N, N] on P x P PEs, the sums left in all PEs of a line. All lines are alike and
nothing goes between them, so one of them is simulated (`sim.mesh.wavelet_fold`). Cycles, and as a
multiple of MeshGEMV's.
"""
GEMV_TOLD = """
The paper: 4.6 times as fast as the vendor's GEMV (4 to 8 in its introduction), whose allreduce is
a pipeline: the chain here. 90 % of the chain's cycles are communication; with more cores its
cycles fall and rise again, MeshGEMV's later. Table 6 has 1320 cycles for N = 16384, on a number
of cores that it does not say.
"""


def mesh_of(side: int, fitted: bool) -> WaveletMesh:
    """A square of wse2."""
    costs = [f"pe.costs.{name}={value}" for name, value in FITTED.items()] if fitted else []
    found = load_mesh("wse2", [f"width={side}", f"height={side}", *costs])
    assert isinstance(found, WaveletMesh)
    return found


def gemm(name: str, grid: int, tile: int, fitted: bool) -> WaveletRun:
    """A product on a whole grid."""
    mesh, side = mesh_of(grid, fitted), grid * tile
    program = build(f"{name}:m={side},k={side},n={side},grid={grid}", mesh).program
    done = run_program(mesh, program)
    print(name, grid, tile, fitted, done.cycles, file=sys.stderr, flush=True)
    return done


def gemv(name: str, grid: int, size: int, fitted: bool) -> int:
    """Cycles of a product on a line of a grid."""
    mesh = mesh_of(grid, fitted)
    program = build(f"mesh_gemv:k={size},n={size},grid={grid},allreduce={name}", mesh).program
    cycles = run_program(mesh, fold(program).program).cycles
    print(name, grid, size, fitted, cycles, file=sys.stderr, flush=True)
    return cycles


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _times(cycles: int, of: int) -> str:
    return f"{cycles:,} ({cycles / of:.2f})"


def gemm_table(fitted: bool) -> list[str]:
    """A row for each grid and tile."""
    lines = [
        _row(("P", "t", "MeshGEMM", "computes", "Cannon", "SUMMA")),
        _row(("---:",) * 6),
    ]
    for grid in GRIDS:
        for tile in TILES:
            ours, cannon, summa = (
                gemm(name, grid, tile, fitted) for name in ("mesh_gemm", "cannon", "summa")
            )
            share = ours.accounts["compute"].sum() / (ours.cycles * grid * grid)
            lines.append(
                _row((
                    grid, tile, f"{ours.cycles:,}", f"{100 * share:.0f} %",
                    _times(cannon.cycles, ours.cycles), _times(summa.cycles, ours.cycles),
                ))
            )  # fmt: skip
    return lines


def gemv_table(fitted: bool) -> list[str]:
    """A row for each size and grid."""
    lines = [_row(("N", "P", *ALLREDUCES.values())), _row(("---:",) * (2 + len(ALLREDUCES)))]
    for size in SIZES:
        for grid in LINES:
            cycles = [gemv(name, grid, size, fitted) for name in ALLREDUCES]
            others = (_times(each, cycles[0]) for each in cycles[1:])
            lines.append(_row((size, grid, f"{cycles[0]:,}", *others)))
    return lines


def main() -> None:
    """Write the page."""
    text = [HEAD]
    for head, table, told in ((GEMM, gemm_table, GEMM_TOLD), (GEMV, gemv_table, GEMV_TOLD)):
        text.append(head)
        for fitted in (False, True):
            text += ["Fitted:\n" if fitted else "Free:\n", *table(fitted), ""]
        text.append(told.strip("\n") + "\n")
    (DOCS / "wafer_products.md").write_text("\n".join(text).replace("\n\n\n", "\n\n"))


if __name__ == "__main__":
    main()
