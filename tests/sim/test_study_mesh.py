"""Studies of packet meshes: their points, their metrics, and how they run."""

import math
from pathlib import Path
from typing import Any

import pytest
import studies
from mesh_cases import mesh_of

from arch.errors import InputError
from arch.mesh.packet import PacketMesh
from sim.mesh.replay import replay_packets
from sim.study import Outcome, Settings, load_study, run
from sim.study.mesh_curves import RULE, saturation, series
from sim.study.mesh_metrics import mesh_metrics
from sim.study.record import Record
from sim.study.study import read_folder
from sim.study.table import point_report, report
from traces.mesh import Traffic, bernoulli, bursty, pattern, with_traffic

STUDY = """
name: tiny
machine: mesh_W1
set: [width=4, height=4]
traffic: {cycles: 400, warmup_cycles: 100, seed: 3}
parameters:
  router.buffer_flits: [1, 8]
  traffic.pattern: [uniform, transpose]
  traffic.rate_flits: [0.05, 0.2, 0.9]
objectives: {latency_cycles: min, accepted_flits_per_node_cycle: max}
"""


def written(folder: Path, text: str = STUDY) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def by_hand(mesh: PacketMesh, traffic: Traffic) -> dict[str, float]:
    """Metrics packet by packet, from the cycles of a run of their own."""
    packets = traffic.packets(mesh.width, mesh.height, mesh.packet_flits)
    done = replay_packets(mesh, packets)
    offered = accepted = hops = 0
    latencies, inside, alone = [], [], []
    for (created, src, dst, flits), injected, arrived in zip(
        packets.tolist(), done.injected.tolist(), done.arrived.tolist(), strict=True
    ):
        way = [abs(a - b) for a, b in zip(divmod(src, mesh.width), divmod(dst, mesh.width),
                                          strict=True)]  # fmt: skip
        routers = sum(way) + 1
        hops += routers * flits
        if traffic.warmup_cycles <= arrived < traffic.cycles:
            accepted += flits
        if created < traffic.warmup_cycles:
            continue
        offered += flits
        latencies.append(arrived - created)
        inside.append(arrived - injected)
        alone.append(mesh.zero_load_cycles(routers, flits))
    latencies.sort()
    count, nodes = len(latencies), mesh.width * mesh.height
    mean, empty = sum(latencies) / count, sum(alone) / count
    window = traffic.cycles - traffic.warmup_cycles
    return {
        "offered_flits_per_node_cycle": offered / nodes / window,
        "accepted_flits_per_node_cycle": accepted / nodes / window,
        "latency_cycles": mean,
        "latency_p50_cycles": latencies[math.ceil(0.5 * count) - 1],
        "latency_p99_cycles": latencies[math.ceil(0.99 * count) - 1],
        "network_latency_cycles": sum(inside) / count,
        "zero_load_latency_cycles": empty,
        "saturated": 1 if mean > 4 * empty else 0,
        "packets": count,
        "flit_hops": hops,
    }


@pytest.mark.parametrize("rate", [0.02, 0.4, 1.5])
@pytest.mark.parametrize("flits", [1, 3])
def test_metrics_packet_by_packet(rate: float, flits: int) -> None:
    mesh = mesh_of(width=3, height=2, vcs=2, packet_flits=flits)
    traffic = Traffic(rate_flits=min(rate, flits), cycles=120, warmup_cycles=40, seed=2)
    found = mesh_metrics(with_traffic(mesh, traffic))
    assert found == pytest.approx(by_hand(mesh, traffic))
    assert found["saturated"] == (rate == 1.5 and flits == 3)


def test_a_mesh_that_nothing_is_in_the_way_of_has_its_zero_load() -> None:
    mesh = mesh_of(width=4, height=4, packet_flits=2)
    traffic = Traffic(rate_flits=0.002, cycles=2000, warmup_cycles=10)
    found = mesh_metrics(with_traffic(mesh, traffic))
    assert found["latency_cycles"] == found["zero_load_latency_cycles"]


def test_traffic_is_that_of_the_generators() -> None:
    hot = pattern("hot_spot", 4, 3, hot_nodes=(5,), hot_share=0.25)
    given: dict[str, Any] = {"rate_flits": 0.5, "cycles": 60, "seed": 9}
    traffic = Traffic(pattern="hot_spot", hot_nodes=(5,), hot_share=0.25, warmup_cycles=9, **given)
    found = traffic.packets(4, 3, 2)
    assert found.tolist() == bernoulli(hot, packet_flits=2, **given).tolist() != []
    bursts: dict[str, Any] = {"burst_rate_flits": 1.0, "burst_cycles": 4.0}
    found = traffic.model_copy(update=bursts).packets(4, 3, 2)
    assert found.tolist() == bursty(hot, packet_flits=2, **given, **bursts).tolist() != []


