"""A device and a controller as the tables that the kernel reads."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.errors import InputError

NEVER = 1 << 62

COMMAND = np.dtype(
    [
        ("action", np.int64),  # ACTIONS
        ("span", np.int64),  # banks of the node that it addresses
        ("step", np.int64),  # it addresses each so many-th of them: 1 but for one of every group
        ("slot", np.int64),  # command bus: 0 the only one or the columns', 1 the rows'
        ("any_edge", np.int64),  # may start on a falling edge
        ("first_rule", np.int64),
        ("end_rule", np.int64),
    ]
)
ACTIONS = (
    *("activate", "activate_1", "activate_2", "precharge", "read", "write", "refresh", "sync"),
    "none",
)
ACTIVATE, ACTIVATE_1, ACTIVATE_2, PRECHARGE, READ, WRITE, REFRESH, SYNC, NONE = range(len(ACTIONS))

RULE = np.dtype(
    [
        ("following", np.int64),  # command
        ("cycles", np.int64),
        ("span", np.int64),  # banks of a node of its level, or of what the command addresses
        ("step", np.int64),  # it holds for each so many-th of them from the command's own on
        ("width", np.int64),  # banks of the node whose ready time is kept
        ("sibling_span", np.int64),  # banks of the node above if it holds for siblings, or 0
        ("window", np.int64),
        ("history", np.int64),  # of the preceding command in such a node; -1 if window is 1
    ]
)

CONFIG = np.dtype(
    [
        ("banks", np.int64),
        ("commands", np.int64),
        *((f"command_{action}", np.int64) for action in ("activate", "activate_2", "precharge")),
        *((f"command_{action}", np.int64) for action in ("read", "write", "refresh")),
        ("command_precharge_all", np.int64),
        ("command_sync_read", np.int64),  # -1: reads need none
        ("command_sync_write", np.int64),
        ("slots", np.int64),  # command buses
        ("half_clocks", np.int64),  # cycles are half clocks; odd ones are rising edges
        ("activate_cycles", np.int64),
        ("two_step_deadline_cycles", np.int64),  # of the second activate after the first
        ("read_latency_cycles", np.int64),
        ("write_latency_cycles", np.int64),
        ("burst_cycles", np.int64),  # of the data pins
        ("sync_hold_read_cycles", np.int64),  # a read keeps the data clock running for so long
        ("sync_hold_write_cycles", np.int64),
        ("ordered", np.int64),  # requests to one address stay in order
        ("read_entries", np.int64),
        ("write_entries", np.int64),
        ("drain_above", np.int64),  # writes that begin a drain when there are more
        ("drain_below", np.int64),  # writes that end it when there are fewer and reads wait
        ("refresh_interval_cycles", np.int64),  # NEVER: none
        ("refresh_span", np.int64),  # banks that one refresh takes
        ("refresh_turns", np.int64),  # refreshes of a node, one after the other, that make a whole
        ("refresh_node", np.int64),  # banks of a node: rank, pseudo-channel or channel
        ("refresh_slack", np.int64),  # refreshes that may wait while there are requests
        ("first_come", np.int64),  # the oldest request alone
        ("cap_cycles", np.int64),  # a request that has waited for so long goes first; or NEVER
        ("close_after_cycles", np.int64),  # a row closes so long after its last use; or NEVER
        ("histories", np.int64),
    ]
)


@dataclass(frozen=True)
class Tables:
    """All that the kernel reads and never writes."""

    config: npt.NDArray[np.void]
    """[1] of CONFIG"""
    commands: npt.NDArray[np.void]
    """[command] of COMMAND, in the order of ``names``"""
    rules: npt.NDArray[np.void]
    """[rule] of RULE, by preceding command"""
    names: tuple[str, ...]
    history_depth: int
    """Longest window."""


def build(device: Device, controller: Controller) -> Tables:
    """Tables of a device under a controller. Raises InputError where it lacks a command."""
    names = tuple(device.commands)
    spans = spans_of(device)
    commands, table, histories, depth = command_tables(device, _used(device, controller))
    config = np.zeros(1, CONFIG)
    for field, value in _settings(device, controller, names, spans).items():
        config[field] = value
    config["histories"] = max(1, histories)
    return Tables(config, commands, table, names, depth)


def spans_of(device: Device) -> dict[str, int]:
    """Banks of a node of each level."""
    return {level: math.prod(device.sizes[i + 1 :]) for i, level in enumerate(device.levels)}


def command_tables(
    device: Device, used: set[str]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void], int, int]:
    """[command] of COMMAND and [rule] of RULE between those that are used; number of histories and
    the longest window."""
    names, spans = tuple(device.commands), spans_of(device)
    rules, histories, depth = _rules(device, spans, used)
    commands = np.zeros(len(names), COMMAND)
    at = 0
    table = np.zeros(max(1, sum(map(len, rules.values()))), RULE)
    column = ("read", "write", "sync")
    for i, name in enumerate(names):
        command = device.commands[name]
        on_rows = device.bus != "one" and command.action not in column
        commands[i] = (
            ACTIONS.index(command.action),
            spans[command.level],
            _step(device, name, spans),
            int(on_rows),
            int(command.action == "precharge"),
            at,
            at + len(rules[name]),
        )
        for rule in rules[name]:
            table[at] = rule
            at += 1
    return commands, table, histories, depth


REFRESHES = {"all_bank": "REFab", "per_bank": "REFpb", "same_bank": "REFsb"}
"""Command by ``Controller.refresh``."""


def _used(device: Device, controller: Controller) -> set[str]:
    """Commands that this controller gives."""
    refresh = REFRESHES.get(controller.refresh)
    return {
        name
        for name, command in device.commands.items()
        if not command.closes
        and (command.action != "refresh" or name == refresh)
        and command.action != "none"
    }


def _rules(
    device: Device, spans: dict[str, int], used: set[str]
) -> tuple[dict[str, list[tuple[int, ...]]], int, int]:
    """Rules by preceding command; number of histories and the longest window."""
    names = tuple(device.commands)
    found: dict[str, list[tuple[int, ...]]] = {}
    steps = {name: _step(device, name, spans) for name in names}
    histories: dict[tuple[str, str, int], int] = {}
    depth = 1
    for preceding in names:
        plain: dict[tuple[int, int, int], int] = {}
        others = []
        for rule in device.rules:
            if rule.preceding != preceding or not {preceding, rule.following} <= used:
                continue
            following = names.index(rule.following)
            span = max(spans[rule.level], spans[device.commands[preceding].level])
            step = steps[preceding] if rule.level == "bank" else 1
            above = spans[device.levels[max(0, device.levels.index(rule.level) - 1)]]
            if rule.sibling:
                if above > span:
                    others.append((following, rule.cycles, span, 1, span, above, 1, -1))
            elif rule.window > 1:
                # Each rule notes its commands when it is applied, so each has a history.
                key = preceding, rule.following, span
                history = histories.setdefault(key, len(histories))
                others.append((following, rule.cycles, span, 1, span, 0, rule.window, history))
                depth = max(depth, rule.window)
            else:
                place = following, span, step
                plain[place] = max(rule.cycles, plain.get(place, rule.cycles))
        merged = []
        for (following, span, step), cycles in plain.items():
            # A command to all banks of a node asks each of them, so one is enough.
            whole = spans[device.commands[names[following]].level] >= span
            whole = whole and steps[names[following]] == 1
            merged.append((following, cycles, span, step, 1 if whole else span, 0, 1, -1))
        found[preceding] = [rule for rule in merged + others if rule[1] > 0]
    return found, len(histories), depth


def _step(device: Device, name: str, spans: dict[str, int]) -> int:
    """A command to one bank of every group addresses every so many-th bank."""
    return spans["bank_group"] if device.commands[name].same_bank else 1


def _settings(
    device: Device, controller: Controller, names: tuple[str, ...], spans: dict[str, int]
) -> dict[str, Any]:
    def first(actions: Iterable[str], *, one: bool = True) -> int:
        for i, name in enumerate(names):
            command = device.commands[name]
            single = spans[command.level] == 1
            if command.action in actions and single == one and not command.closes:
                return i
        return -1

    two_step = first(["activate_1"]) >= 0
    timings = device.timings
    settings = {
        "banks": device.banks,
        "commands": len(names),
        "command_activate": first(["activate", "activate_1"]),
        "command_activate_2": first(["activate_2"]),
        "command_precharge": first(["precharge"]),
        "command_read": first(["read"]),
        "command_write": first(["write"]),
        "command_sync_read": _named(names, "CAS_RD"),
        "command_sync_write": _named(names, "CAS_WR"),
        "slots": 1 if device.bus == "one" else 2,
        "half_clocks": int(device.bus == "half_clock_row_and_column"),
        "two_step_deadline_cycles": timings["nAAD"] if two_step else 0,
        "read_latency_cycles": device.read_latency_cycles,
        "write_latency_cycles": device.write_latency_cycles,
        "burst_cycles": device.burst_cycles,
        "ordered": int(controller.hazards == "ordered"),
        "read_entries": controller.read_entries,
        "write_entries": controller.write_entries,
        "drain_above": math.floor(controller.drain_high * controller.write_entries),
        "drain_below": max(1, math.ceil(controller.drain_low * controller.write_entries)),
    }
    for needed in ("activate", "precharge", "read", "write"):
        if settings[f"command_{needed}"] < 0:
            raise InputError(f"{device.name}: has no command that does {needed!r} to a bank")
    settings["activate_cycles"] = device.commands[names[settings["command_activate"]]].cycles
    if _named(names, "CAS_RD") >= 0:
        if device.nodes("rank") > 1:
            raise InputError(
                f"{device.name}: levels.rank: must be 1 in LPDDR5, not {device.nodes('rank')}: "
                "each rank has a data clock of its own, which is not simulated"
            )
        held = timings["nBL_min"] + timings["nWCKPST"]
        settings["sync_hold_read_cycles"] = timings["nCL"] + held
        settings["sync_hold_write_cycles"] = timings["nCWL"] + held
    settings |= _policies(controller)
    settings["refresh_interval_cycles"] = NEVER
    if controller.refresh != "none":
        settings |= _refreshes(device, controller, names, spans)
    return settings


def _policies(controller: Controller) -> dict[str, int]:
    close_after = {"open": NEVER, "closed": 0, "timeout": controller.timeout_cycles}
    return {
        "first_come": int(controller.scheduler == "fcfs"),
        "cap_cycles": NEVER if controller.cap_cycles is None else controller.cap_cycles,
        "close_after_cycles": close_after[controller.row_policy],
    }


def _refreshes(
    device: Device, controller: Controller, names: tuple[str, ...], spans: dict[str, int]
) -> dict[str, int]:
    name = REFRESHES[controller.refresh]
    closing = [n for n in names if device.commands[n].action == "precharge"]
    closed = {spans[device.commands[n].level]: n for n in reversed(closing)}
    span = spans[device.commands[name].level] if name in names else 0
    step = _step(device, name, spans) if name in names else 1
    # One bank of every group is closed bank by bank.
    close = closed.get(1 if step > 1 else span)
    if close is None:
        raise InputError(
            f"{device.name}: has no command {name} for refresh {controller.refresh!r}, or no "
            "precharge of the same banks"
        )
    node = spans[device.rank_level]
    turns = node // span * step
    return {
        "command_refresh": names.index(name),
        "command_precharge_all": names.index(close),
        "refresh_interval_cycles": device.timings["nREFI"] // turns,
        "refresh_span": span,
        "refresh_turns": turns,
        "refresh_node": node,
        "refresh_slack": controller.postponed_refreshes * (device.banks // node) * turns,
    }


def _named(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
