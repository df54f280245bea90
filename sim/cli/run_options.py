"""Options of ``lockstep run``."""

from pathlib import Path
from typing import Annotated, Any

import typer


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
        "Write result.json, operators.csv and operators.parquet here; of meshes, result.json and "
        "packets.csv, or pes.parquet and memory.npz.",
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
    _output(
        "Write roofline and layers here, as .svg and .png; of meshes, maps of the links.",
        metavar="DIR",
    ),
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
Program = Annotated[
    Path | None,
    _option(
        "Run a program of PEs (YAML, docs/wavelet.md) on a mesh of wavelet routers "
        "(`lockstep meshes` lists them).",
        "--program",
        metavar="FILE",
    ),
]
Pes = Annotated[
    list[str] | None,
    _option("Of a wavelet mesh, a PE whose commands --timeline shows.", "--pe", metavar="X,Y"),
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