@pytest.mark.compiled
def test_workers_cache_and_stops_do_not_matter(tmp_path: Path) -> None:
    study, cache = load_study(str(written(tmp_path))), tmp_path / "cache"
    expected = studies.exported(Outcome(study, studies.alone(study)), tmp_path)
    ways = {"cold": Settings(2, True, cache), "warm": Settings(1, True, cache),
            "none": Settings(1, False)}  # fmt: skip
    for name, settings in ways.items():
        outcome = run(study, tmp_path / name, settings)
        assert outcome.cache_fault is None
        assert studies.exported(outcome, tmp_path / name) == expected, name
    # Broken off in a line of the journal, and gone on with from what the folder holds.
    journal = tmp_path / "cold" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-700])
    again, kept = read_folder(tmp_path / "cold", to_run=True)
    assert 0 < len(kept) < 12
    assert again.base == study.base
    assert studies.exported(run(again, tmp_path / "cold", ways["none"]), tmp_path) == expected


@pytest.mark.compiled
def test_the_cache_is_used_and_tells_points_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.cache import Cache

    mesh = with_traffic(mesh_of(width=3, height=3), Traffic(cycles=200, warmup_cycles=50))
    with Cache(tmp_path) as cache:
        first = mesh_metrics(mesh, cache)
        slower = mesh.model_copy(update={"link_latency_cycles": 2})
        other = mesh.model_copy(update={"traffic": Traffic(cycles=200, warmup_cycles=50, seed=2)})
        found = [first, mesh_metrics(slower, cache), mesh_metrics(other, cache)]
        assert len({str(each) for each in found}) == 3
        monkeypatch.setattr("sim.mesh.replay.replay_packets", None)
        assert [mesh_metrics(each, cache) for each in (mesh, slower, other)] == found


