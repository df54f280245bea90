"""What is said of a DRAM standard that is wrong, and how its presets resolve."""

import json
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from arch.dram.standard import Standard
from arch.errors import InputError

LEAST = """\
standard: Least
source: a test
levels: [channel, rank, bank]
channel_bits: 64
burst_length: 8
read_latency: nCL + nBL
write_latency: nCL + nBL
commands:
  ACT: {action: activate, cycles: 2}
  PREab: {action: precharge, level: rank}
constraints:
  - {level: rank, preceding: [ACT], following: [ACT], latency: nRC}
  - {level: bank, preceding: [ACT], following: [PREab], latency: nRAS}
timings: {nBL: 4, nCL: 10}
organisations:
  small:
    density_mbit: 8
    dq_bits: 8
    levels: {rank: 1, bank: 4}
    rows: 16
    columns: 64
  wide:
    density_mbit: 8
    dq_bits: 16
    levels: {rank: 1, bank: 4}
    rows: 16
    columns: 64
speeds:
  slow:
    rate_mbps: 1000
    clock_period_ps: 2000
    timings: {tRC_ns: 50, nRAS: 15}
    dq_timings:
      x16: {nRAS: 17}
"""
BASE = yaml.safe_load(LEAST)
TIMINGS = "nBL, nCL, nRAS, nRC, rate"


def file_with(folder: Path, text: str) -> Path:
    file = folder / "least.yaml"
    file.write_text(text)
    return file


