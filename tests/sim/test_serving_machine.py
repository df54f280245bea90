"""A device that is a machine: stages, reuse and conservation."""

from pathlib import Path

import pytest

from arch.errors import InputError
from arch.serving import load_system
from sim.cache import Cache
from sim.serving.device import Share
from sim.serving.machine import MachineDevice
from sim.serving.requests import Request
from sim.serving.scheduler import Slot
from sim.serving.serve import Options, run, schedule
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
