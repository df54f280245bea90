"""Ports of a mesh over time, and their maps."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calling import call
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from mesh_cases import Packet, mesh_of, runs, trace_of

from arch.mesh.packet import PORTS, PacketMesh
from sim.figures.mesh import CELLS_MAX, link_map, link_windows
from sim.mesh.replay import replay_packets
from sim.mesh.windows import WINDOWS_MAX, PortWindows

NODE = 4


@given(runs())
def test_windows_are_those_of_the_run(case: tuple[PacketMesh, list[Packet]]) -> None:
    """They add up, pausing changes nothing, and flits of packets of one flit leave for their nodes
    in windows that their arrivals tell."""
    mesh, given_packets = case
    packets = trace_of([(*each[:3], 1) for each in given_packets])
    windows = PortWindows()
    told: list[int] = []
    done = replay_packets(mesh, packets, windows=windows, progress=told.append)
    plain = replay_packets(mesh, packets)
    assert np.array_equal(done.arrived, plain.arrived)
    assert done.counts == plain.counts
    assert told[-1] == len(packets)
    counts, cycles = windows.finished(done.link_flits.reshape(-1), done.cycles)
    assert cycles.sum() == done.cycles
    assert (cycles[:-1] == windows.window_cycles).all()
    assert len(cycles) <= WINDOWS_MAX
    assert len(cycles) >= min(done.cycles, WINDOWS_MAX // 2)
    assert np.array_equal(counts.sum(0), done.link_flits.reshape(-1))
    left = done.arrived - 1 - mesh.router.traversal_cycles - mesh.node_latency_cycles
    expected = np.zeros((len(cycles), mesh.nodes), int)
    for cycle, node in zip(left, packets["dst"], strict=True):
        expected[cycle // windows.window_cycles, node] += 1
    assert np.array_equal(counts.reshape(-1, mesh.nodes, PORTS)[:, :, NODE], expected)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
def test_windows_of_any_length_of_run(each: list[int]) -> None:
    """One port, what passes it in each cycle."""
    windows, passed = PortWindows(), 0
    for cycle, number in enumerate(each):
        if cycle == windows.end:
            windows.take(np.array([passed]))
        passed += number
    counts, cycles = windows.finished(np.array([passed]), len(each))
    size = windows.window_cycles
    assert counts[:, 0].tolist() == [
        sum(each[first : first + size]) for first in range(0, len(each), size)
    ]
    assert cycles.tolist() == [min(size, len(each) - first) for first in range(0, len(each), size)]


def drawn(plot: Any) -> dict[tuple[int, int, int], float]:
    """Colour's value of each link by x, y and port, from where its shape is."""
    (shapes,) = [each for each in plot.collections if isinstance(each, PolyCollection)]
    found = {}
    corners = [np.asarray(path.vertices)[:4] for path in shapes.get_paths()]
    values = np.asarray(shapes.get_array())
    for corner, value in zip(corners, values, strict=True):
        x, y = corner.mean(axis=0)
        router = round(float(x)), round(float(y))
        dx, dy = x - router[0], y - router[1]
        port = NODE
        if max(abs(dx), abs(dy)) > 0.1:
            port = (0 if dx > 0 else 1) if abs(dx) > abs(dy) else (2 if dy > 0 else 3)
        found[(*router, port)] = float(value)
    return found


def counted(windows: int, height: int, width: int) -> Any:
    draw = random.Random(1)
    shape = windows, height, width, PORTS
    return np.array([draw.randrange(40) for _ in range(np.prod(shape))]).reshape(shape)


def test_a_map_has_each_link_where_it_is() -> None:
    counts = counted(1, 3, 4)[0]
    plot = link_map(counts, 50, "t").axes[0]
    found = drawn(plot)
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))
    expected = {
        (x, y, port): counts[y, x, port] / 50 * 100
        for y in range(3)
        for x in range(4)
        for port, (dx, dy) in enumerate(steps)
        if 0 <= x + dx < 4 and 0 <= y + dy < 3
    }
    assert found == pytest.approx(expected)
    low, high = plot.get_ylim()
    assert low > high, "y grows downwards"


def test_windows_share_a_scale() -> None:
    counts, cycles = counted(3, 2, 2), np.array([40, 40, 13])
    counts[2] //= 4
    figure = link_windows(counts, cycles, "t")
    maps = [plot for plot in figure.axes if plot.collections and plot.get_title()]
    assert [plot.get_title() for plot in maps] == ["0 to 39", "40 to 79", "80 to 92"]
    for at, plot in enumerate(maps):
        assert drawn(plot)[0, 0, 0] == pytest.approx(counts[at, 0, 0, 0] / cycles[at] * 100)
    limits = {each.get_clim() for plot in maps for each in plot.collections[:1]}
    assert len(limits) == 1
    assert limits.pop()[1] >= max(max(drawn(plot).values()) for plot in maps)


