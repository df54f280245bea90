"""Several operators' commands as one trace, with what each operator waits for.

Queues keep their order. An operator is done when the commands that nothing else of it waits for
are; the first command of each of its queues waits for those of its predecessors.
"""

from collections.abc import Sequence as Ordered
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.commands import COMMAND, PIM_ITEM, TENSOR, CommandTrace

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """One operator's commands in a trace of several."""

    trace: CommandTrace
    after: tuple[int, ...] = ()
    """Indices of the parts that it waits for."""
    addresses: tuple[int, ...] = ()
    """First byte of each of its tensors; none: as they are."""


def join(parts: Ordered[Part]) -> CommandTrace:
    """One trace, whose operators are the parts, in order."""
    commands, dependencies, items, tensors = [], [], [], []
    names: list[str] = []
    ends: list[Integers] = []
    first = table = 0
    for index, part in enumerate(parts):
        trace = part.trace
        waited = [ends[other] for other in part.after]
        own, extra = _ordered(trace, np.concatenate(waited) if waited else None, first)
        own["operator"] = index
        own["tensor"] += np.where(own["tensor"] >= 0, len(names), 0)
        own["deps_begin"] += table
        own["deps_end"] += table
        commands.append(own)
        dependencies.append(extra)
        placed = trace.tensors.copy()
        if part.addresses:
            placed["address"] = part.addresses
        tensors.append(placed)
        names += trace.tensor_names
        moved = trace.items.copy()
        moved["command"] += first
        items.append(moved)
        ends.append(_sinks(trace) + first)
        first += len(own)
        table += len(extra)
    return CommandTrace(
        np.concatenate([np.zeros(0, COMMAND), *commands]),
        np.concatenate([np.zeros(0, np.int64), *dependencies]),
        np.concatenate([np.zeros(0, TENSOR), *tensors]),
        tuple(names),
        tuple(part.trace.operator_names[0] for part in parts),
        np.concatenate([np.zeros(0, PIM_ITEM), *items]),
    )


def _ordered(
    trace: CommandTrace, waited: Integers | None, first: int
) -> tuple[npt.NDArray[np.void], Integers]:
    """Commands, and their dependencies in the trace of all, ``waited`` for by the first command of
    each queue."""
    own, table = trace.commands.copy(), [trace.dependencies + first]
    if waited is None or not len(own):
        return own, table[0]
    at = len(table[0])
    for command in np.unique(own["queue"], return_index=True)[1]:
        begin, end = own["deps_begin"][command], own["deps_end"][command]
        more = np.concatenate([waited, table[0][begin:end]])
        table.append(more)
        own["deps_begin"][command] = at
        at += len(more)
        own["deps_end"][command] = at
    return own, np.concatenate(table)


def _sinks(trace: CommandTrace) -> Integers:
    """Commands that no other waits for."""
    waited = np.zeros(len(trace.commands), bool)
    waited[trace.dependencies] = True
    return np.flatnonzero(~waited)
