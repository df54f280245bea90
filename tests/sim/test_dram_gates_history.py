"""What may follow a long history of commands, and when, as the judge has it."""

import random

import dram_distances as distances
import dram_gates as gates
import numpy as np
import pytest

from arch.dram.controller import Controller
from arch.dram.device import Device
from sim.dram.state import new_state
from sim.dram.tables import build


def may_come(device: Device, rows: dict[int, bool], name: str, bank: int) -> bool:
    """Whether banks are open or closed as a command needs them."""
    command = device.commands[name]
    here = distances.place(device, bank)
    reached = [bank]
    if command.level != "bank":
        reached = [n for n in rows if distances.place(device, n).rank == here.rank]
    is_open = [rows[n] for n in reached]
    if command.action in ("read", "write", "precharge"):
        return any(is_open)
    return not any(is_open)


def runs() -> list[tuple[str, dict[str, int], str]]:
    """Cases with the refreshes that a controller may give there."""
    found = []
    for name, size in distances.CASES:
        # Each rank of LPDDR5 has a data clock, and the controller one.
        if name != "lpddr5_6400" or size["rank"] == 1:
            found.append((name, size, "all_bank"))
            if distances.PRESETS[name][0] not in ("ddr4", "ddr5"):
                found.append((name, size, "per_bank"))
    return found


@pytest.mark.parametrize(("name", "size", "refresh"), runs(), ids=distances.case_id)
def test_what_may_follow_a_whole_history(name: str, size: dict[str, int], refresh: str) -> None:
    """Random commands, each legal, as soon as it may or later: what may come then, and when."""
    device, rules = distances.device_of(name, size), distances.judge_of(name)
    tables = build(device, Controller(refresh=refresh))  # type: ignore[arg-type]
    state, chosen = new_state(tables), random.Random(f"{name} {size} {refresh}")
    arrays = tables.config, tables.commands, tables.rules, state.ready, state.history
    names = list(device.commands)
    used = [
        one
        for one in names
        if distances.given_together(one, "REFpb" if refresh == "per_bank" else "REFab")
        and device.commands[one].action not in ("sync", "activate_2")
    ]
    known = distances.distances(rules, names)
    rows, now, compared = dict.fromkeys(range(device.banks), False), 1, 0
    past: list[tuple[str, int, int]] = []
    last = np.zeros((0, 3), np.int64)
    for _ in range(400):
        some = [(chosen.choice(used), chosen.randrange(device.banks)) for _ in range(12)]
        when = {
            (one, bank): max(now, distances.earliest(device, rules, known, past, one, bank))
            for one, bank in some
            if may_come(device, rows, one, bank)
        }
        if not when:
            continue
        ready = np.zeros(len(when), np.int64)
        gates.play(*arrays, last, np.array([(names.index(one), n) for one, n in when]), ready)
        got = dict(zip(when, np.maximum(now, ready).tolist(), strict=True))
        assert got == when, (past[-8:], now)
        compared += sum(cycle > now for cycle in when.values())
        one, bank = min(when, key=lambda key: when[key])
        if chosen.random() < 0.2:
            one, bank = chosen.choice(list(when))
        now = when[one, bank] + chosen.choice((0, 0, 0, 3))
        last = np.array([(names.index(one), bank, now)])
        past = [each for each in past if now - each[2] < 1000] + [(one, bank, now)]
        for n in rows:
            near = distances.relation(distances.place(device, n), distances.place(device, bank))
            if n == bank or (device.commands[one].level != "bank" and near != "other rank"):
                rows[n] = one in ("ACT", "ACT1", "RD", "WR")
        now += 1
    assert compared > 200
