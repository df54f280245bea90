"""What a person sees where hardware and model differ."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vcd import VCDWriter

from rtl.wrapper import Field

SHOWN_FIELDS = 8
NAME_WIDTH = 40

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
            f"  {'signal':<{NAME_WIDTH}} {'model':>16} {'hardware':>16}",
        ]
        for field, model, hardware in self.differing[:SHOWN_FIELDS]:
            lines.append(f"  {field.name:<{NAME_WIDTH}} {model:>16} {hardware:>16}")
        if len(self.differing) > SHOWN_FIELDS:
            lines.append(f"  and {len(self.differing) - SHOWN_FIELDS} more")
        lines.append(f"  to see it again: {self.replay}")
        if self.waveform is not None:
            lines.append(f"  waveform: {self.waveform}")
        return "\n".join(lines)


def write_waveform(
    path: Path,
    fields: tuple[Field, ...],
    first_cycle: int,
    model: list[list[int]],
    hardware: list[list[Value]],
) -> None:
    """A VCD with each field twice, below ``model`` and ``hardware``; one time step a cycle."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file, VCDWriter(file, timescale="1 ns", date="") as writer:
        sides = {
            side: [
                writer.register_var(side, field.name, "wire", size=field.width) for field in fields
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
    Path(name).chmod(0o644)
    os.replace(name, path)
