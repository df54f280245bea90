"""``lockstep diff``."""

from pathlib import Path
from typing import Annotated

import typer

from arch.errors import InputError
from sim.cli import inputs

RESULT_FILE = "result.json"
NAMES = {
    "Machine": "a machine", "MemorySystem": "a memory", "Pim": "a PIM", "HbmPim": "an HBM-PIM",
    "AttAcc": "an AttAcc", "JointPim": "a PIM with memory commands beside its own",
    "ServingSystem": "a system that serves", "PacketMesh": "a mesh of packet routers",
    "WaveletMesh": "a wavelet mesh",
}  # fmt: skip

HELP = "A machine, memory, mesh, PIM or system, or a machine's result.json or its folder."

A = Annotated[str, typer.Argument(metavar="A", help=HELP)]
B = Annotated[str, typer.Argument(metavar="B", help="Another of the same sort.")]


def diff(a: A, b: B) -> None:
    """Show what differs between two machines, memories, meshes, PIMs or systems, or two results."""
    results = [_is_result(each) for each in (a, b)]
    if results[0] != results[1]:
        sorts = ["a result" if each else "a machine" for each in results]
        raise InputError(
            f"{a} is {sorts[0]} and {b} is {sorts[1]}; give two machines or two results"
        )
    from rich.console import Console

    from sim.report import compare

    console = Console(highlight=False)
    if results[0]:
        from sim.report.files import read_result

        console.print(compare.result_comparison(read_result(a), read_result(b), (a, b)))
        return
    from arch.diff import diff as machine_diff

    before, after = inputs.load_pair(a, b)
    if type(before) is not type(after):
        kinds = [NAMES[type(each).__name__] for each in (before, after)]
        raise InputError(f"{a} is {kinds[0]} and {b} is {kinds[1]}; give two of a sort")
    console.print(compare.machine_table(machine_diff(before, after), (a, b)))


def _is_result(given: str) -> bool:
    """Whether a folder or .json is meant as a result; a machine may be in a .json too."""
    path = Path(given)
    if path.is_dir():
        from arch.load import machine_names

        return (path / RESULT_FILE).exists() or given not in machine_names()
    if path.name == RESULT_FILE:
        return True
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    from traces.reading import read_text

    return '"schema_version"' in read_text(path)
