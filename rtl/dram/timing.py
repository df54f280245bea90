"""Between which commands of a device how many cycles must pass, as hardware has it."""

import math
from dataclasses import dataclass

from arch.dram.device import Device, Rule


@dataclass(frozen=True)
class Use:
    """A command that the controller gives."""

    name: str
    level: int
    """Index in ``Device.levels`` of the nodes that wait for it: of what it addresses."""
    span: int
    """Banks of one."""


@dataclass(frozen=True)
class Window:
    """A rule that counts: so many ``preceding`` in so many cycles."""

    preceding: int
    level: int
    """Whose nodes have a history each."""
    cycles: int
    depth: int
    """Commands in a window; the history has one less."""
    following: tuple[tuple[int, int], ...]
    """Commands that wait, with the level that they have to share with the preceding one."""


class Timing:
    """Levels of a channel and delays between its commands.

    ``shared level``: of two commands, index of the deepest level of which both address one node.
    All that holds of a pair of commands is a function of it.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.sizes = device.sizes
        self.spans = tuple(math.prod(device.sizes[i + 1 :]) for i in range(len(device.levels)))
        self.banks = device.banks
        self.bank_level = len(self.spans) - 1

    def _resolve(self, commands: tuple[Use, ...]) -> None:
        """Take the rules between these commands."""
        self.commands = commands
        names = {command.name for command in commands}
        rules = [rule for rule in self.device.rules if {rule.preceding, rule.following} <= names]
        self.delays = {
            (before, after): tuple(
                max((self._delay(rule, shared) for rule in rules if self._is(rule, before, after)),
                    default=0)
                for shared in range(len(self.spans))
            )
            for before in range(len(commands))
            for after in range(len(commands))
        }  # fmt: skip
        """[preceding, following][shared level], cycles from start to start."""
        self.windows = self._windows(rules)
        self.wide_levels = sorted({command.level for command in commands} - {self.bank_level})
        """Whose nodes wait for commands, but for banks."""

    def _is(self, rule: Rule, before: int, after: int) -> bool:
        return (rule.preceding, rule.following) == (
            self.commands[before].name,
            self.commands[after].name,
        )

    def _own_level(self, rule: Rule) -> int:
        """Level of the node of which the rule speaks: of its own or what the first addresses."""
        before = self.device.levels.index(self.device.commands[rule.preceding].level)
        return min(before, self.device.levels.index(rule.level))

    def _after_level(self, rule: Rule) -> int:
        return next(use.level for use in self.commands if use.name == rule.following)

    def _needs_shared(self, rule: Rule) -> int:
        """The level that both commands must share for a rule that is not of siblings."""
        return min(self._own_level(rule), self._after_level(rule))

    def _delay(self, rule: Rule, shared: int) -> int:
        """Cycles that a rule keeps two commands apart which share a level; 0: none, or counted."""
        if not rule.sibling:
            return rule.cycles if rule.window == 1 and shared >= self._needs_shared(rule) else 0
        own = self._own_level(rule)
        above = self.device.levels.index(rule.level) - 1
        after = self._after_level(rule)
        if above < 0 or own <= above or self.spans[above] == self.spans[own]:
            return 0
        # What addresses all nodes addresses siblings, too.
        holds = shared >= after if after <= above else shared == above
        return rule.cycles if holds else 0

    def _windows(self, rules: list[Rule]) -> tuple[Window, ...]:
        names = [command.name for command in self.commands]
        found: dict[tuple[int, int, int, int], list[tuple[int, int]]] = {}
        for rule in rules:
            if rule.window > 1 and not rule.sibling and rule.cycles > 0:
                own = self._own_level(rule)
                key = names.index(rule.preceding), own, rule.cycles, rule.window
                waits = names.index(rule.following), self._needs_shared(rule)
                found.setdefault(key, []).append(waits)
        return tuple(Window(*key, tuple(following)) for key, following in found.items())

    def longest_wait(self, following: int) -> int:
        """Most cycles that a command may have to wait, from the cycle after another one."""
        waits = [max(cycles) for (_, after), cycles in self.delays.items() if after == following]
        waits += [w.cycles for w in self.windows if following in dict(w.following)]
        return max(0, max(waits) - 1)

    def nodes(self, level: int) -> int:
        """Nodes of a level in the channel."""
        return self.banks // self.spans[level]
