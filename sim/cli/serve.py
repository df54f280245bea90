"""``lockstep serve`` and ``lockstep systems``."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arch.errors import InputError
from sim.cli import inputs
from sim.cli.traced import counting_bar

if TYPE_CHECKING:
    from arch.serving import ServingSystem
    from sim.serving.device import Device, Share
    from sim.serving.record import Record

SystemName = Annotated[
    str, typer.Argument(metavar="SYSTEM", help="A name (lockstep systems) or a .yaml.")
]
Model = Annotated[
    str, typer.Option(help="A transformer by name (lockstep workloads).", metavar="NAME")
]
BatchSize = Annotated[
    int, typer.Option("--batch", help="Sequences at a time, of all micro-batches.", metavar="N")
]
LengthsOption = Annotated[
    str,
    typer.Option(
        help="sharegpt or alpaca, of which requests are drawn, or a .csv with the columns "
        "input_tokens and output_tokens.",
        metavar="NAME|FILE",
    ),
]
Iterations = Annotated[
    int | None,
    typer.Option(help="To simulate; by default until no request is left.", metavar="N"),
]
Requests = Annotated[
    int | None, typer.Option(help="Requests at most; drawn ones have no end.", metavar="N", min=1)
]
Seed = Annotated[int, typer.Option(help="Of requests that are drawn.", metavar="N", min=0)]
WarmUp = Annotated[
    int,
    typer.Option(help="Iterations before, scheduled and not simulated.", metavar="N"),
]
Tensor = Annotated[int, typer.Option("--tp", help="Devices that share a layer.", metavar="N")]
Pipeline = Annotated[int, typer.Option("--pp", help="Groups of layers.", metavar="N")]
Drain = Annotated[
    bool, typer.Option("--drain", help="Begin new requests when all of a batch have ended.")
]
Reuse = Annotated[
    str,
    typer.Option(
        help="exact: a stage equal to a former one is not simulated again; none: all are, one "
        "after the other in one machine.",
        metavar="exact|none",
    ),
]
Replayed = Annotated[
    Path | None,
    typer.Option(
        "--replay",
        help="Run what record.json of a former --out says was issued, in place of --lengths.",
        metavar="FILE",
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Write result.json and record.json here.", metavar="DIR")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print result.json instead of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No table, messages or progress.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a field of the system, or of its machine: machine.memory.channels=16; may be "
        "repeated.",
    ),
]


SCHEDULING = ("batch", "lengths", "iterations", "requests", "seed", "warm_up", "drain")
"""Options that say what is issued, which a record has said already."""


def serve(
    context: typer.Context,
    system: SystemName,
    model: Model,
    batch: BatchSize = 64,
    lengths: LengthsOption = "sharegpt",
    iterations: Iterations = None,
    requests: Requests = None,
    seed: Seed = 1,
    warm_up: WarmUp = 0,
    tp: Tensor = 1,
    pp: Pipeline = 1,
    drain: Drain = False,
    reuse: Reuse = "exact",
    replay: Replayed = None,
    settings: Settings = None,
    out: Out = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Serve requests with a model on a system: tokens a second, utilisation, energy."""
    from arch.serving import load_system
    from sim.serving.device import Share
    from sim.serving.serve import Options

    if reuse not in ("exact", "none"):
        raise InputError(f"--reuse {reuse}: must be exact or none")
    loaded = load_system(system, settings or ())
    name, found = _model(model)
    share = Share(name, found, tp, pp)
    options = Options(
        batch=batch,
        iterations=iterations,
        warm_up=warm_up,
        refill=not drain,
        placement=loaded.mapping.assignment if loaded.mapping else "min_load",
    )
    if out is not None:
        from sim.report.writing import check_folder

        check_folder(out)
    if replay is not None:
        from sim.serving.record import read_record

        _refuse_scheduling(context)
        record = read_record(replay)
        batch = max(len(each.slots) for each in record.iterations)
        device, closing = _device(loaded, share, batch, reuse)
    else:
        device, closing = _device(loaded, share, batch, reuse)
        record = _schedule(device, lengths, seed, found.positions, requests, options)
    from rich.console import Console

    from sim.serving.report import Serving, result_json, table
    from sim.serving.serve import run

    stderr = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
    if loaded.roofline is None:
        inputs.tell_of_compiling(stderr)
    with closing, counting_bar(len(record.iterations), stderr, "iterations") as tell:
        served = run(device, record, pp, tell)
    done = Serving(loaded, share, reuse, served, _notes(record, name, found.positions))
    if out is not None:
        from sim.report.writing import write_folder
        from sim.serving.record import record_text

        files = {"result.json": result_json(done), "record.json": record_text(record)}
        write_folder(out, {name: text.encode() for name, text in files.items()})
        stderr.print(f"wrote {out}", markup=False)
    if as_json:
        typer.echo(result_json(done), nl=False)
    elif not quiet:
        typer.echo(table(done), nl=False)


