"""Energy of channels of memory and PIM, against commands counted in their logs one by one."""

import json
from random import Random
from typing import Any

import pytest
from hybrid_cases import joint_fields, plain_machine, random_machine, random_trace
from joint_cases import load, mixed
from joint_cases import run as run_alone

from arch.errors import InputError
from arch.load import load_machine
from arch.machine import Machine
from arch.pim.joint import JointChannels, load_joint_pim
from sim import engine
from sim.counts import counts
from sim.energy import EnergyModel
from sim.pim.joint.report import energy_of, table
from sim.result import Energy
from sim.simulate import Options, run
from sim.system import System
from traces.operators import Gemm, Softmax, Workload

LOG_ENTRIES = 20_000
TABLES = {
    "activate_pj": ("ACT", "PREpb"),
    "column_pj": ("RD", "WR"),
    "bus_pj": ("RD", "WR"),
    "io_pj": ("RD", "WR"),
    "refresh_pj": ("REFab",),
    "pim_activate_pj": ("GACT", "PIMPRE"),
    "pim_column_pj": ("COMP", "GWRITE", "HEADER"),
    "pim_bus_pj": ("GWRITE", "READRES"),
    "pim_io_pj": ("READRES",),
    "pim_mac_pj": ("COMP",),
}
CLOSED_MW, OPEN_MW = 48.0, 61.0


def priced(random: Random) -> dict[str, Any]:
    """Energies of which no two are alike."""
    numbers = iter(random.sample(range(1, 10_000), 100))
    tables = {
        name: {each: float(next(numbers)) for each in names} for name, names in TABLES.items()
    }
    return {**tables, "closed_rank_mw": CLOSED_MW, "open_rank_mw": OPEN_MW}


