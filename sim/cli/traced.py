"""What runs of traces share: checks before, a bar meanwhile, what is shown after."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import typer

from sim.cli import inputs


class Read(Protocol):
    """A trace that is being read."""

    @property
    def bytes_total(self) -> int: ...

    @property
    def bytes_read(self) -> int: ...


def _begin(commands: Path | None, *, quiet: bool) -> Any:
    """Check where commands shall go, and tell of compiling; returns the console for messages.

    Raises InputError where they cannot be written.
    """
    from rich.console import Console

    from sim.report.writing import check_file

    if commands is not None:
        from sim.dram.commands_file import check_suffix

        check_suffix(commands)
        check_file(commands)
    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    inputs.tell_of_compiling(stderr)
    return stderr


@contextmanager
def progress_bar(stream: Read, stderr: Any, what: str) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes read, with a count of ``what``, as the function given is told it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    shown = (BarColumn(16), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*shown, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("", total=stream.bytes_total)
        yield lambda count: bar.update(
            task, completed=stream.bytes_read, description=f"{count:,} {what}"
        )


@contextmanager
def counting_bar(total: int, stderr: Any, what: str) -> Iterator[Callable[[int], None]]:
    """A bar of how many are done, as the function given is told."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    shown = (BarColumn(16), MofNCompleteColumn(), what, TimeRemainingColumn())
    with Progress(*shown, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.update(task, completed=count)


@contextmanager
def counting_cycles(stderr: Any) -> Iterator[Callable[[int], None]]:
    """The cycle of a run whose end nobody knows, as the function given is told."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*shown, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("cycle 0", total=None)
        yield lambda cycle: bar.update(task, description=f"cycle {cycle:,}")


def carry_out(
    serve: Callable[[Any], tuple[Any, ...]],
    report: str,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run what ``serve`` runs, given the console for messages, and show what came of it.

    ``report`` names the module whose ``as_dict`` and ``table`` take what ``serve`` returns. Raises
    InputError.
    """
    stderr = _begin(commands, quiet=quiet)
    done = serve(stderr)
    if commands is not None:
        stderr.print(f"wrote {commands}", markup=False)
    told = import_module(report)
    if as_json:
        typer.echo(json.dumps(told.as_dict(*done), indent=2))
    elif not quiet:
        typer.echo(told.table(*done), nl=False)
