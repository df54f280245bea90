"""A device by its peaks, against sums written out."""

import pytest

from arch.errors import InputError
from arch.roofline import Roofline
from sim.serving.device import RooflineDevice, Share
from sim.serving.roofline import decode
from sim.serving.scheduler import Slot
from traces.transformer.model import models

GPT = models()["gpt3_6_7b"]


def device(**changed: float) -> Roofline:
    fields = {
        "peak_macs_per_second": 10**14, "bandwidth_bytes_per_second": 10**12,
        "capacity_bytes": 40 * 10**9, "link_bytes_per_second": 3 * 10**11,
    }  # fmt: skip
    return Roofline.model_validate({**fields, **changed})


def test_a_small_batch_takes_the_time_of_its_bytes() -> None:
    weights = 12 * 4096 * 4096 * 2
    activations = 3 * (4096 + 3 * 4096 + 4096 + 4096 + 4096 + 16384 + 16384 + 4096) * 2
    cache = 2 * 4096 * (100 + 200 + 300) * 2
    done = decode(device(), GPT, 1, 32, [100, 200, 300])
    assert done.moved_bytes == 32 * (weights + activations + cache)
    assert done.seconds == pytest.approx(done.moved_bytes / 1e12)
    assert done.macs == 32 * (3 * 12 * 4096 * 4096 + 2 * 4096 * 600)


def test_a_large_batch_takes_the_time_of_its_arithmetic() -> None:
    one, half = (
        decode(device(compute_efficiency=part), GPT, 1, 1, [1] * 4096).seconds for part in (1, 0.5)
    )
    products = 4096 * 12 * 4096 * 4096 / 1e14
    assert half - one == pytest.approx(products, rel=1e-3)


def test_efficiencies_of_attention_and_products_are_apart() -> None:
    base = decode(device(), GPT, 1, 1, [1000]).seconds
    cache = 2 * 4096 * 1000 * 2 / 1e12
    slow = decode(device(attention_efficiency=0.25), GPT, 1, 1, [1000]).seconds
    assert slow - base == pytest.approx(3 * cache)
    later = decode(device(kernel_seconds=1e-6), GPT, 1, 1, [1000]).seconds
    assert later - base == pytest.approx(5e-6)


def test_tensor_parallel_shares_work_and_adds_two_sums_a_layer() -> None:
    link = {"link_latency_seconds": 1e-6}
    whole, part = (decode(device(**link), GPT, tp, 1, [50] * 8) for tp in (1, 4))
    assert part.macs * 4 == whole.macs
    sums = 2 * 6 * (8 * 4096 * 2 / 4 / 3e11 + 1e-6)
    own = (part.moved_bytes) / 1e12
    assert part.seconds == pytest.approx(own + sums)


def test_what_the_weights_leave_is_for_keys_and_values() -> None:
    room = RooflineDevice(device(), Share("gpt3_6_7b", GPT, 1, 1)).room()
    assert room.units == 40 * 10**9 - 32 * 12 * 4096 * 4096 * 2
    assert room.need(10) == 10 * 2 * 4096 * 2 * 32
    with pytest.raises(InputError, match="give more --tp or --pp"):
        RooflineDevice(device(capacity_bytes=10**9), Share("gpt3_6_7b", GPT, 1, 1)).room()


def test_a_group_of_layers_sends_its_activations_on() -> None:
    slots = [Slot(0, 0, 50)] * 4
    alone = RooflineDevice(device(), Share("gpt3_6_7b", GPT, 1, 1)).run(slots)
    half = RooflineDevice(device(), Share("gpt3_6_7b", GPT, 1, 2)).run(slots)
    assert half.seconds == pytest.approx(alone.seconds / 2 + 4 * 4096 * 2 / 3e11)


@pytest.mark.parametrize(("tensor", "pipeline"), [(3, 1), (0, 1), (1, 0), (1, 33)])
def test_degrees_that_do_not_fit_the_model_are_refused(tensor: int, pipeline: int) -> None:
    with pytest.raises(InputError, match=r"^--[tp]p"):
        Share("gpt3_6_7b", GPT, tensor, pipeline)
