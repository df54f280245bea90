"""``lockstep study``: run, resume, status, show, export."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arch.errors import InputError
from sim.cli import inputs

if TYPE_CHECKING:
    from sim.study.driver import Status
    from sim.study.run import Settings
    from sim.study.study import Study

app = typer.Typer(
    name="study",
    help="Vary a machine and find what is best.",
    no_args_is_help=True,
    add_completion=False,
)

Folder = Annotated[Path, typer.Argument(help="Folder of a study.", metavar="DIR")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-j", help="Processes; by default one a processor.", min=1),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", help="Keep simulated layers here, not in the user's cache."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Simulate everything anew.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No tables, messages or progress.")]


@app.command("run")
def run(
    study: Annotated[str, typer.Argument(help="A study by name or a YAML file.", metavar="STUDY")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to make; by default one of the study's name.", metavar="DIR"),
    ] = None,
    workers: Workers = None,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
) -> None:
    """Run a study in a new folder. Ctrl-C and crashes lose nothing: `resume` goes on."""
    from arch.spec_file import is_there
    from sim.study.journal import NAME, read
    from sim.study.study import load_study

    loaded = load_study(study)
    folder = out or Path(loaded.spec.name)
    if is_there(folder / NAME) and read(folder / NAME).records:
        raise InputError(
            f"{folder}: holds a study already; `lockstep study resume {folder}` goes on with it, "
            "--out DIR takes another folder"
        )
    _run(loaded, folder, _settings(workers, cache, no_cache), quiet)


@app.command("resume")
def resume(
    folder: Folder,
    workers: Workers = None,
    cache: CacheFolder = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a study that was stopped."""
    from sim.study.study import read_folder

    loaded, _ = read_folder(folder, to_run=True)
    _run(loaded, folder, _settings(workers, cache, no_cache), quiet)


def _settings(workers: int | None, cache: Path | None, no_cache: bool) -> "Settings":
    from sim.study.run import Settings

    if cache is not None and no_cache:
        raise InputError("--no-cache and --cache DIR exclude each other; give one")
    return Settings(workers, not no_cache, cache)


def _run(loaded: "Study", folder: Path, settings: "Settings", quiet: bool) -> None:
    from rich.console import Console

    from sim.cli.study_progress import StudyProgress
    from sim.study.run import check_some_point
    from sim.study.run import run as run_study
    from sim.study.table import report

    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    told: list[int] = []

    def tell(status: "Status") -> None:
        if not told and loaded.evaluate is None:
            inputs.tell_of_compiling(stderr)
        told.append(status.finished)
        progress(status)

    try:
        with StudyProgress(stderr, loaded) as progress:
            outcome = run_study(loaded, folder, settings, tell)
    except KeyboardInterrupt:
        stderr.print(f"stopped; `lockstep study resume {folder}` goes on", markup=False)
        raise
    if outcome.cache_fault is not None:
        stderr.print(f"without a cache: {outcome.cache_fault}", markup=False)
    if not quiet:
        Console(highlight=False).print(report(loaded, outcome.records))
    check_some_point(outcome)
    stderr.print(f"`lockstep study show {folder}` draws it", markup=False)


@app.command("status")
def status(folder: Folder) -> None:
    """How far a study is, while it runs as well."""
    from rich.console import Console

    from sim.study.status import status_text
    from sim.study.study import read_folder

    loaded, records = read_folder(folder, to_run=False)
    Console(highlight=False).print(status_text(loaded, folder, records), markup=False)


@app.command("show")
def show(
    folder: Folder,
    point: Annotated[
        int | None, typer.Option(help="Show one point in full, with commands.", metavar="N")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for the figures; by default the study's own.", metavar="DIR"),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Write a page in Markdown, with figures, instead.", metavar="FILE"),
    ] = None,
    no_figures: Annotated[bool, typer.Option("--no-figures", help="Tables alone.")] = False,
) -> None:
    """Show the Pareto front and draw it, with what each parameter does, as SVG and PNG."""
    from rich.console import Console

    from sim.report.needs import require
    from sim.study.study import read_folder
    from sim.study.table import point_report, report

    if point is None and not no_figures:
        require("matplotlib", "drawing a study (or give --no-figures)", "study")
    loaded, records = read_folder(folder, to_run=False)
    console = Console(highlight=False)
    if point is not None:
        found = next((record for record in records if record.index == point), None)
        if found is None:
            raise InputError(f"{folder}: has no finished point {point}; it has {len(records)}")
        console.print(point_report(loaded, found), soft_wrap=True)
        return
    console.print(report(loaded, records))
    if page is not None:
        from sim.study.page import write_page

        for path in write_page(loaded, records, page):
            typer.echo(f"wrote {path}", err=True)
    elif not no_figures:
        from sim.study.draw import draw

        for path in draw(loaded, records, figures or folder):
            typer.echo(f"wrote {path}", err=True)


@app.command("export")
def export(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="A .csv, .parquet or .json.", metavar="FILE")],
) -> None:
    """Write all points of a study as a table."""
    from sim.study.export import check_suffix
    from sim.study.export import export as write
    from sim.study.study import read_folder

    check_suffix(file)
    loaded, records = read_folder(folder, to_run=False)
    write(loaded, records, file)
    typer.echo(f"wrote {file}", err=True)


@app.command("list")
def names() -> None:
    """List the studies that are known by name."""
    from sim.study.study import shipped

    for name, spec in shipped().items():
        typer.echo(f"{name:<20} {textwrap.shorten(spec.source, 58, placeholder=' …')}")
