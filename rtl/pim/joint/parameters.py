"""What the hardware takes from a ``JointChannels``, and what it refuses."""

from amaranth.lib import data
from amaranth.utils import bits_for

from arch.dram.device import Device
from arch.errors import InputError
from arch.pim.joint import GIVEN, JointChannels
from rtl.dram.ports import Ports, check_bus, check_sizes
from rtl.dram.timing import Use
from rtl.refusal import check_most, refuse

BANKS_MAX = 32
"""Most banks: each is looked at in each cycle."""
ENTRIES_MAX = 16
"""Most entries of a queue: picks are combinational."""
BANK_ENTRIES_MAX = 8
"""Most entries of a bank's queue."""
COUNT_BITS = 6
"""Of the columns of an instruction, and of the results of a tile."""
PENDING_BITS = 12
"""Of refreshes that wait while a tile is not over."""
TAG_BITS = 4
HITS = 4
"""Column commands to an open row after which a request to another row may close it."""
IDLE_DRAIN = 8
"""More writes than these are drained when no command waits."""
SLACK_MIN = 10
"""Memory gives nothing while PIM waits with less than so many cycles left."""
COLUMNS_MIN = 6
"""Columns of a tile, as estimated, at least."""
OPS = ("gwrite", "header", "comp", "readres", "comps")
"""PIM instructions, by code."""


