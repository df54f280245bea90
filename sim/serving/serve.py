"""Serving requests, iteration by iteration: first what is issued, then what it takes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from arch.errors import InputError
from sim.serving.device import Device
from sim.serving.outcome import Iteration, Served
from sim.serving.pipeline import micro_batches, period_seconds
from sim.serving.pool import Pool, Room
from sim.serving.record import Issued, Record
from sim.serving.requests import Request
from sim.serving.scheduler import Scheduler

COUNT_MAX = 10**7

Progress = Callable[[int], None]
"""Called with the iterations done."""


@dataclass(frozen=True)
class Options:
    """How a batch is kept and for how long."""

    batch: int
    """Sequences at a time, over all micro-batches."""
    iterations: int | None = 1
    """To simulate; None: until no request is left."""
    warm_up: int = 0
    """Iterations before, which are scheduled but not simulated: sequences are then as long as in
    the middle of a service."""
    refill: bool = True
    """Whether others take the place of finished requests at once, or all of a batch end first."""
    placement: Literal["min_load", "round_robin"] = "min_load"

    @property
    def text(self) -> str:
        """For records."""
        kept = "refilled" if self.refill else "drained"
        return f"batch {self.batch}, {kept}, after {self.warm_up:,} iterations, {self.placement}"


def schedule(requests: Iterator[Request], room: Room, options: Options, where: str = "") -> Record:
    """What is issued: in each iteration a token for every active sequence. ``where`` says what the
    requests are.

    Raises InputError for options out of range and for a request that no channel holds.
    """
    for name, value, least in (
        ("warm-up", options.warm_up, 0),
        ("iterations", options.iterations, 1),
    ):
        if value is not None and not least <= value <= COUNT_MAX:
            raise InputError(f"--{name} {value}: must be {least} to {COUNT_MAX:,}")
    pool = Pool(room, options.placement)
    scheduler = Scheduler(requests, pool, options.batch, refill=options.refill)
    for _ in range(options.warm_up):
        if not scheduler.begin():
            break
        scheduler.end()
    issued: list[Issued] = []
    while options.iterations is None or len(issued) < options.iterations:
        slots = scheduler.begin()
        if not slots:
            break
        issued.append(Issued(tuple(slots), scheduler.end()))
    if not issued:
        raise InputError(f"--warm-up {options.warm_up}: leaves no request to serve")
    return Record(
        iterations=tuple(issued),
        arrived=scheduler.arrived,
        finished=len(scheduler.finished),
        active=len(scheduler.active),
        waiting=len(scheduler.waiting),
        origin=f"{where}; {options.text}",
    )


def run(
    device: Device, record: Record, pipeline_parallel: int = 1, progress: Progress | None = None
) -> Served:
    """What the iterations of a record take.

    Raises InputError for a channel that is not there and SimulationError on a deadlock.
    """
    channels = device.room().channels
    done: list[Iteration] = []
    for issued in record.iterations:
        wrong = next((slot for slot in issued.slots if slot.channel >= channels), None)
        if wrong is not None:
            raise InputError(
                f"iteration {len(done)}: request {wrong.number}: channel must be 0 to "
                f"{channels - 1}, not {wrong.channel}"
            )
        done.append(_iteration(device, issued, pipeline_parallel, channels))
        if progress is not None:
            progress(len(done))
    return Served(
        tuple(done), record, device.peak_macs_per_second, device.bandwidth_bytes_per_second
    )


def _iteration(device: Device, issued: Issued, pipeline_parallel: int, channels: int) -> Iteration:
    parts = micro_batches(issued.slots, pipeline_parallel, channels)
    passes = tuple(device.run(part) for part in parts)
    seconds = period_seconds([each.seconds for each in passes], pipeline_parallel)
    events: Counter[str] = Counter()
    for done in passes:
        events.update(done.events)
    return Iteration(
        sequences=len(issued.slots),
        attended_tokens=sum(slot.length for slot in issued.slots),
        finished=issued.finished,
        seconds=seconds,
        passes=passes,
        energy=device.energy(events, seconds),
    )
