"""Small wavelet meshes and programs for tests."""

from typing import Any

import numpy as np

from arch.mesh.program import EAST, RAMP, WEST, MeshProgram, PeProgram, Region, Route
from arch.mesh.wavelet import WaveletMesh
from traces.mesh.commands import Command, halt, task


def mesh_of(**changed: Any) -> WaveletMesh:
    """A mesh of 8 x 8 with the latencies of wse2; any field can be given, ``pe`` in part."""
    pe: dict[str, Any] = {
        "memory_bytes": 49152, "memory_banks": 8, "read_ports": 2, "write_ports": 2,
        "lanes": {"fp16": 4, "bf16": 4, "fp32": 1}, "slots": 8, "tasks": 32,
    }  # fmt: skip
    router = {"colours": 24, "switch_positions": 4, "queue_wavelets": 2}
    mesh: dict[str, Any] = {
        "name": "test", "source": "a test", "kind": "wavelet", "clock_khz": 1000, "width": 8,
        "height": 8, "hop_cycles": 1, "ramp_cycles": 2, "ramp_down_wavelets": 3,
        "ramp_up_wavelets": 4,
    }  # fmt: skip
    pe |= changed.pop("pe", {})
    router |= changed.pop("router", {})
    return WaveletMesh.model_validate({**mesh, "router": router, "pe": pe, **changed})


def one_way(port: int, *outs: int) -> Route:
    """A route of one position."""
    return Route(((port, outs),))


def pe_of(*commands: Command, **more: Any) -> PeProgram:
    """One task, active at the start, that halts."""
    return PeProgram("pe", (task("only", [*commands, halt()], active=True),), **more)


def row_of(
    programs: list[PeProgram], routes: list[dict[int, Route]], regions: tuple[Region, ...] = (),
    values: dict[str, Any] | None = None,
) -> MeshProgram:  # fmt: skip
    """A row of PEs, each with a class of its own."""
    classes = np.arange(len(programs), dtype=np.int32)[None]
    return MeshProgram(
        "row", len(programs), 1, tuple(programs), classes, tuple(routes), classes, regions,
        {
            name: np.asarray(rows, np.float32).reshape(1, len(programs), -1)
            for name, rows in (values or {}).items()
        },
    )  # fmt: skip


EASTWARDS = [{0: one_way(RAMP, EAST)}, {0: one_way(WEST, RAMP)}]
"""Routes of two PEs, the first sends to the second."""
