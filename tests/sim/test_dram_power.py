"""Energy of DRAM: by hand, by another simulator's formula, and what stays unknown."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from calling import call
from dram_golden import log as peer_log

from arch.catalog import CONFIGS
from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from arch.dram.memory import MemorySystem, load_memory
from sim.dram.power import ActiveCycles, energy
from sim.dram.report import as_dict, energy_of, table
from sim.dram.state import LOG
from sim.dram.trace import MemoryRun, run_trace

REQUEST = np.dtype([("cycle", np.int64), ("address", np.uint64), ("write", np.uint8)])
DEVICE = load_memory("ddr4_2400").device()
NS = 1 / 1.2
"""A cycle of DDR4-2400."""


def log_of(device: Device, commands: list[tuple[int, str, int]]) -> npt.NDArray[np.void]:
    """A log of (cycle, command, first bank)."""
    names = list(device.commands)
    log = np.zeros(len(commands), LOG)
    for i, (cycle, name, bank) in enumerate(commands):
        log[i]["cycle"], log[i]["command"], log[i]["bank"] = cycle, names.index(name), bank
    return log


def active_of(device: Device, commands: list[tuple[int, str, int]], until: int) -> int:
    counter = ActiveCycles(device, 1)
    counter(0, log_of(device, commands))
    return counter.total(until)


def test_three_commands_by_hand() -> None:
    """Eight x8 devices at 1.2 V: IDD0 48, IDD2N 34, IDD3N 43, IDD4R 135, IDD5B 250; IPP0 and IPP3N
    3, IPP5B 28 at 2.5 V; tRC 55, tRAS 39, a burst of 4 cycles."""
    active = active_of(DEVICE, [(10, "ACT", 3), (26, "RD", 3), (60, "PREpb", 3)], 100)
    assert active == 50
    found = energy(DEVICE, {"ACT": 1, "RD": 1, "PREpb": 1}, 100, active)
    assert found.by_component_pj == pytest.approx(
        {
            "activate": (48 * 55 - 43 * 39 - 34 * 16) * 1.2 * 8 * NS,
            "read": (135 - 43) * 4 * 1.2 * 8 * NS,
            "background": (43 * 50 + 34 * 50) * 1.2 * 8 * NS,
            "pump": 3 * 100 * 2.5 * 8 * NS,
        }
    )
    assert found.total_pj == pytest.approx(3352 + 2944 + 30800 + 5000)
    assert not found.is_lower_bound


def test_a_refresh_and_a_write_by_hand() -> None:
    n_rfc = DEVICE.timings["nRFC"]
    commands = [(0, "REFab", 0), (500, "ACT", 0), (516, "WR", 0), (560, "PREab", 0)]
    active = active_of(DEVICE, commands, 1000)
    assert active == n_rfc + 60
    found = energy(DEVICE, {"REFab": 1, "ACT": 1, "WR": 1, "PREab": 1}, 1000, active)
    assert found.by_component_pj["write"] == pytest.approx((123 - 43) * 4 * 1.2 * 8 * NS)
    assert found.by_component_pj["refresh"] == pytest.approx((250 - 43) * n_rfc * 1.2 * 8 * NS)
    assert found.by_component_pj["pump"] == pytest.approx((25 * n_rfc + 3000) * 2.5 * 8 * NS)
    # While a refresh is under way a device takes IDD5B, all told.
    only = energy(DEVICE, {"REFab": 1}, n_rfc, active_of(DEVICE, [(0, "REFab", 0)], n_rfc))
    assert only.by_component_pj["refresh"] + only.by_component_pj["background"] == pytest.approx(
        250 * n_rfc * 1.2 * 8 * NS
    )


CASES = {
    "two banks overlap": ([(0, "ACT", 0), (10, "ACT", 5), (40, "PREpb", 0), (90, "PREpb", 5)], 90),
    "one after the other": ([(0, "ACT", 0), (40, "PREpb", 0), (60, "ACT", 0)], 40 + 140),
    "all are closed": ([(0, "ACT", 0), (5, "ACT", 1), (60, "PREab", 0)], 60),
    "a closed bank is closed again": ([(0, "ACT", 0), (50, "PREpb", 1), (70, "PREpb", 0)], 70),
    "a bank of each rank": ([(0, "ACT", 0), (20, "ACT", 16), (50, "PREpb", 0)], 50 + 180),
    "ranks are closed alone": ([(0, "ACT", 0), (0, "ACT", 16), (50, "PREab", 16)], 200 + 50),
    # To its precharge it takes nRTP 9, or nCWL 12 + nBL 4 + nWR 18.
    "it closes itself after a read": ([(0, "ACT", 0), (40, "RDA", 0)], 49),
    "it closes itself after a write": ([(0, "ACT", 0), (40, "WRA", 0)], 40 + 34),
    "another opens meanwhile": ([(0, "ACT", 0), (40, "WRA", 0), (50, "ACT", 1)], 200),
    "nothing": ([], 0),
}


@pytest.mark.parametrize("case", CASES)
def test_cycles_with_a_bank_open(case: str) -> None:
    commands, wanted = CASES[case]
    two_ranks = load_memory("ddr4_2400", ["levels.rank=2"]).device()
    assert active_of(two_ranks, commands, 200) == wanted


def test_a_log_in_parts_counts_the_same() -> None:
    commands = [(0, "ACT", 0), (10, "ACT", 5), (40, "PREpb", 0), (90, "PREpb", 5), (95, "ACT", 2)]
    counter = ActiveCycles(DEVICE, 3)
    for each in commands:
        counter(0, log_of(DEVICE, [each]))
        counter(2, log_of(DEVICE, [each]))
    assert active_of(DEVICE, commands, 120) == 90 + 25
    assert counter.total(120) == 2 * (90 + 25)


DRAMSIM3 = {
    "short_mix64": (4_000, 144806.4, 148377.6, 67584.0, 1650374.4, 652.8),
    "mix21": (25_000, 11817811.2, 9648076.8, 4193280.0, 10319174.4, 652.8),
    "pingpong_paced": (110_000, 2059468.8, 1808793.6, 0.0, 42032121.6, 2669299.2),
    "bg_stream_write": (12_000, 257433.6, 0.0, 6291456.0, 4924704.0, 22848.0),
}
"""What DRAMsim3 (commit 2981759) itself says of runs of its golden logs, refresh off, with the
power section of DDR4_8Gb_x8_2400.ini: cycles; activate, read, write, active and precharge standby,
which it calls pJ and are mW x cycles."""
INI = {"VDD": 1.2, "IDD0": 48, "IDD2N": 34, "IDD3N": 43, "IDD4W": 123, "IDD4R": 135}


def dramsim3s_formula(log: pd.DataFrame, cycles: int) -> tuple[float, ...]:
    """As src/configuration.cc and src/controller.cc have it, from a log alone: a rank is active in
    each cycle at whose end a row is open."""
    t_ras, t_rp, burst, devices = 39, 16, 4, 64 // 8
    kinds = log.cmd.value_counts().to_dict()
    power = INI["VDD"] * devices
    cell = INI["IDD0"] * (t_ras + t_rp) - (INI["IDD3N"] * t_ras + INI["IDD2N"] * t_rp)
    rows: set[tuple[int, int]] = set()
    changes = {}
    for cycle, cmd, bg, bank in zip(log.cycle, log.cmd, log.bg, log.bank, strict=True):
        if cmd == "ACT":
            rows.add((bg, bank))
        elif cmd == "PRE":
            rows.remove((bg, bank))
        changes[cycle] = bool(rows)
    active, is_open = 0, False
    for cycle in range(cycles):
        is_open = changes.get(cycle, is_open)
        active += is_open
    return (
        kinds.get("ACT", 0) * power * cell,
        kinds.get("RD", 0) * power * (INI["IDD4R"] - INI["IDD3N"]) * burst,
        kinds.get("WR", 0) * power * (INI["IDD4W"] - INI["IDD3N"]) * burst,
        active * power * INI["IDD3N"],
        (cycles - active) * power * INI["IDD2N"],
    )


def peers(trace: str) -> pd.DataFrame:
    """DRAMsim3's log, with its names."""
    log = peer_log("dramsim3", "ddr4_2400_matched", trace, False)
    return log.rename(columns={"command": "cmd", "bank_group": "bg"}).assign(
        cmd=lambda each: each.cmd.astype(str).str.replace("PREpb", "PRE")
    )


