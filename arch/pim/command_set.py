"""What a PIM adds to its DRAM standard: commands, constraints, instructions."""

from typing import Literal

from pydantic import Field, model_validator

from arch.dram.consistent import cycles_name
from arch.dram.expression import names_in
from arch.dram.standard import Constraint, LevelName, Speed
from arch.spec import Name, Spec

Action = Literal["activate", "precharge", "access", "register", "mode"]
"""What a command does to the banks of its level: open or close rows, read or write columns of open
rows; or it reads or writes registers, or changes the mode of the interface."""
Place = Literal["host", "row", "next_bank", "global_buffer", "accumulators", "activations"]
"""Where data comes from or goes to: a host register, a column of the open row, the same column of
the next bank, a column of the channel's global buffer, registers of a bank's unit."""
Operation = Literal["copy", "multiply_accumulate", "multiply", "activation"]
Format = Literal["bf16", "fp16", "fp32"]


class PimCommand(Spec):
    """A command that the DRAM standard does not have."""

    action: Action
    """What it does to the state of banks."""
    level: LevelName = "bank"
    """It acts on all banks of one node of this level."""
    needs_row: bool = False
    """The row must be open in all its banks."""
    closes: bool = False
    """Its banks close after it."""
    register_mode: bool = False
    """The interface must be in register mode, else in bank mode."""
    latency: str = "1"
    """From the command until it is done: an expression of timings."""
    mac_busy: str = "0"
    """For how long the multipliers of its banks work."""
    reads: tuple[Place, ...] = Field(default=())
    """Operands, in order."""
    writes: Place | None = None
    """Result."""
    clears: Place | None = None
    """Is zero after it."""
    operation: Operation = "copy"
    """From the operands to the result."""


class MacUnit(Spec):
    """The arithmetic beside each bank."""

    lanes: int = Field(ge=1, le=1024)
    """Products a column."""
    operand_format: Format
    """Of both factors."""
    reduction: Literal["adder_tree"] = "adder_tree"
    """How the products of a column become one number."""
    accumulator_format: Format
    """Of the sums."""
    accumulators: int = Field(ge=1, le=64)
    """Of a bank."""


class Instruction(Spec):
    """What a trace asks for; it becomes commands, one for each column."""

    command: Name | None = None
    """Its last command, of the PIM or of the DRAM standard; null: none."""
    waits: bool = False
    """The next instruction is not sent before it is done in all its channels."""
    fence: bool = False
    """It is done when all that came before it is."""


class Variant(Spec):
    """Which rules hold among the commands of the DRAM standard itself."""

    inherits: bool
    """Those of the standard's file."""
    constraints: tuple[Constraint, ...] = Field(default=())
    """More of them."""


class CommandSet(Spec):
    """One file of configs/pim."""

    pim: str
    """Name."""
    source: str
    """Where the numbers come from."""
    sources: dict[str, str] = Field(default={})
    """Where single numbers come from, by their path; ``assumed`` where no source says."""
    standard: Name
    """DRAM standard, a name of configs/dram."""
    commands: dict[Name, PimCommand] = Field(min_length=1)
    """By name, beside those of the standard."""
    constraints: tuple[Constraint, ...] = Field(min_length=1)
    """Least distances that hold in every variant."""
    variants: dict[Name, Variant] = Field(min_length=1)
    """By name."""
    speeds: dict[Name, Speed] = Field(min_length=1)
    """In place of the standard's."""
    instructions: dict[Name, Instruction] = Field(min_length=1)
    """By the name that traces use."""
    mac: MacUnit
    """Of each bank."""
    global_buffer_columns: int = Field(ge=1, le=4096)
    """Columns that the buffer of a channel holds."""
    activation_functions: int = Field(ge=1, le=256)
    """Tables of activation functions, a row each."""

    @model_validator(mode="after")
    def _modes(self) -> "CommandSet":
        modes = [name for name, command in self.commands.items() if command.action == "mode"]
        registers = [name for name, command in self.commands.items() if command.register_mode]
        if len(modes) > 1:
            raise ValueError(f"commands: may have one of action mode, not {', '.join(modes)}")
        if registers and not modes:
            raise ValueError(
                f"commands.{registers[0]}.register_mode: needs a command of action mode"
            )
        return self

    @model_validator(mode="after")
    def _expressions(self) -> "CommandSet":
        expressions = {
            f"constraints[{i}].latency": c.latency for i, c in enumerate(self.constraints)
        }
        for name, variant in self.variants.items():
            for i, constraint in enumerate(variant.constraints):
                expressions[f"variants.{name}.constraints[{i}].latency"] = constraint.latency
        for name, command in self.commands.items():
            expressions[f"commands.{name}.latency"] = command.latency
            expressions[f"commands.{name}.mac_busy"] = command.mac_busy
        for path, expression in expressions.items():
            try:
                used = names_in(expression)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
            for speed, given in self.speeds.items():
                missing = sorted(used - {cycles_name(name) for name in given.timings})
                if missing:
                    raise ValueError(
                        f"{path}: {expression!r} names {missing[0]!r}, not given by speeds.{speed}"
                    )
        return self

    @model_validator(mode="after")
    def _rows(self) -> "CommandSet":
        for name, command in self.commands.items():
            if command.action in ("register", "mode") and (command.needs_row or command.closes):
                raise ValueError(f"commands.{name}: a {command.action} command has no rows")
        return self
