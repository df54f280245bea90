"""The commands that a run executed, and when."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.commands import queue_name


@dataclass(frozen=True)
class CommandLog:
    """Commands of a run with the ticks between which they ran, one entry each.

    A command ran in ``[start_ticks, end_ticks)``; -1 stands for what did not happen: both where
    the command did not run, the end alone where it was still running when the run ended.
    """

    ids: npt.NDArray[np.int64]
    """Number of each command in its run, counted from 0."""
    commands: npt.NDArray[np.void]
    """Array of ``arch.commands.COMMAND``; ``operator`` and ``tensor`` are indices of the names
    below."""
    start_ticks: npt.NDArray[np.int64]
    end_ticks: npt.NDArray[np.int64]
    dependencies: npt.NDArray[np.int64]
    """Numbers of commands that others wait for; a command owns ``deps_begin`` to ``deps_end``."""
    operator_names: tuple[str, ...]
    tensor_names: tuple[str, ...]
    tick_khz: int
    """Frequency of the engine's tick."""
    tensor_addresses: tuple[int, ...] = ()
    """First byte of each tensor in memory; empty where that is not known."""
    cores: int = 1024
    """Of the machine, which number its queues;"""
    pim_channels: int = 0
    """and its channels that take PIM commands."""

    def queue_name(self, queue: int) -> str:
        """A queue as files name it."""
        return queue_name(queue, self.cores, self.pim_channels)
