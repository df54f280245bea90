"""Products on a wafer, by algorithm: ``PYTHONPATH=. python benchmarks/wafer_products.py``.

docs/wafer_products.md is what came of it. Runs that docs/validation/wafer_products.json has are not
done again: delete it to begin anew. Some fifteen minutes.
"""

from collections.abc import Sequence
from pathlib import Path

from wafer_orders import section
from wafer_record import RAMP, cycles_of

from sim.mesh.wavelet_fold import fold
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh.workloads import build

DOCS = Path(__file__).resolve().parents[1] / "docs"
LINES = (360, 540, 720)
SIZES = (4096, 8192, 16384)
ALLREDUCES = {"k_tree": "MeshGEMV", "two_phase": "two-phase", "chain": "chain", "ring": "ring"}

HEAD = f"""\
# Products on a wafer

Written by `PYTHONPATH=. python benchmarks/wafer_products.py`.

The algorithms of WaferLLM (OSDI 2025, sections 5 and 6) and those that it is held against, fp16,
every wavelet simulated. Machines: *free* is `wse2`, without costs of commands and with a wavelet an
operation of a PE; *two* has two wavelets an operation; *fitted* has also ramps of {RAMP} cycles and
the lanes and costs that are fitted to [its layers](waferllm.md); *costs* is *free* with these costs
alone. The paper's own figures 9 and 10 are images; what its text says of them stands with each
table. All in cycles; in brackets as a multiple of MeshGEMM's, or MeshGEMV's.
"""
GEMV = """
## MeshGEMV and other allreduces

x [N] times W [N, N] on P x P PEs, the sums left in all PEs of a line. All lines are alike and
nothing goes between them, so one of them is simulated (`sim.mesh.wavelet_fold`). Cycles.
"""
GEMV_TOLD = """
The paper: 4.6 times as fast as the vendor's GEMV (4 to 8 in its introduction), whose allreduce is
a pipeline: the chain here. 90 % of the chain's cycles are communication; with more cores its
cycles fall and rise again, MeshGEMV's later. Table 6 has 1320 cycles for N = 16384, on a number
of cores that it does not say. The ring, the slowest, is simulated without costs only.
"""


def gemv(name: str, grid: int, size: int, machine: str) -> int:
    """Cycles of a product on a line of a grid."""
    text = f"mesh_gemv:k={size},n={size},grid={grid},allreduce={name}"
    return cycles_of(
        text, machine, grid,
        lambda mesh: run_program(mesh, fold(build(text, mesh).program).program).cycles,
    )  # fmt: skip


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _times(cycles: int, of: int) -> str:
    return f"{cycles:,} ({cycles / of:.2f})"


def gemv_table(machine: str) -> list[str]:
    """A row for each size and grid."""
    names = [name for name in ALLREDUCES if name != "ring" or machine == "free"]
    heads = ("N", "P", *(ALLREDUCES[name] for name in names))
    lines = [_row(heads), _row(["---:"] * len(heads))]
    for size in SIZES:
        for grid in LINES:
            cycles = [gemv(name, grid, size, machine) for name in names]
            others = (_times(each, cycles[0]) for each in cycles[1:])
            lines.append(_row((size, grid, f"{cycles[0]:,}", *others)))
    return lines


def main() -> None:
    """Write the page."""
    lines = [HEAD, *section(), GEMV]
    for machine in ("free", "costs"):
        lines += [f"{machine.capitalize()}:\n", *gemv_table(machine), ""]
    lines.append(GEMV_TOLD.strip("\n") + "\n")
    (DOCS / "wafer_products.md").write_text("\n".join(lines).replace("\n\n\n", "\n\n"))


if __name__ == "__main__":
    main()