@pytest.mark.parametrize("trace", DRAMSIM3)
def test_dramsim3s_energy_of_its_own_runs(trace: str) -> None:
    cycles, *wanted = DRAMSIM3[trace]
    log = peers(trace)
    assert dramsim3s_formula(log, cycles) == pytest.approx(tuple(wanted))
    commands = [
        (int(cycle), {"PRE": "PREpb"}.get(cmd, cmd), int(bg) * 4 + int(bank))
        for cycle, cmd, bg, bank in zip(log.cycle, log.cmd, log.bg, log.bank, strict=True)
    ]
    counts = Counter(name for _, name, _ in commands)
    found = energy(DEVICE, counts, cycles, active_of(DEVICE, commands, cycles)).by_component_pj
    activate, read, write, active, precharged = (each * NS for each in wanted)
    assert found["activate"] == pytest.approx(activate)
    assert found.get("read", 0.0) == pytest.approx(read)
    assert found.get("write", 0.0) == pytest.approx(write)
    assert found["background"] == pytest.approx(active + precharged)


def served(memory: MemorySystem, count: int) -> tuple[MemoryRun, int | None]:
    random = np.random.default_rng(3)
    requests = np.zeros(count, REQUEST)
    requests["cycle"] = np.arange(count) * 9
    requests["address"] = random.integers(0, memory.address_map().capacity_bytes, count)
    requests["write"] = random.random(count) < 0.3
    device = memory.device()
    counter = ActiveCycles(device, memory.channels)
    done = run_trace(memory, [requests], log=counter)
    return done, counter.total(done.cycles)