def test_a_large_mesh_is_an_image_of_its_busiest_links() -> None:
    width = CELLS_MAX + 3
    counts = counted(1, 4, width)
    counts[0, 0, -1, 0] = 10**6  # there is no such link
    (image,) = link_windows(counts, np.array([80]), "t").axes[0].images
    exists = np.ones((4, width, 4), bool)
    exists[:, -1, 0] = exists[:, 0, 1] = exists[-1, :, 2] = exists[0, :, 3] = False
    busiest = np.where(exists, counts[0, :, :, :4], 0).max(axis=2)
    np.testing.assert_allclose(np.asarray(image.get_array()), busiest / 80 * 100)


def test_the_scale_of_a_large_mesh_is_that_of_what_it_shows() -> None:
    counts = counted(1, 4, CELLS_MAX + 1)
    counts[:, :, :, NODE] = 80  # busy all the time, and not drawn
    for figure in (link_map(counts[0], 80, "t"), link_windows(counts, np.array([80]), "t")):
        (image,) = figure.axes[0].images
        busiest = np.asarray(image.get_array()).max()
        assert busiest <= image.get_clim()[1] < 1.5 * busiest


def test_windows_without_room_for_cells_are_images() -> None:
    def told(windows: int) -> tuple[bool, str]:
        cycles = np.full(windows, 80)
        figure = link_windows(counted(windows, CELLS_MAX, CELLS_MAX), cycles, "t")
        return bool(figure.axes[0].images), figure.get_supxlabel().split()[0]

    assert told(2) == (False, "side")
    assert told(12) == (True, "a")


@pytest.mark.parametrize("shape", [(1, 20), (20, 1), (1, 750), (994, 1), (3, 300), (99, 75)])
def test_maps_of_any_shape_fit_a_page(shape: tuple[int, int]) -> None:
    windows = 12
    figure = link_windows(counted(1, *shape).repeat(windows, 0), np.full(windows, 10**5), "t")
    figure.draw_without_rendering()
    assert figure.get_figwidth() <= 7
    assert figure.get_figheight() <= 7
    maps = [plot for plot in figure.axes if plot.get_title()]
    titles = [plot.title.get_window_extent() for plot in maps]
    assert len(titles) == windows
    assert not any(
        one.overlaps(other) for at, one in enumerate(titles) for other in titles[at + 1 :]
    )
    least = 0.08 * figure.dpi
    for plot in maps:
        box = plot.get_window_extent()
        assert min(box.width, box.height) > least, shape


def test_nothing_moves() -> None:
    assert set(drawn(link_map(np.zeros((2, 2, 5), int), 0, "t").axes[0]).values()) == {0.0}


def test_a_run_writes_them(tmp_path: Path) -> None:
    trace, folder = tmp_path / "t.csv", tmp_path / "figures"
    trace.write_text("created,src,dst\n0,0,63\n0,63,0\n7,5,5\n5,5,6\n")
    done = call("run", "mesh_W1", "--packets", trace, "--figures", folder)
    assert done.exit_code == 0, done.output
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["links.png", "links.svg", "links_over_time.png", "links_over_time.svg"]
    trace.write_text("created,src,dst\n")
    empty = tmp_path / "empty"
    done = call("run", "mesh_W1", "--packets", trace, "--figures", empty)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in empty.iterdir()) == names[:2]


def test_meshes_of_one_row() -> None:
    mesh = mesh_of(width=3, height=1)
    done = replay_packets(mesh, trace_of([(0, 0, 2, 3)]))
    found = drawn(link_map(done.link_flits.reshape(1, 3, 5), done.cycles, "t").axes[0])
    share = pytest.approx(3 / done.cycles * 100)
    assert {key: value for key, value in found.items() if value} == {
        (0, 0, 0): share, (1, 0, 0): share, (2, 0, NODE): share
    }  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1), (1, 40)])
def test_routers_have_whole_numbers(shape: tuple[int, int]) -> None:
    plot = link_map(counted(1, *shape)[0], 80, "t").axes[0]
    plot.figure.draw_without_rendering()
    for axis, extent in ((plot.yaxis, shape[0]), (plot.xaxis, shape[1])):
        low, high = sorted(axis.get_view_interval())
        shown = [place for place in axis.get_ticklocs() if low <= place <= high]
        assert shown
        assert set(shown) <= set(range(extent))


def test_a_map_says_what_its_middle_is() -> None:
    told = [
        figure.get_supxlabel()
        for figure in (
            link_map(counted(1, 2, 2)[0], 80, "t"),
            link_map(counted(1, 2, 2)[0], 80, "t", "the PE's datapath"),
            link_map(counted(1, 2, CELLS_MAX + 1)[0], 80, "t", "the PE's datapath"),
        )
    ]
    assert [text.partition("middle: ")[2] for text in told] == [
        "link to the node", "the PE's datapath", ""
    ]  # fmt: skip
