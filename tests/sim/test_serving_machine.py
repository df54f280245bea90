"""A device that is a machine: stages, reuse and conservation."""

from bisect import bisect
from collections import Counter
from pathlib import Path

import pytest

from arch.errors import InputError
from arch.serving import load_system
from sim.cache import Cache
from sim.serving.device import Pass, Share
from sim.serving.energy import groups
from sim.serving.machine import MachineDevice
from sim.serving.report import Serving, as_dict, table
from sim.serving.requests import Request
from sim.serving.scheduler import Slot
from sim.serving.serve import Options, run, schedule
from traces.mapping.hybrid.placement import Sequence
from traces.mapping.hybrid.stages import stages
from traces.transformer.model import Transformer, models

SMALL = (
    "machine.cores=2",
    "machine.memory.channels=4",
    "machine.array.rows=32",
    "machine.array.cols=32",
    "interleave_from=4",
)
MODEL: Transformer = models()["gpt3_small"].model_copy(
    update={"layers": 3, "hidden": 256, "heads": 4, "kv_heads": 4, "head_dim": 64, "ffn": 512}
)
WEIGHTS = 2 * (4 * 256 * 256 + 2 * 256 * 512)
SLOTS = [Slot(number, number % 4, 20 + 7 * number) for number in range(6)]
TOKENS = sum(slot.length for slot in SLOTS)


def device(
    system: str, cache: Cache | None, *more: str, tensor: int = 1, pipeline: int = 1
) -> MachineDevice:
    share = Share("small", MODEL, tensor, pipeline)
    return MachineDevice(load_system(system, [*SMALL, *more]), share, 8, cache)


