"""The command log of a PIM run, as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.pim.system import Pim
from sim.dram.commands_file import MOVES, ROWS, CommandsFile


@contextmanager
def commands_file(path: Path, pim: Pim) -> Iterator[Callable[[npt.NDArray[np.void]], None]]:
    """Takes chunks of commands (``sim.pim.state.LOG``); the file, as of
    ``sim.dram.commands_file.CommandsFile``, is there once all are. Raises InputError."""
    own = pim.device().commands
    rows = [name for name, c in own.items() if c.needs_row or c.action == "activate"]
    columns = [
        name
        for name, c in own.items()
        if c.needs_row or "global_buffer" in (*c.reads, c.writes or "")
    ]
    file = CommandsFile(path, pim.device().device, (*ROWS, *rows), (*MOVES, *columns))
    with file as write:
        yield lambda chunk: write(chunk["channel"], chunk)
