"""What a person sees where hardware and model differ."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

from vcd import VCDWriter

from rtl.wrapper import Field
from sim.report.text import shorten
from sim.report.writing import open_whole

SHOWN_FIELDS = 8
NAME_WIDTH = 34
VALUE_WIDTH = 20
"""Holds any integer of 64 bits."""

Value = int | str
"""An integer, or bits of which some are unknown."""


@dataclass(frozen=True)
class Mismatch:
    """The first cycle in which hardware and model differ."""

    unit: str
    seed: int
    cycle: int
    differing: tuple[tuple[Field, int, Value], ...]
    """Field, value of the model, value of the hardware."""
    replay: str
    """Command that shows it again."""
    waveform: Path | None

    def __str__(self) -> str:
        lines = [
            f"{self.unit}: hardware and model differ in cycle {self.cycle} (seed {self.seed})",
            _line("signal", "model", "hardware"),
        ]
        for field, model, hardware in self.differing[:SHOWN_FIELDS]:
            lines.append(_line(field.name, str(model), str(hardware)))
        if len(self.differing) > SHOWN_FIELDS:
            lines.append(f"  and {len(self.differing) - SHOWN_FIELDS} more")
        lines += ["  to see it again:", f"    {self.replay}"]
        if self.waveform is not None:
            lines.append(f"  waveform: {self.waveform}")
        return "\n".join(lines)


def _line(name: str, *values: str) -> str:
    """A row of the table, in 80 columns."""
    cells = [f"{shorten(value, VALUE_WIDTH):>{VALUE_WIDTH}}" for value in values]
    return " ".join([f"  {shorten(name, NAME_WIDTH):<{NAME_WIDTH}}", *cells])


def waveform_name(field: str) -> str:
    """The name in a VCD, where ``[2]`` at the end would be bit 2 of one signal."""
    return re.sub(r"\[(\d+)\]", r"_\1", field)


def write_waveform(
    path: Path,
    fields: tuple[Field, ...],
    first_cycle: int,
    model: list[list[int]],
    hardware: list[list[Value]],
) -> None:
    """A VCD with each field twice, below ``model`` and ``hardware``; one time step a cycle.

    Raises InputError where it cannot be written.
    """
    with open_whole(path) as file:
        text = io.TextIOWrapper(file, "ascii")
        with VCDWriter(text, timescale="1 ns", date="", init_timestamp=first_cycle) as writer:
            sides = {
                side: [
                    writer.register_var(side, waveform_name(field.name), "wire", size=field.width)
                    for field in fields
                ]
                for side in ("model", "hardware")
            }
            for x, (expected, found) in enumerate(zip(model, hardware, strict=True)):
                for side, row in (("model", expected), ("hardware", found)):
                    for variable, field, value in zip(sides[side], fields, row, strict=True):
                        if isinstance(value, int):
                            value &= (1 << field.width) - 1
                        writer.change(variable, first_cycle + x, value)
            writer.close(first_cycle + len(model))
        text.detach()
