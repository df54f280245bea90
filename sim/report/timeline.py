"""The command log as a Perfetto trace, to open in https://ui.perfetto.dev."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.commands import (
    FLAG_ACCUMULATE,
    FLAG_FINAL,
    OP_LINK,
    OP_LOAD,
    OP_MATMUL,
    OP_PIM,
    OP_STORE,
    OP_VECTOR,
    OPCODES,
    QUEUES,
)
from arch.vector import VECTOR_OPS
from sim.report.log import CommandLog
from sim.report.needs import require
from sim.report.writing import open_whole

Integers = npt.NDArray[np.int64]

SEQUENCE = 1
"""The trace has one writer."""
MEMORY, FIRST_CORE, FIRST_LANE = 1, 10, 10_000
"""Identities of tracks; the counters follow ``MEMORY``."""
COUNTERS = ((OP_LOAD, "bytes being read"), (OP_STORE, "bytes being written"))
BEGIN, END, COUNT = range(3)

EVENT = np.dtype(
    [
        ("tick", np.int64),
        ("kind", np.int64),  # BEGIN, END, COUNT
        ("track", np.int64),
        ("value", np.int64),  # BEGIN: index of the command; COUNT: bytes
    ]
)


def write_timeline(log: CommandLog, path: str | Path) -> None:
    """Write a log as a Perfetto trace; equal logs give equal bytes.

    A track for each queue of a core, as ``core0.load``, holds a slice for each command that ran,
    named by opcode and operator; it has as many lanes as commands overlap. A command that had not
    ended when the run did is an open slice. Two counters below ``memory`` tell how many bytes the
    loads and stores under way move in all. Perfetto counts in ns, rounded down; exact ticks are
    in the arguments of each slice.

    Raises InputError where the file cannot be written.
    """
    require("perfetto", "--timeline")
    with open_whole(Path(path)) as file:
        _write(log, file)


def lanes(log: CommandLog) -> tuple[Integers, list[int]]:
    """Lane of each command, -1 for one that did not run, and the queue of each lane.

    Commands of a lane do not overlap; those of a queue share as few lanes as they can.
    """
    lane_of = np.full(len(log.commands), -1, np.int64)
    queue_of_lane: list[int] = []
    ran = log.start_ticks >= 0
    for queue in np.unique(log.commands["queue"][ran]).tolist():
        mine = np.flatnonzero(ran & (log.commands["queue"] == queue))
        free_from: dict[int, float] = {}
        for at in mine[np.argsort(log.start_ticks[mine], kind="stable")].tolist():
            start, end = int(log.start_ticks[at]), int(log.end_ticks[at])
            lane = next((lane for lane, free in free_from.items() if free <= start), None)
            if lane is None:
                lane = len(queue_of_lane)
                queue_of_lane.append(queue)
            free_from[lane] = end if end >= 0 else float("inf")
            lane_of[at] = lane
    return lane_of, queue_of_lane


def _write(log: CommandLog, file: IO[bytes]) -> None:
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb
    from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

    builder = StreamingTraceProtoBuilder(file)
    lane_of, queue_of_lane = lanes(log)
    for fields in _tracks(log, queue_of_lane):
        packet = builder.create_packet()
        packet.track_descriptor.CopyFrom(pb.TrackDescriptor(**fields))
        builder.write_packet(packet)
    types = (
        pb.TrackEvent.TYPE_SLICE_BEGIN,
        pb.TrackEvent.TYPE_SLICE_END,
        pb.TrackEvent.TYPE_COUNTER,
    )
    packet = builder.create_packet()
    packet.sequence_flags = pb.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
    packet.trusted_packet_sequence_id = SEQUENCE
    builder.write_packet(packet)
    for tick, kind, track, value in _events(log, lane_of, len(queue_of_lane)).tolist():
        packet = builder.create_packet()
        packet.timestamp = tick * 1_000_000 // log.tick_khz
        packet.trusted_packet_sequence_id = SEQUENCE
        event = packet.track_event
        event.type = types[kind]
        event.track_uuid = track
        if kind == COUNT:
            event.counter_value = value
        elif kind == BEGIN:
            command = log.commands[value]
            opcode = OPCODES[command["opcode"]]
            event.name = f"{opcode} {log.operator_names[command['operator']]}"
            event.categories.append(opcode)
            for name, detail in details(log, value).items():
                note = event.debug_annotations.add()
                note.name = name
                setattr(note, "string_value" if isinstance(detail, str) else "int_value", detail)
        builder.write_packet(packet)


def details(log: CommandLog, at: int) -> Mapping[str, int | str]:
    """What a command's opcode gives meaning to, and its ticks."""
    command = log.commands[at]
    names: tuple[str, ...] = ()
    found: dict[str, int | str] = {}
    if command["opcode"] == OP_MATMUL:
        names = ("m", "n", "k", "groups", "pack")
    elif command["opcode"] == OP_VECTOR:
        names = ("elements",)
        found["op"] = VECTOR_OPS[command["vector_op"]]
    elif command["opcode"] == OP_LINK:
        names = ("bytes",)
    elif command["opcode"] != OP_PIM:
        names = ("bytes", "segment_bytes", "stride_bytes", "offset_bytes")
        found["operand"] = OPERANDS[command["operand"]]
        if command["tensor"] >= 0:
            found["tensor"] = log.tensor_names[command["tensor"]]
    found |= {name: int(command[name]) for name in names}
    for name, flag in (("accumulate", FLAG_ACCUMULATE), ("final", FLAG_FINAL)):
        if command["flags"] & flag:
            found[name] = 1
    found["start_tick"] = int(log.start_ticks[at])
    if log.end_ticks[at] >= 0:
        found["end_tick"] = int(log.end_ticks[at])
    return found


