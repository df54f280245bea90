"""What the hardware takes from a ``Device`` and a ``Controller``, and what it refuses."""

import math

from amaranth.lib import data
from amaranth.utils import bits_for

from arch.dram.controller import Controller
from arch.dram.device import Device
from arch.dram.standard import Command
from arch.errors import InputError
from rtl.dram.ports import Ports, check_bus, check_sizes
from rtl.dram.timing import Use
from rtl.refusal import check_most, refuse

BANKS_MAX = 16
"""Most banks: each entry has a multiplexer over all of them."""
ENTRIES_MAX = 16
"""Most entries of each list: the pick is combinational."""
TAG_BITS = 4

SCHEDULERS = ("frfcfs", "fcfs")
ROW_POLICIES = ("open",)
REFRESHES = {"none": None, "all_bank": "REFab", "per_bank": "REFpb"}
"""Command by ``Controller.refresh``."""


class Parameters(Ports):
    """Sizes, widths and delays of one channel; everything below ``rtl/dram`` reads them from here.

    Parameters
    ----------
    device : arch.dram.device.Device
    controller : arch.dram.controller.Controller
    tag_bits : int
        Width of what a request carries for its sender.

    Raises InputError for what is not built: other than one command bus, activates in two steps,
    data clocks, a command queue for each bank, row policies but ``open``, refreshes of one bank of
    every group, more than 16 banks or entries, refreshes too close to each other.
    """

    def __init__(self, device: Device, controller: Controller, tag_bits: int = TAG_BITS) -> None:
        _check(device, controller, tag_bits)
        super().__init__(device, tag_bits)
        self._resolve(self._use(device, controller))
        self._policies(device, controller)
        if self.refresh is not None:
            longest = max(max(cycles) for cycles in self.delays.values())
            if self.refresh_interval_cycles <= 2 * longest:
                raise InputError(
                    f"{device.name}: hardware needs more than {2 * longest} cycles between "
                    f"refreshes, not {self.refresh_interval_cycles}: nREFI is too short, or what a "
                    "refresh takes too long"
                )

    def _use(self, device: Device, controller: Controller) -> tuple[Use, ...]:
        """Commands that are given, by code: activate, precharge, read, write, then those of
        refreshes."""
        names = [
            self._bank_command(action) for action in ("activate", "precharge", "read", "write")
        ]
        refresh = REFRESHES[controller.refresh]
        if refresh is not None:
            command = device.commands.get(refresh)
            closing = next((n for n in device.commands if self._closes(n, command)), None)
            if closing is None:
                raise InputError(
                    f"{device.name}: has no command {refresh} for refresh {controller.refresh!r}, "
                    "or no precharge of the same banks"
                )
            names += [closing] * (closing not in names) + [refresh]
        levels = [device.levels.index(device.commands[name].level) for name in names]
        self.activate, self.precharge, self.read, self.write = range(4)
        self.refresh = None if refresh is None else names.index(refresh)
        self.closing = self.precharge if self.refresh is None else names.index(str(closing))
        """What closes the banks that a refresh takes."""
        return tuple(
            Use(name, level, self.spans[level]) for name, level in zip(names, levels, strict=True)
        )

    def _bank_command(self, action: str) -> str:
        for name, command in self.device.commands.items():
            level = self.device.levels.index(command.level)
            if command.action == action and self.spans[level] == 1 and not command.closes:
                return name
        raise InputError(f"{self.device.name}: has no command that does {action!r} to a bank")

    def _closes(self, name: str, refresh: Command | None) -> bool:
        """Whether a command closes the banks that a refresh takes."""
        command = self.device.commands[name]
        closes = command.action == "precharge" and not command.same_bank
        return closes and refresh is not None and command.level == refresh.level

    def _policies(self, device: Device, controller: Controller) -> None:
        self.first_come = controller.scheduler == "fcfs"
        self.ordered = controller.hazards == "ordered"
        self.cap_cycles = controller.cap_cycles
        self.read_entries = controller.read_entries
        self.write_entries = controller.write_entries
        self.drain_above = math.floor(controller.drain_high * controller.write_entries)
        self.drain_below = max(1, math.ceil(controller.drain_low * controller.write_entries))
        self.refresh_interval_cycles = 0
        self.refresh_slack = 0
        self.refresh_turns = 1
        if self.refresh is None:
            return
        level = next(
            (name for name in ("rank", "pseudo_channel") if name in device.levels), "channel"
        )
        node = self.spans[device.levels.index(level)]
        span = self.commands[self.refresh].span
        self.refresh_turns = node // span
        """Refreshes of a node until all its banks have had one."""
        self.refresh_interval_cycles = device.timings["nREFI"] // self.refresh_turns
        self.refresh_slack = controller.postponed_refreshes * (self.banks // span)

    @property
    def entries(self) -> int:
        """Requests that can wait: those of both lists, and one a bank that has its row."""
        return self.read_entries + self.write_entries + self.banks

    @property
    def entry(self) -> data.StructLayout:
        """A request that waits. ``activated``: it has opened its row; ``age``: cycles since it
        was taken, up to ``cap_cycles``. All 0 where there is none."""
        fields = {"valid": 1, "activated": 1} | self.place | {"write": 1, "tag": self.tag_bits}
        if self.cap_cycles is not None:
            fields["age"] = bits_for(self.cap_cycles)
        return data.StructLayout(fields)

    @property
    def command(self) -> data.StructLayout:
        """What goes to the device: the place of the request, or the first bank of a refresh."""
        codes = {"valid": 1, "command": range(len(self.commands))}
        return data.StructLayout(codes | self.place)


def _check(device: Device, controller: Controller, tag_bits: int) -> None:
    """Raise InputError for what is not built."""
    check_bus(device)
    actions = {command.action for command in device.commands.values()}
    for action in ("activate_1", "sync"):
        if action in actions:
            refuse(device.name, "activates in one step and no data clock", f"a {action!r}")
    check_sizes(device, BANKS_MAX, "; levels={rank: 1, bank_group: 4, bank: 4} would do")
    for field in ("read_entries", "write_entries"):
        check_most(f"controller.{field}", getattr(controller, field), ENTRIES_MAX)
    for field, known in (
        ("scheduler", SCHEDULERS),
        ("row_policy", ROW_POLICIES),
        ("refresh", tuple(REFRESHES)),
    ):
        value = getattr(controller, field)
        if value not in known:
            refuse(f"controller.{field}", " or ".join(known), repr(value))
    if not 1 <= tag_bits <= 32:
        refuse("tag_bits", "1 to 32", tag_bits)
