"""What passes each port of a mesh over time, in windows that grow with the run."""

import numpy as np
import numpy.typing as npt

WINDOWS_MAX = 16
"""So many become half of them, each twice as long."""


class PortWindows:
    """Counts of each port in windows of equal length, at least half of ``WINDOWS_MAX`` of them.

    Nobody knows beforehand how long a run will be: windows begin with one cycle. A kernel is
    paused at ``end``, and ``take`` is told what has passed so far.
    """

    def __init__(self) -> None:
        self.window_cycles = 1
        """Of each window, but for the last one."""
        self._counts: list[npt.NDArray[np.int64]] = []
        self._before: npt.NDArray[np.int64] | int = 0

    @property
    def end(self) -> int:
        """Cycle before which the window that is open ends."""
        return (len(self._counts) + 1) * self.window_cycles

    def take(self, passed: npt.NDArray[np.int64]) -> None:
        """Close the window that is open: ``passed`` [ports] since cycle 0."""
        self._counts.append(passed - self._before)
        self._before = passed.copy()
        if len(self._counts) == WINDOWS_MAX:
            pairs = zip(self._counts[::2], self._counts[1::2], strict=True)
            self._counts = [one + other for one, other in pairs]
            self.window_cycles *= 2

    def finished(
        self, passed: npt.NDArray[np.int64], cycles: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Counts [windows, ports] and cycles [windows] of a run of so many cycles."""
        starts = np.arange(0, cycles, self.window_cycles)
        counts = [*self._counts, passed - self._before][: len(starts)]
        if not len(starts):
            return np.zeros((0, len(passed)), np.int64), starts
        return np.stack(counts), np.minimum(self.window_cycles, cycles - starts)
