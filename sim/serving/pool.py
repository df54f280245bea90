"""Where the keys and values of sequences lie: channels of bounded room, and which one is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from arch.errors import InputError
from sim.serving.requests import Request


@dataclass(frozen=True)
class Room:
    """What a system offers to sequences."""

    channels: int
    units: int
    """Of room in each channel."""
    need: Callable[[int], int]
    """Units that a sequence of so many tokens takes."""
    load: Callable[[int], int]
    """Estimated work of a channel for a sequence of so many tokens, any unit."""
    unit: str
    """What a message calls the units."""


@dataclass
class Pool:
    """Room that is taken and given back. A sequence takes at once what it needs at its end, so
    that it never waits once it has begun."""

    room: Room
    placement: Literal["min_load", "round_robin"]
    free: list[int] = field(init=False)
    """Units by channel."""
    next_channel: int = 0
    """Of round robin."""

    def __post_init__(self) -> None:
        self.free = [self.room.units] * self.room.channels
        self._load = cache(self.room.load)

    def load(self, tokens: int) -> int:
        """Estimated work for a sequence."""
        return self._load(tokens)

    def check(self, request: Request) -> None:
        """Raises InputError for a request that not even an empty channel holds."""
        needed = self.room.need(request.final_tokens)
        if needed > self.room.units:
            raise InputError(
                f"request {request.number}: keys and values of its {request.final_tokens:,} tokens "
                f"need {needed:,} {self.room.unit}; a channel has {self.room.units:,} for them"
            )

    def admit(self, queue: Sequence[Request], loads: Sequence[int]) -> list[int]:
        """Channels of the first requests of a queue that there is room for, in the queue's order.

        ``loads`` are those of the channels. First come, first served: where one does not fit, none
        behind it is taken.
        """
        if self.placement == "round_robin":
            return self._in_turn(queue)
        most, _ = self._greedy(queue, range(len(queue)), loads)
        queue = queue[: len(most)]
        # The longest first makes loads more alike, but may fit less into the channels.
        order = sorted(range(len(queue)), key=lambda at: (-queue[at].input_tokens, at))
        channels, free = self._greedy(queue, order, loads)
        if len(channels) < len(queue):
            channels, free = self._greedy(queue, range(len(queue)), loads)
        self.free = free
        return [channels[at] for at in range(len(queue))]

    def _greedy(
        self, queue: Sequence[Request], order: Sequence[int], loads: Sequence[int]
    ) -> tuple[dict[int, int], list[int]]:
        """Channel by place in the queue, as far as ``order`` can be followed, and what is left."""
        free, load, found = list(self.free), list(loads), dict[int, int]()
        for at in order:
            needed = self.room.need(queue[at].final_tokens)
            fitting = [channel for channel in range(len(free)) if free[channel] >= needed]
            if not fitting:
                break
            channel = min(fitting, key=load.__getitem__)
            free[channel] -= needed
            load[channel] += self.load(queue[at].input_tokens + 1)
            found[at] = channel
        return found, free

    def _in_turn(self, queue: Sequence[Request]) -> list[int]:
        found: list[int] = []
        for request in queue:
            needed = self.room.need(request.final_tokens)
            turns = range(self.next_channel, self.next_channel + self.room.channels)
            fitting = (turn % self.room.channels for turn in turns)
            channel = next((each for each in fitting if self.free[each] >= needed), None)
            if channel is None:
                break
            self.free[channel] -= needed
            self.next_channel = (channel + 1) % self.room.channels
            found.append(channel)
        return found

    def release(self, request: Request, channel: int) -> None:
        """Give back what a finished request took."""
        self.free[channel] += self.room.need(request.final_tokens)
