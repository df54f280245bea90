"""``lockstep synth``."""

import typer

from sim.cli import hardware, inputs


def synth(
    machine: inputs.Machine,
    unit: hardware.Unit = "array",
    settings: inputs.Settings = None,
) -> None:
    """Synthesise a unit: gates, depth, and its size in two FPGAs. Minutes for large arrays."""
    hardware.need_packages()
    built = hardware.load_built(machine, unit, settings)
    from rich.console import Console
    from rich.table import Table

    from rtl.lockstep.units import twin_of
    from rtl.synth import synthesise

    twin = twin_of(built, unit)
    with Console(stderr=True).status("synthesis") as status:
        sizes = synthesise(lambda: twin.component, lambda name: status.update(f"{unit}: {name}"))
    table = Table(title=f"{built.name} {unit}, by Yosys", title_justify="left")
    table.add_column("target")
    table.add_column("cells")
    table.add_column("count", justify="right")
    for size in sizes:
        rows = dict(size.cells)
        if size.depth is not None:
            rows["depth (gates)"] = size.depth
        for i, (name, count) in enumerate(rows.items()):
            table.add_row("" if i else size.target, name, f"{count:,}")
        table.add_section()
    Console(highlight=False).print(table)
    typer.echo("Sizes are estimates before placement; memories count as their target maps them.")
