"""What a unit costs in gates and in FPGAs, by Yosys."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Elaboratable

from arch.errors import InputError
from rtl.verilog import rtlil_of
from rtl.yosys import run_yosys

TOP = "unit"
LONGEST = re.compile(r"Longest topological path in \S+ \(length=(\d+)\)")


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


LUT4S = Target(
    "ECP5",
    (f"synth_ecp5 -top {TOP} -nodsp",),
    {"LUT4": "LUT4", "carry": "CCU2C", "flip-flops": "TRELLIS_FF"},
)
"""All in tables and carries: multipliers are no free gift of the target."""


@dataclass(frozen=True)
class Size:
    """A unit in one technology."""

    target: str
    cells: dict[str, int]
    depth: int | None = None
    """Longest path in gates, mapped for few of them; only for ``gates``."""
    levels: int | None = None
    """Longest path in functions of two bits, mapped for speed; only for ``gates``."""
    area: float | None = None
    """In the unit of the liberty file, if there is one; mostly um2."""


def synthesise(
    design: Callable[[], Elaboratable],
    progress: Callable[[str], None] | None = None,
    *,
    targets: tuple[Target, ...] = TARGETS,
    liberty: Path | None = None,
) -> list[Size]:
    """Size of a design in each target; ``design`` makes a new one, ``progress`` is told names.

    ``liberty`` is a file of standard cells, to which the design is mapped as well. Raises
    InputError where pyosys or this file is missing, SimulationError where Yosys fails.
    """
    text = rtlil_of(design(), TOP)
    sizes = []
    for target in targets:
        if progress is not None:
            progress(target.name)
        sizes.append(_size(text, target))
    if liberty is not None:
        if progress is not None:
            progress(liberty.name)
        sizes.append(_mapped(text, liberty))
    return sizes


def _size(text: str, target: Target) -> Size:
    gates = target.name == "gates"
    measured = ["ltp -noff", "abc -lut 2", "ltp -noff"] if gates else []
    statistics, log = _run(text, [*target.passes, "tee -q -o stat.json stat -json", *measured])
    counts = statistics["num_cells_by_type"]
    cells = {
        row: sum(count for kind, count in counts.items() if re.fullmatch(pattern, kind))
        for row, pattern in target.kinds.items()
    }
    if not gates:
        return Size(target.name, cells)
    depth, levels = map(int, LONGEST.findall(log))
    return Size(target.name, cells, depth, levels)


def _mapped(text: str, liberty: Path) -> Size:
    """In the standard cells of a library."""
    if not liberty.is_file():
        raise InputError(f"--liberty {liberty}: there is no such file; give one of standard cells")
    passes = [
        f"synth -top {TOP} -flatten",
        "dfflibmap -liberty cells.lib",
        "abc -liberty cells.lib",
        "opt_clean",
        "tee -q -o stat.json stat -liberty cells.lib -json",
    ]
    statistics, _ = _run(text, passes, liberty)
    cells = sum(statistics["num_cells_by_type"].values())
    return Size(liberty.name, {"cells": cells}, area=float(statistics["area"]))


def _run(text: str, passes: list[str], liberty: Path | None = None) -> tuple[dict[str, Any], str]:
    """The statistics that the passes write, and the log."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "design.il").write_text(text)
        if liberty is not None:
            shutil.copy(liberty, place / "cells.lib")
        log = run_yosys(["read_rtlil design.il", *passes], place)
        return json.loads((place / "stat.json").read_text())["design"], log
