"""Small programs of a mesh of PEs, and meshes to run them on."""

from typing import Any

import numpy as np

from arch.mesh.program import (
    EAST,
    RAMP,
    WEST,
    MeshProgram,
    PeProgram,
    Region,
    Route,
)
from arch.mesh.wavelet import PeCosts, ProcessingElement, WaveletMesh, WaveletRouter
from traces.mesh.commands import Command, halt, radd, recv, relay, send, task


def mesh_of(
    width: int, height: int, *, hop: int = 1, ramp: int = 2, queue: int = 2, down: int | None = None,
    up: int | None = None, colours: int = 24, costs: dict[str, int] | None = None, **pe: Any,
) -> WaveletMesh:  # fmt: skip
    """A mesh like WSE-2 but for what is given."""
    return WaveletMesh(
        name="small", source="a test", kind="wavelet", clock_khz=1_000_000, width=width,
        height=height, hop_cycles=hop, ramp_cycles=ramp,
        ramp_down_wavelets=ramp + 1 if down is None else down,
        ramp_up_wavelets=ramp + 2 if up is None else up,
        router=WaveletRouter(colours=colours, switch_positions=4, queue_wavelets=queue),
        pe=ProcessingElement(**{
            "memory_bytes": 49152, "memory_banks": 8, "read_ports": 2, "write_ports": 1,
            "lanes": {"fp16": 4, "bf16": 4, "fp32": 1}, "slots": 8, "tasks": 32,
            "costs": PeCosts(**(costs or {})), **pe,
        }),
    )  # fmt: skip


def single(name: str, commands: list[Command], *, serves: bool = False) -> PeProgram:
    """A program of one task that runs at once."""
    return PeProgram(name, (task("main", commands, active=True),), serves)


def program_of(
    rows: list[list[tuple[PeProgram, dict[int, Route]]]], *, elements: int = 64, format: int = 2,
    values: dict[str, Any] | None = None,
) -> MeshProgram:  # fmt: skip
    """What each PE and router of a mesh has, as rows from the north."""
    programs: list[PeProgram] = []
    routes: list[dict[int, Route]] = []
    program_of = np.zeros((len(rows), len(rows[0])), np.int32)
    route_of = np.zeros_like(program_of)
    for y, row in enumerate(rows):
        for x, (program, route) in enumerate(row):
            if not any(program is known for known in programs):
                programs.append(program)
            program_of[y, x] = next(at for at, known in enumerate(programs) if known is program)
            if route not in routes:
                routes.append(route)
            route_of[y, x] = routes.index(route)
    return MeshProgram(
        "case", len(rows[0]), len(rows), tuple(programs), program_of, tuple(routes), route_of,
        (Region("memory", 0, elements, format),), values or {},
    )  # fmt: skip


def way(port: int, *outs: int) -> Route:
    """A route of one position."""
    return Route(((port, outs),))


def chain_reduce(pes: int, wavelets: int, values: bool = False) -> MeshProgram:
    """The sum of vectors of fp32, from the east end of a row to the west end, PE by PE."""
    row = []
    middle = [
        single(
            f"middle {parity}",
            [relay(1 - parity, parity, wavelets, 0, "fp32"), halt()],
        )
        for parity in (0, 1)
    ]
    for x in range(pes):
        out, into = x % 2, (x + 1) % 2
        routes = {}
        if x > 0:
            routes[out] = way(RAMP, WEST)
        if x + 1 < pes:
            routes[into] = way(EAST, RAMP)
        if x == 0:
            done = single("west", [recv_sum(into, wavelets), halt()])
        elif x + 1 == pes:
            done = single("east", [send(out, wavelets, 0, "fp32"), halt()])
        else:
            done = middle[out]
        row.append((done, routes))
    given = {}
    if values:
        numbers = np.arange(pes * wavelets, dtype=np.float32).reshape(1, pes, wavelets)
        given = {"memory": numbers}
    return program_of([row], elements=wavelets, values=given)


def recv_sum(colour: int, length: int) -> Command:
    """Add what comes to memory from 0 on."""
    return radd(colour, length, 0, "fp32")


def broadcast(pes: int, wavelets: int, values: bool = False) -> MeshProgram:
    """From the west end of a row to all others, by multicast."""
    source = single("west", [send(0, wavelets, 0, "fp32"), halt()])
    others = single("others", [recv(0, wavelets, 0, "fp32"), halt()])
    row = [(source, {0: way(RAMP, EAST)})]
    row += [(others, {0: way(WEST, EAST, RAMP)})] * (pes - 2)
    row += [(others, {0: way(WEST, RAMP)})]
    given = {}
    if values:
        numbers = np.zeros((1, pes, wavelets), np.float32)
        numbers[0, 0] = np.arange(wavelets) + 0.5
        given = {"memory": numbers}
    return program_of([row], elements=wavelets, values=given)
