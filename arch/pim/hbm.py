"""Samsung HBM-PIM: a PIM whose commands are ordinary reads and writes, in modes that give them
another meaning."""

from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from arch.dram.device import Device, resolve
from arch.dram.expression import CYCLES_MAX
from arch.dram.load import load_standard
from arch.dram.standard import Speed, Standard
from arch.errors import InputError
from arch.pim.command_set import Format, Variant
from arch.pim.files import COMMAND_SETS, PIMS
from arch.spec import Name, Spec
from arch.spec_file import read_spec

CHANNELS_MAX = 64
"""Bits of a set of channels."""
GIVEN = ("ACT", "PREpb", "RD", "WR", "REFab")
"""Commands of the DRAM standard that the controller gives."""
OPCODES = ("NOP", "ADD", "MUL", "MAC", "MAD", "MOV", "FILL", "JUMP", "EXIT")
OPERANDS = ("A_OUT", "M_OUT", "EVEN_BANK", "ODD_BANK", "GRF_A", "GRF_B", "SRF_M", "SRF_A")


class HbmVariant(Variant):
    """Rules among the commands of the DRAM standard."""

    activate_cycles: int | None = Field(default=None, ge=1, le=8)
    """Cycles of ACT on the command bus; null: the standard's."""


class ModeRegister(Spec):
    """A row whose opening or closing, in each of some banks, changes the mode."""

    row: int = Field(ge=0, le=2**24)
    column: int | None = Field(default=None, ge=0, le=2**20)
    """Of the access that opens it; null: any."""
    banks: tuple[int, ...] = Field(min_length=1)
    """Flat numbers."""


class Registers(Spec):
    """Where the registers of the PIM blocks lie in the address space, and how many there are."""

    first_row: int = Field(ge=1, le=2**24)
    """Bit of the row number that means registers, not cells."""
    row: int = Field(ge=0, le=2**24)
    """Row of CONTROL, SRF, CRF and GRF."""
    control_column: int = Field(ge=0, le=1023)
    srf_column: int = Field(ge=0, le=1023)
    crf_column: int = Field(ge=0, le=1023)
    grf_a_column: int = Field(ge=0, le=1023)
    grf_b_column: int = Field(ge=0, le=1023)
    crf_entries: Literal[32] = 32
    """Instructions, eight in a column."""
    grf_entries: Literal[8] = 8
    """Of GRF_A and of GRF_B, a column each."""
    srf_entries: Literal[8] = 8
    """Scalars of SRF_M and of SRF_A, both in one column."""

    @model_validator(mode="after")
    def _bit(self) -> "Registers":
        if self.first_row & (self.first_row - 1):
            raise ValueError(f"first_row: must be a power of two, not {self.first_row}")
        return self


class Block(Spec):
    """The unit between each two banks, an even and an odd one."""

    lanes: int = Field(ge=1, le=1024)
    """Numbers of a column."""
    format: Format
    """Of all operands and results."""
    rounding: Literal["each_operation"] = "each_operation"
    """A product is rounded before it is added."""


class HbmCommandSet(Spec):
    """A file of configs/pim with ``interface: hbm_pim``."""

    interface: Literal["hbm_pim"]
    pim: str
    """Name."""
    source: str
    """Where the numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path; ``assumed`` where no source says."""
    standard: Name
    """DRAM standard, a name of configs/dram; of its pseudo-channels one is a channel here."""
    organisation: Name
    """A preset of the standard."""
    all_bank: dict[Name, Name]
    """Names of commands in the all-bank modes, to half of the banks at once, by their usual one."""
    variants: dict[Name, HbmVariant] = Field(min_length=1)
    """By name."""
    speeds: dict[Name, Speed] = Field(min_length=1)
    """In place of the standard's."""
    enter_all_bank: ModeRegister
    """Opening it in these banks leads from SB to HAB."""
    leave_all_bank: ModeRegister
    """Closing it in these banks leads from HAB to SB."""
    registers: Registers
    block: Block
    opcodes: dict[Name, Annotated[int, Field(ge=0, le=15)]]
    """Codes of instructions."""

    @model_validator(mode="after")
    def _complete(self) -> "HbmCommandSet":
        if set(self.opcodes) != set(OPCODES):
            raise ValueError(f"opcodes: must give each of {', '.join(OPCODES)}")
        if len(set(self.opcodes.values())) != len(OPCODES):
            raise ValueError("opcodes: two instructions have one code")
        if set(self.all_bank) != set(GIVEN[:-1]):
            raise ValueError(f"all_bank: must name each of {', '.join(GIVEN[:-1])}")
        return self


