"""PIMs as data: command sets, presets, and what is wrong with them."""

from pathlib import Path

import pytest

from arch.errors import InputError
from arch.pim.files import COMMAND_SETS
from arch.pim.system import (
    command_set_names,
    is_pim,
    load_command_set,
    load_pim,
    pim_names,
)


def rule(name: str, preceding: str, following: str, **timings: int) -> int:
    """The longest distance of two commands."""
    pim = load_pim(name, [f"timings.{key}={value}" for key, value in timings.items()])
    return max(
        each.cycles
        for each in pim.device().device.rules
        if (each.preceding, each.following) == (preceding, following)
    )


def test_names() -> None:
    assert command_set_names() == ("aim", "hbm_pim", "neupims", "pim_gpt")
    neupims = ("neupims", "neupims_single", "neupims_single_wide")
    both = sorted(f"{name}{suffix}" for name in neupims for suffix in ("", "_as_simulated"))
    assert pim_names() == (
        *("aim", "aim_as_simulated", "attacc", "attacc_as_published"),
        *("hbm_pim", "hbm_pim_as_simulated"),
        *both,
        "pim_gpt",
    )
    assert is_pim("aim")
    assert not is_pim("ddr4_2400")
    assert not is_pim("no/such/file")


@pytest.mark.parametrize("name", ["aim", "aim_as_simulated"])
@pytest.mark.parametrize(
    ("preceding", "following", "cycles"),
    [
        ("MAC16", "MAC16", 2),
        ("ACT16", "MAC16", 56),
        ("ACT16", "AF16", 86),
        ("ACT16", "EWMUL16", 25),
        ("ACT16", "WRA16", 28),
        ("ACT16", "RDCP", 66),
        ("ACT16", "WRCP", 48),
        ("ACT16", "ACT16", 89),
        ("ACT16", "PREab", 54),
        ("MAC16", "PREab", 12),
        ("EWMUL16", "PREpb", 39),
        ("WRCP", "PREab", 41),
        ("PREab", "ACT16", 32),
        ("WRA16", "ACT16", 73),
        ("RDMAC16", "WRGB", 5),
        ("RDAF16", "WRMAC16", 5),
        ("WRGB", "RDMAC16", 12),
        ("WRMAC16", "RDAF16", 14),
        ("TMOD", "WRGB", 32),
        ("ACT", "MAC", 56),
        ("ACT", "ACT", 89),
        ("PREpb", "ACT", 32),
    ],
)
def test_distances_of_the_simulator(name: str, preceding: str, following: str, cycles: int) -> None:
    assert rule(name, preceding, following) == cycles


def test_the_four_activate_window_spares_activates_of_all_banks() -> None:
    windows = [each for each in load_pim("aim").device().device.rules if each.window > 1]
    assert {each.cycles for each in windows} == {42}
    assert {name for each in windows for name in (each.preceding, each.following)} == {
        "ACT",
        "REFpb",
    }
    assert not [
        each for each in load_pim("aim_as_simulated").device().device.rules if each.window > 1
    ]


def test_timings_of_the_presets() -> None:
    corrected = load_pim("aim").device().device
    in_force = load_pim("aim_as_simulated").device().device
    assert (corrected.timings["nREFI"], corrected.timings["nRFCab"]) == (3800, 240)
    assert (in_force.timings["nREFI"], in_force.timings["nRFCpb"]) == (7800, 3333)
    assert (corrected.clock_khz, in_force.clock_khz) == (2_000_000, 1_000_000)
    assert (corrected.banks, corrected.rows, corrected.columns) == (16, 16384, 64)
    assert corrected.burst_bytes == 32


def test_latencies() -> None:
    latency = load_pim("aim_as_simulated").device().latency_cycles
    assert {
        name: latency[name]
        for name in ("WR", "WRGB", "WRMAC16", "RDMAC16", "RDAF16", "RD", "MAC16", "WRA16")
    } == {
        "WR": 8, "WRGB": 3, "WRMAC16": 3, "RDMAC16": 2, "RDAF16": 2, "RD": 52, "MAC16": 1,
        "WRA16": 40,
    }  # fmt: skip


def test_what_commands_do_to_data_is_declared() -> None:
    aim = load_command_set("aim")
    assert (aim.mac.lanes, aim.mac.operand_format, aim.mac.reduction) == (16, "bf16", "adder_tree")
    for name, command in aim.commands.items():
        if command.action in ("access", "register"):
            assert command.reads, name
            assert command.writes is not None, name
    mac = aim.commands["MAC16"]
    assert mac.reads == ("row", "global_buffer", "accumulators")
    assert (mac.writes, mac.operation) == ("accumulators", "multiply_accumulate")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("speed=fast", "'fast' is no speed"),
        ("variant=ddr", "AiM: 'ddr' is no variant; are: jedec, simulator"),
        ("commands=bim", "'bim' is no command set and no file; did you mean aim? known by"),
        ("timings.nRCD=3", "'nRCD' is no timing; are: "),
        ("channels=33", "channels: "),
        ("controller.drain_below=40", "controller: drain_below: must be 26 at most"),
        ("controller.refresh=per_bank", "controller.refresh: "),
    ],
)
def test_a_change_that_is_wrong(change: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load_pim("aim", [change]).device()
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mac_busy: nCCDL", "mac_busy: nCCDX", "commands.MAC.mac_busy: 'nCCDX' names"),
        ("latency: nMODCH", "latency: nMODE", "names 'nMODE', not given by"),
        ("WR_GB: {command: WRGB}", "WR_GB: {command: WRGC}", "instructions.WR_GB.command: 'WRGC'"),
        ("  ACT4:", "  ACT:", "AiM: commands.ACT: GDDR6 has it already"),
        ("TMOD: {action: mode", "TMOD: {action: register", "needs a command of action mode"),
        ("standard: gddr6", "standard: gddr9", "'gddr9' is no DRAM standard"),
        ("lanes: 16", "lanes: 0", "mac.lanes: "),
        ("{action: register, level: channel,", "{action: register, closes: true, level: channel,",
         "commands.WRGB: a register command has no rows"),
    ],
)  # fmt: skip
def test_a_command_set_that_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = COMMAND_SETS.find("aim").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_pim("aim", [f"commands={path}"]).device()
    assert told in str(caught.value)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(InputError, match="known by name are aim, aim_as_simulated"):
        load_pim("bim")
