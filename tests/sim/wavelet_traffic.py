"""Random programs in which wavelets contend for links, or switches change under way."""

import random
from typing import Any

import numpy as np
from wavelet_cases import mesh_of, one_way
from wavelet_programs import random_mesh, random_position, random_program, random_tree

from arch.mesh.program import (
    EAST,
    NONE,
    RAMP,
    WEST,
    Control,
    MeshProgram,
    PeProgram,
    Route,
)
from arch.mesh.wavelet import WaveletMesh
from traces.mesh import commands as c


def random_case(draw: random.Random) -> tuple[WaveletMesh, MeshProgram]:
    """Any of them, or one of many commands."""
    mesh, kind = random_mesh(draw), draw.random()
    if kind < 0.6:
        return mesh, random_program(draw, mesh, values=draw.random() < 0.6)
    if kind < 0.8:
        return mesh, draining(draw, mesh, 40)
    return switchyard(draw)


def draining(draw: random.Random, mesh: WaveletMesh, wavelets: int) -> MeshProgram:
    """Colours in trees; each PE sends in microthreads and takes what comes, now and then slowly."""
    sent: list[list[c.Command]] = [[] for _ in range(mesh.nodes)]
    tasks: list[list[Any]] = [[] for _ in range(mesh.nodes)]
    routes: list[dict[int, Route]] = [{} for _ in range(mesh.nodes)]
    for colour in range(mesh.router.colours):
        tree = random_tree(draw, mesh)
        (root,) = (node for node, (port, _) in tree.items() if port == RAMP)
        if len(sent[root]) == mesh.pe.slots - 1 or len(tasks[root]) == mesh.pe.tasks - 1:
            continue
        length = draw.randint(1, wavelets)
        sent[root].append(c.send(colour, length, 0, "fp32", slot=len(sent[root]) + 1))
        for node, (port, outs) in tree.items():
            routes[node][colour] = one_way(port, *outs)
            if RAMP in outs:
                slow = [c.delay(draw.randint(1, 30))] if draw.random() < 0.1 else []
                taken = c.recv(colour, 1, NONE, "fp32")
                tasks[node].append(c.task(f"take {colour}", [taken, *slow], colour=colour))
    programs = []
    for commands, taking in zip(sent, tasks, strict=True):
        draw.shuffle(commands)
        start = c.task("send", [c.delay(draw.randint(0, 50)), *commands], active=True)
        programs.append(PeProgram("pe", (start, *taking), serves=True))
    return _program("draining", mesh, programs, routes)


def switchyard(draw: random.Random) -> tuple[WaveletMesh, MeshProgram]:
    """A row in which the middle takes one colour from both ends, by switches that both ends and
    itself set, and passes some of it on."""
    ramp, together = draw.randint(1, 3), draw.randint(1, 2)
    mesh = mesh_of(
        width=3, height=1, ramp_cycles=ramp, hop_cycles=draw.randint(1, 3),
        ramp_down_wavelets=draw.randint(together, 4), ramp_up_wavelets=draw.randint(together, 4),
        router={"queue_wavelets": draw.randint(1, 4)}, pe={"wavelets_per_operation": together},
    )  # fmt: skip
    middle = [(WEST, (RAMP,)), (EAST, (RAMP,))]
    while draw.random() < 0.4 and len(middle) < 4:
        middle.insert(draw.randint(0, len(middle)), random_position(draw, mesh, 1))
    routes = [
        {0: Route(((RAMP, (EAST,)), (EAST, (RAMP,))))},
        {0: Route(tuple(middle), draw.randrange(len(middle)))},
        {0: Route(((RAMP, (WEST,)), (WEST, (RAMP,))))},
    ]
    ends = []
    for _ in range(2):
        commands = [c.delay(draw.randint(0, 30))]
        for _ in range(draw.randint(1, 5)):
            commands.append(c.send(0, draw.randint(1, 6), 0, "fp32"))
            if draw.random() < 0.6:
                told = draw.choices(list(Control), (1, 3, 1), k=draw.randint(1, 4))
                # Mostly it goes on sending itself.
                first = Control.KEEP if draw.random() < 0.9 else told[0]
                commands.append(c.ctrl(0, [first, *told]))
            if draw.random() < 0.3:
                commands.append(c.delay(draw.randint(1, 30)))
        ends.append(commands)
    own = []
    for _ in range(draw.randint(2, 10)):
        what = draw.random()
        if what < 0.4:
            own.append(c.recv(0, draw.randint(1, 5), NONE, "fp32"))
        elif what < 0.7:
            own.append(c.delay(draw.randint(1, 40)))
        else:
            own.append(c.route(0, draw.randrange(len(middle))))
    drafts = (ends[0], own, ends[1])
    programs = [
        PeProgram("pe", (c.task("all", commands, active=True),), serves=True) for commands in drafts
    ]
    return mesh, _program("switchyard", mesh, programs, routes)


def _program(
    name: str, mesh: WaveletMesh, programs: list[PeProgram], routes: list[dict[int, Route]]
) -> MeshProgram:
    of = np.arange(mesh.nodes, dtype=np.int32).reshape(mesh.height, mesh.width)
    return MeshProgram(name, mesh.width, mesh.height, tuple(programs), of, tuple(routes), of)
