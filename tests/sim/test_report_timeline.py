"""The Perfetto trace, read back with its own protos."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_examples import example, log
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb

from arch.commands import OP_LOAD, OP_MATMUL
from arch.errors import InputError
from sim.report.log import CommandLog
from sim.report.timeline import lanes, write_timeline


def trace(found: CommandLog, folder: Path) -> Any:
    """The trace of a log."""
    path = folder / "timeline.pftrace"
    write_timeline(found, path)
    read = pb.Trace()
    read.ParseFromString(path.read_bytes())
    return read


def tracks(read: Any) -> dict[int, Any]:
    """Descriptors of tracks by their identity."""
    found = {}
    for packet in read.packet:
        if packet.HasField("track_descriptor"):
            assert packet.track_descriptor.uuid not in found
            found[packet.track_descriptor.uuid] = packet.track_descriptor
    return found


def events(read: Any) -> list[tuple[int, Any]]:
    """Timestamps in ns and events, in the order of the file."""
    return [(p.timestamp, p.track_event) for p in read.packet if p.HasField("track_event")]


def slices(read: Any) -> list[tuple[str, str, int, int | None, dict[str, Any]]]:
    """Track, name, begin, end and arguments of each slice; slices of a track must nest."""
    names = tracks(read)
    open_: dict[int, list[list[Any]]] = defaultdict(list)
    found: list[list[Any]] = []
    for now, event in events(read):
        if event.type == pb.TrackEvent.TYPE_SLICE_BEGIN:
            args = {
                note.name: note.string_value if note.HasField("string_value") else note.int_value
                for note in event.debug_annotations
            }
            made = [names[event.track_uuid].name, event.name, now, None, args]
            open_[event.track_uuid].append(made)
            found.append(made)
        elif event.type == pb.TrackEvent.TYPE_SLICE_END:
            open_[event.track_uuid].pop()[3] = now
    return [tuple(each) for each in found]


def test_slices_of_each_queue(tmp_path: Path) -> None:
    first = {"operand": "ifmap", "tensor": "conv1.ifmap", "bytes": 4096, "segment_bytes": 512,
             "stride_bytes": 1024, "offset_bytes": 0, "start_tick": 0, "end_tick": 100}  # fmt: skip
    second = {"operand": "filter", "tensor": "conv1.filter", "bytes": 100, "segment_bytes": 0,
              "stride_bytes": 0, "offset_bytes": 64}  # fmt: skip
    product = {"m": 64, "n": 32, "k": 16, "groups": 3, "pack": 2, "final": 1}
    store = {"operand": "ofmap", "bytes": 10, "segment_bytes": 0, "stride_bytes": 0,
             "offset_bytes": 0, "accumulate": 1, "start_tick": 351}  # fmt: skip
    # A tick of 1.4 GHz is 0.714 ns.
    assert slices(trace(example(), tmp_path)) == [
        ("core0.load", "LOAD conv1", 0, 71, first),
        ("core0.load", "LOAD conv1", 42, 100, second | {"start_tick": 60, "end_tick": 140}),
        ("core0.load", "LOAD conv1", 100, 142, second | {"start_tick": 140, "end_tick": 200}),
        ("core0.array", "MATMUL conv1", 100, 242, product | {"start_tick": 140, "end_tick": 340}),
        ("core0.vector", "VECTOR fc", 242, 243,
         {"op": "max", "elements": 77, "start_tick": 340, "end_tick": 341}),
        ("core0.store", "STORE conv1", 250, None, store),
    ]  # fmt: skip


def test_queues_stand_below_their_core_and_lanes_share_a_name(tmp_path: Path) -> None:
    found = tracks(trace(example(), tmp_path))
    below = sorted(
        (found[each.parent_uuid].name, each.name)
        for each in found.values()
        if each.parent_uuid in found
    )
    assert below == [
        ("core0", "core0.array"),
        ("core0", "core0.load"),
        ("core0", "core0.load"),
        ("core0", "core0.store"),
        ("core0", "core0.vector"),
        ("memory", "bytes being read"),
        ("memory", "bytes being written"),
    ]


def test_bytes_under_way(tmp_path: Path) -> None:
    read = trace(example(), tmp_path)
    names = tracks(read)
    found = defaultdict(list)
    for now, event in events(read):
        if event.type == pb.TrackEvent.TYPE_COUNTER:
            found[names[event.track_uuid].name].append((now, event.counter_value))
    assert found == {
        "bytes being read": [(0, 4096), (42, 4196), (71, 100), (100, 100), (142, 0)],
        "bytes being written": [(250, 10)],
    }


def test_equal_logs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_timeline(example(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_log_of_nothing(tmp_path: Path) -> None:
    read = trace(log(), tmp_path)
    assert tracks(read) == {}
    assert events(read) == []


def test_a_run_without_transfers_has_no_memory(tmp_path: Path) -> None:
    names = [each.name for each in tracks(trace(log((OP_MATMUL, 0, 5, {})), tmp_path)).values()]
    assert names == ["core0", "core0.array"]


intervals = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 30), st.integers(0, 9) | st.none()), max_size=12
).map(
    lambda rows: log(
        *(
            (OP_LOAD, start, -1 if length is None else start + length, {"queue": 4 * core})
            for core, start, length in rows
        ),
        tick_khz=1_000_000,
    )
)


@given(intervals)
def test_lanes_are_free_of_overlap_and_no_more_than_needed(found: CommandLog) -> None:
    lane_of, queue_of_lane = lanes(found)
    ends = np.where(found.end_ticks < 0, 10**6, found.end_ticks)
    for queue in (0, 4):
        mine = np.flatnonzero(found.commands["queue"] == queue)
        busiest = max(
            (sum(found.start_ticks[mine].tolist()[i] <= at < ends[mine].tolist()[i]
                 for i in range(len(mine))) for at in found.start_ticks[mine].tolist()),
            default=0,
        )  # fmt: skip
        assert queue_of_lane.count(queue) == max(busiest, int(len(mine) > 0))
        for one in mine:
            for other in mine:
                if one < other and lane_of[one] == lane_of[other]:
                    first, second = sorted((one, other), key=lambda i: found.start_ticks[i])
                    apart = ends[first] <= found.start_ticks[second]
                    assert apart or ends[second] == found.start_ticks[first]
    assert all(lane_of >= 0)


@given(found=intervals)
def test_each_slice_ends_when_its_command_does(
    found: CommandLog, tmp_path_factory: pytest.TempPathFactory
) -> None:
    read = slices(trace(found, tmp_path_factory.mktemp("trace")))
    wanted = sorted(
        (f"core{queue // 4}.load", start, -1 if end < 0 else end)
        for queue, start, end in zip(
            found.commands["queue"].tolist(),
            found.start_ticks.tolist(),
            found.end_ticks.tolist(),
            strict=True,
        )
    )
    assert sorted((t, begin, -1 if end is None else end) for t, _, begin, end, _ in read) == wanted


def test_a_timeline_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_timeline(example(), tmp_path / "no" / "file")
    assert list(tmp_path.iterdir()) == []
