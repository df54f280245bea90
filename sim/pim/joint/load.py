"""PIM commands of a trace into the rings of a machine's channels."""

import numpy as np
import numpy.typing as npt

from arch.commands import (
    OP_LINK,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    OPCODES,
    PIM_OPS,
    CommandTrace,
    link_queue,
    pim_queue,
    queue_name,
    side_queue,
    side_store_queue,
)
from arch.errors import InputError
from arch.machine import Machine
from arch.pim.joint import JointMemory
from sim.pim.joint.build import MachineChannels
from sim.pim.joint.release import PIM_COMMAND
from sim.pim.joint.state import COMP, COMPS, GWRITE, HEADER, ITEM, READRES

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]


def check_queues(machine: Machine, trace: CommandTrace) -> None:
    """Raise InputError for a command of PIM, link or a side queue that a machine cannot run."""
    commands, cores, channels = trace.commands, machine.cores, machine.pim_channels
    queues, opcodes = commands["queue"], commands["opcode"]
    first, side, last = (
        pim_queue(cores, 0),
        side_queue(cores, channels, 0),
        link_queue(cores, channels),
    )
    right = {
        OP_PIM: (queues >= first) & (queues < side),
        OP_LINK: (queues == last) & (machine.link is not None),
        OP_VECTOR: (queues < first) | ((queues >= side) & (queues < last)),
        OP_STORE: (queues < first)
        | ((queues > last) & (queues < side_store_queue(cores, channels, cores))),
    }
    wanted = {
        OP_PIM: f"one of the {channels} PIM channels"
        if channels
        else "a PIM channel, of which there is none",
        OP_LINK: "the link" if machine.link is not None else "a link, of which there is none",
        OP_VECTOR: "a vector unit",
        OP_STORE: "a store engine",
    }
    for command in np.flatnonzero((opcodes > OP_VECTOR) | (queues >= first)):
        row = commands[command]
        opcode = int(row["opcode"])
        if opcode not in right or not right[opcode][command]:
            raise InputError(
                f"{machine.name}: command {command}: {OPCODES[opcode]} is in the queue "
                f"{queue_name(int(row['queue']), cores, channels)} ({int(row['queue'])}); must be "
                f"in that of {wanted.get(opcode, 'its core')}"
            )
        if opcode == OP_LINK and row["bytes"] < 1:
            raise InputError(f"{machine.name}: command {command}: LINK of no bytes; must be 1 up")


def load_items(machine: Machine, own: MachineChannels, trace: CommandTrace) -> None:
    """Put a trace's items into the rings, none of which has any left. Raises InputError."""
    memory = machine.memory
    if not isinstance(memory, JointMemory):
        return
    items = _checked(machine, memory, trace)
    width = memory.controller.dispatch_width
    if width is not None and width > 1:
        # One item an instruction, as several go in a cycle.
        items = np.repeat(items, np.where(items["op"] == COMP, items["count"], 1))
        items["count"][items["op"] == COMP] = 1
    own.pim_commands = np.zeros(len(trace.commands), PIM_COMMAND)
    own.pim_commands["items"] = np.bincount(items["command"], minlength=len(trace.commands))
    channel_of = trace.commands["queue"][items["command"]] - pim_queue(machine.cores, 0)
    counts = np.bincount(channel_of, minlength=memory.channels)
    size = 1 << max(0, int(counts.max(initial=1) - 1).bit_length())
    if size > own.items.shape[1]:
        own.items = np.zeros((memory.channels, size), ITEM)
    records = np.zeros(len(items), ITEM)
    for name in ("op", "bank", "row", "count", "results", "last"):
        records[name] = items[name]
    records["stride"] = width == 1
    records["tag"] = -1
    ends = np.flatnonzero(np.diff(items["command"], append=-1))
    records["tag"][ends] = items["command"][ends]
    order = np.argsort(channel_of, kind="stable")
    first = 0
    for channel, count in enumerate(counts.tolist()):
        places = (int(own.states["tail"][channel]) + np.arange(count)) & (own.items.shape[1] - 1)
        own.items[channel, places] = records[order[first : first + count]]
        first += count


def load_queues(own: MachineChannels, begins: Integers, ends: Integers) -> None:
    """Let the channels begin with the commands of a trace; ``begins`` and ``ends`` [channel] are
    positions in the queue."""
    own.pim_queues["head"], own.pim_queues["queue_end"] = begins, ends
    own.pim_queues["waits_for"] = -1


def _checked(machine: Machine, memory: JointMemory, trace: CommandTrace) -> Records:
    """The items of a trace. Raises InputError for what the channels cannot do."""
    items, commands, device = trace.items, trace.commands, memory.device()
    of_pim = np.flatnonzero(commands["opcode"] == OP_PIM)
    numbers = items["command"]
    ops = np.clip(items["op"], 0, len(PIM_OPS) - 1)
    counted = np.isin(items["op"], (COMP, COMPS, HEADER))
    faults = {
        "of a command of PIM, by command": ~np.isin(numbers, of_pim)
        | (np.diff(numbers, prepend=0) < 0),
        f"one of {', '.join(PIM_OPS)}": ops != items["op"],
        f"for a bank from 0 to {device.banks - 1}": (items["op"] == GWRITE)
        & ((items["bank"] < 0) | (items["bank"] >= device.banks)),
        f"for a row from 0 to {device.rows - 1}": (items["row"] < 0)
        | (items["row"] >= device.rows),
        "of one column or more": counted & (items["count"] < 1),
    }
    for wanted, wrong in faults.items():
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            one = {name: int(items[name][at]) for name in items.dtype.names or ()}
            raise InputError(f"{machine.name}: PIM item {at}: {one}; must be {wanted}")
    empty = np.setdiff1d(of_pim, numbers)
    if len(empty):
        queue = queue_name(int(commands["queue"][empty[0]]), machine.cores, memory.channels)
        raise InputError(
            f"{machine.name}: command {empty[0]} ({queue}) has no items; a PIM command must have "
            f"one or more, of {', '.join(PIM_OPS)}"
        )
    _check_results(machine, items, commands["queue"][numbers])
    return items


def _check_results(machine: Machine, items: Records, queues: Integers) -> None:
    """Raise InputError for a header that promises other results than its tile gives; ``queues``
    [item]."""
    order = np.argsort(queues, kind="stable")
    ops = items["op"][order]
    headers, results = ops == HEADER, np.isin(ops, (COMPS, READRES))
    part = np.cumsum(headers | (np.diff(queues[order], prepend=-1) > 0))
    given = np.bincount(part[results], minlength=len(items) + 1)[part[headers]]
    wrong = np.flatnonzero(given != items["results"][order][headers])
    if len(wrong):
        at = order[headers][wrong[0]]
        raise InputError(
            f"{machine.name}: PIM item {at}: HEADER of row {items['row'][at]} has results "
            f"{items['results'][at]}; must be {given[wrong[0]]}, as its tile has so many COMPS or "
            f"READRES"
        )
