"""Energy of a run of DRAMsim3, as it printed it itself.

Two ranks of its DDR4_8Gb_x8_2400.ini with ``enable_self_refresh = false``, 900 requests that are
paced at random, 48 000 cycles. Its energies are in V x mA x cycles, so in pJ only if a cycle were
1 ns; ours in cycles are compared. In a refresh it counts a rank as idle, although the refresh's
own share is what is above IDD3N: ours counts it as active, so that a refresh takes IDD5B.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from arch.dram.device import Device, resolve
from arch.dram.load import load_standard
from sim.dram.power import ActiveCycles, energy
from sim.dram.state import LOG

GOLDEN = Path(__file__).parents[1] / "golden" / "dram_dramsim3_energy.parquet"
CYCLES, RANKS, REFRESH_CYCLES = 48_000, 2, 420
PRINTED = {
    "activate": 3732806.4000000004,
    "read": 2140876.8,
    "write": 893952.0,
    "refresh": 8346239.999999999,
}
ACTIVE_CYCLES = 45807 + 44859
BACKGROUND = 18909129.6 + 18517795.2 + 715795.2 + 1025222.3999999999
TOTAL = 54281817.599999994


@pytest.fixture(scope="module")
def device() -> Device:
    found = resolve(load_standard("ddr4"), "DDR4_8Gb_x8", "DDR4_2400U", levels={"rank": RANKS})
    assert found.supplies is not None
    # Its tRFC is 350 ns.
    timings = {**found.supplies.timings, "nRFC": REFRESH_CYCLES}
    supplies = replace(found.supplies, timings=timings)
    return replace(found, supplies=supplies, timings={**found.timings, "nRFC": REFRESH_CYCLES})


@pytest.fixture(scope="module")
def log(device: Device) -> npt.NDArray[np.void]:
    given = pd.read_parquet(GOLDEN)
    found = np.zeros(len(given), LOG)
    found["cycle"] = given.cycle
    names = list(device.commands)
    found["command"] = [names.index(name) for name in given.command]
    found["bank"] = 16 * given["rank"] + 4 * given.bank_group + given.bank
    return found


def test_every_component_is_what_dramsim3_printed(
    device: Device, log: npt.NDArray[np.void]
) -> None:
    names, counts = np.unique(np.array(list(device.commands))[log["command"]], return_counts=True)
    commands = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    active = ActiveCycles(device, 1)
    for begin in range(0, len(log), 1000):
        active(0, log[begin : begin + 1000])
    active_cycles = active.total(CYCLES)
    refreshing = commands["REFab"] * REFRESH_CYCLES
    assert active_cycles - refreshing == ACTIVE_CYCLES

    found = energy(device, commands, CYCLES * RANKS, active_cycles)
    cycle_ns = 1e6 / device.clock_khz
    ours = {name: pj / cycle_ns for name, pj in found.by_component_pj.items()}
    for name, printed in PRINTED.items():
        assert ours[name] == pytest.approx(printed, rel=1e-12), name
    # 8 devices of a rank at 1.2 V, IDD3N 43 mA in place of IDD2N 34 mA.
    in_refreshes = refreshing * (43 - 34) * 1.2 * 8
    assert ours["background"] - in_refreshes == pytest.approx(BACKGROUND, rel=1e-12)
    without_pump = sum(ours.values()) - ours["pump"] - in_refreshes
    assert without_pump == pytest.approx(TOTAL, rel=1e-12)


def test_active_cycles_are_those_of_a_plain_count(
    device: Device, log: npt.NDArray[np.void]
) -> None:
    names = list(device.commands)
    given = [(int(row["cycle"]), names[row["command"]], int(row["bank"])) for row in log]
    opened: set[int] = set()
    refreshed = [0] * RANKS
    active, at = 0, 0
    for cycle in range(CYCLES):
        while at < len(given) and given[at][0] == cycle:
            _, name, bank = given[at]
            if name == "ACT":
                opened.add(bank)
            elif name == "PREpb":
                opened.discard(bank)
            elif name == "REFab":
                refreshed[bank // 16] = cycle + REFRESH_CYCLES
            at += 1
        for rank in range(RANKS):
            is_open = any(bank // 16 == rank for bank in opened)
            active += is_open or cycle < refreshed[rank]
    counted = ActiveCycles(device, 1)
    counted(0, log)
    assert counted.total(CYCLES) == active