def _tracks(log: CommandLog, queue_of_lane: list[int]) -> Iterator[dict[str, Any]]:
    """Descriptors; lanes of one queue have one name, by which Perfetto shows them as one."""
    above = {queue: _above(log, queue) for queue in queue_of_lane}
    for owner, name in sorted(set(above.values())):
        yield {"uuid": FIRST_CORE + owner, "name": name, "child_ordering": "EXPLICIT"}
    for lane, queue in enumerate(queue_of_lane):
        name = log.queue_name(queue)
        kind = name.rpartition(".")[2]
        yield {
            "uuid": FIRST_LANE + lane,
            "parent_uuid": FIRST_CORE + above[queue][0],
            "name": name,
            "sibling_order_rank": QUEUES.index(kind) if kind in QUEUES else len(QUEUES),
        }
    moved = {opcode for opcode, _ in COUNTERS} & {*log.commands["opcode"].tolist()}
    if moved:
        yield {"uuid": MEMORY, "name": "memory"}
    for at, (opcode, name) in enumerate(COUNTERS, 1):
        if opcode in moved:
            size = {"unit": "UNIT_SIZE_BYTES"}
            yield {"uuid": MEMORY + at, "parent_uuid": MEMORY, "name": name, "counter": size}


def _above(log: CommandLog, queue: int) -> tuple[int, str]:
    """The core of a queue, by number and name; what belongs to none follows the cores."""
    name = log.queue_name(queue).partition(".")[0]
    if name.startswith("core"):
        return int(name.removeprefix("core")), name
    return log.cores + queue - len(QUEUES) * log.cores, name


def _events(log: CommandLog, lane_of: Integers, lane_count: int) -> npt.NDArray[np.void]:
    """All events by tick; those of a lane at one tick in the order in which they nest."""
    parts = []
    for lane in range(lane_count):
        mine = np.flatnonzero(lane_of == lane)
        mine = mine[np.argsort(log.start_ticks[mine], kind="stable")]
        part = np.zeros((len(mine), 2), EVENT)
        part["kind"] = (BEGIN, END)
        part["track"] = FIRST_LANE + lane
        part["tick"][:, 0], part["tick"][:, 1] = log.start_ticks[mine], log.end_ticks[mine]
        part["value"][:, 0] = mine
        parts.append(part[part["tick"] >= 0])
    for at, (opcode, _) in enumerate(COUNTERS, 1):
        parts.append(_count(log, opcode, MEMORY + at))
    events = np.concatenate(parts)
    return events[np.argsort(events["tick"], kind="stable")]


def _count(log: CommandLog, opcode: int, track: int) -> npt.NDArray[np.void]:
    """Bytes of the commands under way, after each tick at which one begins or ends."""
    mine = (log.commands["opcode"] == opcode) & (log.start_ticks >= 0)
    ended = mine & (log.end_ticks >= 0)
    sizes = log.commands["bytes"]
    ticks, where = np.unique(
        np.concatenate([log.start_ticks[mine], log.end_ticks[ended]]), return_inverse=True
    )
    steps = np.zeros(len(ticks), np.int64)
    np.add.at(steps, where, np.concatenate([sizes[mine], -sizes[ended]]))
    part = np.zeros(len(ticks), EVENT)
    part["tick"], part["kind"], part["track"] = ticks, COUNT, track
    part["value"] = np.cumsum(steps)
    return part