def counted(
    memory: JointChannels, names: tuple[str, ...], logs: list[Any], end: int
) -> dict[str, float]:
    """Energy by component, command by command, and of ranks with a row open up to a cycle."""
    assert memory.energy is not None
    given = memory.energy.model_dump()
    own = "memory" if memory.row_buffers == "single" else "pim"
    found: dict[str, float] = {}

    def spend(command: str, times: int) -> None:
        for name in TABLES:
            if command in given[name]:
                component = name.removesuffix("_pj")
                if not component.startswith("pim"):
                    component = f"memory_{component}"
                found[component] = found.get(component, 0.0) + times * given[name][command]

    open_cycles = 0
    for log in logs:
        rows: set[tuple[int, str]] = set()
        before = 0
        for line in log:
            name, bank, cycle = names[line["command"]], int(line["bank"]), int(line["cycle"])
            open_cycles += len({each // 16 for each, _ in rows}) * (cycle - before)
            before = cycle
            if name == "ACT":
                rows.add((bank, "memory"))
            elif name == "GACT":
                rows |= {(each, own) for each in range(bank // 4 * 4, bank // 4 * 4 + 4)}
            elif name == "PREpb":
                rows.discard((bank, "memory"))
            elif name == "PIMPRE":
                rows.discard((bank, "pim"))
            if name == "COMPS":
                spend("COMP", int(line["column"]))
                spend("READRES", 1)
            else:
                spend(name, 1)
        open_cycles += len({each // 16 for each, _ in rows}) * (end - before)
    if open_cycles:
        # 1 GHz: a mW for a cycle is a pJ.
        found["memory_open"] = open_cycles * (OPEN_MW - CLOSED_MW)
    return found


def of_memory(energy: Energy) -> dict[str, float]:
    """What channels spend but what time alone costs, and nothing that is 0."""
    return {
        name: pj
        for name, pj in energy.by_component_pj.items()
        if pj and name.startswith(("memory_", "pim_")) and name != "memory_standby"
    }


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(12))
def test_energy_is_that_of_the_commands_in_the_log(seed: int) -> None:
    random = Random(seed)
    fields = random_machine(random).model_dump(mode="json")
    fields["memory"]["energy"] = priced(random)
    machine = Machine.model_validate_json(json.dumps(fields))
    system = System(machine, log_entries=LOG_ENTRIES)
    for _ in range(2):
        system.load(random_trace(random, machine))
        assert system.advance() == engine.DONE
    system.flush(system.now_tick)
    memory: Any = machine.memory
    own = system.state.joint
    logged = own.channels["logged"]
    assert (logged < LOG_ENTRIES).all()
    logs = [own.log[channel, : logged[channel]] for channel in range(memory.channels)]
    end = -(-system.now_tick // system.ticks_of(machine.memory_clock))
    seconds = system.now_tick / (system.tick_khz * 1000)
    found = EnergyModel(machine).energy(counts(system), seconds)
    assert of_memory(found) == pytest.approx(counted(memory, system.dram_commands, logs, end))
    standby_mw = memory.channels * 2 * CLOSED_MW
    assert found.by_component_pj["memory_standby"] == pytest.approx(standby_mw * seconds * 1e9)
    assert not [name for name in found.unknown if name.startswith(("memory", "pim"))]


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["neupims", "neupims_single_wide"])
def test_energy_of_a_pim_by_itself(name: str) -> None:
    pim = load(name)
    energy = type(pim.energy).model_validate(priced(Random(1)))  # type: ignore[union-attr]
    pim = pim.model_copy(update={"energy": energy})
    done, logs = run_alone(pim, mixed(pim, 1, 200))
    found = energy_of(done)
    assert found is not None
    assert not found.unknown
    assert of_memory(found) == pytest.approx(counted(pim, done.names, logs, done.cycles))
    assert found.by_component_pj["memory_standby"] == pytest.approx(2 * CLOSED_MW * done.cycles)
    text = table(done)
    assert "of the channels used" in text
    assert "pim_mac" in text
    bare = pim.model_copy(update={"energy": None})
    unpriced, _ = run_alone(bare, mixed(bare, 1, 200))
    assert energy_of(unpriced) is None
    assert "energy                unknown" in table(unpriced)
    assert unpriced.cycles == done.cycles


WORK = Workload(
    name="two",
    source="tests",
    operators=(Gemm(name="g", m=40, n=64, k=300), Softmax(name="s", rows=16, cols=64)),
)


def machine_with(energy: Any, **changed: Any) -> Machine:
    fields = joint_fields("neupims", channels=2)
    fields["energy"] = energy
    return plain_machine(fields, **changed)


@pytest.mark.compiled
def test_operators_and_windows_add_up_to_the_run() -> None:
    machine = machine_with(priced(Random(2)))
    whole = run(machine, WORK).result
    energy = of_memory(whole.energy)
    standby = whole.energy.total_of(["memory_standby"])
    assert whole.energy.total_of(["memory"]) == pytest.approx(sum(energy.values()) + standby)
    assert {"memory_activate", "memory_column", "memory_refresh", "memory_open"} <= set(energy)
    for name, pj in energy.items():
        parts = sum(each.energy.by_component_pj.get(name, 0.0) for each in whole.operators)
        assert parts == pytest.approx(pj)
    for cut in (500, 1951, whole.cycles // 2):
        before = of_memory(run(machine, WORK, Options(until_cycle=cut)).result.energy)
        after = of_memory(run(machine, WORK, Options(from_cycle=cut)).result.energy)
        both = {name: before.get(name, 0.0) + after.get(name, 0.0) for name in energy}
        assert both == pytest.approx(energy)


@pytest.mark.compiled
def test_what_no_table_has_is_unknown() -> None:
    given = priced(Random(3))
    del given["refresh_pj"], given["open_rank_mw"]
    del given["column_pj"]["RD"], given["bus_pj"]["RD"], given["io_pj"]["RD"]
    result = run(machine_with(given), WORK).result
    wanted = {"memory_RD", "memory_REFab", "memory_open"}
    assert {name for name in result.energy.unknown if name.startswith("memory")} == wanted
    assert result.energy.is_lower_bound
    with pytest.raises(InputError, match="energy of memory_RD, memory_REFab, memory_open: no"):
        result.energy.total_of(["memory"])
    assert result.energy.total_of(["memory_column"]) > 0


@pytest.mark.compiled
def test_without_energies_all_is_unknown() -> None:
    result = run(machine_with(None), WORK).result
    assert "memory" in result.energy.unknown
    assert not any(name.startswith("memory_") for name in result.energy.unknown)


def test_commands_of_pim_that_no_table_has() -> None:
    given = priced(Random(4))
    del given["pim_column_pj"]
    model = EnergyModel(machine_with(given))
    events = {"dram_GWRITE": 2, "pim_columns": 5, "dram_HEADER": 3, "dram_COMPS": 3}
    found = model.energy(events, 0.0)
    assert found.unknown == ("pim_HEADER",)
    assert set(found.by_component_pj) == {"pim_bus", "pim_mac"}
    del given["pim_mac_pj"]
    found = EnergyModel(machine_with(given)).energy(events, 0.0)
    assert found.unknown == ("pim_HEADER", "pim_COMP")
    with pytest.raises(InputError, match="energy of pim_HEADER, pim_COMP: no source"):
        found.total_of(["pim"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("energy.activate_pj.ACTX=3", "energy.activate_pj: ACTX is no command of NeuPIMs/"),
        ("energy.pim_mac_pj.COMPS=3", "COMPS is made of columns, COMP, and a result, READRES"),
        ("energy.open_rank_mw=3", "open_rank_mw: must be at least closed_rank_mw, 48"),
        ("energy.column_pj.RD=-1", "energy.column_pj.RD"),
        ("energy.volts=3", "energy.volts: is not a known key"),
    ],
)
def test_faults_of_energies_are_told(setting: str, message: str) -> None:
    with pytest.raises(InputError) as alone:
        load_joint_pim("neupims", [setting]).device()
    assert message in str(alone.value)
    with pytest.raises(InputError) as machine:
        load_machine("neupims_device", [f"memory.{setting}"])
    assert message.removeprefix("energy.") in str(machine.value)


# What ships


def test_energies_of_hbm2_are_those_of_its_source() -> None:
    """Bits moved times picojoules a bit, from row to edge, to pads, between chips."""
    machine = load_machine("neupims_device")
    memory: Any = machine.memory
    row, edge, bus, pins = 909.0, 1.51, 1.17, 0.80
    burst, row_bits, column = 64 * 8, 1024 * 8, 32 * 32 * 8
    assert memory.device().burst_bytes == 64
    wanted = {
        "activate_pj": {"ACT": row, "PREpb": 0},
        "column_pj": {"RD": burst * edge, "WR": burst * edge},
        "bus_pj": {"RD": burst * bus, "WR": burst * bus},
        "io_pj": {"RD": burst * pins, "WR": burst * pins},
        "refresh_pj": {"REFab": 16 * memory.device().rows / 8192 * row},
        "pim_activate_pj": {"GACT": 4 * row, "PIMPRE": 0},
        "pim_column_pj": {"COMP": column * edge, "GWRITE": row_bits * edge, "HEADER": 0},
        "pim_bus_pj": {"GWRITE": row_bits * bus, "READRES": burst * bus},
        "pim_io_pj": {"READRES": burst * pins},
        "pim_mac_pj": {"COMP": 32 * 16 * (1.1 + 0.9)},
    }
    given = memory.energy.model_dump()
    for name, entries in wanted.items():
        assert given[name] == pytest.approx(entries), name
    assert (given["closed_rank_mw"], given["open_rank_mw"]) == pytest.approx((1.2 * 40, 1.2 * 55))
    for name in ("neupims", "neupims_single", "neupims_single_wide"):
        assert load_joint_pim(name).energy == memory.energy


@pytest.mark.parametrize("name", ["neupims", "newton", "only"])
def test_energies_as_simulated_are_those_of_its_currents(name: str) -> None:
    memory: Any = load_machine(f"npu_{name}_as_simulated").memory
    idd0, idd2n, idd3n, idd4r, idd4w, idd5, volts = 65, 40, 55, 390, 500, 250, 1.2
    row = volts * (idd0 * 48 - (idd3n * 34 + idd2n * 14))
    read, write = volts * (idd4r - idd3n) * 2, volts * (idd4w - idd3n) * 2
    given = memory.energy.model_dump()
    assert given["activate_pj"] == pytest.approx({"ACT": row, "PREpb": 0})
    assert given["column_pj"] == pytest.approx({"RD": read, "WR": write})
    assert given["refresh_pj"] == pytest.approx({"REFab": volts * (idd5 - idd3n) * 260})
    assert given["pim_activate_pj"] == pytest.approx({"GACT": 4 * row, "PIMPRE": 0})
    assert given["pim_column_pj"] == pytest.approx(
        {"COMP": 4 * read, "GWRITE": 1024 / 64 * read, "READRES": read, "HEADER": 0}
    )
    assert given["closed_rank_mw"] == pytest.approx(volts * idd2n)
    assert given["open_rank_mw"] == pytest.approx(volts * idd3n)