@pytest.mark.compiled
@pytest.mark.parametrize("system", ["npu_only", "npu_pim", "neupims", "neupims_whole_batch"])
def test_every_multiplication_and_weight_once_a_sub_batch(system: str, tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        done = device(system, cache).run(SLOTS)
    batches = 2 if system == "neupims" else 1
    products = 6 * (4 * 256 * 256 + 2 * 256 * 512)
    attended = 2 * 256 * TOKENS if system == "npu_only" else 0
    assert done.sub_batches == batches
    assert done.macs == 3 * (products + attended)
    cached = 2 * 256 * 2 * TOKENS if system == "npu_only" else 0
    own = done.moved_bytes - 3 * (batches * WEIGHTS + cached)
    # What is left are activations: of each token and layer at most what operators read and write.
    assert 0 < own < 3 * 6 * 2 * 2 * (10 * 256 + 4 * 512 + 4 * TOKENS)
    assert done.seconds == pytest.approx(sum(row.repeats * row.seconds for row in done.stages))
    units = {unit for unit, _ in done.causes}
    for unit in units:
        spent = sum(seconds for (name, _), seconds in done.causes.items() if name == unit)
        assert spent == pytest.approx(done.seconds, rel=0.01)
    if system != "npu_only":
        assert done.causes["memory.channel0", "busy.pim"] > 0


@pytest.mark.compiled
def test_equal_stages_are_simulated_once(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        first = device("neupims", cache)
        done = first.run(SLOTS)
        assert first._runner.simulated == 6
        assert first.run(SLOTS) == done
        assert first._runner.simulated == 6
        other = device("neupims", cache, "machine.memory.controller.fairness_cycles=999")
        other.run(SLOTS)
        assert other._runner.simulated == 6
    with Cache(tmp_path) as cache:
        again = device("neupims", cache)
        assert again.run(SLOTS) == done
        assert again._runner.simulated == 0


@pytest.mark.compiled
def test_without_reuse_every_stage_is_simulated_in_its_turn() -> None:
    alone = device("neupims", None)
    done = alone.run(SLOTS)
    assert alone._runner.simulated == 2 + 2 * 2 + 2
    assert [(row.name, row.repeats) for row in done.stages] == [
        ("A", 1), ("B", 1), ("C", 2), ("D", 2), ("E", 1), ("F", 1)
    ]  # fmt: skip


@pytest.mark.compiled
def test_reuse_changes_the_time_by_refreshes_and_open_rows_alone(tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        reused = device("npu_pim", cache).run(SLOTS)
    anew = device("npu_pim", None).run(SLOTS)
    assert anew.macs == reused.macs
    assert anew.moved_bytes == reused.moved_bytes
    assert anew.seconds == pytest.approx(reused.seconds, rel=0.05)


@pytest.mark.compiled
def test_groups_of_layers_and_micro_batches(tmp_path: Path) -> None:
    requests = [Request(number, 10 + number, 5) for number in range(8)]
    with Cache(tmp_path) as cache:
        split = device("npu_pim", cache, tensor=2, pipeline=3)
        record = schedule(iter(requests), split.room(), Options(6, 2))
        served = run(split, record, 3)
    for each in served.iterations:
        assert len(each.passes) == 3
        assert each.seconds == pytest.approx(
            max(sum(done.seconds for done in each.passes),
                3 * max(done.seconds for done in each.passes))
        )  # fmt: skip
        assert all(row.repeats == 1 for done in each.passes for row in done.stages)
    assert 0 < served.npu_utilisation < 1
    assert served.busy_share("memory.channel", "busy.pim") is not None


@pytest.mark.compiled
def test_what_a_group_of_layers_sends_takes_one_step_of_the_link(tmp_path: Path) -> None:
    """At 1 GHz; 3072 bytes take 31 cycles, the last of which is not full."""
    settings = (
        "machine.clocks.core=1000000",
        "machine.link.bytes_per_cycle=100",
        "machine.link.latency_cycles=9000",
    )
    with Cache(tmp_path) as cache:
        done = device("npu_pim", cache, *settings, pipeline=3).run(SLOTS)
    assert done.events["link_bytes"] == len(SLOTS) * 256 * 2 == 3072
    in_stages = sum(row.repeats * row.seconds for row in done.stages)
    assert done.seconds - in_stages == pytest.approx(9031e-9)


@pytest.mark.compiled
@pytest.mark.parametrize("system", ["npu_only", "neupims"])
def test_energy_is_that_of_all_stages(system: str, tmp_path: Path) -> None:
    with Cache(tmp_path) as cache:
        own = device(system, cache)
        done = own.run(SLOTS)
        assert own._runner.simulated == (6 if system == "neupims" else 3)
        dearer = device(system, cache, "machine.memory.energy.activate_pj.ACT=1818")
        again = dearer.run(SLOTS)
        # What a command costs changes no cycle.
        assert dearer._runner.simulated == 0
        assert again == done
    found, more = (each.energy(done.events, done.seconds) for each in (own, dearer))
    assert found is not None
    assert more is not None
    total = found.by_component_pj
    assert total["array"] == pytest.approx(done.macs * 2.0)
    # Bursts of 64 bytes: some move the end of a segment, some serve two reads at once.
    assert total["memory_io"] == pytest.approx(8 * done.moved_bytes * 0.80, rel=0.1)
    assert more.by_component_pj["memory_activate"] == pytest.approx(2 * total["memory_activate"])
    assert total["memory_standby"] == pytest.approx(4 * 2 * 48 * done.seconds * 1e9)
    opened = total["memory_open"] / total["memory_standby"]
    assert 0 < opened < 18 / 48
    if system == "npu_only":
        assert not any(name.startswith("pim") and pj for name, pj in total.items())
    else:
        # Each key and value of each of 4 heads of 64 once a layer, and what pads columns of banks.
        needed = 3 * 2 * TOKENS * 256
        assert needed * 2.0 <= total["pim_mac"] <= 40 * needed * 2.0
    assert set(found.unknown) == {"vector_exp", "vector_div", "vector_sqrt", "vector_act"}


@pytest.mark.compiled
def test_energy_is_shown_in_all_that_is_reported(tmp_path: Path) -> None:
    requests = [Request(number, 10 + number, 5) for number in range(8)]
    with Cache(tmp_path) as cache:
        split = device("npu_pim", cache, tensor=2, pipeline=3)
        record = schedule(iter(requests), split.room(), Options(6, 2))
        served = run(split, record, 3)
    share = Share("small", MODEL, 2, 3)
    serving = Serving(load_system("npu_pim"), share, "exact", served)
    told = as_dict(serving)
    components = told["energy"]["by_component_pj"]
    own = [split.energy(_events(each.passes), each.seconds) for each in served.iterations]
    for name, pj in components.items():
        parts = sum(each.by_component_pj.get(name, 0.0) for each in own if each is not None)
        assert pj == pytest.approx(6 * parts)
    total = sum(components.values())
    assert told["energy"]["is_lower_bound"]
    # Sent from device to device, of which no energy is known.
    assert "link" in told["energy"]["unknown"]
    assert told["energy_pj_per_iteration"] == pytest.approx(total / 2)
    assert told["energy_pj_per_token"] == pytest.approx(total / told["tokens"])
    assert sum(each["energy_pj"] for each in told["iterations"]) == pytest.approx(total)
    shown = groups(serving.energy)  # type: ignore[arg-type]
    assert sum(shown.values()) == pytest.approx(total)
    assert {"arrays", "SRAM", "DRAM rows", "DRAM columns", "DRAM pins", "PIM", "static"} <= {*shown}
    text = table(serving)
    assert max(map(len, text.splitlines())) <= 80
    assert "energy            >= " in text
    assert "a token" in text
    assert "no energy is known of link, vector_exp" in text


def _events(passes: tuple[Pass, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in passes:
        found.update(each.events)
    return found


@pytest.mark.parametrize("system", ["npu_pim", "npu_only", "neupims"])
def test_a_batch_that_fills_the_room_has_a_place(system: str) -> None:
    alone = device(system, None, "mapping.sub_batches=1")
    room = alone.room()
    each = room.units * room.channels // 8
    length = bisect(range(1, 2**24), each, key=room.need)
    assert room.need(length + 1) > each >= room.need(length)
    # Softmax of so many tokens is more than all else that a token needs.
    assert length > 10_000
    batch = [Sequence(number, number % room.channels, length) for number in range(8)]
    mapping = alone._mapping
    assert stages(alone._machine, alone._block, [batch], MODEL.layers, mapping)


def test_room_is_what_weights_and_activations_leave() -> None:
    pim, npu = (device(name, None).room() for name in ("npu_pim", "npu_only"))
    assert (pim.channels, npu.channels) == (4, 1)
    assert 0 < pim.units < 32768
    # Keys: a row of all 32 banks for 32 tokens of 4 heads. Values: 2 tiles of each head.
    assert pim.need(32) == 3 * (1 + 8) + 1
    assert npu.need(10) == 3 * 2 * 256 * 10 * 2
    held = device("npu_pim", None, "mapping.held_layers=one").room()
    assert held.need(32) == 1 + 8 + 1


def test_weights_larger_than_the_memory_are_refused() -> None:
    share = Share("gpt3_175b", models()["gpt3_175b"], 1, 1)
    with pytest.raises(InputError, match="leave no room in the memory of neupims_device"):
        MachineDevice(load_system("neupims"), share, 8, None)
