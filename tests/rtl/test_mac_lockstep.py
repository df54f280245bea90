"""The SIMD engine on its own: hardware and model alike in every register, times and values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Mux, Value
from mac_cases import dots_in_hardware
from twin_checks import OTHER_SIMULATORS, check_cuts, check_equal, check_fields, check_registers

from arch.errors import InputError
from arch.load import load_machine
from arch.mac.engine import Engine, Mode
from rtl.lockstep.campaign_mac import mac_builds
from rtl.lockstep.mac import MacTwin, mac_twin
from rtl.lockstep.mutation.mac import CASES, MacJudge
from rtl.lockstep.mutation.mac_timing_table import MUTANTS
from rtl.lockstep.mutation.netlist import netlist_mutants
from rtl.lockstep.mutation.record import GOAL
from rtl.lockstep.run import cosim
from rtl.mac import SimdMac, SimdMacUnit, encoder
from rtl.mac.accumulate import accumulate
from rtl.mac.rmmec import Rmmec
from rtl.wrapper import Wrapper

MIXED = (
    Mode(input_format="fp8_e5m2"),
    Mode(input_format="int8"),
    Mode(input_format="posit8_0", weight_format="fp4_e2m1"),
)
RECORDS = Path(__file__).parents[2] / "docs" / "validation"
TWINS = {
    "xr_npe": MacTwin(Engine()),
    "chained": MacTwin(Engine(accumulation="chained", chain_format="posit16_1"), 2),
    "mixed": MacTwin(Engine(modes=MIXED, result_formats=("fp32", "int8", "fp8_e5m2")), 3),
    "fp32_chain": MacTwin(
        Engine(
            modes=MIXED, accumulation="chained", chain_format="fp32", result_formats=("fp8_e5m2",)
        ),
        4,
    ),
    "small": MacTwin(
        Engine(modes=(Mode(input_format="fp4_e2m1"), Mode(input_format="posit8_0")), word_bits=8)
    ),
    "one_format": MacTwin(
        Engine(word_bits=9, modes=(Mode(input_format="int4"),), result_formats=("int8",))
    ),
}
each = pytest.mark.parametrize("name", TWINS)


@each
def test_hardware_and_model_agree_in_every_register(name: str) -> None:
    outcome = check_equal(TWINS[name], seed=7, cycles=60_000)
    assert outcome.useful_cycles > 50_000
    assert all(outcome.coverage.values()), outcome.coverage


@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(TWINS["one_format"], seed=3, cycles=1500, simulator=simulator)


@each
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(Wrapper(TWINS[name].component))


@each
def test_fields_are_those_of_the_model(name: str) -> None:
    wrapper = Wrapper(TWINS[name].component)
    check_fields(TWINS[name], wrapper)
    assert all(field.width <= 32 for field in wrapper.resp_fields)


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(TWINS["mixed"], (1, 255, 256, 44, 1444))


@pytest.mark.parametrize("latency", [1, 2, 5])
def test_a_code_comes_as_many_cycles_behind_the_last_word(latency: int) -> None:
    """``dots_in_hardware`` asserts the cycle of each; here dots of one word follow each other."""
    engine = Engine(modes=(Mode(input_format="int8", lanes=1),), result_formats=("int32",))
    a, b = np.arange(-100, 100), np.arange(200) % 127
    found = dots_in_hardware(engine, a[:, None] & 0xFF, b[:, None], latency=latency)
    np.testing.assert_array_equal(found, (a * b) & 0xFFFFFFFF)


class Crosstalk(Rmmec):
    """A multiplier beside the diagonal stays on in the first mode."""

    def merges(self, mode: int, i: int, j: int) -> bool:
        return super().merges(mode, i, j) or (mode == 0 and (i, j) == (1, 0))


class LatchedMode(SimdMac):
    """The mode of a word reaches the sum a cycle late."""

    def elaborate(self, platform: object) -> Module:
        self.modes.reverse()
        return super().elaborate(platform)


class Unsigned(SimdMacUnit):
    """The mode that a sum is read in is that of the word behind it."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += m.submodules["reader"].mode.eq(self.mac.arrived_mode)
        return m


def carry_lost(m: Module, engine: Engine, first: Value, total: Value, *rest: Value) -> Value:
    """Between the two halves of the number."""
    right = accumulate(m, engine, first, total, *rest)
    half = engine.sum_bits // 2
    product = rest[0]
    low = Mux(first, 0, total[:half]) + product[:half]
    return Mux(low[-1], right ^ (1 << half), right)


def without_sticky(bits: Value, width: int) -> Value:
    lost = len(bits) - width
    return bits[lost:] if lost > 0 else bits << -lost


FAULTS: list[tuple[str, str, Any]] = [
    ("small", "rtl.mac.lanes.Rmmec", Crosstalk),
    ("small", "rtl.mac.simd_mac.accumulate", carry_lost),
    ("small", "rtl.lockstep.mac.SimdMacUnit", Unsigned),
    ("small", "rtl.mac.reader.narrowed", without_sticky),
    ("chained", "rtl.mac.accumulate.narrowed", without_sticky),
    ("fp32_chain", "rtl.mac.simd_mac.SimdMac", LatchedMode),
]


@pytest.mark.parametrize(("name", "where", "fault"), FAULTS)
def test_hardware_that_is_wrong_is_found(
    name: str, where: str, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, fault)
    assert cosim(TWINS[name], seed=1, cycles=30_000).mismatch is not None


@pytest.mark.parametrize("name", ["small", "fp32_chain"])
def test_wrong_rounding_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ties go up, not to even: what is halfway is more than halfway."""
    plain = encoder.narrowed

    def ties_go_up(bits: Value, width: int) -> Value:
        kept = plain(bits, width)
        return kept | kept[1]

    monkeypatch.setattr(encoder, "narrowed", ties_go_up)
    assert cosim(TWINS[name], seed=1, cycles=60_000).mismatch is not None


def test_the_campaign_builds_both_sums_of_all_lengths() -> None:
    builds = mac_builds(40, 2026)
    assert mac_builds(40, 2026) == builds
    assert {build.group for build in builds} == {"quire", "chained"}
    assert {build.parameters["latency_cycles"] for build in builds} == {1, 2, 3, 4}
    assert any(build.large for build in builds)


def test_who_has_no_engine_is_told() -> None:
    with pytest.raises(InputError, match=r"gemmini_16: array\.engine: must be given"):
        mac_twin(load_machine("gemmini_16"))


def test_faults_of_the_netlist_are_found() -> None:
    engine, latency = CASES["exact, lanes"]
    judge = MacJudge(MacTwin(engine, latency), seed=1, cycles=20_000)
    verdicts = netlist_mutants(judge, 12, seed=1)
    assert len(verdicts) == 12
    assert sum(verdict.killed_at is not None for verdict in verdicts) >= 9


def test_the_recorded_score() -> None:
    record = json.loads((RECORDS / "mac_mutation.json").read_text())
    assert record["score"] >= GOAL
    assert not record["distrusted"]
    counts = {kind: record[kind]["mutants"] for kind in ("netlist", "kernel", "timing")}
    assert counts["netlist"] >= 400
    assert counts["kernel"] >= 100
    assert counts["timing"] == len(MUTANTS) >= 20


def test_the_recorded_campaign() -> None:
    record = json.loads((RECORDS / "mac_rtl.json").read_text())
    assert record["mismatches"] == 0
    assert record["builds"] >= 12
    assert record["compared_cycles"] >= 2_000_000
    assert all(count for counts in record["coverage"].values() for count in counts.values())
