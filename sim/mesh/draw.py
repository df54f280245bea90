"""Figures of a packet trace on a mesh."""

from arch.mesh.packet import PORTS
from sim.figures.mesh import link_map, link_windows
from sim.figures.run import SUFFIXES
from sim.figures.style import render
from sim.mesh.replay import PacketRun
from sim.mesh.windows import PortWindows
from sim.report.text import many


def figures(run: PacketRun, windows: PortWindows) -> dict[str, bytes]:
    """Files by name: ``links``, of the whole run, and ``links_over_time``, of windows of a run of
    more than a cycle, as ``.svg`` and ``.png``.

    ``windows`` are those of the run. Raises InputError without matplotlib.
    """
    mesh = run.mesh
    shape = mesh.height, mesh.width, PORTS
    counts, cycles = windows.finished(run.link_flits.reshape(-1), run.cycles)
    title = f"{mesh.name}, {many(len(run.packets), 'packet')}"
    whole = f"{title}, {many(run.cycles, 'cycle')}"
    drawn = {"links": link_map(run.link_flits.reshape(shape), run.cycles, whole)}
    if len(cycles) > 1:
        over = f"{title}, in windows of {many(windows.window_cycles, 'cycle')}"
        drawn["links_over_time"] = link_windows(counts.reshape(-1, *shape), cycles, over)
    return {
        name + suffix: render(figure, suffix)
        for name, figure in drawn.items()
        for suffix in SUFFIXES
    }
