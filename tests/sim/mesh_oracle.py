"""A packet mesh in plain Python, a cycle at a time, everything looked at in every cycle.

Written from the rules of BookSim2's router as ../shared/reference/mesh/README.md states them; it
shares no code with ``sim.mesh``, keeps no list of who is active and allocates on whole matrices.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

Request = tuple[int, int]
Vc = tuple[int, int]
"""Port and number in it."""
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def next_of(asking: set[int], pointer: int, size: int) -> int:
    """The first of those asking, from the pointer on and around."""
    return next(n % size for n in range(pointer, pointer + size) if n % size in asking)


class Allocator:
    """Round-robin pointers of both sides, and the two ways to match them."""

    def __init__(self, kind: str, iterations: int, size: int) -> None:
        self.kind, self.iterations, self.size = kind, iterations, size
        self.inputs, self.outputs = [0] * size, [0] * size

    def match(self, requests: set[Request]) -> set[Request]:
        if self.kind == "islip":
            return self.islip(requests)
        chosen = set()
        for i in {i for i, _ in requests}:
            chosen.add((i, next_of({o for j, o in requests if j == i}, self.inputs[i], self.size)))
        won = set()
        for o in {o for _, o in chosen}:
            won.add((next_of({i for i, p in chosen if p == o}, self.outputs[o], self.size), o))
        self.move(won)
        return won

    def islip(self, requests: set[Request]) -> set[Request]:
        won: set[Request] = set()
        for iteration in range(self.iterations):
            left = {
                (i, o) for i, o in requests if all(i != j and o != p for j, p in won)
            }  # fmt: skip
            grants = set()
            for o in {o for _, o in left}:
                grants.add((next_of({i for i, p in left if p == o}, self.outputs[o], self.size), o))
            accepted = set()
            for i in {i for i, _ in grants}:
                asked = {o for j, o in grants if j == i}
                accepted.add((i, next_of(asked, self.inputs[i], self.size)))
            if iteration == 0:
                self.move(accepted)
            won |= accepted
        return won

    def move(self, won: set[Request]) -> None:
        for i, o in won:
            self.inputs[i] = (o + 1) % self.size
            self.outputs[o] = (i + 1) % self.size


@dataclass
class InputVc:
    queue: deque[tuple[int, int]] = field(default_factory=deque)
    """Packet, and number of the flit in it."""
    allocates_from: int | None = None
    """First cycle in which its head asks for an output VC."""
    output: Vc | None = None
    """Port and VC that its packet holds, and since when it may bid."""
    bids_from: int = 0


class Router:
    def __init__(self, x: int, y: int, mesh: "Mesh") -> None:
        self.x, self.y = x, y
        v = mesh.vcs
        self.inputs = {(p, c): InputVc() for p in range(5) for c in range(v)}
        self.credits = {(p, c): mesh.depth for p in range(5) for c in range(v)}
        self.held: set[Vc] = set()
        self.vc_allocator = Allocator(*mesh.vc_allocator, 5 * v)
        self.switch_allocator = Allocator(*mesh.switch_allocator, 5)
        self.vc_pointer = [0] * 5
        self.sent = [0] * 5


@dataclass
class Mesh:
    width: int
    height: int
    vcs: int
    depth: int
    routing: int
    traversal: int
    credit: int
    link: int
    node: int
    vc_allocator: tuple[str, int]
    switch_allocator: tuple[str, int]

    def run(
        self, packets: Sequence[tuple[int, int, int, int]], cycles: int = 10_000
    ) -> tuple[list[int], list[int], list[list[int]]]:
        """When packets (created, src, dst, flits) are injected and arrive; flits by port."""
        self.packets = packets
        routers = [Router(x, y, self) for y in range(self.height) for x in range(self.width)]
        waiting: list[deque[int]] = [deque() for _ in routers]
        under_way: list[tuple[int, int, int] | None] = [None for _ in routers]
        last_vc = [self.vcs - 1 for _ in routers]
        node_credits = [[self.depth] * self.vcs for _ in routers]
        flits_at: defaultdict[int, list[tuple[int, Vc, tuple[int, int]]]] = defaultdict(list)
        credits_at: defaultdict[int, list[tuple[int, Vc]]] = defaultdict(list)
        paid_at: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        injected, arrived = [-1] * len(packets), [-1] * len(packets)
        for now in range(cycles):
            for where, vc, flit in flits_at.pop(now, ()):
                self.enter(routers[where].inputs[vc], flit, now)
            for where, vc in credits_at.pop(now, ()):
                routers[where].credits[vc] += 1
            for where, c in paid_at.pop(now, ()):
                node_credits[where][c] += 1
            for number, (created, src, _, _) in enumerate(packets):
                if created == now:
                    waiting[src].append(number)
            moves = []
            for where, router in enumerate(routers):
                switched = self.switch(router, now)
                self.allocate(router, now)
                moves += [(where, i, o) for i, o in switched]
            for where, i, o in moves:
                router = routers[where]
                packet, number = router.inputs[i].queue.popleft()
                self.leave(router, i, o, packet, number, now)
                sent = now + 1 + self.traversal
                if o[0] == 4:
                    if number == packets[packet][3] - 1:
                        arrived[packet] = sent + self.node
                    back = sent + self.node + 1 + self.node + self.credit
                    credits_at[back].append((where, o))
                else:
                    there = self.beside(where, o[0])
                    flits_at[sent + self.link].append((there, (o[0] ^ 1, o[1]), (packet, number)))
                if i[0] == 4:
                    paid_at[now + 1 + self.node].append((where, i[1]))
                else:
                    there = self.beside(where, i[0])
                    credits_at[now + 1 + self.link + self.credit].append((there, (i[0] ^ 1, i[1])))
            for where in range(len(routers)):
                if under_way[where] is None and waiting[where]:
                    for step in range(1, self.vcs + 1):
                        c = (last_vc[where] + step) % self.vcs
                        if node_credits[where][c]:
                            last_vc[where] = c
                            packet = waiting[where].popleft()
                            under_way[where] = (packet, 0, c)
                            injected[packet] = now
                            break
                current = under_way[where]
                if current is not None and node_credits[where][current[2]]:
                    packet, number, c = current
                    node_credits[where][c] -= 1
                    flits_at[now + 1 + self.node].append((where, (4, c), (packet, number)))
                    is_last = number == packets[packet][3] - 1
                    under_way[where] = None if is_last else (packet, number + 1, c)
            if all(cycle != -1 and cycle <= now for cycle in arrived):
                return injected, arrived, [router.sent for router in routers]
        raise AssertionError("packets are left")

    def beside(self, where: int, port: int) -> int:
        dx, dy = STEPS[port]
        return where + dx + dy * self.width

    def enter(self, vc: InputVc, flit: tuple[int, int], now: int) -> None:
        vc.queue.append(flit)
        assert len(vc.queue) <= self.depth
        if len(vc.queue) == 1 and flit[1] == 0:
            vc.allocates_from = now + self.routing

    def wanted_port(self, router: Router, packet: int) -> int:
        dst = self.packets[packet][2]
        x, y = dst % self.width, dst // self.width
        if x != router.x:
            return 0 if x > router.x else 1
        if y != router.y:
            return 2 if y > router.y else 3
        return 4

    def allocate(self, router: Router, now: int) -> None:
        v = self.vcs
        requests = set()
        for (p, c), vc in router.inputs.items():
            if vc.allocates_from is not None and vc.allocates_from <= now:
                port = self.wanted_port(router, vc.queue[0][0])
                requests |= {
                    (p * v + c, port * v + d) for d in range(v) if (port, d) not in router.held
                }
        for i, o in router.vc_allocator.match(requests):
            vc = router.inputs[divmod(i, v)]
            vc.output, vc.bids_from, vc.allocates_from = divmod(o, v), now + 1, None
            router.held.add(divmod(o, v))

    def switch(self, router: Router, now: int) -> list[tuple[Vc, Vc]]:
        """Input and output VCs of the flits that win, by what stands at the start of the cycle."""
        bids = defaultdict(set)
        for (p, c), vc in router.inputs.items():
            if not vc.queue or vc.output is None or vc.bids_from > now:
                continue
            if router.credits[vc.output]:
                bids[p, vc.output[0]].add(c)
        chosen = {
            pair: next_of(asking, router.vc_pointer[pair[0]], self.vcs)
            for pair, asking in bids.items()
        }
        wins = []
        for p, o in router.switch_allocator.match(set(chosen)):
            c = chosen[p, o]
            router.vc_pointer[p] = (c + 1) % self.vcs
            output = router.inputs[p, c].output
            assert output is not None
            wins.append(((p, c), output))
        # VC allocation of this cycle does not see what is freed in it: leave() comes after it.
        return wins

    def leave(
        self, router: Router, i: Vc, o: Vc, packet: int, number: int,
        now: int,
    ) -> None:  # fmt: skip
        vc = router.inputs[i]
        router.credits[o] -= 1
        router.sent[o[0]] += 1
        if number == self.packets[packet][3] - 1:
            router.held.remove(o)
            vc.output = None
            if vc.queue:
                vc.allocates_from = now + 1 + self.routing
