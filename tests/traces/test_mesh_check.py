"""Programs that a wavelet mesh refuses, and what it says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from wavelet_cases import EASTWARDS, mesh_of, one_way, pe_of, row_of

from arch.errors import InputError
from arch.mesh.program import (
    EAST,
    NORTH,
    RAMP,
    SOUTH,
    WEST,
    Combine,
    Control,
    Function,
    MeshProgram,
    Region,
    Route,
    TaskAction,
)  # fmt: skip
from traces.mesh import commands as c
from traces.mesh.check import check_program

MESH = mesh_of()


def program_of(*commands: c.Command, **changed: Any) -> MeshProgram:
    made = row_of([pe_of(*commands), pe_of()], EASTWARDS)
    return replace(made, **changed)


def grid_of(routes: list[dict[int, Route]], classes: list[list[int]]) -> MeshProgram:
    route_of = np.array(classes, np.int32)
    height, width = route_of.shape
    return MeshProgram(
        "grid", width, height, (pe_of(),), np.zeros_like(route_of), tuple(routes), route_of
    )


def refused(program: MeshProgram, *told: str, mesh: Any = MESH) -> None:
    with pytest.raises(InputError) as caught:
        check_program(program, mesh)
    for text in told:
        assert text in str(caught.value)


def test_a_program_that_runs() -> None:
    check_program(
        program_of(
            c.send(0, 8, 0, slot=1, then=0), c.loop(0, 3), c.wait(1, 7), c.mark(5), c.delay(3),
            c.ctrl(0, [Control.ADVANCE] * 8), c.route(0, 0), c.act(TaskAction.BLOCK, 0),
        ),
        MESH,
    )  # fmt: skip


def test_size() -> None:
    tiny = mesh_of(width=1, height=1)
    refused(program_of(), "is for 2 x 1 PEs, the mesh test has 1 x 1", mesh=tiny)
    refused(program_of(width=3), "program_of has shape (1, 2); must be (1, 3)")
    refused(
        program_of(route_of=np.array([[0, 2]], np.int32)),
        "route_of of PE (1, 0) is class 2; there are 2, 0 to 1",
    )


def test_memory() -> None:
    regions = (Region("x", 0, 8, 0), Region("w", 8, 5, 0))
    small = mesh_of(pe={"memory_bytes": 40, "code_bytes": 16})
    refused(
        program_of(regions=regions),
        "take 28 bytes of a PE's memory; it has 24", "40 less code_bytes 16", "x with 16",
        mesh=small,
    )  # fmt: skip
    check_program(program_of(regions=regions[:1]), small)
    values = {"y": np.zeros((1, 2, 8), np.float32)}
    refused(program_of(regions=regions, values=values), "values of 'y'", "regions are x, w")
    values = {"x": np.zeros((1, 2, 9), np.float32)}
    refused(program_of(regions=regions, values=values), "shape (1, 2, 9); must be (1, 2, 8)")


FAULTS: list[tuple[c.Command, str]] = [
    (c.send(24, 1, 0), "command 0 (SEND): colour_out is 24; must be 0 to 23"),
    (c.recv(-1, 1, 0), "(RECV): colour_in is -1; must be 0 to 23"),
    (c.send(0, 1, 0, slot=8), "slot is 8; must be 0 to 7: pe.slots is 8"),
    (c.fma(1, 0, 0, 0, slot=1), "(FMA): slot is 1; must be 0"),
    (c.send(0, -1, 0), "length is -1"),
    (c.radd(0, 1, 0, combine=Combine.NONE), "combine is 0; must be 1 to 2"),
    ({**c.vec(Function.SILU, 1, 0), "combine": 12}, "combine is 12; must be 0 to 11"),
    (c.act(TaskAction.BLOCK, 1), "(TASK): target is 1; must be 0 to 0: pe has 1 tasks"),
    (c.send(0, 1, 0, then=1), "then is 1; must be -1 to 0"),
    ({**c.mark(0), "then": 0}, "(MARK): then is 0; must be -1"),
    (c.wait(8), "target is 256; a mask of slots that are not there; pe.slots is 8"),
    (c.wait(0), "slot 0, which would wait for itself"),
    (c.ctrl(0, [Control.KEEP] * 8 + [Control.RESET]), "must be 8 controls"),
    ({**c.ctrl(0, []), "controls": 0b1100}, "control 1 of it is 3"),
    (c.loop(1, 2), "command 0 (LOOP): target is 1; must be 0 to 0"),
    (c.loop(0, 2, level=2), "level is 2; must be 0 to 1"),
    (c.loop(0, 0), "count is 0; must be 1 or more"),
    (c.route(0, 1), "PE (0, 0), pe, task only, command 0 (ROUTE): colour 0 has 1 positions"),
    (c.route(3, 0), "colour 3 has 0 positions in its router, not position 0"),
    ({"op": 14}, "command 0 (?): op is 14"),
    (c.mark(-1), "(MARK): target is -1; must be 0 to 65535: the number of a mark"),
    (c.mark(2**16), "(MARK): target is 65536; must be 0 to 65535: the number of a mark"),
]


@pytest.mark.parametrize(("command", "told"), FAULTS)
def test_commands(command: c.Command, told: str) -> None:
    refused(program_of(command), told)


def test_formats() -> None:
    narrow = mesh_of(pe={"lanes": {"fp16": 4}})
    for command in (c.send(0, 1, 0, "fp32"), c.fma(1, 0, 0, 0, "fp32")):
        refused(
            program_of(command),
            "that is fp32, and there are no lanes for it; pe.lanes has fp16;",
            mesh=narrow,
        )
        check_program(program_of(command), MESH)


def test_tasks() -> None:
    crowd = pe_of()
    crowd = replace(crowd, tasks=crowd.tasks * 3)
    refused(row_of([crowd], [{}]), "3 tasks; must be 1 to 2", mesh=mesh_of(pe={"tasks": 2}))
    deaf = replace(crowd, tasks=(replace(crowd.tasks[0], colour=24),))
    refused(row_of([deaf], [{}]), "task only: colour 24; must be 0 to 23")


def test_nests_of_loops() -> None:
    check_program(program_of(c.mark(0), c.loop(0, 2, 1), c.loop(0, 2, 0)), MESH)
    refused(
        program_of(c.mark(0), c.loop(0, 2, 0), c.loop(0, 2, 0)),
        "command 2 (LOOP): level is 0, that of the loop from 0 to 1 within it 0",
    )
    refused(
        program_of(c.mark(0), c.mark(1), c.loop(0, 2, 1), c.loop(1, 2, 0)),
        "command 3 (LOOP): goes back to 1, into the loop from 0 to 2",
    )


def test_addresses() -> None:
    """Those of loops too, and only where there are values."""
    regions = (Region("x", 0, 8, 0),)
    values = {"x": np.zeros((1, 2, 8), np.float32)}
    turning = c.send(0, 4, 0, a_turn=(2, 0))
    for turns in (3, 4):
        program = program_of(turning, c.loop(0, turns), regions=regions)
        check_program(program, MESH)
        if turns == 3:
            check_program(replace(program, values=values), MESH)
    refused(replace(program, values=values), "command 0 (SEND): a is elements 0 to 9; memory has 8")
    for command, told in (
        (c.recv(0, 4, 5), "dst is elements 5 to 8"),
        (c.fma(4, 0, 6, 0, count=3, a_step=1), "a is elements 6 to 8"),
        (c.fma(4, 0, 0, 4, count=2, b_step=1), "b is elements 4 to 8"),
        (c.vec(Function.SUM, 3, 7, 4, a_element=2), "a is elements 4 to 8"),
        (c.vec(Function.COPY, 2, 0, 0, dst_element=-1), "dst is elements -1 to 0"),
        (c.vec(Function.ADD, 2, 0, 0), "(VEC): b is missing; must be an element of memory"),
    ):
        refused(program_of(command, regions=regions, values=values), told)
    for command in (c.recv(0, 9, -1), c.relay(0, 0, 8, -1, combine=Combine.NONE)):
        check_program(program_of(command, regions=regions, values=values), MESH)


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ({24: one_way(RAMP, EAST)}, "route class 0, colour 24: the fabric has 24 colours, 0 to 23"),
        ({0: Route(((RAMP, (EAST,)),) * 5)}, "5 positions; must be 1 to 4"),
        ({0: Route(((RAMP, (EAST,)),), 1)}, "first position is 1; must be 0 to 0"),
        ({0: one_way(RAMP)}, "ports out are []; must be one or more"),
        ({0: one_way(RAMP, EAST, EAST)}, "ports out are [0, 0]"),
        ({0: one_way(5, EAST)}, "port 5 is not there"),
    ],
)
def test_routes(routes: dict[int, Route], told: str) -> None:
    refused(grid_of([routes, {}], [[0, 1]]), told)


@pytest.mark.parametrize(
    ("port", "at", "name"),
    [(EAST, (1, 0), "E"), (WEST, (0, 0), "W"), (SOUTH, (0, 1), "S"), (NORTH, (0, 0), "N")],
)
def test_routes_out_of_the_mesh(port: int, at: tuple[int, int], name: str) -> None:
    program = grid_of([{7: one_way(RAMP, port)}], [[0, 0], [0, 0]])
    refused(program, f"colour 7: the router at {at} sends to {name}, out of the 2 x 2 mesh")
    inner = np.full((4, 4), 1)
    inner[1:3, 1:3] = 0
    check_program(grid_of([{7: one_way(RAMP, port)}, {}], inner.tolist()), MESH)
    # A switch may lead out later.
    later = Route(((RAMP, (RAMP,)), (RAMP, (port,))))
    refused(grid_of([{7: later}], [[0]]), "colour 7: the router at (0, 0) sends to")


def test_two_routers_into_one() -> None:
    towards = [{1: one_way(RAMP, EAST)}, {1: one_way(WEST, RAMP)}, {1: one_way(RAMP, WEST)}]
    refused(
        grid_of(towards, [[0, 1, 2]]),
        "colour 1: routers send it into the one at (1, 0) from E and W, which takes it from W;",
    )
    towards[1] = {1: Route(((WEST, (RAMP,)), (EAST, (RAMP,))))}
    check_program(grid_of(towards, [[0, 1, 2]]), MESH)
    towards[1] = {1: one_way(WEST, RAMP), 2: one_way(EAST, RAMP)}
    towards[2] = {2: one_way(RAMP, WEST)}
    check_program(grid_of(towards, [[0, 1, 2]]), MESH)


def ring_of(width: int, height: int) -> tuple[list[dict[int, Route]], list[list[int]]]:
    """A colour along the edge, clockwise; class 0 is not on it."""
    around = [
        {}, {4: one_way(WEST, EAST)}, {4: one_way(NORTH, SOUTH)}, {4: one_way(EAST, WEST)},
        {4: one_way(SOUTH, NORTH)}, {4: one_way(SOUTH, EAST)}, {4: one_way(WEST, SOUTH)},
        {4: one_way(NORTH, WEST)}, {4: one_way(EAST, NORTH)},
    ]  # fmt: skip
    classes = np.zeros((height, width), int)
    classes[0], classes[-1], classes[:, 0], classes[:, -1] = 1, 3, 4, 2
    classes[0, 0], classes[0, -1], classes[-1, -1], classes[-1, 0] = 5, 6, 7, 8
    return around, classes.tolist()


@pytest.mark.parametrize("size", [(2, 2), (3, 2), (8, 8), (7, 3)])
def test_routes_that_go_round(size: tuple[int, int]) -> None:
    width, height = size
    around, classes = ring_of(width, height)
    refused(
        grid_of(around, classes),
        f"colour 4: its route goes round through {2 * (width + height) - 4} routers, ",
    )
    around.append({4: one_way(RAMP, EAST)})
    classes[0][0] = 9
    check_program(grid_of(around, classes), MESH)


def test_the_first_positions_of_switches_go_round() -> None:
    around, classes = ring_of(2, 2)
    around[5] = {4: Route(((SOUTH, (EAST,)), (RAMP, (EAST,))))}
    refused(grid_of(around, classes), "goes round through 4 routers")
    around[5] = {4: Route(((RAMP, (EAST,)), (SOUTH, (EAST,))))}
    check_program(grid_of(around, classes), MESH)


def test_faults_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        check_program(program_of(c.send(24, 1, 0), c.wait(0), c.act(TaskAction.BLOCK, 4)), MESH)
    assert len(str(caught.value).splitlines()) == 3