@pytest.mark.compiled
def test_a_point_that_does_not_fit_fails_alone(tmp_path: Path) -> None:
    text = STUDY.replace("router.buffer_flits: [1, 8]", "width: [3, 4]").replace("0.05, ", "")
    records = studies.alone(load_study(str(written(tmp_path, text))))
    failed = {record.index: record.reason for record in records if record.state == "failed"}
    assert list(failed) == [2, 3]
    assert set(failed.values()) == {"transpose: must be on a square mesh, not 3 x 4"}
    text = STUDY.replace("[0.05, 0.2, 0.9]", "[0.00001, 1.5]")
    reasons = [each.reason for each in studies.alone(load_study(str(written(tmp_path, text))))]
    assert "no packet is created in cycles 100 to 399" in reasons[0]
    assert "rate_flits: must be 0 to packet_flits = 1" in reasons[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("traffic: {", "workloads: {a: gpt2}\ntraffic: {", "workloads: is not for packet meshes"),
        ("traffic: {", "counted: {area: [array]}\ntraffic: {", "counted: is not for packet"),
        ("mesh_W1\nset: [width=4, height=4]", "systolic_32", "traffic: is that of packet meshes"),
        ("traffic: {cycles: 400, warmup_cycles: 100, seed: 3}\n", "",
         r"traffic\.pattern is no field of a packet mesh or its traffic"),
        ("router.buffer_flits", "router.buffers", "router.buffers is no field of a packet mesh or "
         r"its traffic; did you mean router.buffer_flits\? They are name, .*traffic.seed"),
        ("latency_cycles: min", "seconds: min", "objectives.seconds: is no metric; .*saturated"),
        ("warmup_cycles: 100", "warmup_cycles: 400", r"must be below cycles \(400\), not 400"),
        ("seed: 3", "burst_cycles: 3", "burst_rate_flits: is missing; bursts have a rate and"),
        ("mesh_W1", "wse2", "machine: "),
        ("seed: 3", "rate: 3", "rate"),
    ],
)  # fmt: skip
def test_wrong_studies(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in STUDY
    with pytest.raises(InputError, match=message):
        load_study(str(written(tmp_path, STUDY.replace(old, new))))


def test_traffic_must_be_given(tmp_path: Path) -> None:
    text = "name: t\nmachine: mesh_W1\nparameters: {width: [4, 8]}\nobjectives: {packets: min}\n"
    with pytest.raises(InputError, match="traffic: is missing; say what the mesh carries"):
        load_study(str(written(tmp_path, text)))


def hop(mesh: PacketMesh) -> dict[str, float]:
    """A question of a mesh's own."""
    return {"cost": mesh.hop_cycles, "nodes": mesh.nodes}


def test_a_function_of_ones_own_takes_a_mesh(tmp_path: Path) -> None:
    levels = {"router.routing_cycles": [2, 0], "width": [8, 4]}
    study = studies.own(hop, levels, machine="mesh_V4", constraints={"nodes": {"at_most": 40}})
    outcome = run(study, tmp_path / "study", Settings(1))
    states = [(each.state, each.metrics["cost"]) for each in outcome.records]
    assert states == [("rejected", 6), ("done", 6), ("rejected", 4), ("done", 4)]
    assert read_folder(tmp_path / "study", to_run=False)[0].base == study.base


def made_up(index: int, latency: float) -> Record:
    """A point of STUDY."""
    study = load_study("mesh_curves")
    point = study.space.combination(index)
    offered = study.space.values(point)["traffic.rate_flits"]
    metrics = {
        "offered_flits_per_node_cycle": offered, "latency_cycles": latency,
        "accepted_flits_per_node_cycle": min(offered, 0.03), "zero_load_latency_cycles": 20.0,
        "saturated": int(latency > 80),
    }  # fmt: skip
    return Record(index, point, "done", metrics)


def test_lines_are_what_varies_beside_the_load() -> None:
    study = load_study("mesh_curves")
    levels = len(study.space.levels[2])
    records = [
        made_up(2, 100.0),
        made_up(1, 30.0),
        made_up(0, 25.0),
        made_up(levels, 99.0),
        made_up(4 * levels + 1, 31.0),
        Record(3, study.space.combination(3), "failed"),
    ]
    found = series(study, records)
    assert [(each.panel, each.line, [r.index for r in each.records]) for each in found] == [
        ("uniform", "W1", [0, 1, 2]), ("transpose", "W1", [levels]),
        ("uniform", "V4", [4 * levels + 1]),
    ]  # fmt: skip
    assert saturation(found) == [
        ["uniform", "W1", "20.00", "0.0250", "0.0375", "0.0300"],
        ["transpose", "W1", "20.00", "none", "0.0125", "0.0125"],
        ["uniform", "V4", "20.00", "0.0250", "none", "0.0250"],
    ]
    assert found[0].curve().saturated == [False, False, True]
    assert "4 x" in RULE


def test_no_curves_without_a_load_or_with_too_many_lines(tmp_path: Path) -> None:
    fixed = load_study(str(written(tmp_path, STUDY.replace("traffic.rate_flits: [0.05, 0.2, 0.9]",
                                                           "traffic.seed: [1, 2]"))))  # fmt: skip
    assert series(fixed, [Record(0, (0, 0, 0), "done", {})]) == []
    many = STUDY.replace("[1, 8]", "[1, 2, 3, 4, 5, 6, 7, 8]")
    study = load_study(str(written(tmp_path, many)))
    metrics = made_up(0, 20.0).metrics
    records = [Record(at, (at, 0, 0), "done", metrics) for at in range(8)]
    assert series(study, records) == []
    assert [each.line for each in series(study, records[:2])] == [
        "buffer_flits 1",
        "buffer_flits 2",
    ]


@pytest.mark.compiled
def test_a_point_comes_with_commands_that_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rendering import lines

    study = load_study(str(written(tmp_path)))
    record = studies.alone(study)[9]
    assert study.space.values(record.point)["router.buffer_flits"] == 8
    shown = lines(point_report(study, record), 400)
    assert shown[-1] == (
        "lockstep run mesh_W1 --packets packets.csv --set 'width=4' --set 'height=4' "
        "--set 'router.buffer_flits=8'"
    )
    monkeypatch.chdir(tmp_path)
    code = shown[-2].removeprefix("python -c '").removesuffix("'")
    exec(code, {})
    packets = (tmp_path / "packets.csv").read_text().splitlines()
    mesh = study.space.machine(record.point)
    assert len(packets) == 1 + len(mesh.packets())  # type: ignore[union-attr]
    assert "min latency, max accepted" in lines(report(study, [record]))[0]
