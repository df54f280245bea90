"""``lockstep run MEMORY --trace FILE`` and the list of memories."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sim.cli import traced

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
    traced.carry_out(
        lambda stderr: _serve(loaded, trace, dialect, commands, stderr),
        "sim.dram.report", commands, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _serve(
    memory: "MemorySystem", trace: Path, dialect: str | None, commands: Path | None, stderr: Any
) -> "tuple[MemoryRun, int | None]":
    """The run, and for how many cycles ranks were active if energy asks for it."""
    from sim.dram.trace import run_trace as serve
    from traces.requests import open_requests

    with ExitStack() as stack:
        stream = stack.enter_context(open_requests(trace, dialect))
        tell = stack.enter_context(traced.progress_bar(stream, stderr, "requests"))
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

        def log(channel: int, chunk: Any) -> None:
            for sink in sinks:
                sink(channel, chunk)

        done = serve(memory, _addressed(stream), progress=tell, log=log if sinks else None)
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
