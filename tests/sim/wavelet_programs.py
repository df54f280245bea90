"""Random programs for meshes of PEs: trees of routes, switches, and commands that mostly fit."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from wavelet_cases import mesh_of

from arch.errors import InputError
from arch.mesh.program import (
    FORMATS,
    NONE,
    OPPOSITE,
    RAMP,
    Combine,
    Control,
    Function,
    MeshProgram,
    Op,
    PeProgram,
    Region,
    Route,
    TaskAction,
)
from arch.mesh.wavelet import WaveletMesh
from traces.mesh import commands as c
from traces.mesh.check import check_program

MEMORY = 48
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
Position = tuple[int, tuple[int, ...]]


@dataclass
class Job:
    """Wavelets of a colour that a PE sends or receives."""

    colour: int
    wavelets: int
    receives: bool


@dataclass
class Draft:
    """What is drawn for each PE."""

    routes: list[dict[int, list[Position]]]
    jobs: list[list[Job]]
    formats: dict[int, str] = field(default_factory=dict)


def random_mesh(draw: random.Random) -> WaveletMesh:
    """Up to 4 x 4 PEs, any latencies and depths."""

    def some(least: int, most: int) -> int:
        return draw.randint(least, most) if draw.random() < 0.4 else 0

    costs = {
        "task_cycles": some(1, 6), "fabric_cycles": some(1, 5), "fma_cycles": some(1, 5),
        "vec_cycles": some(1, 5), "dependent_millicycles": some(1, 2500),
        "callback_millicycles": some(1, 2500), "loop_cycles": some(1, 4),
        "function_cycles": draw.randint(1, 4), "divide_cycles": some(1, 4),
        "microthread_cycles": some(1, 5),
    }  # fmt: skip
    usual = draw.random() < 0.3
    depth = draw.choice((1, 2, 2, 3, 8))
    ramp, together = 2 if usual else draw.randint(1, 5), draw.randint(1, 2)
    return mesh_of(
        width=draw.randint(1, 4), height=draw.randint(1, 4),
        hop_cycles=1 if usual else draw.randint(1, 4), ramp_cycles=ramp,
        ramp_down_wavelets=ramp + together if usual else draw.randint(together, 7),
        ramp_up_wavelets=ramp + 1 + together if usual else draw.randint(together, 7),
        router={"colours": draw.choice((6, 24, 32)), "queue_wavelets": depth},
        pe={
            "slots": draw.randint(1, 8), "costs": costs, "wavelets_per_operation": together,
            "lanes": {"fp16": draw.randint(1, 8), "bf16": 4, "fp32": draw.randint(1, 4)},
        },
    )  # fmt: skip


def beside(mesh: WaveletMesh, node: int, port: int) -> int | None:
    x, y = node % mesh.width + STEPS[port][0], node // mesh.width + STEPS[port][1]
    return y * mesh.width + x if 0 <= x < mesh.width and 0 <= y < mesh.height else None


def random_tree(draw: random.Random, mesh: WaveletMesh) -> dict[int, Position]:
    """Ports in and out of each router on a multicast from one PE to one or more."""
    root = draw.randrange(mesh.nodes)
    came: dict[int, int] = {root: RAMP}
    outs: dict[int, list[int]] = {root: []}
    for _ in range(draw.randint(1, 2 * mesh.nodes)):
        # Mostly from the router added last: long ways.
        node = draw.choice(list(came)) if draw.random() < 0.4 else list(came)[-1]
        port = draw.randrange(4)
        there = beside(mesh, node, port)
        if there is not None and there not in came:
            came[there], outs[there] = OPPOSITE[port], []
            outs[node].append(port)
    for node, ports in outs.items():
        if not ports or draw.random() < (0.05 if node == root else 0.4):
            ports.append(RAMP)
    return {node: (came[node], tuple(ports)) for node, ports in outs.items()}


def random_position(draw: random.Random, mesh: WaveletMesh, node: int) -> Position:
    there = [port for port in range(4) if beside(mesh, node, port) is not None] + [RAMP]
    return draw.randrange(5), tuple(draw.sample(there, draw.randint(1, len(there))))


def switched_positions(
    draw: random.Random, mesh: WaveletMesh, node: int, position: Position
) -> list[Position]:
    """The position, and others that differ in the port in, the ports out, or both."""
    positions = [position]
    while draw.random() < 0.6 and len(positions) < 4:
        port, outs = random_position(draw, mesh, node)
        what = draw.random()
        positions.append((position[0] if what < 0.5 else port, position[1] if what > 0.7 else outs))
    return positions


def draft_of(draw: random.Random, mesh: WaveletMesh) -> Draft:
    draft = Draft([{} for _ in range(mesh.nodes)], [[] for _ in range(mesh.nodes)])
    trees: list[dict[int, Position]] = []
    crowded, switched = draw.random() < 0.3, draw.random() < 0.4
    many = draw.randint(3, 6) if crowded else draw.randint(1, 6)
    for colour in draw.sample(range(mesh.router.colours), many):
        # Colours on the same links contend for them.
        again = bool(trees) and draw.random() < (0.8 if crowded else 0.2)
        trees.append(trees[0] if again else random_tree(draw, mesh))
        draft.formats[colour] = draw.choice(FORMATS)
        switches = switched and draw.random() < 0.7
        for node, position in trees[-1].items():
            positions = [position]
            if switches:
                positions = switched_positions(draw, mesh, node, position)
            draft.routes[node][colour] = positions
        laid = [trees[-1]]
        if switches and draw.random() < 0.4:
            # Routers on a second tree too switch between both.
            laid.append(random_tree(draw, mesh))
            for node, position in laid[1].items():
                positions = draft.routes[node].setdefault(colour, [])
                positions.insert(draw.randint(0, len(positions)), position)
                del positions[4:]
        for tree in laid:
            wavelets = draw.choice((8, 12, 30) if crowded else (0, 1, 1, 2, 3, 5, 8, 12, 30))
            for node, position in tree.items():
                if position[0] == RAMP:
                    draft.jobs[node].append(Job(colour, wavelets, False))
                if RAMP in position[1]:
                    draft.jobs[node].append(Job(colour, wavelets, True))
    return draft


class PeDraft:
    """Commands and tasks of one PE."""

    def __init__(self, draw: random.Random, mesh: WaveletMesh, draft: Draft, node: int) -> None:
        self.draw, self.mesh, self.draft = draw, mesh, draft
        self.jobs, self.routes = draft.jobs[node], draft.routes[node]
        self.tasks: list[dict[str, Any]] = []

    def program(self, number: int) -> PeProgram:
        draw = self.draw
        served = [job for job in self.jobs if job.receives and draw.random() < 0.15]
        blocks = list(self.blocks([job for job in self.jobs if job not in served]))
        parts = 1 if draw.random() < 0.5 else draw.randint(1, 4)
        cuts = sorted(draw.randint(0, len(blocks)) for _ in range(parts - 1))
        serves = bool(served) or draw.random() < 0.2
        for begin, end in zip([0, *cuts], [*cuts, len(blocks)], strict=True):
            self.tasks.append({"commands": self.flat(blocks[begin:end]), "active": not begin})
        for job in served:
            self.tasks.append({"commands": self.flat([self.taken(job)]), "colour": job.colour})
        self.linked(parts, serves)
        tasks = tuple(c.task(f"t{n}", **task) for n, task in enumerate(self.tasks))
        return PeProgram(f"pe{number}", tasks, serves)

    def linked(self, parts: int, serves: bool) -> None:
        """How each part is begun by the one before it, and the end."""
        draw = self.draw
        self.tasks[0]["active"] = True
        for number in range(1, parts):
            before, way = self.tasks[number - 1]["commands"], draw.random()
            self.tasks[number]["active"] = False
            lasting = [row for row in before if row["op"] <= Op.VEC or row["op"] == Op.CTRL]
            if way < 0.2:
                self.tasks[number]["active"] = True
            elif way < 0.5 and lasting and "then" not in lasting[-1]:
                lasting[-1] |= {"then": number, "then_action": TaskAction.ACTIVATE}
            else:
                before.append(c.act(TaskAction.ACTIVATE, number))
            if draw.random() < 0.15:
                self.tasks[number]["blocked"] = True
                at = draw.randint(0, len(before))
                if not any(row["op"] == Op.LOOP for row in before):
                    before.insert(at, c.act(TaskAction.UNBLOCK, number))
                else:
                    before.append(c.act(TaskAction.UNBLOCK, number))
        if not serves or draw.random() < 0.02:
            self.tasks[parts - 1]["commands"].append(c.halt())

    def flat(self, blocks: list[list[c.Command]]) -> list[c.Command]:
        """Blocks one after the other, each of which may be turned round."""
        made: list[c.Command] = []
        for block in blocks:
            start = len(made)
            made += [dict(row) for row in block]
            for row in made[start:]:
                if row["op"] == Op.LOOP:
                    row["target"] += start
        return made

    def blocks(self, jobs: list[Job]) -> Iterator[list[c.Command]]:
        draw = self.draw
        jobs = [Job(job.colour, job.wavelets, job.receives) for job in jobs]
        draw.shuffle(jobs)
        while jobs:
            while draw.random() < 0.35:
                yield self.other()
            switched = len(self.routes[jobs[0].colour]) > 1
            if switched and not jobs[0].receives and draw.random() < 0.5:
                yield [self.controlling(jobs[0].colour)]
            job = jobs.pop(0)
            partners = [other for other in jobs if other.receives != job.receives]
            if partners and draw.random() < 0.5:
                other = draw.choice(partners)
                took, put = (job, other) if job.receives else (other, job)
                both = min(took.wavelets, put.wavelets)
                if self.draft.formats[took.colour] == self.draft.formats[put.colour]:
                    yield self.relayed(took, put, both)
                    took.wavelets -= both
                    put.wavelets -= both
                    if other.wavelets == 0:
                        jobs.remove(other)
            switched = len(self.routes[job.colour]) > 1
            if draw.random() < (0.5 if switched else 0.2) and job.wavelets > 1:
                first = draw.randint(1, job.wavelets - 1)
                # Two parts of one job in two slots would be an error; mostly the main one does it.
                slot = 0 if draw.random() < 0.9 else None
                yield self.carried(Job(job.colour, first, job.receives), slot)
                if switched and not job.receives:
                    yield [self.controlling(job.colour)]
                job.wavelets -= first
            yield self.carried(job)
        while draw.random() < 0.4:
            yield self.other()

    def slot(self) -> int:
        return 0 if self.draw.random() < 0.4 else self.draw.randrange(self.mesh.pe.slots)

    def length(self, wavelets: int, format: str) -> int:
        if format == "fp32" or wavelets == 0:
            return wavelets
        return 2 * wavelets - (self.draw.random() < 0.3)

    def place(self, elements: int) -> tuple[int, int]:
        """First element and distance of so many, within memory."""
        on = self.draw.choice((1, 1, 1, 1, 2, 0, -1))
        if elements > 1 and abs(on) * (elements - 1) >= MEMORY:
            on = 0
        if abs(on) * max(elements - 1, 0) >= MEMORY:
            return 0, 0
        span = on * max(elements - 1, 0)
        return self.draw.randint(max(0, -span), MEMORY - 1 - max(0, span)), on

    def placed(self, name: str, elements: int) -> dict[str, int]:
        first, on = self.place(elements)
        return {name: first, f"{name}_element": on}

    def taken(self, job: Job) -> list[c.Command]:
        """One wavelet at a time, by a task of its colour."""
        return self.carried(Job(job.colour, 1, True))

    def carried(self, job: Job, slot: int | None = None) -> list[c.Command]:
        """A job in one command, or turn by turn."""
        draw, turns = self.draw, 1
        format, slot = self.draft.formats[job.colour], self.slot() if slot is None else slot
        if job.wavelets > 1 and draw.random() < 0.3:
            turns = draw.choice([n for n in range(2, job.wavelets + 1) if job.wavelets % n == 0])
        length = self.length(job.wavelets // turns, format)
        if not job.receives:
            command = c.send(job.colour, length, 0, format, slot) | self.placed("a", length)
        elif draw.random() < 0.4:
            combine = draw.choice((Combine.ADD, Combine.MAX))
            command = c.radd(job.colour, length, 0, format, slot, combine)
            command |= self.placed("dst", length)
        else:
            command = c.recv(job.colour, length, 0, format, slot) | self.placed("dst", length)
            if draw.random() < 0.1:
                command["dst"] = NONE
        return [command] if turns == 1 else [command, c.loop(0, turns, draw.randrange(2))]

    def relayed(self, took: Job, put: Job, wavelets: int) -> list[c.Command]:
        draw, format = self.draw, self.draft.formats[took.colour]
        length = self.length(wavelets, format)
        combine = draw.choice(list(Combine))
        command = c.relay(took.colour, put.colour, length, 0, format, self.slot(), combine)
        command |= self.placed("a", length)
        if draw.random() < 0.4:
            command |= self.placed("dst", length)
        return [command]

    def other(self) -> list[c.Command]:
        """Something beside the jobs."""
        draw, what = self.draw, self.draw.random()
        if what < 0.2:
            return [c.delay(draw.choice((0, 1, 2, 7, 30, 200)))]
        if what < 0.3:
            return [c.mark(draw.randrange(4))]
        if what < 0.4:
            return [c.wait(*(slot for slot in range(1, self.mesh.pe.slots) if draw.random() < 0.5))]
        if what < 0.5 and self.routes:
            colour = draw.choice(list(self.routes))
            if len(self.routes[colour]) > 1 or draw.random() < 0.1:
                return [c.route(colour, draw.randrange(len(self.routes[colour])))]
        if what < 0.6 and self.routes:
            sources = [k for k, positions in self.routes.items() if positions[0][0] == RAMP]
            if sources:
                return [self.controlling(draw.choice(sources))]
        if what < 0.7:
            inner = [self.computing(), c.loop(0, draw.randint(1, 3), 1), self.computing()]
            return [*inner, c.loop(0, draw.randint(1, 3), 0)]
        return [self.computing()]

    def controlling(self, colour: int) -> c.Command:
        controls = self.draw.choices(list(Control), (1, 3, 1), k=self.draw.randint(0, 8))
        return c.ctrl(colour, controls, self.slot())

    def computing(self) -> c.Command:
        draw, format, length = self.draw, self.draw.choice(FORMATS), self.draw.randint(0, 9)
        if draw.random() < 0.5:
            count = draw.randint(0, 4)
            step = draw.choice((0, 1))
            scalar = draw.randint(0, MEMORY - 4)
            vectors = self.placed("dst", length) | self.placed("b", length)
            return c.fma(length, 0, scalar, 0, format, count, a_step=step) | vectors
        function = draw.choice(list(Function))
        result = 1 if function in (Function.SUM, Function.TOP) else length
        vectors = self.placed("dst", result) | self.placed("a", length) | self.placed("b", length)
        constant = draw.choice((0.5, -3.25, 1 / 3))
        return c.vec(function, length, 0, format=format, constant=constant) | vectors


def disturbed(draw: random.Random, programs: list[PeProgram], mesh: WaveletMesh) -> None:
    """Change a few commands of some PEs, so that programs no longer fit each other."""
    for _ in range(draw.randint(1, 3)):
        tasks = draw.choice(programs).tasks
        commands = draw.choice(tasks).commands
        if not len(commands):
            continue
        row = commands[draw.randrange(len(commands))]
        what = draw.random()
        if what < 0.4 and row["length"] > 0:
            row["length"] += draw.choice((-1, 1, 2))
        elif what < 0.6:
            row["slot"] = draw.randrange(mesh.pe.slots) if row["op"] <= Op.RELAY else 0
        elif what < 0.8 and row["op"] <= Op.DELAY:
            row["then"], row["then_action"] = draw.randrange(len(tasks)), draw.randrange(3)
        elif row["op"] == Op.DELAY:
            row["cycles"] = draw.randint(0, 50)


def random_program(draw: random.Random, mesh: WaveletMesh, values: bool) -> MeshProgram:
    """One that is not refused."""
    while True:
        draft = draft_of(draw, mesh)
        programs = [PeDraft(draw, mesh, draft, node).program(node) for node in range(mesh.nodes)]
        if draw.random() < 0.3:
            disturbed(draw, programs, mesh)
        classes = np.arange(mesh.nodes, dtype=np.int32).reshape(mesh.height, mesh.width)
        routes = tuple(
            {
                colour: Route(tuple(positions), draw.randrange(len(positions)) if lost else 0)
                for colour, positions in of_node.items()
                for lost in [draw.random() < 0.1]
            }
            for of_node in draft.routes
        )
        numbers = [
            [draw.choice((0.0, 1.0, draw.uniform(-2, 2))) for _ in range(MEMORY)]
            for _ in range(mesh.nodes)
        ]
        memory = np.array(numbers, np.float32).reshape(mesh.height, mesh.width, MEMORY)
        program = MeshProgram(
            "random", mesh.width, mesh.height, tuple(programs), classes, routes, classes,
            (Region("memory", 0, MEMORY, draw.randrange(3)),), {"memory": memory} if values else {},
        )  # fmt: skip
        try:
            check_program(program, mesh)
        except InputError:
            continue
        return program
