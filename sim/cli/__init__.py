"""The command line: ``lockstep``.

Nothing heavy is imported before a command runs.
"""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from arch import __version__
from arch.errors import InputError, SimulationError
from sim.cli import (
    diff,
    formats,
    hardware,
    lists,
    memory,
    mesh,
    pim,
    pim_kernel,
    run,
    serve,
    show,
    study,
    synth,
    workload,
)
from sim.dram_check.cli import check_commands

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_PIPE = 1, 2, 130, 141


class Commands(TyperGroup):
    """Turns what a command raises into a message and an exit code.

    0: done; 1: the simulation failed; 2: something given is wrong; 130: interrupted.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise _failed(error, EXIT_USAGE) from None
        except (SimulationError, MemoryError) as error:
            raise _failed(error, EXIT_FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # Python would complain when it flushes what nobody reads.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(EXIT_PIPE) from None


def _failed(error: Exception, code: int) -> typer.Exit:
    """Tell what is wrong in one message, as it is, and give the exit to raise."""
    typer.echo(f"error: {str(error) or type(error).__name__}", err=True)
    return typer.Exit(code)


app = typer.Typer(
    name="lockstep",
    cls=Commands,
    help="Simulate accelerators cycle by cycle.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("serve")(serve.serve)
app.command("show")(show.show)
app.command("workload")(workload.workload)
app.command("diff")(diff.diff)
app.command("rtl")(hardware.rtl)
app.command("cosim")(hardware.cosim)
app.command("synth")(synth.synth)
app.command("machines")(lists.machines)
app.command("memories")(memory.memories)
app.command("meshes")(mesh.meshes)
app.command("pims")(pim.pims)
app.command("pim-kernel")(pim_kernel.pim_kernel)
app.command("systems")(serve.systems)
app.command("formats")(formats.formats)
app.command("check-commands")(check_commands)
app.command("workloads")(lists.workloads)
app.add_typer(study.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lockstep {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Simulate accelerators cycle by cycle."""


def main() -> None:
    """Entry point of ``lockstep``."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="lockstep")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
