"""``lockstep run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arch.errors import InputError
from sim.cli import inputs

if TYPE_CHECKING:
    from sim.simulate import Run


def _option(help: str, *names: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, **more)


def _output(help: str, *names: str, metavar: str | None = None) -> Any:
    return _option(help, *names, metavar=metavar, rich_help_panel="Output")


def _window(help: str, *names: str, least: int = 0) -> Any:
    panel = "Window, in cycles of the array"
    return _option(help, *names, metavar="N", min=least, rich_help_panel=panel)


def _state(help: str, *names: str, metavar: str, **more: Any) -> Any:
    return _option(help, *names, metavar=metavar, rich_help_panel="Checkpoints", **more)


Folder = Annotated[
    Path | None,
    _output(
        "Write result.json, operators.csv and operators.parquet here; of --packets, result.json "
        "and packets.csv.",
        metavar="DIR",
    ),
]
Timeline = Annotated[
    Path | None,
    _output("Write a timeline of the commands for https://ui.perfetto.dev.", metavar="FILE"),
]
Commands = Annotated[
    Path | None,
    _output("Write the commands and when they ran, as .parquet or .csv.", metavar="FILE"),
]
Figures = Annotated[
    Path | None,
    _output("Write roofline and layers here, as .svg and .png.", metavar="DIR"),
]
AsJson = Annotated[bool, _output("Print result.json instead of tables.", "--json")]
Replayed = Annotated[
    Path | None,
    _option(
        "Run the commands of a file that --commands wrote, not a workload.",
        "--replay",
        metavar="FILE",
    ),
]
Trace = Annotated[
    Path | None,
    _option(
        "Serve a trace of memory requests (Ramulator's, DRAMsim3's, Parquet; also .gz, .zst) by a "
        "memory, not a machine (`lockstep memories` lists them), or one of instructions (the AiM "
        "simulator's; of HBM-PIM: docs/pim.md) by a PIM (`lockstep pims`).",
        "--trace",
        metavar="FILE",
    ),
]
Packets = Annotated[
    Path | None,
    _option(
        "Carry a trace of packets (CSV: created,src,dst; also .gz, .zst) by a mesh, not a machine "
        "(`lockstep meshes` lists them).",
        "--packets",
        metavar="FILE",
    ),
]
Dialect = Annotated[
    str | None,
    _option("Of --trace: ramulator, dramsim3 or parquet; found out if not given.", metavar="NAME"),
]
Accuracy = Annotated[
    bool,
    _option(
        "On SIMD engines, compute a sample of each layer's results in its number formats, and show "
        "their error beside its cycles.",
        "--accuracy",
    ),
]
Tensors = Annotated[
    Path | None,
    _option(
        "Of --accuracy: a .npz file of arrays LAYER.input [M, K] and LAYER.weight [K, N]; "
        "those that are not there are drawn.",
        metavar="FILE",
    ),
]
Quiet = Annotated[bool, _output("No tables, messages or progress.", "--quiet", "-q")]
From = Annotated[int, _window("First cycle that counts.", "--from")]
Warmup = Annotated[int, _window("Cycles from there on that do not count either.", "--warmup")]
Until = Annotated[int | None, _window("End before this cycle.", "--until", least=1)]
Checkpoint = Annotated[
    Path | None,
    _state("Write the state of the simulation, by default at its end.", metavar="FILE"),
]
CheckpointAt = Annotated[int | None, _state("When to write --checkpoint.", metavar="CYCLE", min=0)]
Resume = Annotated[
    Path | None,
    _state("Go on from a checkpoint of the same machine and workload.", metavar="FILE"),
]


def run(
    machine: inputs.Machine,
    workload: inputs.WorkloadOption = None,
    replay: Replayed = None,
    trace: Trace = None,
    packets: Packets = None,
    dialect: Dialect = None,
    batch: inputs.Batch = None,
    settings: inputs.Settings = None,
    skip_unknown: inputs.SkipUnknown = False,
    out: Folder = None,
    timeline: Timeline = None,
    commands: Commands = None,
    figures: Figures = None,
    accuracy: Accuracy = False,
    tensors: Tensors = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    from_cycle: From = 0,
    warmup: Warmup = 0,
    until: Until = None,
    checkpoint: Checkpoint = None,
    checkpoint_at: CheckpointAt = None,
    resume: Resume = None,
) -> None:
    """Simulate a workload on a machine: cycles, stalls, traffic, utilisation, energy."""
    _check(out, timeline, commands, figures, checkpoint, checkpoint_at)
    if sum(each is not None for each in (workload, replay, trace, packets)) != 1:
        raise InputError(
            "give one of --workload WORKLOAD, --replay FILE, --trace FILE and --packets FILE"
        )
    if packets is not None:
        _refuse("--packets", {
            "--timeline": timeline, "--commands": commands, "--checkpoint": checkpoint,
            "--resume": resume, "--until": until, "--batch": batch, "--from": from_cycle,
            "--warmup": warmup, "--figures": figures, "--skip-unknown": skip_unknown,
            "--accuracy": accuracy, "--dialect": dialect, "--tensors": tensors,
        })  # fmt: skip
        from sim.cli.mesh import run_packets

        run_packets(machine, packets, settings, out, as_json=as_json, quiet=quiet)
        return
    if trace is not None:
        _refuse("--trace", {
            "--out": out, "--timeline": timeline, "--checkpoint": checkpoint, "--resume": resume,
            "--until": until, "--batch": batch, "--from": from_cycle, "--warmup": warmup,
            "--figures": figures, "--skip-unknown": skip_unknown, "--accuracy": accuracy,
        })  # fmt: skip
        from arch.pim.system import is_pim

        if is_pim(machine):
            from sim.cli import pim

            if dialect is not None:
                raise InputError("--dialect: is not for traces of instructions")
            pim.run_trace(machine, trace, settings, commands, as_json=as_json, quiet=quiet)
            return
        from sim.cli.memory import run_trace

        run_trace(machine, trace, dialect, settings, commands, as_json=as_json, quiet=quiet)
        return
    from arch.pim.system import is_pim

    if is_pim(machine):
        if workload is None:
            raise InputError("--replay: is not for PIMs; give --workload or --trace")
        _refuse("PIMs", {
            "--out": out, "--timeline": timeline, "--checkpoint": checkpoint, "--resume": resume,
            "--until": until, "--batch": batch, "--from": from_cycle, "--warmup": warmup,
            "--figures": figures, "--dialect": dialect, "--skip-unknown": skip_unknown,
            "--accuracy": accuracy,
        })  # fmt: skip
        from sim.cli import pim

        pim.run_workload(machine, workload, settings, commands, as_json=as_json, quiet=quiet)
        return
    if tensors is not None and not accuracy:
        raise InputError(f"--tensors {tensors}: are those of --accuracy; add it")
    if accuracy and workload is None:
        raise InputError("--accuracy: is that of layers; give --workload")
    built = inputs.load_machine(machine, settings)
    loaded = None
    if workload is not None:
        loaded = inputs.load_workload(workload, batch, skip_unknown, built)
    from rich.console import Console

    from sim.cli.progress import ProgressBar
    from sim.simulate import Options

    options = Options(
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
            done = inputs.simulate(built, loaded.workload, options, progress)
        else:
            assert replay is not None
            done = inputs.replay(built, replay, options, progress)
    if accuracy and loaded is not None:
        from dataclasses import replace

        from sim.accuracy import read_tensors, with_accuracy

        given = read_tensors(tensors) if tensors is not None else None
        judged = with_accuracy(done.result, loaded.workload, built, tensors=given)
        done = replace(done, result=judged)
    for path in _write(done, out, timeline, commands, figures):
        stderr.print(f"wrote {path}", markup=False)
    _show(done, as_json, quiet)


def _refuse(where: str, given: dict[str, Any]) -> None:
    """Raises InputError for an option that is given and is not for that."""
    for name, value in given.items():
        if value:
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
