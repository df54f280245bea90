"""What a benchmark states beside its times; ``record.py`` writes it down."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A number that a benchmark found, and what it has to be."""

    name: str
    value: float
    unit: str
    """``s``, ``B``, ``x`` or anything that can be counted."""
    below: float | None = None
    """Target: the value is less."""
    at_least: float | None = None
    """Target: the value is this or more."""

    @property
    def met(self) -> bool:
        """Whether there is no target, or it is met."""
        if self.below is not None and self.value >= self.below:
            return False
        return self.at_least is None or self.value >= self.at_least


def state(
    benchmark: Any, section: str, case: str, figures: Sequence[Figure], includes: str = ""
) -> None:
    """Put figures beside the times of a benchmark.

    ``section`` and ``case`` say where on the page, ``includes`` what was timed. Fails where a
    target is missed, after all figures are noted.
    """
    benchmark.extra_info["section"] = section
    benchmark.extra_info["case"] = case
    benchmark.extra_info["includes"] = includes
    benchmark.extra_info["figures"] = [asdict(figure) for figure in figures]
    missed = [figure for figure in figures if not figure.met]
    assert not missed, missed


def seconds_of(function: Callable[[], object], rounds: int) -> float:
    """Median seconds of some calls, after one that does not count."""
    function()
    seconds = []
    for _ in range(rounds):
        start = perf_counter()
        function()
        seconds.append(perf_counter() - start)
    return median(seconds)