def _refuse_scheduling(context: typer.Context) -> None:
    """Raises InputError for an option that would say nothing beside --replay."""
    for name in SCHEDULING:
        source = context.get_parameter_source(name)
        # Typer brings a click of its own, from some version on.
        if source is not None and source.name == "COMMANDLINE":
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option}: is not for --replay, which runs what was issued")


def _notes(record: "Record", name: str, positions: int) -> tuple[str, ...]:
    """What a reader of the result should know of the sequences."""
    longest = max(slot.length for each in record.iterations for slot in each.slots)
    if not positions or longest <= positions:
        return ()
    return (
        f"sequences have up to {longest:,} tokens; {name} has {positions:,} positions, which are "
        "taken to go on",
    )


def _model(given: str) -> tuple[str, Any]:
    """A transformer that decodes. Raises InputError."""
    from traces.transformer.model import models

    name, known = given.replace("-", "_").lower(), models()
    decoders = [each for each, model in known.items() if model.kind == "decoder"]
    if name not in decoders:
        raise InputError(f"--model {given}: must be one of {', '.join(sorted(decoders))}")
    return name, known[name]


def _device(
    system: "ServingSystem", share: "Share", batch: int, reuse: str
) -> "tuple[Device, Any]":
    """What serves, and what is to be closed after. Raises InputError."""
    from contextlib import nullcontext

    if system.roofline is not None:
        from sim.serving.device import RooflineDevice

        return RooflineDevice(system.roofline, share), nullcontext()
    from sim.cache import Cache
    from sim.serving.machine import MachineDevice

    cache = Cache() if reuse == "exact" else None
    return MachineDevice(system, share, batch, cache), cache or nullcontext()


def _schedule(
    device: "Device",
    lengths: str,
    seed: int,
    positions: int,
    number: int | None,
    options: Any,
) -> "Record":
    from sim.serving.requests import DATA_SETS, requests_of
    from sim.serving.serve import schedule

    if lengths in DATA_SETS and number is None and options.iterations is None:
        raise InputError(
            f"--lengths {lengths}: has requests without end; give --iterations or --requests"
        )
    drawn = requests_of(lengths, seed, positions or 2**20, number)
    where = lengths
    if lengths in DATA_SETS:
        where = f"{lengths}, seed {seed}: {DATA_SETS[lengths].source}"
    return schedule(drawn, device.room(), options, where)


def systems() -> None:
    """List the systems that serve and are known by name."""
    from arch.serving import load_system, system_names

    for name in system_names():
        system = load_system(name)
        told = "by its peaks alone"
        if system.mapping is not None:
            chosen = {"interleave_from": system.interleave_from, "split": system.split}
            if system.mapping.sub_batches == 1:
                chosen = {}
            chosen = {**system.mapping.model_dump(exclude_unset=True), **chosen}
            fields = [f"{field}={value}" for field, value in chosen.items()]
            told = f"{system.machine}: {', '.join([*fields, *system.changes])}"
        typer.echo(
            fill(
                f"{name:<26} {told}", 80, subsequent_indent=" " * 27, break_long_words=False,
                break_on_hyphens=False,
            )
        )  # fmt: skip
