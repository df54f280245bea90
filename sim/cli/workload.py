"""``lockstep workload``."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli import inputs

Save = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the operators as .yaml or .json, to edit or rerun."),
]


def workload(
    workload: inputs.WorkloadArgument,
    batch: inputs.Batch = None,
    skip_unknown: inputs.SkipUnknown = False,
    save: Save = None,
) -> None:
    """Show the operators of a workload: shapes, multiply-accumulates, parameters."""
    loaded = inputs.load_workload(workload, batch, skip_unknown)
    if save is not None:
        from traces.workload import save as save_workload

        save_workload(loaded.workload, save)
    from rich.console import Console

    from sim.report.workload import workload_table

    Console(highlight=False).print(workload_table(loaded.workload, loaded.notes))
