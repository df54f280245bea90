"""Synthetic packet traces."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from traces.mesh import PATTERNS, bernoulli, bursty, pattern

CYCLES = np.zeros(1, np.int64)


def sent_to(name: str, width: int, height: int, src: int, **more: Any) -> int:
    found = pattern(name, width, height, **more)
    return int(found.destinations(np.array([src]), CYCLES, 1)[0])


@pytest.mark.parametrize(
    ("name", "src", "dst"),
    [
        ("transpose", 8 * 2 + 5, 8 * 5 + 2),
        ("bit_complement", 0b010_101, 0b101_010),
        ("neighbour", 8 * 2 + 5, 8 * 3 + 6),
        ("neighbour", 63, 0),
        ("tornado", 8 * 2 + 5, 8 * 5 + 0),
    ],
)
def test_patterns_by_hand(name: str, src: int, dst: int) -> None:
    assert sent_to(name, 8, 8, src) == dst


def test_tornado_on_odd_sides() -> None:
    assert sent_to("tornado", 5, 3, 0) == 5 * 1 + 2


@given(st.sampled_from(PATTERNS), st.integers(1, 5), st.integers(0, 2**64))
def test_destinations_are_nodes(name: str, bits: int, seed: int) -> None:
    size = 1 << bits % 4
    found = pattern(name, size, size, hot_nodes=[size * size - 1])
    src = np.arange(size * size)
    dst = found.destinations(src, src * 3, seed)
    assert ((dst >= 0) & (dst < size * size)).all()


def test_uniform_reaches_all_alike() -> None:
    trace = bernoulli(pattern("uniform", 4, 4), rate_flits=1, packet_flits=1, cycles=4000, seed=2)
    assert len(trace) == 64_000
    counted = np.bincount(trace["dst"], minlength=16)
    assert abs(counted / 4000 - 1).max() < 0.08
    pairs = np.bincount(trace["dst"] * 16 + trace["src"], minlength=256)
    assert abs(pairs / 250 - 1).max() < 0.3


def test_hot_spots_get_their_share() -> None:
    found = pattern("hot_spot", 4, 4, hot_nodes=[3, 5], hot_share=0.4)
    trace = bernoulli(found, rate_flits=1, packet_flits=1, cycles=2000, seed=2)
    share = np.bincount(trace["dst"], minlength=16) / len(trace)
    assert share[3] == pytest.approx(0.2 + 0.6 / 16, abs=0.01)
    assert share[5] == pytest.approx(0.2 + 0.6 / 16, abs=0.01)
    assert share[0] == pytest.approx(0.6 / 16, abs=0.01)


def test_bernoulli_has_its_rate_in_order() -> None:
    trace = bernoulli(pattern("uniform", 8, 8), rate_flits=0.2, packet_flits=4, cycles=4000, seed=1)
    assert trace["flits"].sum() / (64 * 4000) == pytest.approx(0.2, rel=0.03)
    assert (np.diff(trace["created"]) >= 0).all()
    assert trace["created"].max() < 4000
    # No node twice in a cycle.
    assert len(np.unique(trace["created"] * 64 + trace["src"])) == len(trace)


@given(st.integers(0, 2**63), st.integers(0, 500), st.integers(0, 500))
def test_a_longer_trace_begins_as_a_shorter_one(seed: int, cycles: int, more: int) -> None:
    found = pattern("uniform", 4, 2)
    for make, options in (
        (bernoulli, {}),
        (bursty, {"burst_rate_flits": 0.9, "burst_cycles": 9}),
    ):
        short, long = (
            make(found, rate_flits=0.3, packet_flits=1, cycles=n, seed=seed, **options)
            for n in (cycles, cycles + more)
        )
        assert np.array_equal(long[: len(short)], short)
        assert (long[len(short) :]["created"] >= cycles).all()


def test_seeds_differ_and_repeat() -> None:
    found = pattern("uniform", 4, 4)
    one, same, other = (
        bernoulli(found, rate_flits=0.3, packet_flits=1, cycles=100, seed=seed)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one[:50], other[:50])


def test_no_block_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many draws are made at once."""
    found = pattern("uniform", 4, 4)
    options: dict[str, Any] = {"rate_flits": 0.3, "packet_flits": 1, "cycles": 100, "seed": 7}
    burst = {"burst_rate_flits": 0.9, "burst_cycles": 9}
    whole = bernoulli(found, **options), bursty(found, **options, **burst)
    monkeypatch.setattr("traces.mesh.generate.DRAWS_AT_ONCE", 50)
    assert np.array_equal(whole[0], bernoulli(found, **options))
    assert np.array_equal(whole[1], bursty(found, **options, **burst))


