"""A mesh of wavelet routers and PEs in plain Python, everything looked at in every cycle.

Written from docs/wavelet.md alone; it shares no code with ``sim.mesh``. In a cycle everybody
decides on the state at its start, then all is applied. A main slot is a generator that yields what
it needs next; the rules of commands can be read there from top to bottom.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from wavelet_numbers import rounded
from wavelet_pe import NeverEndsError, Pe, TwoAtOnceError, Wavelet

from arch.mesh.program import RAMP, MeshProgram, Region, Route
from arch.mesh.wavelet import WaveletMesh

STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))
"""Of the ports E, W, S, N."""
ACCOUNTS = (
    "compute", "fabric", "overhead", "wavelets", "room", "slots", "delay", "idle", "done",
)  # fmt: skip
KEEP, ADVANCE, RESET = range(3)


@dataclass
class OracleRun:
    """How a run ended."""

    outcome: str
    """``done``, ``deadlock``, ``forever``, ``limit``, ``two at once`` or ``no time``."""
    cycles: int
    """To the last operation or end of a DELAY."""
    at: int
    """Cycle of a deadlock or an error."""
    marks: dict[tuple[int, int], list[int]]
    """Cycles noted, by PE and number."""
    accounts: np.ndarray
    """[nodes, len(ACCOUNTS)] cycles of each PE."""
    links: np.ndarray
    """[nodes, 5] wavelets that left a router by each port, control wavelets included."""
    left: int
    """Wavelets in queues, ramps included."""
    memory: list[list[float]]
    stuck: list[tuple[int, int, int, int, str]] = field(default_factory=list)
    """(PE, slot, task, command, what it waits for) of those that are not done, or of an error."""


class Router:
    """Queues, positions and the pointer of one router, and the ramps beside it."""

    def __init__(self, routes: dict[int, Route]) -> None:
        self.positions = {
            colour: [(int(port), tuple(map(int, outs))) for port, outs in route.positions]
            for colour, route in routes.items()
        }
        self.first = {colour: route.first for colour, route in routes.items()}
        self.position = dict(self.first)
        self.queue: defaultdict[int, deque[Wavelet]] = defaultdict(deque)
        self.side: dict[int, int] = {}
        """Where the wavelets in the queue of a colour came from."""
        self.up: defaultdict[int, deque[Wavelet]] = defaultdict(deque)
        self.down: defaultdict[int, deque[Wavelet]] = defaultdict(deque)
        self.pointer = 0
        self.sent = [0] * 5

    def active(self, colour: int) -> tuple[int, tuple[int, ...]] | None:
        if colour not in self.positions:
            return None
        return self.positions[colour][self.position[colour]]

    def source(self, colour: int) -> deque[Wavelet] | None:
        """The queue that the colour may take from."""
        active = self.active(colour)
        if active is None:
            return None
        if active[0] == RAMP:
            return self.up[colour]
        if self.queue[colour] and self.side[colour] == active[0]:
            return self.queue[colour]
        return None


class Oracle:
    def __init__(self, program: MeshProgram, mesh: WaveletMesh) -> None:
        self.program, self.mesh = program, mesh
        self.width, self.height = program.width, program.height
        self.now = 0
        self.quiet_from = 0
        self.routers = [
            Router(program.routes[number]) for number in program.route_of.ravel().tolist()
        ]
        memories = self.memories()
        self.pes = [
            Pe(number, program.programs[kind], mesh, self.routers[number].down,
               self.routers[number].up, memories[number])
            for number, kind in enumerate(program.program_of.ravel().tolist())
        ]  # fmt: skip

    def memories(self) -> list[list[float] | None]:
        program = self.program
        nodes = self.width * self.height
        if not program.values:
            return [None] * nodes
        made = [[0.0] * program.memory_elements for _ in range(nodes)]
        regions: dict[str, Region] = {region.name: region for region in program.regions}
        for name, values in program.values.items():
            region = regions[name]
            kind = ("fp16", "bf16", "fp32")[region.format]
            for memory, row in zip(made, values.reshape(nodes, -1).tolist(), strict=True):
                for element, value in enumerate(row):
                    memory[region.start + element] = rounded(value, kind)
        return made

    def beside(self, node: int, port: int) -> int:
        x, y = node % self.width + STEPS[port][0], node // self.width + STEPS[port][1]
        assert 0 <= x < self.width
        assert 0 <= y < self.height
        return y * self.width + x

    def accepts(self, node: int, colour: int, port: int) -> bool:
        """Rule 3, by the state at the start of the cycle."""
        if port == RAMP:
            return len(self.routers[node].down[colour]) < self.mesh.ramp_down_wavelets
        there = self.routers[self.beside(node, port)]
        active = there.active(colour)
        if active is None or active[0] != port ^ 1:
            return False
        queue = there.queue[colour]
        return len(queue) < self.mesh.router.queue_wavelets and (
            not queue or there.side[colour] == port ^ 1
        )

    def moves(self, node: int) -> list[tuple[int, tuple[int, ...]]]:
        """Colours that move in a router in this cycle, and their ports."""
        router, colours = self.routers[node], self.mesh.router.colours
        taken: set[int] = set()
        found: list[tuple[int, tuple[int, ...]]] = []
        for step in range(colours):
            colour = (router.pointer + step) % colours
            source = router.source(colour)
            if not source or source[0].ready > self.now:
                continue
            active = router.active(colour)
            assert active is not None
            ports = [port for port in active[1] if source[0].controls is None or port != RAMP]
            if all(self.accepts(node, colour, port) for port in ports) and not taken & set(ports):
                taken |= set(ports)
                found.append((colour, tuple(ports)))
        return found

    def apply(self, node: int, colour: int, ports: tuple[int, ...]) -> None:
        """A wavelet goes on; what it tells its router is seen from the next cycle on."""
        router = self.routers[node]
        source = router.source(colour)
        assert source is not None
        wavelet = source.popleft()
        controls = wavelet.controls
        if controls is not None:
            self.told.append((router, colour, controls & 3))
            controls >>= 2
        for port in ports:
            router.sent[port] += 1
            if port == RAMP:
                ready = self.now + self.mesh.ramp_cycles
                self.arriving.append((router.down[colour], Wavelet(wavelet.bits, None, ready)))
            else:
                there = self.routers[self.beside(node, port)]
                there.side[colour] = port ^ 1
                on = Wavelet(wavelet.bits, controls, self.now + self.mesh.hop_cycles)
                self.arriving.append((there.queue[colour], on))

    def cycle(self) -> bool:
        """Step everybody; whether anything happened, or will by itself."""
        now = self.now
        happened = False
        for pe in self.pes:
            happened |= pe.begin(now)
        # Operations are carried out at the end of the cycle: they change what routers look at.
        operations = [pe.choose(now) for pe in self.pes]
        moved = [self.moves(node) for node in range(len(self.routers))]
        self.told: list[tuple[Router, int, int]] = []
        self.arriving: list[tuple[deque[Wavelet], Wavelet]] = []
        for node, grants in enumerate(moved):
            if grants:
                self.routers[node].pointer = (grants[0][0] + 1) % self.mesh.router.colours
        for node, grants in enumerate(moved):
            for colour, ports in grants:
                self.apply(node, colour, ports)
        for queue, wavelet in self.arriving:
            queue.append(wavelet)
        for pe, operation in zip(self.pes, operations, strict=True):
            if operation is not None:
                pe.operate(now, operation)
        for router, colour, control in self.told:
            if control == ADVANCE:
                last = len(router.positions[colour]) - 1
                router.position[colour] = min(router.position[colour] + 1, last)
            elif control == RESET:
                router.position[colour] = router.first[colour]
        for pe, router in zip(self.pes, self.routers, strict=True):
            router.position.update(pe.routed)
            pe.routed.clear()
        self.operated = any(operation is not None for operation in operations)
        self.moved = any(moved)
        self.happened = happened
        if happened or self.operated or self.moved or any(pe.delays for pe in self.pes):
            self.quiet_from = now + 1
            return True
        return any(wavelet.ready > now for queue in self.queues() for wavelet in queue)

    def queues(self) -> Iterator[deque[Wavelet]]:
        for router in self.routers:
            for kind in (router.queue, router.up, router.down):
                yield from kind.values()

    def picture(self) -> tuple[object, ...]:
        """All that decides what the fabric does next, while PEs do nothing."""
        return tuple(
            (router.pointer, tuple(router.position.items()), tuple(sorted(router.side.items())),
             tuple(
                tuple((w.controls, max(w.ready - self.now, 0)) for w in queue)
                for kind in (router.queue, router.up, router.down)
                for _, queue in sorted(kind.items())
             ))
            for router in self.routers
        )  # fmt: skip

    def run(self, limit: int = 1_000_000) -> OracleRun:
        """Until every PE is done and nothing moves, or nothing can move, or ``limit`` cycles."""
        seen: set[object] = set()
        try:
            while self.now < limit:
                if not self.cycle():
                    done = all(pe.is_done for pe in self.pes)
                    return self.result("done" if done else "deadlock")
                self.now += 1
                if self.operated or self.happened or any(pe.delays for pe in self.pes):
                    seen.clear()
                else:
                    picture = self.picture()
                    if picture in seen:
                        return self.result("forever")
                    seen.add(picture)
        except (NeverEndsError, TwoAtOnceError) as error:
            found = self.result("two at once" if isinstance(error, TwoAtOnceError) else "no time")
            found.at, found.stuck = self.now, error.commands
            return found
        return self.result("limit")

    def result(self, outcome: str) -> OracleRun:
        cycles = max(pe.last for pe in self.pes) + 1
        accounts = np.array(
            [[pe.account[:cycles].count(name) for name in ACCOUNTS] for pe in self.pes]
        )
        marks: dict[tuple[int, int], list[int]] = {}
        for pe in self.pes:
            for number, cycle in pe.marks:
                marks.setdefault((pe.number, number), []).append(cycle)
        links = np.array([router.sent for router in self.routers])
        return OracleRun(
            outcome, cycles, self.quiet_from, marks, accounts, links,
            sum(len(queue) for queue in self.queues()), [pe.memory or [] for pe in self.pes],
            [stuck for pe in self.pes if not pe.is_done for stuck in pe.waits(self.now)],
        )  # fmt: skip


def simulate(program: MeshProgram, mesh: WaveletMesh, limit: int = 1_000_000) -> OracleRun:
    """Run a program on the north-west corner of a mesh."""
    return Oracle(program, mesh).run(limit)
