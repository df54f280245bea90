"""Choosing tiles and the order of the loops over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.errors import InputError
from arch.machine import Machine
from traces.mapping.candidates import candidates, packing
from traces.mapping.cost import CostTable, Slots, Table
from traces.mapping.product import Product

ORDERS = tuple("".join(order) for order in permutations("mnk"))
BUSY_TOLERANCE = 1.1
"""Tiles within this factor of the fewest cycles of array and DMA compete by traffic."""


@dataclass(frozen=True)
class Tiling:
    """Tile extents, loop order and slots."""

    groups: int
    rows: int
    pixels: int
    n: int
    channels: int
    order: str
    """Loops over tiles, outermost first; the loop over groups is around them."""
    slots: tuple[int, int, int]
    """Tiles of ifmap, filter and ofmap that the scratchpads hold."""
    keeps_sums: bool
    """Whether partial sums stay in the accumulators from one depth to the next."""
    pack: int
    traffic_bytes: int
    """Memory traffic of one core, partial sums included."""
    time: float
    """Estimated cycles of one core."""


def choose(
    product: Product,
    machine: Machine,
    orders: Sequence[str],
    *,
    kept_bytes: float = 0,
    cores: int | None = None,
) -> Tiling:
    """The tiles, and the one of some loop orders, with the least memory traffic.

    For each order, of the tiles that fit and keep the array about as busy as any, those with the
    least memory traffic; of these, the fastest. ``kept_bytes`` are bytes that an output element
    takes in the ofmap scratchpad beside its own (residual inputs); ``cores`` share the memory, by
    default all. Raises InputError if not even
    the smallest tiles fit.
    """
    pack = packing(product, machine)
    for fine in (False, True):
        sizes = candidates(product, machine, pack, fine=fine)
        table = CostTable(product, machine, pack, sizes, orders, kept_bytes, cores)
        best = _best_of_orders(table)
        if best is not None:
            return best
    raise InputError(_too_small(product, machine, table))


def _too_small(product: Product, machine: Machine, table: CostTable) -> str:
    sizes = zip(OPERANDS, table.tile_bytes, strict=True)
    needs = {name: int(size.min()) for name, size in sizes}
    pads = ", ".join(
        f"{name} {pad.capacity_kib} KiB for {'+'.join(pad.operands)}"
        for name, pad in machine.buffer.scratchpads.items()
    )
    return (
        f"operator {product.name!r}: no tile fits the scratchpads ({pads}); the smallest tiles of "
        + ", ".join(f"{name} take {size} bytes" for name, size in needs.items())
        + ", twice that where double_buffered; raise buffer.scratchpads.*.capacity_kib"
    )


def _best_of_orders(table: CostTable) -> Tiling | None:
    """The tiles of the best loop order, None if none fit."""
    compute = table.compute_cycles() + table.port_cycles()
    pads = table.machine.buffer.scratchpads.values()
    sharing = [operand for pad in pads if len(pad.operands) > 1 for operand in pad.operands]
    choices = [_Choice(table, favoured, compute) for favoured in sharing or OPERANDS[:1]]
    fastest = np.min([np.where(each.fits, each.busy, np.inf) for each in choices], axis=0)
    fastest = fastest.min(axis=(1, 2, 3, 4), keepdims=True)
    picks = [each.picks(fastest) for each in choices]
    found = []
    for order in range(len(table.orders)):
        traffic, time, choice = min(
            (float(pick[0][order]), float(pick[1][order]), at) for at, pick in enumerate(picks)
        )
        if isfinite(traffic):
            found.append((round(traffic), time, order, choice))
    if not found:
        return None
    traffic_bytes, time, order, choice = min(found)
    at = (order, *np.unravel_index(int(picks[choice][2][order]), table.shape[1:]))
    return _tiling(table, at, choices[choice].slots, traffic_bytes, time)


class _Choice:
    """Which operand gets the room that is left, and what that costs."""

    def __init__(self, table: CostTable, favoured: str, compute: Table) -> None:
        self.slots, fits = table.slots(favoured)
        self.traffic, busy, self.time = table.costs(self.slots, compute)
        self.fits, self.busy = np.broadcast_to(fits, table.shape), busy

    def picks(self, fastest: Table) -> tuple[Table, Table, npt.NDArray[np.intp]]:
        """Traffic and time of the best tiles of each order, and where they are among all."""
        orders = len(self.traffic)
        allowed = self.fits & (self.busy <= fastest * BUSY_TOLERANCE)
        cost = np.where(allowed, self.traffic, np.inf).reshape(orders, -1)
        least = cost.min(axis=1)
        time = np.broadcast_to(self.time, self.traffic.shape).reshape(orders, -1)
        tied = np.where(cost <= least[:, None], time, np.inf)
        at = tied.argmin(axis=1)
        return least, tied[np.arange(orders), at], at


def _tiling(
    table: CostTable, at: tuple[Any, ...], slots: Slots, traffic_bytes: int, time: float
) -> Tiling:
    order, m, n, k, g = at
    sizes = table.candidates
    rows, pixels = sizes.blocks[m]
    ifmap, filters, ofmap = (int(np.broadcast_to(count, table.shape)[at]) for count in slots)
    keeps = bool(np.broadcast_to(table.keeps_sums, table.shape)[at])
    return Tiling(
        groups=sizes.groups[g],
        rows=rows,
        pixels=pixels,
        n=sizes.ns[n],
        channels=sizes.channels[k],
        order=table.orders[order],
        slots=(ifmap, filters, ofmap),
        keeps_sums=keeps and bool(table.blocks_k[0, 0, k, 0] > 1),
        pack=table.pack,
        traffic_bytes=traffic_bytes,
        time=time,
    )
