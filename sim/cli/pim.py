"""``lockstep run PIM --trace FILE`` and the list of PIMs."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sim.cli import inputs

if TYPE_CHECKING:
    from arch.pim.system import Pim
    from sim.pim.run import PimRun


def run_trace(
    pim: str,
    trace: Path,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a trace of instructions on a PIM and show what came of it."""
    from arch.pim.system import load_pim

    loaded = load_pim(pim, settings or ())
    loaded.device()
    from rich.console import Console

    from sim.report.writing import check_file

    if commands is not None:
        from sim.dram.commands_file import check_suffix

        check_suffix(commands)
        check_file(commands)
    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    if not inputs.kernels_compiled():
        stderr.print("compiling kernels (once, about 10 s)")
    done = _serve(loaded, trace, commands, stderr)
    if commands is not None:
        stderr.print(f"wrote {commands}", markup=False)
    from sim.pim import report

    if as_json:
        import json

        typer.echo(json.dumps(report.as_dict(done), indent=2))
    elif not quiet:
        typer.echo(report.table(done), nl=False)


def _serve(pim: "Pim", trace: Path, commands: Path | None, stderr: Any) -> "PimRun":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from sim.pim import run as pim_run
    from traces.pim.aim import open_aim

    shown = (BarColumn(16), TextColumn("{task.description}"), TimeRemainingColumn())
    with ExitStack() as stack:
        stream = open_aim(trace, pim)
        bar = stack.enter_context(
            Progress(*shown, console=stderr, transient=True, disable=not stderr.is_terminal)
        )
        task = bar.add_task("", total=stream.bytes_total)
        log = None
        if commands is not None:
            from sim.pim.log import commands_file

            log = stack.enter_context(commands_file(commands, pim))

        def tell(instructions: int) -> None:
            done = stream.bytes_read
            bar.update(task, completed=done, description=f"{instructions:,} instructions")

        return pim_run.run_trace(pim, stream, progress=tell, log=log)


def pims() -> None:
    """List the PIMs that are known by name."""
    from arch.pim.system import load_pim, pim_names

    for name in pim_names():
        known = load_pim(name)
        refresh = known.controller.refresh.replace("_", "-").replace("none", "no")
        typer.echo(
            f"{name:<18} {known.device().device.name}, {known.channels} channels, {refresh} refresh"
        )
