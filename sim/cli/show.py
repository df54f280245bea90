"""``lockstep show``."""

from typing import Annotated

import typer

from sim.cli import inputs

AsYaml = Annotated[bool, typer.Option("--yaml", help="Print it as YAML, to edit.")]
Shown = Annotated[
    str,
    typer.Argument(
        metavar="MACHINE",
        help="A name (lockstep machines, memories, meshes, pims, systems), a .yaml or a "
        "SCALE-Sim .cfg.",
    ),
]


def show(machine: Shown, settings: inputs.Settings = None, as_yaml: AsYaml = False) -> None:
    """Show a machine, memory, mesh, PIM or system: parameters, sources, what follows from them."""
    from arch.machine import Machine

    built = inputs.load_any(machine, settings)
    if as_yaml:
        from arch.load import dump_yaml

        typer.echo(dump_yaml(built), nl=False)
        return
    from rich.console import Console

    from sim.report.machine import device_report, machine_report

    shown = machine_report(built) if isinstance(built, Machine) else device_report(built)
    Console(highlight=False).print(shown)
