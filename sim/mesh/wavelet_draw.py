"""Figures of a program on a wavelet mesh."""

import numpy as np

from arch.mesh.program import RAMP
from sim.figures.mesh import link_map, link_windows
from sim.figures.run import SUFFIXES
from sim.figures.style import render
from sim.mesh.wavelet_run import WaveletRun
from sim.report.text import cut, many

WORKS = ("compute", "fabric", "overhead")
"""What a PE's datapath does."""
MIDDLE = "the PE's datapath"
WINDOWS = 12
NAME = 28
"""Letters of a program's name that have room."""


def window_cycles(cycles: int) -> int:
    """Length of the windows of a run of so many cycles."""
    return max(1, -(-cycles // WINDOWS))


def figures(run: WaveletRun) -> dict[str, bytes]:
    """Files by name: ``links``, of the whole run, and ``links_over_time``, of its windows, with how
    busy each PE's datapath was in the middle of its cell, where cells are drawn; as ``.svg`` and
    ``.png``.

    The run has windows. Raises InputError without matplotlib.
    """
    assert run.windows is not None
    whole = run.links.copy()
    whole[:, :, RAMP] = sum(run.accounts[name] for name in WORKS)
    title = cut(run.program.name, NAME)
    drawn = {"links": link_map(whole, run.cycles, f"{title}, {many(run.cycles, 'cycle')}", MIDDLE)}
    over, length = run.windows.links.copy(), run.windows.cycles
    if len(over) > 1:
        over[:, :, :, RAMP] = sum(run.windows.accounts[name] for name in WORKS)
        cycles = np.minimum(length, run.cycles - np.arange(len(over)) * length)
        text = f"{title}, in windows of {many(length, 'cycle')}"
        drawn["links_over_time"] = link_windows(over, cycles, text, MIDDLE)
    return {
        name + suffix: render(figure, suffix)
        for name, figure in drawn.items()
        for suffix in SUFFIXES
    }
