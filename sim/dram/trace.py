"""A memory under a trace of requests."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.dram.memory import MemorySystem
from arch.errors import InputError
from sim.dram.address import Decoder
from sim.dram.replay import LOG_FULL, Replay
from sim.dram.replays import new_replay
from sim.dram.state import LATENCY_BINS, LOG, REQUEST

LOG_CHUNK_COMMANDS = 1 << 16
NO_LOG = np.zeros(0, LOG)

Progress = Callable[[int], None]
"""Told requests done."""
LogSink = Callable[[int, npt.NDArray[np.void]], None]
"""Given a channel and commands of it, in order."""


@dataclass
class MemoryRun:
    """What a trace has shown."""

    memory: MemorySystem
    replays: list[Replay]
    requests: int = 0
    reads: int = 0
    writes: int = 0

    def total(self, name: str) -> int:
        """A counter of all channels."""
        return int(sum(np.sum(replay.state.channel[0][name]) for replay in self.replays))

    @property
    def cycles(self) -> int:
        """From the start to the last command or data."""
        return max(
            max(int(replay.state.channel[0][name]) for name in ("last_command", "last_done"))
            for replay in self.replays
        )

    @property
    def latencies(self) -> npt.NDArray[np.int64]:
        """[bin] reads, arrival to data; bins as of ``latency_floor``."""
        counts: npt.NDArray[np.int64] = sum(
            (replay.state.latencies for replay in self.replays), np.zeros(LATENCY_BINS, np.int64)
        )
        return counts

    @property
    def commands(self) -> dict[str, int]:
        """How often each command was given."""
        names = self.replays[0].tables.names
        issued = np.sum([replay.state.issued for replay in self.replays], axis=0)
        return {name: int(count) for name, count in zip(names, issued, strict=True) if count}

    def latency_percentile(self, share: float) -> int:
        """Least latency, in cycles, that at most ``share`` of the reads exceed: the lowest of its
        bin, which is at most 1/16 below."""
        counts = np.cumsum(self.latencies)
        if counts[-1] == 0:
            return 0
        wanted = share * counts[-1]
        return latency_floor(int(np.searchsorted(counts, wanted)))


def latency_floor(number: int) -> int:
    """Lowest latency of a bin: bins of one cycle up to 31, then 16 for each power of two."""
    if number < 32:
        return number
    power = number // 16 - 1
    return (16 + number % 16) << power


def run_trace(
    memory: MemorySystem,
    chunks: Iterable[npt.NDArray[Any]],
    *,
    progress: Progress | None = None,
    log: LogSink | None = None,
) -> MemoryRun:
    """Serve a trace: chunks of requests with ``cycle``, ``address`` and ``write``.

    Each channel takes its requests in their order, one a cycle, when it has room. Raises InputError
    for addresses beyond the memory and cycles that decrease.
    """
    device = memory.device()
    decoder = Decoder(device, memory.address_map(), memory.bank_hash)
    done = MemoryRun(
        memory, [new_replay(device, memory.controller) for _ in range(memory.channels)]
    )
    latest = 0
    held: list[npt.NDArray[np.void]] | None = None
    for chunk in chunks:
        if len(chunk) == 0:
            continue
        if held is not None:
            _serve(done, held, more=True, log=log)
        latest = _check_cycles(chunk["cycle"], latest, done.requests)
        held = _by_channel(decoder, chunk, memory.channels)
        done.requests += len(chunk)
        done.writes += int(np.count_nonzero(chunk["write"]))
        if progress is not None:
            progress(done.requests)
    if held is None:
        raise InputError("the trace has no requests")
    _serve(done, held, more=False, log=log)
    done.reads = done.requests - done.writes
    return done


def _check_cycles(cycles: npt.NDArray[np.int64], latest: int, before: int) -> int:
    if cycles[0] < latest or (len(cycles) > 1 and (np.diff(cycles) < 0).any()):
        wrong = 0 if cycles[0] < latest else int(np.argmax(np.diff(cycles) < 0)) + 1
        raise InputError(f"request {before + wrong + 1}: its cycle is less than that before it")
    return int(cycles[-1])


def _by_channel(
    decoder: Decoder, chunk: npt.NDArray[Any], channels: int
) -> list[npt.NDArray[np.void]]:
    """Requests of each channel."""
    requests = np.zeros(len(chunk), REQUEST)
    fields = decoder.decode(chunk["address"])
    for name in ("bank", "row", "column"):
        requests[name] = fields[name]
    # Two addresses of a burst are one.
    requests["address"] = chunk["address"] // np.uint64(decoder.mapping.burst_bytes)
    requests["cycle"] = chunk["cycle"]
    requests["write"] = chunk["write"] != 0
    if channels == 1:
        return [requests]
    return [requests[fields["channel"] == channel] for channel in range(channels)]


def _serve(
    run: MemoryRun, requests: list[npt.NDArray[np.void]], *, more: bool, log: LogSink | None
) -> None:
    room = np.zeros(LOG_CHUNK_COMMANDS, LOG) if log is not None else NO_LOG
    for channel, (replay, own) in enumerate(zip(run.replays, requests, strict=True)):
        while True:
            status = replay.run(own, more=more, log=room)
            if log is not None:
                log(channel, room[: int(replay.state.channel["logged"][0])])
            if status != LOG_FULL:
                break


def iterate(requests: npt.NDArray[Any], chunk: int) -> Iterator[npt.NDArray[Any]]:
    """Chunks of an array of requests."""
    for begin in range(0, len(requests), chunk):
        yield requests[begin : begin + chunk]
