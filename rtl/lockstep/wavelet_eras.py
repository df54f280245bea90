"""Runs of a wavelet mesh from reset to reset: random routes and manners, or a program."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from arch.mesh.program import OPPOSITE, RAMP, MeshProgram, Op, PeProgram, Route, Task, blank
from rtl.mesh.wavelet_parameters import Parameters

CYCLES = (60, 300, 1000, 2500)
"""Of a run, at most."""
CYCLES_MIN = 20
OFTEN = (8, 40, 128, 220, 256)
"""Of 256 cycles, those in which a PE takes or puts."""
CONTROLS = (0, 4, 20, 60, 128)
"""Of 256 wavelets, those with controls."""
SWITCHES = (0, 1, 4, 20, 60)
"""Of 256 cycles, those in which a PE sets the position of a colour."""
WHOLE = 0.75
"""Of runs of a program, those to its end."""
DRAIN = 30
"""Cycles behind the end of a program, at most."""
Way = tuple[int, tuple[int, ...]]


def _task(name: str, ops: tuple[Op, ...], colours: range) -> Task:
    """Commands of no elements: each operation with each colour."""
    commands = blank(len(ops) * len(colours))
    commands["op"] = np.repeat(ops, len(colours))
    commands["colour_in"] = commands["colour_out"] = np.tile(colours, len(ops))
    return Task(name, commands)


PES = PeProgram("driven", (_task("operations", (Op.SEND, Op.RECV, Op.CTRL), range(1)),))
"""PEs run no task. What they put and take is drawn, and done as operations of these commands, whose
places are ``SEND``, ``RECV`` and ``CTRL`` of ``rtl.lockstep.wavelet_pes``."""


@dataclass(frozen=True)
class Job:
    """A program for the PEs."""

    program: MeshProgram
    cycles: int
    """That it takes."""


@dataclass(frozen=True)
class Era:
    """From a reset to the next one."""

    program: MeshProgram
    cycles: int
    """The reset is in the last of them."""
    runs: bool = False
    """PEs run the program; else what they do is drawn."""
    whole: bool = False
    """It runs to its end."""
    hostile: bool = False
    """PEs take what is not there and put where is no room."""
    takes: int = 0
    """Of 256, cycles in which a PE takes, if it can."""
    puts: int = 0
    controls: int = 0
    """Of 256 wavelets."""
    switches: int = 0
    """Of 256 cycles, of each colour."""


class _Routes:
    """Routes of all routers, most of them of trees that lead from one PE to others."""

    def __init__(self, p: Parameters, random: Random) -> None:
        self.p, self.random = p, random
        self.loose = random.choice((0.0, 0.0, 0.1, 0.5))
        self.positions = random.choice((1, p.positions, p.positions))

    def tree(self) -> dict[int, Way]:
        """A way for each router that the tree reaches."""
        p, random = self.p, self.random
        root = random.randrange(p.nodes)
        came, outs = {root: RAMP}, {root: set[int]()}
        tries = random.randint(1, 3 * p.nodes)
        for _ in range(tries):
            node = random.choice(list(came))
            port = random.choice((*p.links(node), RAMP))
            there = p.neighbour(node, port) if port != RAMP else None
            if there is not None and there not in came:
                came[there], outs[there] = OPPOSITE[port], set[int]()
                outs[node].add(port)
        for node in came:
            if not outs[node] or random.random() < 0.4:
                outs[node].add(RAMP)
        return {node: (came[node], tuple(sorted(outs[node]))) for node in came}

    def any_way(self, node: int) -> Way:
        """Whatever the ports of a router allow."""
        ports = (*self.p.links(node), RAMP)
        outs = self.random.sample(ports, self.random.randint(1, len(ports)))
        return self.random.choice(ports), tuple(sorted(outs))

    def colour(self) -> list[Route | None]:
        """Of each router the route of a colour."""
        random = self.random
        wanted = random.choice((1, self.positions, self.positions))
        trees = [self.tree() for _ in range(wanted)]
        found: list[Route | None] = []
        for node in range(self.p.nodes):
            ways = [
                tree[node] if node in tree and random.random() >= self.loose
                else self.any_way(node) if random.random() < max(self.loose, 0.5) else None
                for tree in trees
            ]  # fmt: skip
            routed = tuple(way for way in ways if way is not None)
            first = random.choice((0, 0, random.randrange(len(routed)))) if routed else 0
            found.append(Route(routed, first) if routed else None)
        return found


def routes_of(p: Parameters, random: Random) -> MeshProgram:
    """A program of routes alone, a class of them for each router."""
    draw = _Routes(p, random)
    colours = [draw.colour() for _ in range(p.colours)]
    routes = tuple(
        {k: route for k, each in enumerate(colours) if (route := each[node]) is not None}
        for node in range(p.nodes)
    )
    # Every colour has to be known, even if no router routes it.
    pes = PeProgram(PES.name, (*PES.tasks, _task("named", (Op.SEND,), range(p.colours))))
    shape = (p.height, p.width)
    return MeshProgram(
        "random", p.width, p.height, (pes,), np.zeros(shape, np.int32), routes,
        np.arange(p.nodes, dtype=np.int32).reshape(shape),
    )  # fmt: skip


def _program_era(p: Parameters, job: Job, whole: bool, random: Random) -> Era:
    """A run of a program on random numbers."""
    # Every colour has to be known, with controls and positions, even if no PE names it.
    known = PeProgram("known", (_task("known", (Op.SEND, Op.CTRL), range(p.colours)),))
    given = job.program
    draw = np.random.default_rng(random.getrandbits(64))
    values = {
        region.name: draw.standard_normal((p.height, p.width, region.elements), np.float32)
        for region in given.regions
    }
    program = replace(given, programs=(*given.programs, known), values=values)
    cycles = job.cycles + random.randint(1, DRAIN) if whole else random.randint(1, job.cycles)
    return Era(program, cycles, runs=True, whole=whole)


def era_of(
    p: Parameters, seed: int, number: int, jobs: Sequence[Job] = (), mixed: bool = False
) -> Era:
    """The one of a number in the run of a seed.

    It is of one of ``jobs``, if there are any; ``mixed``: of half of the eras.
    """
    random = Random(f"{seed} {number}")
    if jobs and not (mixed and random.random() < 0.5):
        whole = number == 0 or random.random() < WHOLE
        return _program_era(p, random.choice(jobs), whole, random)
    return Era(
        program=routes_of(p, random),
        cycles=random.randint(CYCLES_MIN, random.choice(CYCLES)),
        hostile=random.random() < 0.5,
        takes=random.choice(OFTEN),
        puts=random.choice(OFTEN),
        controls=random.choice(CONTROLS),
        switches=random.choice(SWITCHES),
    )
