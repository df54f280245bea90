"""Cycles of programs of a wafer, recorded: docs/validation/wafer_products.json."""

import json
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh

VALIDATION = Path(__file__).resolve().parents[1] / "docs" / "validation"
RECORD = VALIDATION / "wafer_products.json"
RAMP = 7
"""Cycles, with which the costs of layers are fitted: docs/waferllm.md."""
MACHINES = ("free", "two", "fitted")
"""wse2 as it is; with two wavelets an operation; with ramps, lanes and costs of layers too."""


@cache
def _layers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VALIDATION / "waferllm.json").read_text())
    return found


def settings(machine: str) -> list[str]:
    """What a machine has other than wse2."""
    if machine == "free":
        return []
    costs = [f"pe.costs.{name}={value}" for name, value in _layers()["costs"].items()]
    if machine == "costs":
        return costs
    ramp = RAMP if machine == "fitted" else 2
    made = [
        f"ramp_cycles={ramp}", f"ramp_down_wavelets={ramp + 2}", f"ramp_up_wavelets={ramp + 3}",
        "pe.wavelets_per_operation=2",
    ]  # fmt: skip
    if machine != "fitted":
        return made
    lanes = _layers().get("lanes")
    return [*made, *([f"pe.lanes.fp16={lanes}"] if lanes else []), *costs]


def mesh_of(side: int, machine: str) -> WaveletMesh:
    """A square of wse2."""
    found = load_mesh("wse2", [f"width={side}", f"height={side}", *settings(machine)])
    assert isinstance(found, WaveletMesh)
    return found


@cache
def _record() -> dict[str, int]:
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def cycles_of(text: str, machine: str, side: int, simulate: Callable[[WaveletMesh], int]) -> int:
    """Of a program on a square of a machine, simulated if the record does not have it."""
    key = " ".join([text, *settings(machine)])
    found = _record()
    if key not in found:
        begin = time.perf_counter()
        found[key] = int(simulate(mesh_of(side, machine)))
        RECORD.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n")
        print(f"{time.perf_counter() - begin:5.1f} s {key}", file=sys.stderr, flush=True)
    return found[key]
