"""What the harness asks of a unit: hardware, a model, and traffic that drives both."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Cycles of a run: in cycle x ``stim[x]`` is applied, ``resp[x]`` is what the model shows
    before the clock edge, and a reset takes hold at the edge."""

    stim: Words
    """[cycle, field] in the order of the wrapper's fields."""
    rst: npt.NDArray[np.uint8]
    """[cycle]"""
    resp: Words
    """[cycle, field]; columns behind those of the wrapper's fields are the model's own."""


class Traffic(Protocol):
    """One deterministic run: the model, and what drives it."""

    @property
    def coverage(self) -> dict[str, int]:
        """Events so far."""

    @property
    def useful_cycles(self) -> int:
        """Cycles so far with a transfer or a stall: only they count as compared."""

    def next(self, cycles: int) -> Batch:
        """Go on; the run does not depend on how it is cut into batches."""


class Twin(Protocol):
    """Hardware and model of one unit."""

    @property
    def name(self) -> str:
        """Of the unit."""

    @property
    def component(self) -> wiring.Component:
        """New hardware, with ``registers``."""

    def traffic(self, seed: int) -> Traffic:
        """A run from reset on."""
