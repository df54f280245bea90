"""``lockstep run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from arch.errors import InputError
from sim.cli import inputs
from sim.cli import run_options as options

if TYPE_CHECKING:
    from sim.simulate import Run


def run(
    machine: inputs.Machine,
    workload: inputs.WorkloadOption = None,
    replay: options.Replayed = None,
    trace: options.Trace = None,
    packets: options.Packets = None,
    program: options.Program = None,
    pes: options.Pes = None,
    dialect: options.Dialect = None,
    batch: inputs.Batch = None,
    settings: inputs.Settings = None,
    skip_unknown: inputs.SkipUnknown = False,
    out: options.Folder = None,
    timeline: options.Timeline = None,
    commands: options.Commands = None,
    figures: options.Figures = None,
    accuracy: options.Accuracy = False,
    tensors: options.Tensors = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    from_cycle: options.From = 0,
    warmup: options.Warmup = 0,
    until: options.Until = None,
    checkpoint: options.Checkpoint = None,
    checkpoint_at: options.CheckpointAt = None,
    resume: options.Resume = None,
) -> None:
    """Simulate a workload on a machine: cycles, stalls, traffic, utilisation, energy."""
    _check(out, timeline, commands, figures, checkpoint, checkpoint_at)
    if sum(each is not None for each in (workload, replay, trace, packets, program)) != 1:
        raise InputError(
            "give one of --workload WORKLOAD, --replay FILE, --trace FILE, --packets FILE and "
            "--program FILE"
        )
    given = {
        "--out": out, "--timeline": timeline, "--commands": commands, "--figures": figures,
        "--checkpoint": checkpoint, "--resume": resume, "--until": until, "--from": from_cycle,
        "--warmup": warmup, "--batch": batch, "--skip-unknown": skip_unknown,
        "--accuracy": accuracy, "--tensors": tensors, "--dialect": dialect,
        "--pe": pes,
    }  # fmt: skip
    from arch.mesh.load import is_mesh

    if packets is not None or program is not None or is_mesh(machine):
        _only(given, "meshes", "--out", "--figures", "--timeline", "--pe")
        from sim.cli.mesh import run_mesh

        run_mesh(
            machine, settings, packets=packets, program=program, workload=workload, out=out,
            figures=figures, timeline=timeline, pes=pes, as_json=as_json, quiet=quiet,
        )  # fmt: skip
        return
    _only({"--pe": pes}, "machines without PEs of their own")
    from arch.pim.system import is_pim

    if is_pim(machine):
        from sim.cli import pim, pim_traces

        if trace is not None:
            _only(given, "traces of instructions", "--commands")
            pim_traces.run_trace(machine, trace, settings, commands, as_json=as_json, quiet=quiet)
            return
        if workload is None:
            raise InputError("--replay: is not for PIMs; give --workload or --trace")
        _only(given, "PIMs", "--commands")
        pim.run_workload(machine, workload, settings, commands, as_json=as_json, quiet=quiet)
        return
    if trace is not None:
        _only(given, "--trace", "--commands", "--dialect")
        from sim.cli.memory import run_trace

        run_trace(machine, trace, dialect, settings, commands, as_json=as_json, quiet=quiet)
        return
    if dialect is not None:
        raise InputError("--dialect: is that of --trace; give one, or leave it out")
    if tensors is not None and not accuracy:
        raise InputError(f"--tensors {tensors}: are those of --accuracy; add it")
    if accuracy and workload is None:
        raise InputError("--accuracy: is that of layers; give --workload")
    built = inputs.load_machine(machine, settings)
    loaded = None
    if workload is not None:
        loaded = inputs.load_workload(workload, batch, skip_unknown, built)
    held = None
    if accuracy:
        from sim.accuracy import engine_of, read_tensors

        # Before a long run.
        engine_of(built)
        held = read_tensors(tensors) if tensors is not None else None
    from rich.console import Console

    from sim.cli.progress import ProgressBar
    from sim.simulate import Options

    chosen = Options(
        from_cycle=from_cycle,
        warmup_cycles=warmup,
        until_cycle=until,
        log_commands=timeline is not None or commands is not None,
        checkpoint_path=checkpoint,
        checkpoint_cycle=checkpoint_at,
        resume_path=resume,
        notes=(
            *(f"machine changed: {change}" for change in settings or ()),
            *(loaded.notes if loaded else ()),
        ),
    )
    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    inputs.tell_of_compiling(stderr)
    with ProgressBar(stderr) as progress:
        if loaded is not None:
            done = inputs.simulate(built, loaded.workload, chosen, progress)
        else:
            assert replay is not None
            done = inputs.replay(built, replay, chosen, progress)
    if accuracy and loaded is not None:
        from dataclasses import replace

        from sim.accuracy import with_accuracy

        judged = with_accuracy(done.result, loaded.workload, built, tensors=held)
        done = replace(done, result=judged)
    for path in _write(done, out, timeline, commands, figures):
        stderr.print(f"wrote {path}", markup=False)
    _show(done, as_json, quiet)


def _only(given: dict[str, Any], where: str, *allowed: str) -> None:
    """Raises InputError for an option that is given and is not for that."""
    for name, value in given.items():
        if value and name not in allowed:
            raise InputError(f"{name}: is not for {where}")


def _check(
    out: Path | None,
    timeline: Path | None,
    commands: Path | None,
    figures: Path | None,
    checkpoint: Path | None,
    checkpoint_at: int | None,
) -> None:
    """Raise InputError for what would otherwise be found wrong after a long run."""
    if checkpoint_at is not None and checkpoint is None:
        raise InputError("--checkpoint-at says when, but not where; add --checkpoint FILE")
    if all(path is None for path in (out, timeline, commands, figures, checkpoint)):
        return
    from sim.report.commands import check_suffix
    from sim.report.needs import require
    from sim.report.writing import check_file, check_folder

    for folder in (out, figures):
        if folder is not None:
            check_folder(folder)
    if figures is not None:
        require("matplotlib", "--figures")
    if timeline is not None:
        require("perfetto", "--timeline")
    if commands is not None:
        check_suffix(commands)
    for path in (timeline, commands, checkpoint):
        if path is not None:
            check_file(path)


def _write(
    done: "Run",
    out: Path | None,
    timeline: Path | None,
    commands: Path | None,
    figures: Path | None,
) -> list[Path]:
    """Write the files asked for; return what was written."""
    if out is not None:
        from sim.report.files import write_result

        write_result(done.result, out)
    if timeline is not None and done.log is not None:
        from sim.report.timeline import write_timeline

        write_timeline(done.log, timeline)
    if commands is not None and done.log is not None:
        from sim.report.commands import write_commands

        machine = done.result.machine
        write_commands(done.log, commands, machine["clocks"][machine["array"]["clock"]])
    if figures is not None:
        from sim.figures.run import write_figures

        write_figures(done.result, figures)
    return [path for path in (out, timeline, commands, figures) if path is not None]


def _show(done: "Run", as_json: bool, quiet: bool) -> None:
    if as_json:
        from sim.report.files import result_json

        typer.echo(result_json(done.result), nl=False)
    elif not quiet:
        from rich.console import Console

        from sim.report.table import report

        Console(highlight=False).print(report(done.result))