def slow_active(device: Device, log: list[tuple[int, str, int]], until: int, ranks: int) -> int:
    """Cycle by cycle and bank by bank."""
    per, total = device.banks // ranks, 0
    for rank in range(ranks):
        busy = np.zeros(until, bool)
        since: dict[int, int] = {}
        for cycle, name, first in [*log, *((until, "PREab", r * per) for r in range(ranks))]:
            if first // per != rank:
                continue
            if name == "ACT":
                since[first] = cycle
            elif name == "REFab":
                busy[cycle : cycle + device.timings["nRFC"]] = True
            elif name.startswith("PRE"):
                for bank in list(since) if name == "PREab" else [first]:
                    if bank in since:
                        busy[since.pop(bank) : cycle] = True
        total += int(busy.sum())
    return total


def test_active_cycles_of_random_traffic_against_a_slow_count() -> None:
    memory = load_memory("ddr4_2400", ["levels.rank=2", "controller.row_policy=timeout",
                                       "controller.timeout_cycles=60"])  # fmt: skip
    device, names = memory.device(), list(memory.device().commands)
    log: list[tuple[int, str, int]] = []
    requests = np.zeros(3000, REQUEST)
    requests["cycle"] = np.cumsum(np.random.default_rng(5).integers(0, 60, 3000))
    requests["address"] = np.random.default_rng(4).integers(0, 2**33, 3000)
    counter = ActiveCycles(device, 1)

    def sink(channel: int, chunk: npt.NDArray[np.void]) -> None:
        counter(channel, chunk)
        log.extend((int(e["cycle"]), names[e["command"]], int(e["bank"])) for e in chunk)

    done = run_trace(memory, [requests], log=sink)
    assert {name for _, name, _ in log} >= {"ACT", "PREpb", "PREab", "REFab"}
    found = counter.total(done.cycles)
    assert found == slow_active(device, log, done.cycles, 2)
    assert 0 < found < 2 * done.cycles


def test_components_add_up_and_are_in_the_report() -> None:
    done, active = served(load_memory("ddr4_2400", ["channels=2"]), 4000)
    found = as_dict(done, active)["energy"]
    parts = found["by_component_pj"]
    assert list(parts) == ["activate", "read", "write", "refresh", "background", "pump"]
    assert found["total_pj"] == sum(parts.values())
    assert min(parts.values()) > 0
    assert found["unknown"] == []
    assert not found["is_lower_bound"]
    seconds = as_dict(done)["seconds"]
    assert found["average_power_mw"] == pytest.approx(found["total_pj"] * 1e-12 / seconds * 1e3)
    bits = as_dict(done)["bytes_moved"] * 8
    assert found["pj_per_bit"] == pytest.approx(found["total_pj"] / bits)
    json.dumps(found)
    text = table(done, active)
    assert f"{found['total_pj'] / 1e6:,.3f} uJ" in text
    assert "mW" in text
    assert "pJ for each bit moved" in text
    assert "without data pins and termination" in text
    assert max(map(len, text.splitlines())) <= 96


def test_two_channels_take_what_two_memories_take() -> None:
    """Standby of a channel without requests is counted too."""
    memory = load_memory("ddr4_2400", ["channels=2", "mapping=chrorabacobg"])
    requests = np.zeros(10, REQUEST)
    done = run_trace(memory, [requests])
    one = run_trace(load_memory("ddr4_2400"), [requests])
    assert done.cycles == one.cycles
    both, alone = (energy_of(run, 0).by_component_pj["background"] for run in (done, one))
    assert both == pytest.approx(2 * alone)


def test_without_a_count_the_background_is_between_bounds() -> None:
    done, active = served(load_memory("ddr4_2400"), 2000)
    exact, bounds = energy_of(done, active), energy_of(done)
    least, most = bounds.by_component_pj["background"], bounds.background_at_most_pj
    assert most is not None
    assert most == pytest.approx(least * 43 / 34)
    assert least < exact.by_component_pj["background"] < most
    assert bounds.is_lower_bound
    text = table(done)
    assert ">= " in text
    assert f"at least; at most {most / 1e6:,.3f} uJ" in text