class HbmController(Spec):
    """Of a channel: transactions go in order into one queue, from which commands are picked.

    What was queued first and may issue goes first; then activates; then rows close that nothing
    in the queue wants. Nothing passes a barrier but activates.
    """

    queue_entries: int = Field(default=64, ge=1, le=256)
    """Reads and writes from which commands are picked."""
    front_entries: int = Field(default=64, ge=1, le=1024)
    """Of the queue before it, one a cycle; only ``barriers_kept: false`` takes notice of it."""
    refresh: Literal["none", "all_bank"] = "all_bank"
    """All banks of a rank at once, or not at all."""
    activates_wait: bool = True
    """No row opens while a refresh waits; if not, as in PIMSimulator, rows that have closed for it
    may open again before it comes."""
    late_refresh: Literal["kept", "dropped"] = "kept"
    """What becomes of a refresh that waits when the next one is due."""
    barriers_kept: bool = True
    """If not, as in PIMSimulator, the barrier behind the transaction that fills the front queue
    for the first time is lost."""
    barriers_hold_rows: bool = False
    """As in PIMSimulator, the transaction at a barrier keeps its row open even before those ahead
    of it that want another row of its bank; then nothing goes on until a refresh closes all."""
    banks_together: bool = True
    """In the all-bank modes a row opens when all eight banks are closed, they close together, and
    after these modes single banks wait as the half that they were in; nothing opens on the way from
    one mode to another. If not, as in PIMSimulator, only the first bank of each half counts."""


class HbmPim(Spec):
    """A file of configs/pims with ``interface: hbm_pim``."""

    interface: Literal["hbm_pim"]
    name: Name
    """Of the PIM."""
    source: str
    """Where its numbers come from."""
    commands: str
    """Command set: a name of configs/pim, or a file."""
    variant: Name
    """Of the command set."""
    speed: Name
    """A preset of the command set."""
    channels: int = Field(ge=1, le=CHANNELS_MAX)
    """Pseudo-channels."""
    ranks: int = Field(default=1, ge=1, le=4)
    """Of a channel, on one command bus. All transactions go to the first; the others are
    refreshed, in turn with it."""
    timings: dict[str, Annotated[int, Field(ge=0, le=CYCLES_MAX)]] = Field(default={})
    """Cycles, in place of the speed's."""
    order_checked: bool = True
    """Whether the order of a trace is checked: modes, instructions that come to EXIT, registers
    that are written before they are read."""
    jump_counters: Literal["each", "one"] = "each"
    """Each JUMP has a counter; or one is shared by all, as in PIMSimulator: a JUMP that is met
    after another counts anew; one that was taken often enough falls through ever after."""
    controller: HbmController = HbmController()
    """Of each channel."""

    @cached_property
    def _set(self) -> HbmCommandSet:
        return load_hbm_set(self.commands)

    @cached_property
    def _device(self) -> Device:
        return _resolved(self._set, self.variant, self.speed, self.timings)

    def command_set(self) -> HbmCommandSet:
        """Raises InputError for a file that is not there or not right."""
        return self._set

    def device(self) -> Device:
        """One channel, of one pseudo-channel. Raises InputError."""
        return self._device


def _resolved(pim: HbmCommandSet, variant: str, speed: str, timings: dict[str, int]) -> Device:
    base = load_standard(pim.standard)
    chosen = pim.variants.get(variant)
    if chosen is None:
        raise InputError(f"{pim.pim}: {variant!r} is no variant; are: {', '.join(pim.variants)}")
    data = base.model_dump()
    data["standard"], data["source"] = pim.pim, pim.source
    data["currents"] = {}
    data["speeds"] = {name: bin_.model_dump() for name, bin_ in pim.speeds.items()}
    data["typical_speed"] = None
    inherited = data["constraints"] if chosen.inherits else ()
    data["constraints"] = (*(c.model_dump() for c in chosen.constraints), *inherited)
    if chosen.activate_cycles is not None:
        data["commands"]["ACT"]["cycles"] = chosen.activate_cycles
    try:
        standard = Standard.model_validate(data)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{pim.pim} with variant {variant}: {reason}") from None
    for name in GIVEN:
        if name not in standard.commands:
            raise InputError(f"{pim.pim}: {base.standard} has no command {name}")
    levels = {"pseudo_channel": 1} if "pseudo_channel" in base.levels else {}
    return resolve(standard, pim.organisation, speed, levels=levels, timings=timings)


def is_hbm_pim(name_or_path: str) -> bool:
    """Whether a name, or what a file holds, is a PIM with the interface of HBM-PIM."""
    return PIMS.content(name_or_path).get("interface") == "hbm_pim"


def load_hbm_set(name_or_path: str) -> HbmCommandSet:
    """Read a command set by name or from a file. Raises InputError with a line for each fault."""
    path = COMMAND_SETS.find(name_or_path)
    return read_spec(HbmCommandSet, path, "a command set of an HBM-PIM")


def load_hbm_pim(name_or_path: str, overrides: Sequence[str] = ()) -> HbmPim:
    """Read a PIM from YAML; ``overrides`` as of ``arch.load.load_machine``.

    Raises InputError with a line for each fault.
    """
    path = PIMS.find(name_or_path)
    return read_spec(HbmPim, path, "a PIM: interface, name, commands, speed ...", overrides)
