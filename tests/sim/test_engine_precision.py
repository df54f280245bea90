"""Machines with SIMD engines: cycles, traffic and results by the formats of the layers."""

import json
from typing import Any

import pytest

from arch.load import load_machine
from arch.machine import Machine
from sim.report.files import result_json
from sim.result import Result
from sim.simulate import run
from traces.operators import Conv2d, Elementwise, Gemm, Workload
from traces.workload import load

LANES = {"fp4_e2m1": 4, "posit4_1": 4, "posit8_0": 2, "posit16_1": 1}


def npe(form: str, *more: str) -> Machine:
    return load_machine("xr_npe", [f'mapping.formats=[{{layers: "*", input: {form}}}]', *more])


def words_only(*more: str) -> Machine:
    """The array of XR-NPE with one operand of 16 bits a word."""
    return load_machine(
        "xr_npe",
        ["array.engine=null", "mapping.formats=[]", "array.operand_format=int16",
         "array.accumulator_format=int64", "array.output_format=int16", *more],
    )  # fmt: skip


def work(*operators: Any) -> Workload:
    return Workload(name="w", source="a test", operators=operators)


def conv(channels: int) -> Workload:
    return work(
        Conv2d(name="c", in_h=14, in_w=14, channels=channels, filt_h=3, filt_w=3, filters=24)
    )


@pytest.mark.parametrize("form", LANES)
def test_a_layer_takes_the_cycles_of_its_words(form: str) -> None:
    """Without memory, those of an array of one operand a word and the same depth in words."""
    lanes = LANES[form]
    packed = run(npe(form, "memory=null"), conv(32)).result
    plain = run(words_only("memory=null"), conv(32 // lanes)).result
    assert packed.cycles == plain.cycles
    assert packed.utilisation == plain.utilisation
    assert packed.macs == plain.macs * lanes == 144 * 24 * 32 * 9
    assert packed.events()["mac_words"] == plain.macs
    assert packed.operators[0].formats == f"{form} > {form}"
    assert packed.operators[0].k == 32 * 9


def test_lanes_without_a_use_are_no_macs() -> None:
    result = run(npe("fp4_e2m1"), conv(5)).result
    assert result.macs == 144 * 24 * 5 * 9
    assert result.events()["mac_words"] == 144 * 24 * 2 * 9


def test_narrow_formats_move_less() -> None:
    """Of the memory's bytes, as many as the codes take: all fits into the scratchpads."""
    moved = {}
    for form in LANES:
        events = run(npe(form), work(Gemm(name="g", m=32, n=32, k=64))).result.events()
        moved[form] = events["memory_read_bytes"], events["memory_write_bytes"]
    for form, lanes in LANES.items():
        assert moved[form] == (2 * 32 * 64 * 2 // lanes, 32 * 32 * 2 // lanes)


@pytest.mark.compiled
def test_a_mode_of_more_lanes_is_faster() -> None:
    cycles = [run(npe(form), load("squeezenet").workload).result.cycles for form in LANES]
    assert cycles[0] == cycles[1] < cycles[2] < cycles[3]


def test_energy_of_engines_is_not_known() -> None:
    energy = run(npe("posit8_0"), conv(8)).result.energy
    assert {"array", "leakage_registers", "leakage_arithmetic"} <= set(energy.unknown)
    assert energy.by_component_pj["memory"] > 0


def test_layers_switch_between_modes() -> None:
    machine = load_machine(
        "xr_npe",
        ["mapping.formats=[{layers: a, input: posit16_1}, {layers: b, input: fp4_e2m1}]"],
    )
    layers = work(
        Gemm(name="a", m=32, n=32, k=64),
        Elementwise(name="r", inputs=("a",), op="act", elements=32 * 32),
        Gemm(name="b", inputs=("r",), m=32, n=32, k=32),
    )
    result = run(machine, layers).result
    assert [row.formats for row in result.operators if row.m] == [
        "posit16_1 > fp4_e2m1", "fp4_e2m1 > fp4_e2m1"
    ]  # fmt: skip
    written = [row.events.get("memory_write_bytes") for row in result.operators if row.m]
    assert written == [32 * 32 // 2] * 2


def test_the_peak_is_that_of_the_most_lanes() -> None:
    machine = npe("posit8_0")
    result: Result = run(machine, conv(8)).result
    assert result.peak_macs_per_second == machine.peak_macs_per_second == 64 * 4 * 1_720_000_000


def test_results_are_written_and_hold_the_formats() -> None:
    told = json.loads(result_json(run(npe("posit8_0"), conv(8)).result))
    assert told["operators"][0]["formats"] == "posit8_0 > posit8_0"
    assert told["machine"]["mapping"]["formats"][0]["input"] == "posit8_0"
