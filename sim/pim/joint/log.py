"""The command log of a channel: for the checker, and as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from arch.dram.device import Device
from arch.dram.standard import Command
from arch.pim.joint import JointChannels
from sim.dram.commands_file import MOVES, ROWS, CommandsFile
from sim.dram.state import LOG

Records = npt.NDArray[np.void]
INSIDE = ("COMPC", "READRESC")
"""What a composite command does inside, which takes no command bus."""


def names_of(pim: JointChannels) -> tuple[str, ...]:
    """Commands of an expanded log, by number."""
    return (*pim.device().commands, *INSIDE)


def expanded(pim: JointChannels, log: Records) -> Records:
    """A channel's log (``sim.dram.state.LOG``) with a line for each column and result of its
    composite commands, by cycle."""
    timings, names = pim.device().timings, names_of(pim)
    comps = log[log["command"] == names.index("COMPS")]
    counts = comps["column"]
    first = np.repeat(comps["cycle"], counts)
    place = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = np.repeat(comps, counts)
    columns["command"] = names.index("COMPC")
    columns["cycle"] = first + place * timings["nCOMP"]
    columns["column"] = place
    results = comps.copy()
    results["command"] = names.index("READRESC")
    results["cycle"] += np.maximum(counts * timings["nCOMP"], timings["nFILL"])
    whole = np.concatenate([log, columns, results]).astype(LOG)
    return whole[np.argsort(whole["cycle"], kind="stable")]


def _logged(device: Device) -> Device:
    """The device, with what composites do as commands."""
    inside = dict.fromkeys(INSIDE, Command(action="none", level="channel"))
    return Device(**{**device.__dict__, "commands": {**device.commands, **inside}})


@contextmanager
def commands_file(path: Path, pim: JointChannels) -> Iterator[Callable[[int, Records], None]]:
    """Takes the logs of channels, each by cycle; the file, as of
    ``sim.dram.commands_file.CommandsFile``, is there once all are. Raises InputError."""
    rows = (*ROWS, "GACT", "GWRITE", "HEADER", "COMP", "COMPS", "COMPC")
    file = CommandsFile(path, _logged(pim.device()), rows, (*MOVES, "COMPS"))
    with file as write:
        yield lambda channel, log: write(channel, expanded(pim, log))
