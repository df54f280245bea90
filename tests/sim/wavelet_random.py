"""Random meshes and programs that a wavelet mesh takes, most of which end."""

import random
from typing import Any

import numpy as np
from wavelet_cases import mesh_of

from arch.errors import InputError
from arch.mesh.program import (
    FORMATS,
    RAMP,
    Combine,
    Control,
    Function,
    MeshProgram,
    PeProgram,
    Region,
    Route,
    TaskAction,
)
from arch.mesh.wavelet import WaveletMesh
from traces.mesh.check import check_program
from traces.mesh.commands import (
    Command,
    act,
    ctrl,
    delay,
    fma,
    halt,
    loop,
    mark,
    radd,
    recv,
    relay,
    route,
    send,
    task,
    vec,
    wait,
)

ELEMENTS = 24
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
Tree = dict[int, tuple[int, tuple[int, ...]]]


class Draw:
    """A mesh and a program from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = draw = random.Random(seed)
        self.width, self.height = draw.choice([(1, 2), (3, 1), (4, 1), (2, 2), (3, 2), (3, 3)])
        self.nodes = self.width * self.height
        self.colours = draw.choice([1, 2, 3, 5, 8])
        self.switching = draw.random() < 0.4
        self.formats = draw.choice([["fp32"], ["fp16"], ["bf16"], list(FORMATS)])
        self.lists: list[list[Command]] = [[] for _ in range(self.nodes)]
        self.slots = draw.choice([1, 2, 4])
        self.trees = [self.tree() for _ in range(self.colours)]

    def mesh(self) -> WaveletMesh:
        draw = self.random
        costs: dict[str, int] = {}
        if draw.random() < 0.6:
            costs = {
                "task_cycles": draw.randint(0, 3), "fabric_cycles": draw.randint(0, 3),
                "fma_cycles": draw.randint(0, 4), "vec_cycles": draw.randint(0, 4),
                "loop_cycles": draw.randint(0, 2),
                "callback_millicycles": draw.choice([0, 300, 1500]),
                "function_cycles": draw.randint(1, 3),
            }  # fmt: skip
        return mesh_of(
            width=self.width, height=self.height, hop_cycles=draw.choice([1, 1, 2, 3]),
            ramp_cycles=draw.randint(1, 4), ramp_down_wavelets=draw.randint(1, 5),
            ramp_up_wavelets=draw.randint(1, 6),
            router={"colours": draw.randint(8, 10), "queue_wavelets": draw.randint(1, 3)},
            pe={"slots": 4, "costs": costs},
        )  # fmt: skip

    def behind(self, node: int, port: int) -> int | None:
        x, y = node % self.width + STEPS[port][0], node // self.width + STEPS[port][1]
        if 0 <= x < self.width and 0 <= y < self.height:
            return y * self.width + x
        return None

    def tree(self) -> Tree:
        """Where a colour goes from one PE: port in and ports out of the routers that it meets."""
        draw = self.random
        root = draw.randrange(self.nodes)
        came = {root: RAMP}
        outs: dict[int, set[int]] = {root: set()}
        for _ in range(draw.randint(1, 2 * self.nodes)):
            node = draw.choice(list(came))
            port = draw.randrange(4)
            there = self.behind(node, port)
            if there is not None and there not in came:
                came[there], outs[there] = port ^ 1, set()
                outs[node].add(port)
        for node in came:
            if node != root and (not outs[node] or draw.random() < 0.5):
                outs[node].add(RAMP)
        if not outs[root]:
            outs[root].add(RAMP)
        return {node: (came[node], tuple(sorted(outs[node]))) for node in came}

    def ways(self, node: int) -> dict[int, Route]:
        """Routes of a router: positions beside those of the trees, some of which lead nowhere."""
        draw = self.random
        found = {}
        for colour, tree in enumerate(self.trees):
            positions = [tree[node]] if node in tree else []
            first = 0
            if self.switching and draw.random() < 0.7:
                ports = [port for port in range(4) if self.behind(node, port) is not None]
                ports.append(RAMP)
                for _ in range(draw.randint(1, 2)):
                    outs = tuple(sorted(draw.sample(ports, draw.randint(1, min(2, len(ports))))))
                    positions.append((draw.choice(ports), outs))
                first = draw.choice([0, 0, len(positions) - 1])
            if positions:
                found[colour] = Route(tuple(positions), first)
        return found

    def numbers(self) -> dict[str, Any]:
        draw = self.random
        form = draw.choice(self.formats)
        return {"length": draw.choice([0, 1, 2, 3, 4, 5, 8]), "format": form}

    def place(self, **numbers: Any) -> int:
        return self.random.randint(0, ELEMENTS - max(numbers["length"], 1))

    def transfer(self) -> None:
        """A vector over one colour, received where the colour comes down."""
        draw = self.random
        colour = draw.randrange(self.colours)
        tree = self.trees[colour]
        numbers = self.numbers()
        root = next(node for node, (port, _) in tree.items() if port == RAMP)
        for node, (_, outs) in tree.items():
            if node == root:
                self.add(node, send(colour, a=self.place(**numbers), slot=self.slot(), **numbers))
            if RAMP in outs:
                kind = radd if draw.random() < 0.4 else recv
                more = {"combine": draw.choice([Combine.ADD, Combine.MAX])} if kind is radd else {}
                self.add(
                    node,
                    kind(colour, dst=self.place(**numbers), slot=self.slot(), **numbers, **more),
                )

    def slot(self) -> int:
        return self.random.randrange(self.slots)

    def add(self, node: int, command: Command) -> None:
        """A command, and now and then another that keeps the PE busy; microthreads are waited for
        before their colour is used again, most times."""
        draw = self.random
        mine = self.lists[node]
        if command.get("slot") and draw.random() < 0.95:
            mine.append(wait(*range(1, self.slots)))
        elif draw.random() < 0.8 and self.slots > 1:
            mine.append(wait(*range(1, self.slots)))
        mine.append(command)
        if draw.random() < 0.5:
            mine.append(self.other(node))

    def other(self, node: int) -> Command:
        draw = self.random
        numbers = self.numbers()
        at = {name: self.place(**numbers) for name in ("dst", "a", "b")}
        kind = draw.randrange(7)
        if kind == 0:
            return delay(draw.choice([0, 1, 2, 7, 40]))
        if kind == 1:
            return mark(draw.randrange(4))
        if kind == 2:
            return fma(**numbers, **at, count=draw.randint(1, 3))
        if kind == 3 and self.switching:
            return route(draw.randrange(self.colours), draw.randrange(2))
        if kind == 4 and self.switching:
            controls = [draw.choice(list(Control)) for _ in range(draw.randint(1, 5))]
            return ctrl(draw.randrange(self.colours), controls, slot=self.slot())
        if kind == 5:
            return relay(
                draw.randrange(self.colours), draw.randrange(self.colours), a=at["a"],
                dst=draw.choice([-1, at["dst"]]), slot=self.slot(),
                combine=draw.choice(list(Combine)), **numbers,
            ) if draw.random() < 0.1 else delay(3)  # fmt: skip
        return vec(draw.choice(list(Function)), **numbers, **at, constant=draw.uniform(-3, 3))

    def tasks(self, node: int) -> PeProgram:
        """The commands of a PE as one task or as several, some with a loop."""
        draw = self.random
        commands = self.lists[node]
        if draw.random() < 0.3 and commands:
            commands = [*commands, loop(draw.randrange(len(commands)), draw.randint(1, 3))]
        if draw.random() < 0.5:
            parts = [commands]
        else:
            cut = draw.randint(0, len(commands))
            if any("target" in each and each["op"] == 11 for each in commands):
                cut = 0
            parts = [commands[:cut], commands[cut:]]
        made = []
        for at, part in enumerate(parts):
            last = at + 1 == len(parts)
            tail = [halt()] if last else [act(TaskAction.ACTIVATE, at + 1)]
            made.append(task(f"part{at}", [*part, *tail], active=at == 0))
        serves = draw.random() < 0.2
        if draw.random() < 0.3:
            coming = [k for k, tree in enumerate(self.trees) if RAMP in tree.get(node, (0, ()))[1]]
            if coming:
                numbers = self.numbers()
                numbers["length"] = max(numbers["length"], 1)
                colour = draw.choice(coming)
                body: list[Command] = [recv(colour, dst=self.place(**numbers), **numbers)]
                body.append(mark(5))
                if draw.random() < 0.5:
                    body[0]["then"], body[0]["then_action"] = 0, draw.randrange(3)
                made.append(task("comes", body, colour=colour, blocked=draw.random() < 0.2))
                serves = True
        if serves:
            made[len(parts) - 1] = task(f"part{len(parts) - 1}", parts[-1], active=len(parts) == 1)
        return PeProgram(f"pe{node}", tuple(made), serves)

    def program(self) -> MeshProgram:
        draw = self.random
        for _ in range(draw.randint(1, 8)):
            self.transfer()
        classes = np.arange(self.nodes, dtype=np.int32).reshape(self.height, self.width)
        values = {}
        form = draw.randrange(3)
        if draw.random() < 0.7:
            generator = np.random.default_rng(draw.randrange(2**32))
            shape = (self.height, self.width, ELEMENTS)
            scale = 2.0 ** generator.integers(-12, 6, shape)
            values["memory"] = (generator.normal(size=shape) * scale).astype(np.float32)
        return MeshProgram(
            "random", self.width, self.height,
            tuple(self.tasks(node) for node in range(self.nodes)), classes,
            tuple(self.ways(node) for node in range(self.nodes)), classes,
            (Region("memory", 0, ELEMENTS, form),), values,
        )  # fmt: skip


def drawn(seed: int) -> tuple[WaveletMesh, MeshProgram]:
    """The first mesh and program from a seed on that are not refused."""
    while True:
        draw = Draw(seed)
        mesh, program = draw.mesh(), draw.program()
        try:
            check_program(program, mesh)
        except InputError:
            seed += 1_000_003
            continue
        return mesh, program
