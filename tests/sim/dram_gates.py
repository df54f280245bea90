"""When the kernel's tables let a command follow others, and when the judge's do."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from dram_distances import distances, earliest, excused, judged, of_all, place, relation

from arch.dram.controller import Controller
from arch.dram.device import Device, Rule
from sim.dram.state import new_state
from sim.dram.tables import Tables, build
from sim.dram.timing import apply_rules, ready_at
from sim.dram_check.tables import Rules
from sim.jit import njit

Gates = npt.NDArray[np.int64]
"""[first command, its place, second command, its bank]: least distance in cycles, 0 for none."""
AT = 1000
"""Cycle of the first command."""


def every_command(device: Device, *, same_bank: bool = False) -> Device:
    """The device as if a controller gave all its commands, to have all rules in its tables.

    Auto-precharge and refreshes count as plain commands, since only distances are asked for. With
    several ranks LPDDR5's data clock is left out, which the controller has for one only.
    ``same_bank``: with the refresh of the same banks of all groups (REFsb).
    """
    ranked = device.levels[1] == "rank" and device.sizes[1] > 1
    commands = {
        name: command.model_copy(
            update={
                "closes": False,
                "action": "activate" if command.action == "refresh" else command.action,
            }
        )
        for name, command in device.commands.items()
        if same_bank >= command.same_bank and not (ranked and command.action == "sync")
    }
    rules = tuple(r for r in device.rules if {r.preceding, r.following} <= set(commands))
    return replace(device, commands=commands, rules=rules)


@njit
def measure(config, commands, rules, ready, history, first, places, gates):  # type: ignore[no-untyped-def]
    """Fill the gates of one first command."""
    c = config[0]
    for i in range(places.shape[0]):
        for at in range(ready.shape[0]):
            ready[at] = 0
        for at in range(history.size):
            history.flat[at] = -(1 << 62)
        apply_rules(c, commands, rules, ready, history, first, places[i], AT)
        for second in range(c["commands"]):
            for bank in range(c["banks"]):
                when = ready_at(c, commands, ready, second, bank)
                gates[first, i, second, bank] = max(0, when - AT)


@njit
def play(config, commands, rules, ready, history, sequence, asked, gates):  # type: ignore[no-untyped-def]
    """Give commands (command, bank, cycle), then fill the gates of those asked (command, bank)."""
    c = config[0]
    for i in range(sequence.shape[0]):
        apply_rules(
            c, commands, rules, ready, history, sequence[i, 0], sequence[i, 1], sequence[i, 2]
        )
    for i in range(asked.shape[0]):
        gates[i] = ready_at(c, commands, ready, asked[i, 0], asked[i, 1])


def tables_of(device: Device) -> Tables:
    """The kernel's tables; refreshes are commands like others."""
    return build(device, Controller(refresh="none"))


def gates_of(device: Device, places: list[int]) -> Gates:
    """What the kernel's tables ask for after each command at some places."""
    tables = tables_of(device)
    state = new_state(tables)
    gates = np.zeros((len(tables.names), len(places), len(tables.names), device.banks), np.int64)
    for first in range(len(tables.names)):
        measure(
            tables.config,
            tables.commands,
            tables.rules,
            state.ready,
            state.history,
            first,
            np.array(places),
            gates,
        )
    return gates


