"""The arrays of a machine's joint channels: tables that are only read, and the state of all."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.machine import Machine
from arch.pim.joint import JointMemory
from sim.dram.bank_queues_state import ARBITER, QUEUE, SHARED, TRANSACTION
from sim.dram.front_state import BURST, TRANSFER
from sim.dram.places import PARTS, places
from sim.dram.state import BANK, CHANNEL, FINISHED, LOG
from sim.pim.joint.release import DISPATCH, NONE, PIM_COMMAND, PIM_QUEUE
from sim.pim.joint.state import ITEM, JOINT_STATE, new_joint
from sim.pim.joint.tables import build

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]

JointMachineTables = tuple[
    Records, Records, Records, Records, Records, Integers, Records, Records
]  # fmt: skip
"""Config, commands and rules of a channel; layout and slices of an address, with room to take it
apart; limits of its queues, and JOINT."""


@dataclass
class MachineChannels:
    """All channels; the first index of each array is the channel, where nothing else is said."""

    channels: Records
    arbiters: Records
    states: Records
    pim_queues: Records
    dispatch: Records
    """[1] of DISPATCH"""
    pim_commands: Records
    """[command of the trace] of PIM_COMMAND"""
    entries: Records
    lists: Integers
    queue: Records
    soon: Integers
    queues: Records
    shared: Records
    marks: npt.NDArray[np.uint16]
    banks: Records
    pim_rows: Integers
    ready: Integers
    history: Integers
    issued: Integers
    latencies: Integers
    finished: Records
    items: Records
    """[channel, place] of ITEM: rings that hold the trace's"""
    came: Integers
    log: Records
    """[channel, command] of LOG: the first commands of each, as far as there is room"""
    bursts: Records
    """[burst] of BURST, waiting or free"""
    transfers: Records
    """[transfer] of TRANSFER, under way or free"""


JOINT_NAMES = tuple(each.name for each in fields(MachineChannels))


def joint_tables(machine: Machine) -> JointMachineTables | None:
    """What the kernel reads; None for a machine without. Raises InputError."""
    memory = machine.memory
    if not isinstance(memory, JointMemory):
        return None
    tables = build(memory)
    own = tables.memory
    layout, slices = places(memory.device(), memory.address_map(), memory.bank_hash)
    limits = new_joint(memory, tables).queues.limits
    parts = np.zeros(len(PARTS), np.int64)
    return own.config, own.commands, own.rules, layout, slices, parts, limits, tables.joint


def joint_channels(
    machine: Machine, bursts: Records, transfers: Records, log_entries: int = 0
) -> MachineChannels:
    """The channels of a machine at rest, with room for so many commands in the log of each."""
    memory = machine.memory
    if not isinstance(memory, JointMemory):
        return _nothing()
    one, channels = new_joint(memory, build(memory)), memory.channels

    def stack(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not array.view(np.uint8).any():
            # Such memory costs nothing until it is used.
            return np.zeros((channels, *array.shape), array.dtype)
        return np.repeat(array[None], channels, axis=0)

    pim_queues = np.zeros(channels, PIM_QUEUE)
    pim_queues["waits_for"] = pim_queues["ending"] = NONE
    dispatch = np.zeros(1, DISPATCH)
    dispatch["width"] = memory.controller.dispatch_width or 0
    return MachineChannels(
        channels=np.repeat(one.memory.channel, channels),
        arbiters=np.repeat(one.queues.arbiter, channels),
        states=np.repeat(one.joint, channels),
        pim_queues=pim_queues,
        dispatch=dispatch,
        pim_commands=np.zeros(0, PIM_COMMAND),
        entries=stack(one.queues.entries),
        lists=stack(one.queues.lists),
        queue=stack(one.queues.queue),
        soon=stack(one.queues.soon),
        queues=stack(one.queues.queues),
        shared=stack(one.queues.shared),
        marks=stack(one.queues.marks),
        banks=stack(one.memory.banks),
        pim_rows=stack(one.pim_rows),
        ready=stack(one.memory.ready),
        history=stack(one.memory.history),
        issued=stack(one.memory.issued),
        latencies=stack(one.memory.latencies),
        finished=stack(one.memory.finished),
        items=np.zeros((channels, 1), ITEM),
        came=stack(one.came),
        log=np.zeros((channels, log_entries), LOG),
        bursts=bursts,
        transfers=transfers,
    )


def _nothing() -> MachineChannels:
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "channels": ((0,), CHANNEL),
        "arbiters": ((0,), ARBITER),
        "states": ((0,), JOINT_STATE),
        "pim_queues": ((0,), PIM_QUEUE),
        "dispatch": ((0,), DISPATCH),
        "pim_commands": ((0,), PIM_COMMAND),
        "entries": ((0, 1), TRANSACTION),
        "queue": ((0, 1), QUEUE),
        "shared": ((0, 1), SHARED),
        "banks": ((0, 1), BANK),
        "finished": ((0, 1), FINISHED),
        "items": ((0, 1), ITEM),
        "log": ((0, 1), LOG),
        "bursts": ((0,), BURST),
        "transfers": ((0,), TRANSFER),
    }
    return MachineChannels(
        **{name: np.zeros(*shapes.get(name, ((0, 1), np.int64))) for name in JOINT_NAMES}
    )
