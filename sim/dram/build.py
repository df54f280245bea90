"""The arrays of a machine's DRAM: tables that are only read, and the state of all channels."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.clock import periods
from arch.dram.memory import Dram
from arch.machine import Channelled, Machine
from sim.dram.front_state import BURST, FRONT, LANE, NONE, TRANSFER
from sim.dram.places import LAYOUT, PARTS, SLICE, places
from sim.dram.state import (
    BANK,
    CHANNEL,
    ENTRY,
    FINISHED,
    KEYS,
    LATENCY_BINS,
    LISTS,
    LOG,
    PICK,
    State,
    new_state,
)
from sim.dram.tables import COMMAND, CONFIG, RULE, build

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]

DramTables = tuple[Records, Records, Records, Records, Records, Integers, Records]
"""Config, commands and rules of a channel; layout and slices of an address, with room to take it
apart; no log."""


@dataclass
class DramState:
    """All channels; the first index of each array but the last two is the channel."""

    channels: Records
    picks: Records
    entries: Records
    keys: Integers
    banks: Records
    ready: Integers
    history: Integers
    issued: Integers
    latencies: Integers
    pending: Integers
    finished: Records
    bursts: Records
    """[burst] of BURST, waiting or free"""
    transfers: Records
    """[transfer] of TRANSFER, under way or free"""


DRAM_NAMES = tuple(each.name for each in fields(DramState))


def dram_tables(machine: Machine) -> DramTables:
    """What the kernel reads; empty for a machine without DRAM. Raises InputError."""
    parts, log = np.zeros(len(PARTS), np.int64), np.zeros(0, LOG)
    memory = machine.memory
    if not isinstance(memory, Dram):
        empty = (np.zeros(1, dtype) for dtype in (CONFIG, COMMAND, RULE, LAYOUT, SLICE))
        config, commands, rules, layout, slices = empty
    else:
        tables = build(memory.device(), memory.controller)
        config, commands, rules = tables.config, tables.commands, tables.rules
        layout, slices = places(memory.device(), memory.address_map(), memory.bank_hash)
    return config, commands, rules, layout, slices, parts, log


def dram_state(machine: Machine, bursts: Records, transfers: Records) -> DramState:
    """The channels of a machine at rest."""
    memory = machine.memory
    if not isinstance(memory, Dram):
        return _nothing()
    one = new_state(build(memory.device(), memory.controller))
    return _stacked(one, memory.channels, bursts, transfers)


def front_state(machine: Machine) -> tuple[Records, Records, Records, Records]:
    """Front [1], lanes [channel], bursts and transfers of a machine at rest."""
    memory = machine.memory
    front = np.zeros(1, FRONT)
    if not isinstance(memory, Channelled):
        return front, np.zeros(0, LANE), np.zeros(0, BURST), np.zeros(0, TRANSFER)
    lanes = np.zeros(memory.channels, LANE)
    lanes["head"] = lanes["tail"] = NONE
    dma = machine.buffer.dma
    requesters = machine.cores * 2
    front["requesters"] = requesters
    front["latency"] = memory.latency_cycles
    front["in_order"] = isinstance(memory, Dram) and memory.order == "in_order"
    if memory.port_clock is not None:
        front["port_period"] = periods(machine.clocks_khz)[memory.port_clock]
    front["head"] = front["tail"] = NONE
    transfers = np.zeros(requesters * dma.outstanding, TRANSFER)
    burst_bytes = memory.device().burst_bytes
    bursts = np.zeros(len(transfers) * (1 + -(-dma.request_bytes // burst_bytes)), BURST)
    transfers["next"] = np.arange(1, len(transfers) + 1)
    transfers["next"][-1] = NONE
    # Bursts are many, and few are ever used.
    front["free_burst"] = NONE
    return front, lanes, bursts, transfers


def _stacked(one: State, channels: int, bursts: Records, transfers: Records) -> DramState:
    def stack(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.repeat(array[None], channels, axis=0)

    return DramState(
        channels=np.repeat(one.channel, channels),
        picks=stack(one.picks),
        entries=stack(one.entries),
        keys=stack(one.keys),
        banks=stack(one.banks),
        ready=stack(one.ready),
        history=stack(one.history),
        issued=stack(one.issued),
        latencies=stack(one.latencies),
        pending=stack(one.pending),
        finished=stack(one.finished),
        bursts=bursts,
        transfers=transfers,
    )


def _nothing() -> DramState:
    return DramState(
        channels=np.zeros(0, CHANNEL),
        picks=np.zeros((0, 2, 2), PICK),
        entries=np.zeros((0, LISTS, 1), ENTRY),
        keys=np.zeros((0, KEYS, LISTS, 1), np.int64),
        banks=np.zeros((0, 1), BANK),
        ready=np.zeros((0, 1), np.int64),
        history=np.zeros((0, 1, 1, 1), np.int64),
        issued=np.zeros((0, 1), np.int64),
        latencies=np.zeros((0, LATENCY_BINS), np.int64),
        pending=np.zeros((0, 1), np.int64),
        finished=np.zeros((0, 1), FINISHED),
        bursts=np.zeros(0, BURST),
        transfers=np.zeros(0, TRANSFER),
    )
