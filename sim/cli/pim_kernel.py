"""``lockstep pim-kernel``."""

import gzip
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli import inputs

CHUNK_LINES = 4096

PimName = Annotated[
    str, typer.Argument(metavar="PIM", help="hbm_pim, hbm_pim_as_simulated, or a file.")
]
Kernel = Annotated[
    str,
    typer.Argument(metavar="KERNEL", help="gemv, gemv_tree, add, mul, relu, bn, read or write."),
]
Outputs = Annotated[int, typer.Argument(metavar="OUTPUTS", help="Rows of the matrix; or elements.")]
Inputs = Annotated[int, typer.Argument(metavar="INPUTS", help="Columns of the matrix.")]
Batch = Annotated[int, typer.Option("--batch", metavar="N", help="Vectors that are multiplied.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Write the trace here (.gz, .zst: compressed)."
    ),
]


def pim_kernel(
    pim: PimName,
    kernel: Kernel,
    outputs: Outputs,
    inputs_: Inputs = 1,
    batch: Batch = 1,
    settings: inputs.Settings = None,
    out: Out = None,
) -> None:
    """Write the trace of a kernel, as `lockstep run PIM --trace FILE` reads it."""
    from arch.pim.hbm import load_hbm_pim
    from traces.mapping.hbm_pim import kernel_lines

    loaded = load_hbm_pim(pim, settings or ())
    lines = kernel_lines(loaded, kernel, outputs, inputs_, batch)
    if out is None:
        for chunk in _chunks(lines):
            typer.echo(chunk, nl=False)
        return
    from sim.report.writing import check_file, open_whole

    check_file(out)
    with open_whole(out) as file, ExitStack() as stack:
        sink: Any = file
        if out.suffix == ".gz":
            # No time of day, so that the same kernel gives the same bytes.
            sink = stack.enter_context(gzip.GzipFile("", "wb", 6, file, 0))
        elif out.suffix == ".zst":
            import pyarrow as pa

            sink = stack.enter_context(pa.CompressedOutputStream(file, "zstd"))
        for chunk in _chunks(lines):
            sink.write(chunk.encode())


def _chunks(lines: Iterable[str]) -> Iterable[str]:
    held: list[str] = []
    for line in lines:
        held.append(line)
        if len(held) == CHUNK_LINES:
            yield "\n".join(held) + "\n"
            held = []
    if held:
        yield "\n".join(held) + "\n"
