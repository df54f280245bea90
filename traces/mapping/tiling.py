"""Choosing tiles and the order of the loops over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from arch.buffer import OPERANDS
from arch.errors import InputError
from arch.machine import Machine
from traces.mapping.candidates import Candidates, candidates, packing
from traces.mapping.cost import CostTable, Slots
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
    product: Product, machine: Machine, orders: Sequence[str], *, kept_bytes: float = 0
) -> Tiling:
    """The tiles, and the one of some loop orders, with the least memory traffic.

    For each order, of the tiles that fit and keep the array about as busy as any, those with the
    least memory traffic; of these, the fastest. ``kept_bytes`` are bytes that an output element
    takes in the ofmap scratchpad beside its own (residual inputs). Raises InputError if not even
    the smallest tiles fit.
    """
    pack = packing(product, machine)
    for fine in (False, True):
        sizes = candidates(product, machine, pack, fine=fine)
        table = CostTable(product, machine, pack, sizes, kept_bytes)
        found = [tiling for order in orders if (tiling := _best(table, sizes, order))]
        if found:
            return min(found, key=lambda tiling: (tiling.traffic_bytes, tiling.time))
    raise InputError(_too_small(product, machine, table))


def _too_small(product: Product, machine: Machine, table: CostTable) -> str:
    sizes = zip(OPERANDS, table.tile_bytes("mnk"), strict=True)
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


def _best(table: CostTable, sizes: Candidates, order: str) -> Tiling | None:
    """The tiles for a loop order, None if none fit."""
    compute = table.compute_cycles() + table.port_cycles(order)
    pads = table.machine.buffer.scratchpads.values()
    sharing = [operand for pad in pads if len(pad.operands) > 1 for operand in pad.operands]
    choices = [table.slots(order, favoured) for favoured in sharing or OPERANDS[:1]]
    choices = [(slots, fits) for slots, fits in choices if fits.any()]
    costs = [table.costs(order, slots, compute) for slots, _ in choices]
    fastest = min(
        (float(busy[fits].min()) for (_, fits), (_, busy, _) in zip(choices, costs, strict=True)),
        default=0.0,
    )
    found: list[tuple[float, float, Tiling]] = []
    for (slots, fits), (traffic, busy, time) in zip(choices, costs, strict=True):
        allowed = fits & (busy <= fastest * BUSY_TOLERANCE)
        cost = np.where(allowed, traffic, np.inf)
        if np.isinf(cost.min()):
            continue
        tied = np.where(cost <= cost.min(), time, np.inf)
        at = np.unravel_index(int(np.argmin(tied)), tied.shape)
        tiling = _tiling(table, sizes, at, order, slots, float(cost[at]), float(tied[at]))
        found.append((float(cost[at]), float(tied[at]), tiling))
    return min(found, key=lambda row: row[:2])[2] if found else None


def _tiling(
    table: CostTable,
    sizes: Candidates,
    at: tuple[np.intp, ...],
    order: str,
    slots: Slots,
    traffic: float,
    time: float,
) -> Tiling:
    rows, pixels = sizes.blocks[at[0]]
    ifmap, filters, ofmap = (int(np.broadcast_to(count, table.shape)[at]) for count in slots)
    return Tiling(
        groups=sizes.groups[at[3]],
        rows=rows,
        pixels=pixels,
        n=sizes.ns[at[1]],
        channels=sizes.channels[at[2]],
        order=order,
        slots=(ifmap, filters, ofmap),
        keeps_sums=bool(table.keeps_sums(order)[at] and table.blocks_k[0, 0, at[2], 0] > 1),
        pack=table.pack,
        traffic_bytes=round(traffic),
        time=time,
    )
