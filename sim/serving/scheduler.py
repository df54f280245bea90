"""Which sequences get a token in an iteration, and which wait."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from arch.errors import InputError
from sim.serving.pool import Pool
from sim.serving.requests import Request

BATCH_MAX = 2**20


@dataclass
class Active:
    """A request that has begun."""

    request: Request
    channel: int
    generated: int = 0

    @property
    def length(self) -> int:
        """Tokens that it attends to in this iteration, the new one included."""
        return self.request.input_tokens + self.generated + 1


@dataclass(frozen=True)
class Slot:
    """A sequence in an iteration, as the record keeps it."""

    number: int
    channel: int
    length: int


class Scheduler:
    """Continuous or drained batches, first come first served.

    A prompt's own keys and values are there when its request begins; who made them is not asked.
    """

    def __init__(
        self, requests: Iterator[Request], pool: Pool, batch: int, *, refill: bool = True
    ) -> None:
        if not 1 <= batch <= BATCH_MAX:
            raise InputError(f"--batch {batch}: must be 1 to {BATCH_MAX:,}")
        self._requests = requests
        self.pool = pool
        self.batch = batch
        self.refill = refill
        """Whether others take the place of finished requests, or all of a batch end first."""
        self.active: list[Active] = []
        self.waiting: deque[Request] = deque()
        """Drawn from the requests and not yet begun; at most a batch."""
        self.arrived = 0
        self.finished: list[int] = []
        """Numbers of the requests that are done."""

    def begin(self) -> list[Slot]:
        """Admit who fits and return the sequences of the next iteration; none at the end.

        Raises InputError for a request that will never fit.
        """
        if self.refill or not self.active:
            self._admit()
        return [Slot(each.request.number, each.channel, each.length) for each in self.active]

    def end(self) -> int:
        """Every sequence has its token; returns how many requests that finished."""
        staying: list[Active] = []
        for each in self.active:
            each.generated += 1
            if each.generated < each.request.output_tokens:
                staying.append(each)
            else:
                self.pool.release(each.request, each.channel)
                self.finished.append(each.request.number)
        done = len(self.active) - len(staying)
        self.active = staying
        return done

    def _admit(self) -> None:
        open_places = self.batch - len(self.active)
        while len(self.waiting) < open_places:
            request = next(self._requests, None)
            if request is None:
                break
            self.pool.check(request)
            self.waiting.append(request)
            self.arrived += 1
        if not self.waiting or not open_places:
            return
        loads = [0] * self.pool.room.channels
        for each in self.active:
            loads[each.channel] += self.pool.load(each.length)
        queue = [self.waiting[at] for at in range(min(open_places, len(self.waiting)))]
        for channel in self.pool.admit(queue, loads):
            self.active.append(Active(self.waiting.popleft(), channel))


def two_halves(slots: list[Slot], split: str, pool: Pool) -> tuple[list[Slot], list[Slot]]:
    """Two sub-batches of a batch, each channel's sequences shared between them.

    ``halves``: by number, an odd one to the first and the second in turn, as NeuPIMs' scheduler
    does. ``balanced``: the sums of loads of each channel as equal as can be.
    """
    first: list[Slot] = []
    second: list[Slot] = []
    odd_to_first = True
    behind = 0
    for channel in range(pool.room.channels):
        own = [slot for slot in slots if slot.channel == channel]
        if split == "halves":
            size = len(own) // 2
            if len(own) % 2:
                size += odd_to_first
                odd_to_first = not odd_to_first
            first += own[:size]
            second += own[size:]
            continue
        light, heavy = _balanced(own, [pool.load(slot.length) for slot in own])
        # The heavier part goes to who has had less so far.
        gap = sum(pool.load(s.length) for s in heavy) - sum(pool.load(s.length) for s in light)
        if behind > 0:
            first, second = first + light, second + heavy
            behind -= gap
        else:
            first, second = first + heavy, second + light
            behind += gap
    return first, second


def _balanced(slots: list[Slot], loads: list[int]) -> tuple[list[Slot], list[Slot]]:
    """The lighter and the heavier of two parts whose sums differ least."""
    reached: dict[int, tuple[int, ...]] = {0: ()}
    half = sum(loads) // 2
    for at, load in enumerate(loads):
        for total, members in list(reached.items()):
            if total + load <= half:
                reached.setdefault(total + load, (*members, at))
    chosen = set(reached[max(reached)])
    light = [slot for at, slot in enumerate(slots) if at in chosen]
    heavy = [slot for at, slot in enumerate(slots) if at not in chosen]
    return light, heavy
