"""Batches that the kernel of a traffic fills."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rtl.lockstep.twin import Batch, Words

Drive = Callable[[Words, npt.NDArray[np.uint8], Words], int]
"""Fills stimuli, resets and responses up to the first reset; returns how many cycles there were."""


def empty(cycles: int, inputs: int, outputs: int) -> Batch:
    """Room for so many cycles of so many fields."""
    stim, resp = (np.empty((cycles, fields), np.int64) for fields in (inputs, outputs))
    return Batch(stim, np.empty(cycles, np.uint8), resp)


def in_runs(
    cycles: int, inputs: int, outputs: int, drive: Drive, reset: Callable[[], None]
) -> Batch:
    """Cycles of runs; ``reset`` is called behind each."""
    batch = empty(cycles, inputs, outputs)
    done = 0
    while done < cycles:
        done += drive(batch.stim[done:], batch.rst[done:], batch.resp[done:])
        if batch.rst[done - 1]:
            reset()
    return batch
