"""The commands of chosen PEs as a Perfetto trace, to open in https://ui.perfetto.dev."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arch.mesh.program import Op
from sim.mesh.wavelet_run import WaveletRun
from sim.report.needs import require
from sim.report.writing import open_whole

SEQUENCE = 1
"""The trace has one writer."""
TRACKS_A_PE = 16
"""Identities of tracks: of a PE and its slots."""


def write_timeline(run: WaveletRun, path: str | Path) -> None:
    """Write what the chosen PEs of a run did; equal runs give equal bytes.

    A track for each PE, below it one for each slot with a slice for each command, waiting and all,
    named by operation, task and place in the task. Perfetto counts in ns, rounded down; exact
    cycles are in the arguments. Raises InputError where the file cannot be written.
    """
    require("perfetto", "--timeline")
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb
    from perfetto.trace_builder.proto_builder import StreamingTraceProtoBuilder

    assert run.log is not None
    with open_whole(Path(path)) as file:
        builder = StreamingTraceProtoBuilder(file)
        for fields in _tracks(run):
            packet = builder.create_packet()
            packet.track_descriptor.CopyFrom(pb.TrackDescriptor(**fields))
            builder.write_packet(packet)
        packet = builder.create_packet()
        packet.sequence_flags = pb.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED
        packet.trusted_packet_sequence_id = SEQUENCE
        builder.write_packet(packet)
        for cycle, begins, at in _events(run):
            packet = builder.create_packet()
            packet.timestamp = cycle * 1_000_000 // run.mesh.clock_khz
            packet.trusted_packet_sequence_id = SEQUENCE
            event = packet.track_event
            event.track_uuid = _track(int(run.log[at]["pe"]), int(run.log[at]["slot"]))
            event.type = pb.TrackEvent.TYPE_SLICE_BEGIN if begins else pb.TrackEvent.TYPE_SLICE_END
            if begins:
                event.name, details = _told(run, at)
                for name, value in details.items():
                    note = event.debug_annotations.add()
                    note.name, note.int_value = name, value
            builder.write_packet(packet)


def _track(pe: int, slot: int = -1) -> int:
    return (pe + 1) * TRACKS_A_PE + slot + 1


def _tracks(run: WaveletRun) -> Iterator[dict[str, Any]]:
    assert run.log is not None
    for pe in sorted({*run.log["pe"].tolist()}):
        y, x = divmod(pe, run.program.width)
        yield {"uuid": _track(pe), "name": f"PE ({x}, {y})", "child_ordering": "EXPLICIT"}
        for slot in sorted({*run.log["slot"][run.log["pe"] == pe].tolist()}):
            yield {
                "uuid": _track(pe, slot),
                "parent_uuid": _track(pe),
                "name": f"microthread {slot}" if slot else "main",
                "sibling_order_rank": slot,
            }


def _events(run: WaveletRun) -> list[tuple[int, bool, int]]:
    """(cycle, whether it begins, entry); what ends in a cycle does so before the next begins."""
    assert run.log is not None
    found = [
        event
        for at, entry in enumerate(run.log)
        if entry["end"] > entry["begin"]
        for event in ((int(entry["begin"]), True, at), (int(entry["end"]), False, at))
    ]
    return sorted(found)


def _told(run: WaveletRun, at: int) -> tuple[str, dict[str, int]]:
    assert run.log is not None
    entry = run.log[at]
    y, x = divmod(int(entry["pe"]), run.program.width)
    tasks = run.program.programs[int(run.program.program_of[y, x])].tasks
    task, index = tasks[int(entry["task"])], int(entry["command"])
    details = {"begin_cycle": int(entry["begin"]), "end_cycle": int(entry["end"])}
    if index < 0:
        return f"start {task.name}", details
    command = task.commands[index]
    details |= {"command": index, "length": int(command["length"]), "count": int(command["count"])}
    for name in ("colour_in", "colour_out"):
        if command[name] >= 0:
            details[name] = int(command[name])
    return f"{Op(command['op']).name} {task.name}", details
