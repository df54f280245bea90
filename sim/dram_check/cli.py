"""``lockstep check-commands``: the judge of command logs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sim.dram_check.check import Report

SHOWN = 20

Log = Annotated[
    Path,
    typer.Argument(metavar="LOG", help="Commands: .parquet or .csv, also .csv.gz and .csv.zst."),
]
StandardName = Annotated[
    str,
    typer.Option(
        "--standard",
        "-s",
        metavar="NAME",
        help="DDR4, DDR5, LPDDR4, LPDDR5, GDDR6, HBM2, HBM3, AIM, PIM-GPT, HBM-PIM.",
    ),
]
BinName = Annotated[
    str | None,
    typer.Option("--bin", "-b", metavar="NAME", help="Speed bin; the standard's first if none."),
]
Refresh = Annotated[
    bool | None,
    typer.Option(
        "--refresh/--no-refresh",
        help="Whether refreshes must come in time; if not given, where the log has any.",
    ),
]
RefreshTurns = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="For logs that name no pseudo-channel (Ramulator's of HBM: 2): all-bank refreshes "
        "go to so many in turn.",
    ),
]


def check_commands(
    log: Log,
    standard: StandardName,
    bin_name: BinName = None,
    refresh: Refresh = None,
    refresh_turns: RefreshTurns = 1,
) -> None:
    """Check a DRAM command log against its standard; exits with 1 if a command breaks a rule."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from sim.dram_check.check import inspect_log

    console = Console(stderr=True)
    columns = (TextColumn("{task.completed:,} commands"), TimeElapsedColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=None)
        report = inspect_log(
            log,
            standard,
            bin_name,
            refresh=refresh,
            refresh_turns=refresh_turns,
            limit=SHOWN,
            progress=lambda done: bar.update(task, completed=done),
        )
    typer.echo(summary(log, report))
    if report.total:
        sys.exit(1)


def summary(log: Path, report: "Report") -> str:
    """What was found, in lines."""
    lines = [
        f"{log}: {report.commands:,} commands in {report.cycles:,} cycles against "
        f"{report.standard} {report.bin}"
    ]
    if not report.total:
        return f"{lines[0]}\n  no violation"
    lines += [f"  {count:>12,} x {rule}" for rule, count in report.by_rule.items()]
    lines += ["", *(f"  {one}" for one in report.violations[:SHOWN])]
    if report.total > SHOWN:
        lines.append(f"  and {report.total - SHOWN:,} more")
    return "\n".join(lines)
