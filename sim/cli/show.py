"""``lockstep show``."""

from typing import Annotated

import typer

from sim.cli import inputs

AsYaml = Annotated[bool, typer.Option("--yaml", help="Print the machine as YAML, to edit.")]


def show(
    machine: inputs.Machine, settings: inputs.Settings = None, as_yaml: AsYaml = False
) -> None:
    """Show a machine: parameters, their sources, and what follows from them."""
    built = inputs.load_machine(machine, settings)
    if as_yaml:
        from arch.load import dump_yaml

        typer.echo(dump_yaml(built), nl=False)
        return
    from rich.console import Console

    from sim.report.machine import machine_report

    Console(highlight=False).print(machine_report(built))