def four_places(device: Device) -> list[int]:
    """Banks of one rank, not its first, in which a window may fill."""
    here = [place(device, bank) for bank in range(device.banks)]
    last = max(one.rank for one in here)
    ours = [bank for bank, one in enumerate(here) if one.rank == last]
    return ours[1 :: len(ours) // 4][:4]


def window_gates(device: Device) -> Gates:
    """[command, second command, bank]: what is asked for after a command has come four times."""
    tables = tables_of(device)
    gates = np.zeros((len(tables.names), len(tables.names), device.banks), np.int64)
    every = np.argwhere(np.ones(gates.shape[1:], np.bool_))
    for first in range(len(tables.names)):
        state = new_state(tables)
        fours = [(first, bank, AT + i) for i, bank in enumerate(four_places(device))]
        arrays = tables.config, tables.commands, tables.rules, state.ready, state.history
        play(*arrays, np.array(fours), every, gates[first].reshape(-1))
    return gates


def expected_window_gates(device: Device, rules: Rules) -> Gates:
    """As ``window_gates``, by the judge's table."""
    names = list(device.commands)
    known = distances(rules, names)
    gates = np.zeros((len(names), len(names), device.banks), np.int64)
    for i, first in enumerate(names):
        fours = [(first, bank, AT + n) for n, bank in enumerate(four_places(device))]
        for j, name in enumerate(names):
            for bank in range(device.banks):
                gates[i, j, bank] = earliest(device, rules, known, fours, name, bank)
    return gates


def window_differing(device: Device, got: Gates, wanted: Gates) -> set[Any]:
    """Command that came four times, command after it, what is got and wanted, if they differ."""
    names = list(device.commands)
    return {
        (names[i], names[j], int(got[i, j, bank]), int(wanted[i, j, bank]))
        for i, j, bank in zip(*np.nonzero(got != wanted), strict=True)
        if not excused(names[i], names[j], "same bank", int(got[i, j, bank]))
    }


def expected_gates(device: Device, rules: Rules, places: list[int]) -> Gates:
    """What the judge's table asks for."""
    names = list(device.commands)
    gates = np.zeros((len(names), len(places), len(names), device.banks), np.int64)
    here = [place(device, bank) for bank in range(device.banks)]
    known = distances(rules, names)
    for i, one in enumerate(names):
        for at, bank in enumerate(places):
            for j, other in enumerate(names):
                for to in range(device.banks):
                    near = relation(here[bank], here[to])
                    gates[i, at, j, to] = known[one, other, near]
                # A command to a whole rank is near all of its banks.
                if of_all(one) or of_all(other):
                    for to in range(device.banks):
                        whole = here[to].rank == here[bank].rank
                        near = "same bank" if whole else "other rank"
                        gates[i, at, j, to] = known[one, other, near]
    return gates


def same_bank_pairs(device: Device) -> list[tuple[str, str]]:
    """Pairs of commands of which one is to the same banks of all groups (REFsb)."""
    every, names = device.commands, [n for n, c in device.commands.items() if c.same_bank]
    return [(one, other) for one in every for other in every if {one, other} & set(names)]


def by_rules(device: Device, first: str, second: str, a: int, b: int) -> tuple[int, Rule | None]:
    """The distance that the device's rules ask for, read plainly, and the rule that does."""

    def addressed(name: str, bank: int) -> list[int]:
        command, here = device.commands[name], place(device, bank)
        if command.level == "bank":
            return [bank]
        banks = [n for n in range(device.banks) if place(device, n).rank == here.rank]
        if command.same_bank:
            banks = [n for n in banks if place(device, n).bank == here.bank]
        return banks

    def nodes(level: str, banks: list[int]) -> set[int]:
        below = device.sizes[device.levels.index(level) + 1 :]
        return {bank // int(np.prod(below, dtype=np.int64)) for bank in banks}

    found: tuple[int, Rule | None] = (0, None)
    one, other = addressed(first, a), addressed(second, b)
    for rule in device.rules:
        if (rule.preceding, rule.following, rule.window) != (first, second, 1):
            continue
        near = bool(nodes(rule.level, one) & nodes(rule.level, other))
        if rule.sibling:
            above = device.levels[device.levels.index(rule.level) - 1]
            near = not near and bool(nodes(above, one) & nodes(above, other))
        if near and rule.cycles > found[0]:
            found = rule.cycles, rule
    return found


def same_bank_differing(
    device: Device, rules: Rules, a: int, pairs: list[tuple[str, str]]
) -> set[Any]:
    """As ``differing``, of pairs with REFsb."""
    found = set()
    every = every_command(device, same_bank=True)
    names, kernel = list(every.commands), gates_of(every, [a])
    for first, second in pairs:
        for b in range(device.banks):
            here, there = place(device, a), place(device, b)
            near = "other rank" if here.rank != there.rank else "other group"
            whole = of_all(first) or of_all(second)
            if near == "other group" and (here.bank == there.bank or whole):
                near = "same bank"
            got = int(kernel[names.index(first), 0, names.index(second), b])
            wanted = judged(rules, first, second, near)
            if got != wanted:
                found.add((first, second, near, got, wanted))
    return found


def differing(device: Device, got: Gates, wanted: Gates, places: list[int]) -> set[Any]:
    """First command, second, relation, what is got and what is wanted, where they differ."""
    names = list(device.commands)
    found = set()
    for i, at, j, to in zip(*np.nonzero(got != wanted), strict=True):
        near = relation(place(device, places[at]), place(device, int(to)))
        if not excused(names[i], names[j], near, int(got[i, at, j, to])):
            found.add((names[i], names[j], near, int(got[i, at, j, to]), int(wanted[i, at, j, to])))
    return found


def moved(device: Device, by: int) -> Iterator[tuple[Rule, Device]]:
    """The device with one rule moved by some cycles, for each rule."""
    for i, rule in enumerate(device.rules):
        other = replace(rule, cycles=rule.cycles + by)
        yield rule, replace(device, rules=(*device.rules[:i], other, *device.rules[i + 1 :]))
