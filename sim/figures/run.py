"""The figures of one run."""

from pathlib import Path

from sim.figures.layers import layers
from sim.figures.roofline import roofline
from sim.figures.style import render
from sim.report.writing import write_folder
from sim.result import Result

SUFFIXES = (".svg", ".png")


def write_figures(result: Result, folder: str | Path) -> None:
    """Write ``roofline`` and ``layers`` as ``.svg`` and ``.png`` into ``folder``, which is made if
    it is not there.

    Raises InputError where matplotlib is missing or the folder cannot be written.
    """
    figures = {"roofline": roofline(result), "layers": layers(result)}
    files = {
        name + suffix: render(figure, suffix)
        for name, figure in figures.items()
        for suffix in SUFFIXES
    }
    write_folder(Path(folder), files)
