"""``lockstep synth``."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli import hardware, inputs

Liberty = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Standard cells to map to as well, for an area."),
]


def synth(
    machine: inputs.Machine,
    unit: hardware.Unit = "array",
    liberty: Liberty = None,
    settings: inputs.Settings = None,
) -> None:
    """Synthesise a unit: gates, depth, and its size in two FPGAs. Minutes for large arrays."""
    hardware.need_packages()
    built = hardware.load_built(machine, unit, settings)
    from rich.console import Console
    from rich.table import Table

    from rtl.lockstep.units import component_of
    from rtl.synth import synthesise

    component = component_of(built, unit)
    with Console(stderr=True).status("synthesis") as status:
        sizes = synthesise(
            lambda: component, lambda name: status.update(f"{unit}: {name}"), liberty=liberty
        )
    table = Table(title=f"{built.name} {unit}, by Yosys", title_justify="left")
    table.add_column("target")
    table.add_column("cells")
    table.add_column("count", justify="right")
    for size in sizes:
        rows = {name: f"{count:,}" for name, count in size.cells.items()}
        if size.depth is not None:
            rows["depth (gates)"] = f"{size.depth:,}"
        if size.levels is not None:
            rows["levels (two inputs)"] = f"{size.levels:,}"
        if size.area is not None:
            rows["area"] = f"{size.area:,.1f}"
        for i, (name, count) in enumerate(rows.items()):
            table.add_row("" if i else size.target, name, count)
        table.add_section()
    Console(highlight=False).print(table)
    typer.echo("Sizes are estimates before placement; memories count as their target maps them.")