def refused(folder: Path, old: str, new: str) -> str:
    """What is said of the file with a part replaced; without the folder."""
    assert LEAST.count(old) == 1
    file = file_with(folder, LEAST.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_standard(str(file))
    return str(caught.value).replace(f"{folder}/", "")


@pytest.fixture
def least(tmp_path: Path) -> Standard:
    return load_standard(str(file_with(tmp_path, LEAST)))


WRONG = {
    "unknown command": (
        "preceding: [ACT], following: [PREab]",
        "preceding: [ACT], following: [PRE]",
        "least.yaml:13: constraints[1].following: 'PRE' is no command; are: ACT, PREab",
    ),
    "unknown timing": (
        "latency: nRAS",
        "latency: nRASX + 1",
        "least.yaml:13: constraints[1].latency: 'nRASX + 1' names 'nRASX', which is no timing; "
        f"are: {TIMINGS}",
    ),
    "unknown timing of a latency": (
        "read_latency: nCL + nBL",
        "read_latency: nCL + nAL",
        f"least.yaml:6: read_latency: 'nCL + nAL' names 'nAL', which is no timing; are: {TIMINGS}",
    ),
    "a timing that only one preset gives": (
        "timings: {tRC_ns: 50, nRAS: 15}",
        "timings: {tRC_ns: 50}",
        "least.yaml:13: constraints[1].latency: 'nRAS' names 'nRAS', not given by small with slow",
    ),
    "no expression": (
        "latency: nRAS",
        'latency: "nRAS ** 2"',
        "least.yaml:13: constraints[1].latency: 'nRAS ** 2' must be a sum of timings: "
        "+ - * max() min()",
    ),
    "level order": (
        "levels: [channel, rank, bank]",
        "levels: [channel, bank, rank]",
        "least.yaml:3: levels: must begin with channel and end with bank",
    ),
    "level order inside": (
        "levels: [channel, rank, bank]",
        "levels: [channel, bank_group, rank, bank]",
        "least.yaml:3: levels: must be in the order channel, pseudo_channel, rank, stack, "
        "bank_group, bank, each once",
    ),
    "level twice": (
        "levels: [channel, rank, bank]",
        "levels: [channel, rank, rank, bank]",
        "least.yaml:3: levels: must be in the order channel, pseudo_channel, rank, stack, "
        "bank_group, bank, each once",
    ),
    "unknown level": (
        "levels: [channel, rank, bank]",
        "levels: [channel, ranks, bank]",
        'least.yaml:3: levels[1]: given "ranks"; must be channel, pseudo_channel, rank, stack, '
        "bank_group or bank; did you mean rank?",
    ),
    "a command's level": (
        "{action: precharge, level: rank}",
        "{action: precharge, level: stack}",
        "least.yaml:10: commands.PREab.level: 'stack' is not one of this standard's levels, "
        "channel, rank, bank",
    ),
    "a constraint's level": (
        "{level: rank, preceding",
        "{level: stack, preceding",
        "least.yaml:12: constraints[0].level: 'stack' is not one of this standard's levels, "
        "channel, rank, bank",
    ),
    "an organisation's levels": (
        "  small:\n    density_mbit: 8\n    dq_bits: 8\n    levels: {rank: 1, bank: 4}",
        "  small:\n    density_mbit: 8\n    dq_bits: 8\n    levels: {bank: 4}",
        "least.yaml:19: organisations.small.levels: must give rank, bank, not bank",
    ),
    "unknown key": (
        "{action: precharge, level: rank}",
        "{action: precharge, levl: rank}",
        "least.yaml:10: commands.PREab.levl: is not a known key; did you mean level? Known are "
        "action, level, closes, same_bank, cycles",
    ),
    "unknown key without a neighbour": (
        "source: a test",
        "source: a test\nxyz: 1",
        "least.yaml:3: xyz: is not a known key; remove it. Known are standard, source, sources, "
        "bus, levels, commands, constraints, read_latency, write_latency, burst_length, "
        "channel_bits, timings, organisations, speeds, typical_organisation, typical_speed, "
        "currents",
    ),
    "unknown action": (
        "{action: precharge, level: rank}",
        "{action: close, level: rank}",
        'least.yaml:10: commands.PREab.action: given "close"; must be activate, activate_1, '
        "activate_2, precharge, read, write, refresh, sync or none",
    ),
    "text for a timing": (
        "{tRC_ns: 50, nRAS: 15}",
        "{tRC_ns: fast, nRAS: 15}",
        'least.yaml:32: speeds.slow.timings.tRC_ns: given "fast"; must be a number from 0 to '
        "2147483648",
    ),
    "a negative timing": (
        "{tRC_ns: 50, nRAS: 15}",
        "{tRC_ns: 50, nRAS: -15}",
        "least.yaml:32: speeds.slow.timings.nRAS: given -15; must be a number from 0 to 2147483648",
    ),
    "part of a cycle": (
        "{tRC_ns: 50, nRAS: 15}",
        "{tRC_ns: 50, nRAS: 15.5}",
        "least.yaml:32: speeds.slow.timings.nRAS: given 15.5; must be a whole number of cycles; in "
        "nanoseconds it is tRAS_ns",
    ),
    "a timing's name": (
        "{tRC_ns: 50, nRAS: 15}",
        "{tRC: 50, nRAS: 15}",
        "least.yaml:32: speeds.slow.timings.tRC: must be named as nRCD, in cycles, or tRCD_ns, in "
        "nanoseconds",
    ),
    "a timing twice": (
        "{tRC_ns: 50, nRAS: 15}",
        "{tRC_ns: 50, nRC: 25, nRAS: 15}",
        "least.yaml:32: speeds.slow.timings: gives nRC in cycles and as tRC_ns; remove one",
    ),
    "pins that no organisation has": (
        "x16: {nRAS: 17}",
        "x32: {nRAS: 17}",
        "least.yaml:34: speeds.slow.dq_timings.x32: no organisation has so many data pins; "
        "have: x16, x8",
    ),
    "devices that do not fill the channel": (
        "dq_bits: 16",
        "dq_bits: 24",
        "least.yaml:24: organisations.wide.dq_bits: given 24; channel_bits, 64, must be a multiple "
        "of it",
    ),
    "part of a burst": (
        "    columns: 64\nspeeds",
        "    columns: 60\nspeeds",
        "least.yaml:27: organisations.wide.columns: given 60; must be a multiple of burst_length, "
        "8",
    ),
    "no rows": (
        "    rows: 16\n    columns: 64\nspeeds",
        "    rows: 0\n    columns: 64\nspeeds",
        "least.yaml:26: organisations.wide.rows: given 0; must be 1 to 16777216",
    ),
    "currents of nothing": (
        "speeds:\n",
        "currents: {small/fast: {source: none, vdd_v: 1, currents_ma: {}}}\nspeeds:\n",
        "least.yaml:28: currents.small/fast: must be an organisation and a speed of this file, as "
        "in small/slow",
    ),
    "a key twice": (
        "channel_bits: 64",
        "channel_bits: 64\nchannel_bits: 32",
        "least.yaml:5: channel_bits: is given twice, first in line 4; remove one",
    ),
    "no YAML": ("[channel, rank, bank]", "[channel, rank", None),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_line_path_and_what_would_be_right(
    case: str, tmp_path: Path
) -> None:
    old, new, said = WRONG[case]
    found = refused(tmp_path, old, new)
    if said is None:
        assert found.startswith("least.yaml:4: is not YAML: ")
    else:
        assert found == said


def test_no_keys_at_all(tmp_path: Path) -> None:
    for text in ("", "- 1\n", "text\n"):
        file = file_with(tmp_path, text)
        with pytest.raises(InputError) as caught:
            load_standard(str(file))
        assert str(caught.value) == f"{file}:1: must be the keys of a DRAM standard"


def test_unknown_standards() -> None:
    with pytest.raises(InputError) as caught:
        load_standard("ddr44")
    assert str(caught.value) == (
        "'ddr44' is no DRAM standard and no file; did you mean ddr4? known by name are ddr4, ddr5, "
        "gddr6, hbm2, hbm3, lpddr4, lpddr5"
    )
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(InputError, match="is no DRAM standard and no file; known by name are"):
            load_standard(name)


def test_names_ignore_case() -> None:
    assert load_standard("HBM2") == load_standard("hbm2")


@pytest.mark.parametrize(
    ("organisation", "speed", "said"),
    [
        ("large", "slow", "Least: 'large' is no organisation; are: small, wide"),
        ("small", "fast", "Least: 'fast' is no speed; are: slow"),
    ],
)
def test_unknown_presets(least: Standard, organisation: str, speed: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(least, organisation, speed)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("levels", "timings", "said"),
    [
        ({"ranks": 2}, {}, "Least: 'ranks' is no level to be set; are: rank, bank"),
        ({"channel": 2}, {}, "Least: 'channel' is no level to be set; are: rank, bank"),
        ({"rank": 0}, {}, "Least: rank: given 0; must be 1 at least"),
        ({}, {"tRC_ns": 7}, f"Least: 'tRC_ns' is no timing; are: {TIMINGS}"),
        ({}, {"nRC": -1}, "Least: nRC: given -1; must be 0 at least"),
    ],
)
def test_wrong_replacements(
    least: Standard, levels: dict[str, int], timings: dict[str, int], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve(least, "small", "slow", levels=levels, timings=timings)
    assert str(caught.value) == said


def rule_cycles(device: Device) -> list[int]:
    return [rule.cycles for rule in device.rules]


def test_rules_count_from_the_last_cycle_of_both_commands(least: Standard) -> None:
    # tRC: 50 ns are 25 cycles of 2 ns; ACT takes one cycle more than PREab.
    assert rule_cycles(resolve(least, "small", "slow"))[:2] == [25, 15 + 1]


def test_a_long_command_holds_its_bus(least: Standard) -> None:
    held = [
        (rule.level, rule.preceding, rule.following, rule.cycles)
        for rule in resolve(least, "small", "slow").rules[2:]
    ]
    assert held == [("channel", "ACT", "ACT", 2), ("channel", "ACT", "PREab", 2)]


def test_replacements_reach_the_rules(least: Standard) -> None:
    device = resolve(least, "small", "slow", levels={"rank": 2}, timings={"nRC": 30})
    assert device.sizes == (1, 2, 4)
    assert rule_cycles(device)[:2] == [30, 16]
    assert (device.nodes("rank"), device.banks) == (2, 8)


def test_timings_by_data_pins(least: Standard) -> None:
    assert rule_cycles(resolve(least, "wide", "slow"))[:2] == [25, 17 + 1]


def test_what_is_given_last_counts_however_it_is_written(tmp_path: Path) -> None:
    text = LEAST.replace("{nBL: 4, nCL: 10}", "{nBL: 4, nCL: 10, nRAS: 1}")
    text = text.replace(
        "    columns: 64\nspeeds", "    columns: 64\n    timings: {tRAS_ns: 4}\nspeeds"
    )
    standard = load_standard(
        str(file_with(tmp_path, text.replace("      x16: {nRAS: 17}", "      x8: {}")))
    )
    # The speed's 15 cycles replace the organisation's 4 ns, and those the standard's 1 cycle.
    assert resolve(standard, "wide", "slow").timings["nRAS"] == 15
    without = text.replace(", nRAS: 15}", "}").replace("      x16: {nRAS: 17}", "      x8: {}")
    standard = load_standard(str(file_with(tmp_path, without)))
    assert resolve(standard, "wide", "slow").timings["nRAS"] == 2
    assert resolve(standard, "small", "slow").timings["nRAS"] == 1


@given(
    tenths_of_ps=st.integers(0, 200_000_000),
    period_ps=st.integers(1, 5_000),
    whole=st.booleans(),
)
def test_nanoseconds_become_cycles_rounded_up(
    tenths_of_ps: int, period_ps: int, whole: bool
) -> None:
    if whole:
        tenths_of_ps -= tenths_of_ps % (10 * period_ps)
    exact = Fraction(tenths_of_ps, 10_000)
    data = {**BASE, "speeds": {"slow": {
        "rate_mbps": 1000,
        "clock_period_ps": period_ps,
        "timings": {"tRC_ns": float(exact), "nRAS": 15},
    }}}  # fmt: skip
    device = resolve(Standard.model_validate_json(json.dumps(data)), "small", "slow")
    assert device.timings["nRC"] == ceil(exact * 1000 / period_ps)


@pytest.mark.parametrize(
    ("nanoseconds", "period_ps", "cycles"),
    [
        (7.5, 1250, 6),
        (13.32, 833, 16),
        (7.5, 833, 10),
        (350, 833, 421),
        (0, 833, 0),
        (0.1, 833, 1),
        (16.065, 357, 45),
    ],
)
def test_known_roundings(nanoseconds: float, period_ps: int, cycles: int) -> None:
    data = {**BASE, "timings": {"nBL": 4, "nCL": 10, "tRC_ns": nanoseconds, "nRAS": 1}, "speeds": {
        "slow": {"rate_mbps": 1000, "clock_period_ps": period_ps, "timings": {}}
    }}  # fmt: skip
    standard = Standard.model_validate_json(json.dumps(data))
    assert resolve(standard, "small", "slow").timings["nRC"] == cycles