@pytest.mark.parametrize("name", ["hbm3_6400", "lpddr4_2400", "gddr6_14000", "ddr5_4800"])
def test_what_has_no_sourced_currents_stays_unknown(name: str) -> None:
    done, active = served(load_memory(name), 2000)
    found = as_dict(done, active)
    given = found["energy"]
    assert given["by_component_pj"] == {}
    assert given["total_pj"] is given["average_power_mw"] is given["pj_per_bit"] is None
    assert given["is_lower_bound"]
    assert {"activate", "read", "write", "background", "pump"} <= set(given["unknown"])
    presets = found["device"].partition("/")[2]
    lines = [line.split() for line in table(done, active).splitlines()]
    assert ["energy", "unknown", "no", "sourced", "currents", "of", presets] in lines


def own(tmp_path: Path, currents: str, vpp: str = "") -> Device:
    text = (CONFIGS / "dram" / "ddr4.yaml").read_text().partition("\ncurrents:\n")[0]
    path = tmp_path / "own.yaml"
    path.write_text(
        f"{text}\ncurrents:\n  DDR4_8Gb_x8/DDR4_2400R:\n    source: a sheet\n    vdd_v: 1.2\n{vpp}"
        f"    currents_ma: {{{currents}}}\n"
    )
    return resolve(load_standard(str(path)), "DDR4_8Gb_x8", "DDR4_2400R")


ALL = {"IDD0": 48, "IDD2N": 34, "IDD3N": 43, "IDD4R": 135, "IDD4W": 123, "IDD5B": 250,
       "IPP0": 3, "IPP3N": 3, "IPP5B": 28}  # fmt: skip
NEEDED = {
    "IDD0": {"activate"}, "IDD2N": {"activate", "background"}, "IDD4R": {"read"},
    "IDD3N": {"activate", "read", "write", "refresh", "background"}, "IDD4W": {"write"},
    "IDD5B": {"refresh"}, "IPP0": {"pump"}, "IPP3N": {"pump"}, "IPP5B": {"pump"},
}  # fmt: skip


@pytest.mark.parametrize("missing", ALL)
def test_each_missing_current_makes_its_components_unknown(missing: str, tmp_path: Path) -> None:
    rest = ", ".join(f"{name}: {value}" for name, value in ALL.items() if name != missing)
    device = own(tmp_path, rest, "    vpp_v: 2.5\n")
    counts = {"ACT": 5, "RD": 3, "WR": 2, "REFab": 1}
    found, whole = energy(device, counts, 900, 100), energy(DEVICE, counts, 900, 100)
    assert set(found.unknown) == NEEDED[missing]
    assert found.is_lower_bound
    assert found.by_component_pj == {
        name: pj for name, pj in whole.by_component_pj.items() if name not in NEEDED[missing]
    }


def test_a_component_without_events_is_no_unknown(tmp_path: Path) -> None:
    device = own(tmp_path, "IDD2N: 34, IDD3N: 43", "    vpp_v: none\n")
    found = energy(device, {}, 100, 0)
    assert found.unknown == ()
    assert list(found.by_component_pj) == ["background"]
    assert not found.is_lower_bound


def test_nothing_but_a_supply_is_unknown(tmp_path: Path) -> None:
    found: Any = energy(own(tmp_path, "IDD6N: 30"), {"ACT": 1}, 100, 10)
    assert found.by_component_pj == {}
    assert found.total_pj is found.background_at_most_pj is None
    assert found.unknown == ("activate", "background", "pump")


@pytest.mark.compiled
def test_the_command_line_counts_and_shows_it(tmp_path: Path) -> None:
    trace, log = tmp_path / "t.trace", tmp_path / "log.csv"
    trace.write_text("".join(f"LD {i * 4160:#x}\n" for i in range(3000)))
    done = call("run", "ddr4_2400", "--trace", str(trace), "--json", "--commands", str(log))
    found = json.loads(done.stdout)
    device, frame = load_memory("ddr4_2400").device(), pd.read_csv(log)
    banks = (frame.bg.fillna(0) * 4 + frame.bank.fillna(0)).astype(int)
    commands = list(zip(frame.cycle, frame.cmd, banks, strict=True))
    active = slow_active(device, commands, found["cycles"], 1)
    wanted = energy(device, found["commands"], found["cycles"], active)
    assert found["energy"]["by_component_pj"] == wanted.by_component_pj
    assert not found["energy"]["is_lower_bound"]
    assert found["energy"]["source"].startswith("Micron 8 Gb DDR4")
    text = call("run", "ddr4_2400", "--trace", str(trace)).stdout
    wanted_pj = found["energy"]["total_pj"]
    lines = [line.split()[:3] for line in text.splitlines()]
    assert ["energy", f"{wanted_pj / 1e6:,.3f}", "uJ"] in lines
    assert "    background" in text
