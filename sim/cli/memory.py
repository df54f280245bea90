"""``lockstep run MEMORY --trace FILE`` and the list of memories."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sim.cli import inputs

if TYPE_CHECKING:
    from arch.dram.memory import MemorySystem
    from sim.dram.trace import LogSink, MemoryRun
    from traces.requests import RequestStream


def run_trace(
    memory: str,
    trace: Path,
    dialect: str | None,
    settings: list[str] | None,
    commands: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Serve a trace of requests by a memory and show what came of it."""
    from arch.dram.memory import load_memory

    loaded = load_memory(memory, settings or ())
    loaded.address_map()
    from rich.console import Console

    from sim.report.writing import check_file

    if commands is not None:
        from sim.dram.commands_file import check_suffix

        check_suffix(commands)
        check_file(commands)
    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    if not inputs.kernels_compiled():
        stderr.print("compiling kernels (once, about 10 s)")
    done, active_cycles = _serve(loaded, trace, dialect, commands, stderr)
    if commands is not None:
        stderr.print(f"wrote {commands}", markup=False)
    from sim.dram import report

    if as_json:
        import json

        typer.echo(json.dumps(report.as_dict(done, active_cycles), indent=2))
    elif not quiet:
        typer.echo(report.table(done, active_cycles), nl=False)


def _serve(
    memory: "MemorySystem", trace: Path, dialect: str | None, commands: Path | None, stderr: Any
) -> "tuple[MemoryRun, int | None]":
    """The run, and for how many cycles ranks were active if energy asks for it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from sim.dram import trace as traced
    from traces.requests import open_requests

    shown = (BarColumn(16), TextColumn("{task.description}"), TimeRemainingColumn())
    with ExitStack() as stack:
        stream = stack.enter_context(open_requests(trace, dialect))
        bar = stack.enter_context(
            Progress(*shown, console=stderr, transient=True, disable=not stderr.is_terminal)
        )
        task = bar.add_task("", total=stream.bytes_total)
        device = memory.device()
        sinks: list[LogSink] = []
        if commands is not None:
            from sim.dram.commands_file import CommandsFile

            sinks.append(stack.enter_context(CommandsFile(commands, device)))
        active = None
        if device.supplies is not None:
            from sim.dram.power import ActiveCycles

            active = ActiveCycles(device, memory.channels)
            sinks.append(active)

        def tell(requests: int) -> None:
            done = stream.bytes_read
            bar.update(task, completed=done, description=f"{requests:,} requests")

        def log(channel: int, chunk: Any) -> None:
            for sink in sinks:
                sink(channel, chunk)

        done = traced.run_trace(
            memory, _addressed(stream), progress=tell, log=log if sinks else None
        )
    return done, None if active is None else active.total(done.cycles)


def _addressed(stream: "RequestStream") -> Iterator[Any]:
    """Chunks of requests with an address. Raises InputError for address vectors."""
    from arch.errors import InputError

    for chunk in stream:
        if "address" not in (chunk.dtype.names or ()):
            raise InputError(
                f"{stream.path}: gives places (channel, rank ...), not addresses; write it as "
                "LD/ST ADDRESS, as ADDRESS READ|WRITE CYCLE or as Parquet"
            )
        yield chunk


def memories() -> None:
    """List the memories that are known by name."""
    from arch.dram.memory import load_memory, memory_names

    for name in memory_names():
        known = load_memory(name)
        device = known.device()
        gib = known.address_map().capacity_bytes / 2**30
        typer.echo(f"{name:<14} {device.name}, {known.channels} channel, {gib:g} GiB")
