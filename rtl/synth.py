"""What a unit costs in gates and in FPGAs, by Yosys."""

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth.hdl import Elaboratable

from rtl.verilog import rtlil_of
from rtl.yosys import run_yosys

TOP = "unit"


@dataclass(frozen=True)
class Target:
    """A technology, and the cells in which its size is told."""

    name: str
    passes: tuple[str, ...]
    kinds: dict[str, str]
    """Name of a row of the report: pattern of the cells that it counts."""


TARGETS = (
    Target(
        "gates",
        (f"synth -top {TOP} -flatten",),
        {"gates": r"\$_(?!S?DFF)\w+_", "flip-flops": r"\$_S?DFF\w+_"},
    ),
    Target(
        "ECP5",
        (f"synth_ecp5 -top {TOP}",),
        {
            "LUT4": "LUT4",
            "carry": "CCU2C",
            "multipliers": "MULT18X18D",
            "memory": r"(TRELLIS_DPR16X4|DP16KD)",
            "flip-flops": "TRELLIS_FF",
        },
    ),
    Target(
        "iCE40",
        (f"synth_ice40 -top {TOP}",),
        {
            "LUT4": "SB_LUT4",
            "carry": "SB_CARRY",
            "memory": "SB_RAM.*",
            "flip-flops": r"SB_DFF\w*",
        },
    ),
)
"""Accumulators are flip-flops where a technology has no memory with an asynchronous read."""


@dataclass(frozen=True)
class Size:
    """A unit in one technology."""

    target: str
    cells: dict[str, int]
    depth: int | None
    """Longest path in gates; only for ``gates``."""


def synthesise(
    design: Callable[[], Elaboratable], progress: Callable[[str], None] | None = None
) -> list[Size]:
    """Size of a design in each target; ``design`` makes a new one, ``progress`` is told names.

    Raises InputError where pyosys is missing, SimulationError where it fails.
    """
    text = rtlil_of(design(), TOP)
    sizes = []
    for target in TARGETS:
        if progress is not None:
            progress(target.name)
        sizes.append(_size(text, target))
    return sizes


def _size(text: str, target: Target) -> Size:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "design.il").write_text(text)
        passes = ["read_rtlil design.il", *target.passes, "tee -q -o stat.json stat -json"]
        log = run_yosys([*passes, *["ltp -noff"] * (target.name == "gates")], place)
        counts = json.loads((place / "stat.json").read_text())["design"]["num_cells_by_type"]
    cells = {
        row: sum(count for kind, count in counts.items() if re.fullmatch(pattern, kind))
        for row, pattern in target.kinds.items()
    }
    path = re.search(r"Longest topological path in \S+ \(length=(\d+)\)", log)
    return Size(target.name, cells, int(path.group(1)) if path else None)
