"""Who sends to whom: synthetic traffic patterns on a mesh."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from traces.mesh.draws import below, share

Nodes = npt.NDArray[np.int64]
PATTERNS = ("uniform", "transpose", "bit_complement", "neighbour", "hot_spot", "tornado")


@dataclass(frozen=True)
class Pattern:
    """Destinations of packets."""

    width: int
    height: int
    destinations: Callable[[Nodes, Nodes, int], Nodes]
    """Nodes [n] that receive what nodes [n] send in cycles [n], given a seed."""

    @property
    def nodes(self) -> int:
        """Of the mesh."""
        return self.width * self.height


def pattern(
    name: str,
    width: int,
    height: int,
    *,
    hot_nodes: Sequence[int] = (),
    hot_share: float = 0.5,
) -> Pattern:
    """The pattern of that name.

    - ``uniform``: all nodes alike, the sender among them
    - ``transpose``: (x, y) to (y, x), on a square
    - ``bit_complement``: node n to the last one - n, on a power of two of nodes
    - ``neighbour``: (x, y) to (x + 1, y + 1), around the edges
    - ``hot_spot``: a share ``hot_share`` of packets to one of ``hot_nodes``, the others uniform
    - ``tornado``: just under half way round both dimensions, ceil(k / 2) - 1

    Raises InputError for another name, and where the mesh or the hot nodes do not fit.
    """
    nodes = width * height
    if name not in PATTERNS:
        raise InputError(f"{name!r} is no pattern; must be one of {', '.join(PATTERNS)}")
    if name == "transpose" and width != height:
        raise InputError(f"transpose: must be on a square mesh, not {width} x {height}")
    if name == "bit_complement" and nodes & (nodes - 1):
        raise InputError(f"bit_complement: must be on a power of two of nodes, not {nodes}")
    hot = np.array(hot_nodes, np.int64)
    if name == "hot_spot":
        if not len(hot) or hot.min() < 0 or hot.max() >= nodes:
            raise InputError(f"hot_nodes: must be nodes, 0 to {nodes - 1}, not {list(hot_nodes)}")
        if not 0 <= hot_share <= 1:
            raise InputError(f"hot_share: must be 0 to 1, not {hot_share}")

    def shifted(src: Nodes, by_x: int, by_y: int) -> Nodes:
        x, y = (src % width + by_x) % width, (src // width + by_y) % height
        return np.asarray(y * width + x, np.int64)

    def uniform(src: Nodes, cycles: Nodes, seed: int) -> Nodes:
        return below(nodes, seed, "destination", src, cycles)

    def hot_spot(src: Nodes, cycles: Nodes, seed: int) -> Nodes:
        chosen = hot[below(len(hot), seed, "hot node", src, cycles)]
        is_hot = share(seed, "hot or not", src, cycles) < hot_share
        return np.where(is_hot, chosen, uniform(src, cycles, seed))

    found: dict[str, Callable[[Nodes, Nodes, int], Nodes]] = {
        "uniform": uniform,
        "transpose": lambda src, cycles, seed: src % width * width + src // width,
        "bit_complement": lambda src, cycles, seed: nodes - 1 - src,
        "neighbour": lambda src, cycles, seed: shifted(src, 1, 1),
        "hot_spot": hot_spot,
        "tornado": lambda src, cycles, seed: shifted(
            src, (width + 1) // 2 - 1, (height + 1) // 2 - 1
        ),
    }
    return Pattern(width, height, found[name])