class Parameters(Ports):
    """Sizes, widths, delays and policies of one channel; all of ``rtl/pim/joint`` reads them here.

    Parameters
    ----------
    pim : arch.pim.joint.JointChannels
    tag_bits : int
        Width of what requests and instructions carry for their senders.

    Raises InputError for what is not built.
    """

    def __init__(self, pim: JointChannels, tag_bits: int = TAG_BITS) -> None:
        device, own = pim.device(), pim.controller
        _check(device, pim)
        super().__init__(device, tag_bits)
        self.dual = pim.row_buffers == "dual"
        self.counted = pim.counted()
        self.whole_groups = own.group_ready == "all_banks"
        self._name_levels(device)
        self._resolve(self._uses(device))
        self.blocked = own.mode == "blocked"
        self.priority = own.priority
        self.fairness_cycles = own.fairness_cycles
        self.turns = self.blocked and own.fairness_cycles is not None
        """Memory and PIM take turns in which neither waits for ever."""
        self.slack_checked = own.slack_checked
        self.tile_ends_first = own.tile_ends_first
        self.release_rows = own.row_reserved == "tile"
        self.lenient = own.deadline == "lenient"
        self.among_reads = own.pim_transactions_in == "reads"
        self.tile_goes_on = own.open_tile == "goes_on"
        self.transactions, self.pim_commands = own.pim_transactions, own.pim_commands
        self.read_entries, self.write_entries = own.read_entries, own.write_entries
        self.bank_entries = own.bank_entries
        self._times(device)
        self.refresh_gap = None
        if own.refresh != "none":
            self.refresh_gap = device.timings["nREFI"] // self.ranks
            self._check_gap()
        for window in self.windows:
            if window.preceding in (self.comp, self.readres, self.comps):
                raise InputError(
                    f"{device.name}: {self.commands[window.preceding].name}: hardware has no "
                    "constraints of PIM columns and results with a window"
                )

    def _name_levels(self, device: Device) -> None:
        self.group_level = device.levels.index("bank_group")
        self.rank_level = device.levels.index(device.rank_level)
        self.group_banks = self.spans[self.group_level]
        self.rank_banks = self.spans[self.rank_level]
        self.ranks = self.banks // self.rank_banks

    def _uses(self, device: Device) -> tuple[Use, ...]:
        """Commands, by code."""
        for code, name in enumerate(GIVEN):
            setattr(self, CODES[name], code)
        self.close = self.pimpre if self.dual else self.precharge
        """What closes a row of PIM."""
        levels = {name: device.levels.index(device.commands[name].level) for name in GIVEN}
        if not self.whole_groups:
            levels["GACT"] = self.bank_level
        return tuple(Use(name, levels[name], self.spans[levels[name]]) for name in GIVEN)

    activate: int
    precharge: int
    read: int
    write: int
    refresh: int
    gwrite: int
    header: int
    gact: int
    pimpre: int
    comp: int
    readres: int
    comps: int

    def _times(self, device: Device) -> None:
        timings = device.timings
        self.faw, self.rp, self.rtp = timings["nFAW"], timings["nRP"], timings["nRTP"]
        self.rcd_rd, self.rcd_wr = timings["nRCDRD"], timings["nRCDWR"]
        self.comp_cycles, self.results_cycles = timings["nCOMP"], timings["nRES"]
        self.fill_cycles, self.gwrite_cycles = timings["nFILL"], timings["nGW"]
        self.answer_cycles = device.read_latency_cycles
        before = {name: _distance(device, name, "READRES") for name in ("RD", "WR")}
        after = {name: _distance(device, "READRES", name) for name in ("RD", "WR")}
        self.clear_of = {"RD": (before["RD"], after["RD"]), "WR": (before["WR"], after["WR"])}
        """Cycles before and after a result in which there is no read or write."""
        self.clear_after = max(0, *after.values())

    def _check_gap(self) -> None:
        longest = max(self.longest_wait(code) for code in range(len(self.commands)))
        if self.refresh_gap is not None and self.refresh_gap <= longest:
            raise InputError(
                f"{self.device.name}: hardware needs more than {longest} cycles from one rank's "
                f"refresh to the next rank's, not {self.refresh_gap}: nREFI is too short"
            )

    def composite_delay(self, following: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What a command waits for after the last column of a composite, and after its result: by
        shared level; 0: nothing."""
        none = (0,) * len(self.spans)
        if not self.counted:
            return none, none
        column, result = (
            tuple(max(0, cycles) for cycles in self.delays[before, following])
            for before in (self.comp, self.readres)
        )
        return column, none if following in (self.read, self.write) else result

    def own_wait(self, following: int) -> int:
        """Cycles that the columns at hand keep one of their own commands back at most."""
        if following == self.readres:
            return self.fill_cycles
        if following == self.comps and not self.counted:
            return self.result_after_max + self.comp_cycles
        return 0

    def longest_wait(self, following: int) -> int:
        column, result = (max(cycles) for cycles in self.composite_delay(following))
        waits = [super().longest_wait(following), self.own_wait(following) - 1]
        if column:
            waits.append((self.count_max - 1) * self.comp_cycles + column - 1)
        if result:
            waits.append(self.result_after_max + result - 1)
        return max(waits)

    @property
    def count_max(self) -> int:
        """Columns of an instruction."""
        return int((1 << COUNT_BITS) - 1)

    @property
    def result_after_max(self) -> int:
        """Cycles from a composite to its result at most."""
        return max(self.count_max * self.comp_cycles, self.fill_cycles)

    @property
    def entries(self) -> int:
        """Commands that wait in the queues of all banks."""
        return self.banks * self.bank_entries

    @property
    def slack_bits(self) -> int:
        """Of the cycles left before a refresh when a unit is over, which an estimate below 0 makes
        more than there are; without refreshes: whether there are any at all."""
        if self.refresh_gap is None:
            return 1
        return int(bits_for(self.refresh_gap + self.faw + self.results_cycles))

    @property
    def queued(self) -> data.StructLayout:
        """A read or write in the queue of its bank; all 0 where there is none."""
        rest = {name: bits for name, bits in self.place.items() if name != "bank"}
        return data.StructLayout(rest | {"write": 1, "tag": self.tag_bits})

    @property
    def instruction(self) -> data.StructLayout:
        """Of PIM. ``count``: columns of a COMPS, or of a HEADER's tile, which has ``results``;
        ``last``: it ends the tile. All 0 where there is none."""
        place = {name: bits for name, bits in self.place.items() if name != "column"}
        counts = {"count": COUNT_BITS, "results": COUNT_BITS, "last": 1, "tag": self.tag_bits}
        return data.StructLayout({"op": range(len(OPS))} | place | counts)

    @property
    def command(self) -> data.StructLayout:
        """What goes to the device. ``column``: of a COMPS, how many."""
        codes = {"valid": 1, "command": range(len(self.commands))}
        place = self.place | {"column": max(self.place["column"], COUNT_BITS)}
        return data.StructLayout(codes | place)

    @property
    def done(self) -> data.StructLayout:
        """A PIM instruction that is over in ``cycles``."""
        longest = max(self.gwrite_cycles, self.result_after_max + self.answer_cycles)
        return data.StructLayout({"valid": 1, "tag": self.tag_bits, "cycles": bits_for(longest)})


CODES = {name: name.lower() for name in GIVEN} | {
    "ACT": "activate", "PREpb": "precharge", "RD": "read", "WR": "write", "REFab": "refresh"
}  # fmt: skip
"""Attributes of ``Parameters`` with the code of each command."""


def _distance(device: Device, before: str, after: str) -> int:
    """The longest of the rules between two commands, wherever it holds."""
    pairs = ((rule.preceding, rule.following, rule.cycles) for rule in device.rules)
    return max((cycles for first, then, cycles in pairs if (first, then) == (before, after)),
               default=0)  # fmt: skip


def _check(device: Device, pim: JointChannels) -> None:
    """Raise InputError for what is not built."""
    check_bus(device)
    if "bank_group" not in device.levels or device.rank_level == "channel":
        refuse("levels", "rank, bank_group and bank", ", ".join(device.levels))
    check_sizes(device, BANKS_MAX)
    for timing in ("nCOMP", "nFILL", "nGW"):
        if device.timings[timing] < 1:
            refuse(f"timings.{timing}", "1 at least", device.timings[timing])
    of_channel = dict.fromkeys(("HEADER", "COMP", "READRES", "COMPS"), "channel")
    levels = {"GACT": "bank_group", "REFab": device.rank_level} | of_channel
    for name in GIVEN:
        command = device.commands[name]
        if command.same_bank or command.level != levels.get(name, "bank"):
            refuse(f"commands.{name}", f"all of a {levels.get(name, 'bank')}", command.level)
    for field, most in (
        ("read_entries", ENTRIES_MAX),
        ("write_entries", ENTRIES_MAX),
        ("bank_entries", BANK_ENTRIES_MAX),
        ("pim_transactions", ENTRIES_MAX),
        ("pim_commands", ENTRIES_MAX),
    ):
        check_most(f"controller.{field}", getattr(pim.controller, field), most)
