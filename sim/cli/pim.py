"""``lockstep run PIM --trace FILE`` and the list of PIMs."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from arch.errors import InputError
from sim.cli import hbm_pim, traced

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
    from arch.pim.hbm import is_hbm_pim
    from arch.pim.system import load_pim

    if is_hbm_pim(pim):
        hbm_pim.run_trace(pim, trace, settings, commands, as_json=as_json, quiet=quiet)
        return
    loaded = load_pim(pim, settings or ())
    loaded.device()
    stderr = traced.begin(commands, quiet=quiet)
    done = _serve(loaded, trace, commands, stderr)
    if commands is not None:
        stderr.print(f"wrote {commands}", markup=False)
    from sim.pim import report

    traced.show(
        lambda: report.as_dict(done), lambda: report.table(done), as_json=as_json, quiet=quiet
    )


def _serve(pim: "Pim", trace: Path, commands: Path | None, stderr: Any) -> "PimRun":
    from sim.pim import run as pim_run
    from traces.pim.aim import open_aim

    with ExitStack() as stack:
        stream = open_aim(trace, pim)
        tell = stack.enter_context(traced.progress_bar(stream, stderr, "instructions"))
        log = None
        if commands is not None:
            from sim.pim.log import commands_file

            log = stack.enter_context(commands_file(commands, pim))
        return pim_run.run_trace(pim, stream, progress=tell, log=log)


def run_workload(
    pim: str,
    workload: str,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Generate tokens of a model on a PIM and show what came of it."""
    from arch.pim.hbm import is_hbm_pim
    from arch.pim.system import load_pim
    from traces.workload import split_options

    if is_hbm_pim(pim):
        raise InputError(
            f"{pim}: runs traces, not workloads; `lockstep pim-kernel` writes those of products "
            "and more, for --trace"
        )
    loaded = load_pim(pim, settings or ())
    loaded.device()
    stderr = traced.begin(commands, quiet=quiet)
    from sim.pim.generate import contexts, generate, place

    name, options = split_options(workload)
    first, last = contexts(name, options)
    layout = place(loaded, name, last)
    with ExitStack() as stack:
        tell = stack.enter_context(traced.counting_bar(last - first + 1, stderr, "tokens"))
        log = None
        if commands is not None:
            from sim.pim.log import commands_file

            log = stack.enter_context(commands_file(commands, loaded))
        done = generate(loaded, layout, first, last, progress=tell, log=log)
    if commands is not None:
        stderr.print(f"wrote {commands}", markup=False)
    from sim.pim import generation_report as report

    traced.show(
        lambda: report.as_dict(done), lambda: report.table(done), as_json=as_json, quiet=quiet
    )


def pims() -> None:
    """List the PIMs that are known by name."""
    from arch.pim.hbm import is_hbm_pim, load_hbm_pim
    from arch.pim.system import load_pim, pim_names

    for name in pim_names():
        if is_hbm_pim(name):
            hbm = load_hbm_pim(name)
            device, channels, how = hbm.device().name, hbm.channels, hbm.controller.refresh
        else:
            pim = load_pim(name)
            device, channels, how = pim.device().device.name, pim.channels, pim.controller.refresh
        refresh = how.replace("_", "-").replace("none", "no")
        typer.echo(f"{name:<20} {device}, {channels} channels, {refresh} refresh")
