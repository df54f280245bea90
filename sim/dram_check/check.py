"""Checks a command log and says what is wrong with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from arch.errors import InputError
from sim.dram_check import kernel
from sim.dram_check.log import place_of, read_log
from sim.dram_check.rules import CODES, KINDS
from sim.dram_check.state import FOUND, TOTAL, Array, Findings, grow, make_state
from sim.dram_check.tables import (
    ACT2_LATE,
    OTHER_ROW,
    REFRESH_DEBT,
    REFRESH_LATE,
    STATE_RULES,
    Rules,
    resolve,
)

NO_REFRESH_CYCLES = 2**50
"""In place of tREFI where it is not to be checked."""
Progress = Callable[[int], None]
"""Is told how many commands are done."""


@dataclass(frozen=True)
class Command:
    """A command of a log; what does not apply is None."""

    cycle: int
    name: str
    channel: int
    rank: int
    group: int | None = None
    bank: int | None = None
    """Of the group."""
    row: int | None = None

    def __str__(self) -> str:
        text = f"{self.name} to channel {self.channel} rank {self.rank}"
        for name in ("group", "bank", "row"):
            value = getattr(self, name)
            text += "" if value is None else f" {name} {value}"
        return text


@dataclass(frozen=True)
class Violation:
    """A command that came when or where it must not."""

    cycle: int
    rule: str
    """As the data sheet calls it, or one of ``tables.STATE_RULES``."""
    reason: str
    """Where the rule holds and its formula."""
    number: int | None
    """Of the command in the log, from 0; None: the end of the log."""
    command: Command
    earlier: Command | None
    """What it came too early after, if that is what is wrong."""
    distance: int | None
    """Cycles between the two."""
    minimum: int | None
    """What the distance must be at least; at most, in tAAD and tREFI."""

    def __str__(self) -> str:
        text = f"cycle {self.cycle}: {self.rule}: {self.command}"
        if self.earlier is not None:
            text += f", {self.distance} cycles after {self.earlier} in cycle {self.earlier.cycle}"
        if self.minimum is not None:
            bound = "at most" if self.rule in ("tAAD", "tREFI") else "at least"
            text += f"; {bound} {self.minimum}"
        return text + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class Report:
    """What was found in a log."""

    standard: str
    bin: str
    commands: int
    cycles: int
    """From the first command to the last."""
    total: int
    """Violations, also those that are only counted."""
    by_rule: dict[str, int]
    violations: list[Violation] = field(repr=False)
    """The first ones."""


class Checker:
    """Judges a log, chunk by chunk; ``report`` ends it."""

    def __init__(self, rules: Rules, *, refresh: bool | None = None, limit: int = 1000) -> None:
        """``refresh``: whether refreshes must come in time; None: if the log has any.

        ``limit``: violations that are kept; more are counted.
        """
        self.rules, self.refresh = rules, refresh
        self.tables = rules.tables._replace(device=rules.tables.device.copy())
        if refresh is False:
            self.tables.device["refresh_interval"] = NO_REFRESH_CYCLES
        self.state = make_state(rules, 1)
        self.findings = Findings(
            np.zeros(limit, FOUND),
            np.zeros(len(rules.names), np.int64),
            np.zeros(1, TOTAL),
            np.zeros(1, FOUND),
        )
        self.findings.total["started"] = -1

    def feed(self, chunk: Array) -> int:
        """Judge commands (LOG); the place of one that goes back in time, where it stops, or -1."""
        if not len(chunk):
            return -1
        self.state = grow(self.rules, self.state, int(chunk["channel"].max()) + 1)
        number = int(self.findings.total["commands"][0])
        return int(kernel.check(chunk, number, self.tables, self.state, self.findings))

    def report(self) -> Report:
        """What was found. Call it once."""
        total = self.findings.total[0]
        if self.refresh or (self.refresh is None and total["refreshes"]):
            kernel.check_end(self.tables, self.state, self.findings)
        counts: dict[str, int] = {}
        for name, count in zip(self.rules.names, self.findings.counts, strict=True):
            if count:
                counts[name] = counts.get(name, 0) + int(count)
        kept = self.findings.violations[: int(total["found"])]
        return Report(
            standard=self.rules.standard.name,
            bin=self.rules.bin_name,
            commands=int(total["commands"]),
            cycles=int(total["ended"] - total["started"] + 1) if total["commands"] else 0,
            total=int(total["found"]),
            by_rule=dict(sorted(counts.items(), key=lambda item: -item[1])),
            violations=[self._violation(one) for one in kept],
        )

    def _violation(self, one: np.void) -> Violation:
        rule, limit = int(one["rule"]), int(one["limit"])
        kind = int(one["kind"])
        command = self._command(
            int(one["cycle"]),
            KINDS[kind] if kind >= 0 else "no refresh",
            int(one["rank"]),
            int(one["bank"]),
            int(one["row"]),
        )
        earlier, distance = None, None
        reason = self.rules.reasons[rule]
        if rule == REFRESH_LATE:
            distance = int(one["cycle"] - one["earlier_cycle"])
            since = int(one["earlier_cycle"])
            reason = f"{distance} cycles since the last refresh, of cycle {since}"
        elif rule == REFRESH_DEBT:
            reason = f"more than {limit} refreshes are due"
        elif rule == OTHER_ROW:
            reason = f"row {limit} is open"
        elif one["earlier_kind"] >= 0:
            distance = int(one["cycle"] - one["earlier_cycle"])
            name = KINDS[int(one["earlier_kind"])]
            rank, bank = int(one["rank"]), int(one["earlier_bank"])
            earlier = self._command(int(one["earlier_cycle"]), name, rank, bank, -1)
        timed = rule >= len(STATE_RULES) or rule in (ACT2_LATE, REFRESH_LATE)
        return Violation(
            cycle=int(one["cycle"]),
            rule=self.rules.names[rule],
            reason=reason,
            number=int(one["number"]) if one["number"] >= 0 else None,
            command=command,
            earlier=earlier,
            distance=distance,
            minimum=limit if timed or self.rules.names[rule] == "command bus" else None,
        )

    def _command(self, cycle: int, name: str, rank: int, bank: int, row: int) -> Command:
        device = self.rules.tables.device[0]
        banks, groups = int(device["banks"]), int(device["groups"])
        ranks, in_rank = int(device["ranks"]), int(device["stacks"]) * groups * banks
        if bank >= 0:
            rank = bank // in_rank
        one_bank = bank >= 0 and not (name in CODES and name.endswith("sb"))
        return Command(
            cycle=cycle,
            name=name,
            channel=rank // ranks,
            rank=rank % ranks,
            group=bank // banks % groups if one_bank else None,
            bank=bank % banks if bank >= 0 else None,
            row=row if row >= 0 else None,
        )


def inspect_log(
    log: str | Path | Iterable[Array],
    standard: str,
    bin_name: str | None = None,
    *,
    refresh: bool | None = None,
    refresh_turns: int = 1,
    limit: int = 1000,
    progress: Progress | None = None,
) -> Report:
    """Hold a log (a file, or arrays of ``state.LOG``) against a standard's rules.

    ``refresh``: whether refreshes must come in time; None: if the log has any.
    ``refresh_turns``: in logs that do not name the pseudo-channel, the all-bank refreshes go to so
    many in turn, as Ramulator's of HBM do. ``limit``: violations that are kept.
    Raises InputError where the log cannot be read, or the standard or bin is not known.
    """
    rules = resolve(standard, bin_name)
    if not 1 <= refresh_turns <= rules.standard.ranks:
        raise InputError(
            f"refreshes in turn: must be 1 to {rules.standard.ranks} in {rules.standard.name}, "
            f"not {refresh_turns}"
        )
    path: Path | None = None
    if isinstance(log, str | Path):
        path = Path(log)
        log = read_log(path, rules)
    checker = Checker(rules, refresh=refresh, limit=limit)
    done, turn = 0, 0
    for chunk in log:
        if refresh_turns > 1:
            turn = _take_turns(chunk, turn, refresh_turns)
        stopped = checker.feed(chunk)
        if stopped >= 0:
            what = f"cycle {chunk['cycle'][stopped]} comes after a later one of its channel"
            if path is None:
                raise InputError(f"command {done + stopped}: {what}")
            raise place_of(path, done + stopped, what)
        done += len(chunk)
        if progress is not None:
            progress(done)
    return checker.report()


def check_log(
    log: str | Path | Iterable[Array],
    standard: str,
    bin_name: str | None = None,
    *,
    refresh: bool | None = None,
    refresh_turns: int = 1,
    limit: int = 1000,
) -> list[Violation]:
    """The first violations in a log; see ``inspect_log``."""
    return inspect_log(
        log, standard, bin_name, refresh=refresh, refresh_turns=refresh_turns, limit=limit
    ).violations


def _take_turns(chunk: Array, turn: int, turns: int) -> int:
    """Give the all-bank refreshes to ranks in turn; the next one's turn."""
    places = np.flatnonzero(chunk["kind"] == CODES["REFab"])
    chunk["rank"][places] = (turn + np.arange(len(places))) % turns
    return (turn + len(places)) % turns
