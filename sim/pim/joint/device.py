"""All channels of a PIM under one trace."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.pim.joint import JointPim
from sim.dram.state import REQUEST
from sim.pim.joint.run import NO_REQUESTS, Channel, new_channel
from sim.pim.joint.state import ITEM
from sim.pim.joint.tables import build
from traces.pim.joint import COMP, LINE, READ, SYNC, WRITE, Lines

Records = npt.NDArray[np.void]
FIRST_CYCLE = 1
"""In which the first instruction arrives."""
Progress = Callable[[int], None]
"""Told channels done."""
LogSink = Callable[[int, Records], None]
"""Given the commands (LOG) of a channel, by cycle; channel after channel."""


@dataclass
class JointRun:
    """What a trace has shown."""

    pim: JointPim
    names: tuple[str, ...]
    channels: dict[int, Channel] = field(default_factory=dict)
    """That take part; those alike share one."""
    instructions: int = 0
    requests: int = 0
    cycles: int = 0
    """Until the last instruction and request was done."""
    parts: list[int] = field(default_factory=list)
    """Cycle at which all before each SYNC, and at last all, was done."""

    def total(self, name: str) -> int:
        """A counter of JOINT_STATE, of all channels."""
        return sum(int(each.state.joint[name][0]) for each in self.channels.values())

    def memory_total(self, name: str) -> int:
        """A counter of ``sim.dram.state.CHANNEL``, of all channels."""
        return sum(int(each.state.memory.channel[name].sum()) for each in self.channels.values())

    @property
    def commands(self) -> dict[str, int]:
        """How often each command was given, in all channels."""
        issued: Any = sum(each.state.memory.issued[: len(self.names)] for each in
                          self.channels.values())  # fmt: skip
        if not self.channels:
            return {}
        return {n: int(count) for n, count in zip(self.names, issued, strict=True) if count}


def run_trace(
    pim: JointPim,
    chunks: Iterable[Lines],
    *,
    every: bool = False,
    progress: Progress | None = None,
    log: LogSink | None = None,
) -> JointRun:
    """Run a trace: chunks of ``traces.pim.joint.LINE``.

    Between two SYNCs channels know nothing of each other, so each goes through at once; channels
    that are given the same at the same time are simulated once. Raises InputError for what the
    trace or the PIM has wrong, SimulationError where none may go on.
    """
    given = list(chunks)
    lines = np.concatenate(given) if given else np.zeros(0, LINE)
    names = build(pim).names
    run = JointRun(pim, names)
    work = lines["op"] != SYNC
    used = sorted({int(channel) for channel in lines["channel"][work]})
    parts = _parts(lines)
    alike = _alike(pim, parts, used)
    logs: dict[int, list[Records]] = {}
    for channel, first in alike.items():
        if first == channel:
            run.channels[channel] = new_channel(pim, every=every)
            logs[channel] = []
        else:
            run.channels[channel] = run.channels[first]
    base = FIRST_CYCLE
    for part, gap in parts:
        run.instructions += int(_weights(part[~np.isin(part["op"], (READ, WRITE))]).sum())
        run.requests += int(np.isin(part["op"], (READ, WRITE)).sum())
        offsets = _offsets(pim, part)
        done = base
        for number, channel in enumerate(sorted(logs)):
            own = part["channel"] == channel
            items = _items(pim, part[own], offsets[own], base)
            requests = _requests(pim, part[own], base)
            one = run.channels[channel]
            sink = logs[channel].append if log is not None else None
            if len(items) or len(requests):
                one.run(items, requests, log=sink)
                last = int(one.state.memory.channel["last_done"][0])
                done = max(done, one.done_at, last)
            if progress is not None:
                progress(number + 1)
        run.parts.append(done)
        run.cycles = done
        base = done + gap
    for channel, one in run.channels.items():
        if alike[channel] == channel:
            sink = logs[channel].append if log is not None else None
            one.run(np.zeros(0, ITEM), NO_REQUESTS, until=run.cycles, log=sink)
    if log is not None:
        for channel, first in alike.items():
            log(channel, np.concatenate(logs[first]))
    return run


def _parts(lines: Lines) -> list[tuple[Lines, int]]:
    """What lies between SYNCs, each with the cycles that follow it."""
    found, first = [], 0
    for at in np.flatnonzero(lines["op"] == SYNC):
        found.append((lines[first:at], int(lines["cycle"][at])))
        first = int(at) + 1
    if first < len(lines) or not found:
        found.append((lines[first:], 0))
    return found


def _weights(lines: Lines) -> npt.NDArray[np.int64]:
    """Instructions of each line."""
    weights: npt.NDArray[np.int64] = np.where(lines["op"] == COMP, lines["count"], 1)
    weights[np.isin(lines["op"], (READ, WRITE))] = 0
    return weights


def _offsets(pim: JointPim, lines: Lines) -> npt.NDArray[np.int64]:
    """Instructions of all channels before each line, or 0 where each channel is sent its own."""
    if pim.controller.dispatch_width is None:
        return np.zeros(len(lines), np.int64)
    weights = _weights(lines)
    before: npt.NDArray[np.int64] = np.cumsum(weights) - weights
    return before


def _items(pim: JointPim, lines: Lines, before: npt.NDArray[np.int64], base: int) -> Records:
    """PIM instructions of a channel, as the kernel takes them; ``before`` as of ``_offsets``."""
    kept = ~np.isin(lines["op"], (READ, WRITE))
    lines, before = lines[kept], before[kept]
    width = pim.controller.dispatch_width
    stride = 0
    if width is not None and width > 1:
        # One item an instruction, as several go in a cycle.
        weights = _weights(lines)
        place = np.arange(weights.sum()) - np.repeat(np.cumsum(weights) - weights, weights)
        lines, before = np.repeat(lines, weights), np.repeat(before, weights) + place
        lines["count"][lines["op"] == COMP] = 1
    elif width == 1:
        stride = 1
    items = np.zeros(len(lines), ITEM)
    for name in ("op", "bank", "row", "count", "results", "last"):
        items[name] = lines[name]
    items["arrival"] = base + before // (width or 1)
    items["stride"] = stride
    items["tag"] = -1
    return items


def _requests(pim: JointPim, lines: Lines, base: int) -> Records:
    """Reads and writes of a channel, by cycle."""
    chosen = lines[np.isin(lines["op"], (READ, WRITE))]
    requests = np.zeros(len(chosen), REQUEST)
    device = pim.device()
    requests["cycle"] = base - 1 + chosen["cycle"]
    for name in ("bank", "row", "column"):
        requests[name] = chosen[name]
    place = chosen["row"] * device.banks + chosen["bank"]
    requests["address"] = place * device.columns + chosen["column"]
    requests["write"] = chosen["op"] == WRITE
    return requests[np.argsort(requests["cycle"], kind="stable")]


def _alike(pim: JointPim, parts: list[tuple[Lines, int]], used: list[int]) -> dict[int, int]:
    """Of each channel the first that is given the same at the same time."""
    found: dict[bytes, int] = {}
    alike = {}
    columns = ["op", "bank", "row", "column", "count", "results", "last", "cycle"]
    offsets = [_offsets(pim, part) for part, _ in parts]
    for channel in used:
        key = b"|".join(
            part[own][columns].tobytes() + at[own].tobytes()
            for (part, _), at in zip(parts, offsets, strict=True)
            for own in [part["channel"] == channel]
        )
        alike[channel] = found.setdefault(key, channel)
    return alike