def test_bursts() -> None:
    """The mean rate, the rate in a burst and its length, from runs of cycles in which a node that
    always sends while it is on does."""
    trace = bursty(
        pattern("uniform", 8, 8), rate_flits=0.25, packet_flits=1, burst_rate_flits=1,
        burst_cycles=8, cycles=8000, seed=5,
    )  # fmt: skip
    sends = np.zeros((8000, 64), bool)
    sends[trace["created"], trace["src"]] = True
    assert sends.mean() == pytest.approx(0.25, rel=0.05)
    begins = (sends[1:] & ~sends[:-1]).sum()
    assert sends.sum() / begins == pytest.approx(8, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_flits": 1.5}, "rate_flits: must be 0 to packet_flits = 1"),
        ({"packet_flits": 0}, "packet_flits: must be 1 to"),
        ({"cycles": -1}, "cycles: must be 0 or more, not -1"),
        ({"rate_flits": float("nan")}, "rate_flits: must be 0 to packet_flits = 1"),
    ],
)
def test_rates_that_cannot_be(options: dict[str, Any], message: str) -> None:
    given_options = {"rate_flits": 0.1, "packet_flits": 1, "cycles": 10, "seed": 1, **options}
    with pytest.raises(InputError, match=message):
        bernoulli(pattern("uniform", 2, 2), **given_options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_flits": 0.9}, "rate_flits: must be above 0 and below burst_rate_flits = 0.8"),
        ({"burst_cycles": 0.5}, "burst_cycles: must be 1 or more, not 0.5"),
        ({"rate_flits": 0.6, "burst_cycles": 2}, "burst_cycles: must be 3 or more, not 2"),
        ({"burst_rate_flits": 2}, "burst_rate_flits: must be 0 to packet_flits = 1"),
    ],
)
def test_bursts_that_cannot_be(options: dict[str, Any], message: str) -> None:
    given_options: dict[str, Any] = {
        "rate_flits": 0.1, "packet_flits": 1, "cycles": 10, "seed": 1, "burst_rate_flits": 0.8,
        "burst_cycles": 9, **options,
    }  # fmt: skip
    with pytest.raises(InputError, match=message):
        bursty(pattern("uniform", 2, 2), **given_options)


@pytest.mark.parametrize(
    ("name", "size", "more", "message"),
    [
        ("random", (2, 2), {}, "'random' is no pattern; must be one of uniform, transpose"),
        ("transpose", (4, 2), {}, "transpose: must be on a square mesh, not 4 x 2"),
        ("bit_complement", (3, 3), {}, "bit_complement: must be on a power of two of nodes, not 9"),
        ("hot_spot", (2, 2), {}, "hot_nodes: must be nodes, 0 to 3"),
        ("hot_spot", (2, 2), {"hot_nodes": [4]}, "hot_nodes: must be nodes, 0 to 3"),
        ("hot_spot", (2, 2), {"hot_nodes": [1], "hot_share": 2}, "hot_share: must be 0 to 1"),
    ],
)
def test_patterns_that_cannot_be(
    name: str, size: tuple[int, int], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pattern(name, *size, **more)
