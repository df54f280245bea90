"""Batches that the kernel of a traffic fills, and what it counts in them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import ClassVar

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


@dataclass
class Counted:
    """Traffic whose kernel counts what it shows."""

    event_names: ClassVar[Collection[str]]
    """In the order in which they are counted."""
    traffic: npt.NDArray[np.void]
    """[1] of what the kernel keeps, with ``useful_cycles``."""
    events: Words = field(init=False)
    """[event]"""

    def __post_init__(self) -> None:
        self.events = np.zeros(len(self.event_names), np.int64)

    def can_show(self, event: str) -> bool:
        """Whether this unit, of all of its kind, can show an event at all."""
        return True

    @property
    def coverage(self) -> dict[str, int]:
        """How often each event happened that this unit can show."""
        return {
            event: int(count)
            for event, count in zip(self.event_names, self.events, strict=True)
            if self.can_show(event)
        }

    @property
    def useful_cycles(self) -> int:
        """Cycles with anything to compare."""
        return int(self.traffic[0]["useful_cycles"])
