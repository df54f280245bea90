"""Choosing tiles and the order of the loops over them.

Tiles are kept in slots of the scratchpads, as many as fit, and replaced least recently used
first. For a nest of three loops that is a closed form: an operand that does not depend on loop d
is fetched anew in each iteration of d, unless all its tiles inside d fit its slots.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from arch.machine import Machine
from traces.mapping.product import Product

ORDERS = tuple("".join(order) for order in permutations("mnk"))
COMPUTE_TOLERANCE = 1.1
"""Tiles whose folds take at most this factor of the fewest cycles compete by traffic."""

Table = npt.NDArray[np.float64]


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
    pack: int
    traffic_bytes: int
    """Memory traffic of one core, partial sums included."""
    time: float
    """Estimated cycles of one core."""


def halvings(extent: int, quantum: int) -> list[int]:
    """The extent, and its halves, quarters ... rounded up to multiples of a quantum."""
    sizes = []
    parts = 1
    while True:
        size = min(extent, -(-(-(-extent // parts)) // quantum) * quantum)
        if not sizes or size != sizes[-1]:
            sizes.append(size)
        if size <= quantum or parts >= extent:
            return sizes
        parts *= 2


def _limited(sizes: list[int], limit: int | None, quantum: int = 1) -> list[int]:
    """Sizes of at most ``limit``, and the limit itself."""
    if limit is None:
        return sizes
    bound = max(1, limit // quantum) * quantum
    kept = [size for size in sizes if size <= bound]
    return kept if kept and kept[0] == min(bound, sizes[0]) else [bound, *kept]


def row_tiles(product: Product, rows: int, pixels: int) -> list[tuple[int, int, int, int]]:
    """Blocks (row, row_end, pixel, pixel_end) of the output; rows of a block are of one image
    or of several whole ones."""
    per_image = product.rows_per_image
    starts: list[tuple[int, int]] = []
    if rows >= per_image:
        starts = [(r, min(r + rows, product.rows)) for r in range(0, product.rows, rows)]
    else:
        for image in range(0, product.rows, per_image):
            end = min(image + per_image, product.rows)
            starts += [(r, min(r + rows, end)) for r in range(image, end, rows)]
    return [
        (row, row_end, pixel, min(pixel + pixels, product.row_pixels))
        for row, row_end in starts
        for pixel in range(0, product.row_pixels, pixels)
    ]


def _m_candidates(
    product: Product, quantum: int, longest: int | None
) -> list[tuple[int, int]]:
    """(rows, pixels) of blocks of the output."""
    candidates: list[tuple[int, int]] = []
    if product.row_pixels == 1:
        sizes = _limited(halvings(product.rows, quantum), longest)
        return [(size, 1) for size in sizes]
    per_image = product.rows_per_image
    images = -(-product.rows // per_image)
    candidates += [(size * per_image, product.row_pixels) for size in halvings(images, 1)]
    candidates += [(size, product.row_pixels) for size in halvings(per_image, 1)]
    candidates += [(1, size) for size in _limited(halvings(product.row_pixels, quantum), longest)]
    unique = list(dict.fromkeys((min(r, product.rows), p) for r, p in candidates))
    if longest is not None:
        unique = [(r, p) for r, p in unique if r * p <= longest]
    return unique


@lru_cache(maxsize=4096)
def _footprint(product: Product, rows: int, pixels: int) -> tuple[int, int, int]:
    """Number of blocks, input pixels of the largest block, and of all blocks together."""
    if product.image_rows == 0:
        return -(-product.rows // rows), rows, product.rows
    sizes = [product.input_pixels(*tile) for tile in row_tiles(product, rows, pixels)]
    return len(sizes), max(sizes), sum(sizes)


def packing(product: Product, machine: Machine) -> int:
    """Groups that share a fold."""
    array = machine.array
    if machine.mapping.group_packing == "none" or product.groups == 1:
        return 1
    rows, cols = product.k, product.n
    if array.dataflow == "os":
        rows = product.m
    elif array.dataflow == "is":
        cols = product.m
    best, best_cost = 1, 0.0
    for pack in range(1, min(product.groups, array.rows, array.cols) + 1):
        folds = -(-rows // (array.rows // pack)) * -(-cols // (array.cols // pack))
        cost = folds * -(-product.groups // pack)
        if best_cost == 0.0 or cost < best_cost:
            best, best_cost = pack, cost
    return best


def choose(product: Product, machine: Machine, *, order: str, kept_bytes: float = 0) -> Tiling:
    """The tiles for one loop order.

    Of the tiles that fit and keep the array about as busy as any, those with the least memory
    traffic; of these, the fastest. ``kept_bytes`` are bytes an output element takes in the ofmap scratchpad
    beside its own (residual inputs). Raises InputError if not even the smallest tiles fit.
    """
    array, mapping = machine.array, machine.mapping
    pack = packing(product, machine)
    row_block, col_block = array.rows // pack, array.cols // pack
    m_block, n_block, k_block = {
        "ws": (1, col_block, row_block),
        "is": (col_block, 1, row_block),
        "os": (row_block, col_block, 1),
    }[array.dataflow]
    longest = mapping.tile_m
    n_longest = mapping.tile_n
    if array.accumulator_rows and product.k > row_block:
        if array.dataflow == "ws":
            longest = min(longest or product.m, array.accumulator_rows)
        elif array.dataflow == "is":
            n_longest = min(n_longest or product.n, array.accumulator_rows)
    ms = _m_candidates(product, m_block, longest)
    ns = _limited(halvings(product.n, n_block), n_longest)
    channel_quantum = max(1, k_block // product.window)
    channel_limit = None
    if mapping.tile_k is not None:
        channel_limit = max(1, mapping.tile_k // product.window)
    ks = _limited(halvings(product.channels, channel_quantum), channel_limit)
    if ks[-1] > 1 and mapping.tile_k is None and channel_quantum > 1:
        ks.append(1)
    gs = sorted({min(product.groups, -(-size // pack) * pack)
                 for size in halvings(product.groups, pack)}, reverse=True)  # fmt: skip
    table = _Table(product, machine, pack, (ms, ns, ks, gs), kept_bytes)
    best = table.best(order)
    if best is None:
        raise InputError(_too_small(product, machine, table))
    return best


def _too_small(product: Product, machine: Machine, table: "_Table") -> str:
    needs = {name: int(size.min()) for name, size in zip(OPERANDS, table.tile_bytes, strict=True)}
    pads = ", ".join(
        f"{name} {pad.capacity_kib} KiB for {'+'.join(pad.operands)}"
        for name, pad in machine.buffer.scratchpads.items()
    )
    return (
        f"operator {product.name!r}: no tile fits the scratchpads ({pads}); the smallest tiles of "
        + ", ".join(f"{name} take {size} bytes" for name, size in needs.items())
        + ", twice that where double_buffered; raise buffer.scratchpads.*.capacity_kib"
    )


class _Table:
    """All combinations of tile extents, an axis each: m, n, k, groups."""

    def __init__(
        self,
        product: Product,
        machine: Machine,
        pack: int,
        candidates: tuple[list[tuple[int, int]], list[int], list[int], list[int]],
        kept_bytes: float,
    ) -> None:
        self.product, self.machine, self.pack, self.candidates = product, machine, pack, candidates
        ms, ns, ks, gs = candidates
        shape = np.ix_(*(np.arange(len(c)) for c in candidates))
        prints = np.array([_footprint(product, *m) for m in ms], float)
        self.blocks_m = prints[:, 0][shape[0]]
        pixels_max, self.pixels_all = prints[:, 1][shape[0]], prints[:, 2][shape[0]]
        self.m = np.array([min(r, product.rows) * p for r, p in ms], float)[shape[0]]
        self.n = np.array(ns, float)[shape[1]]
        channels = np.array(ks, float)[shape[2]]
        self.k = channels * product.window
        self.g = np.array(gs, float)[shape[3]]
        self.blocks_n = np.ceil(product.n / self.n)
        self.blocks_k = np.ceil(product.channels / channels)
        self.blocks_g = np.ceil(product.groups / self.g)
        array = machine.array
        bits = FORMAT_BITS[array.operand_format]
        self.in_bytes = bits / 8
        self.out_bytes = FORMAT_BITS[array.output_format] / 8
        self.sum_bytes = FORMAT_BITS[array.accumulator_format] / 8
        spills = (self.blocks_k > 1) | self._sums_pass_scratchpad()
        width = np.where(spills, self.sum_bytes, self.out_bytes) + kept_bytes
        ones = np.ones(np.broadcast_shapes(self.m.shape, self.n.shape, self.k.shape, self.g.shape))
        self.tile_bytes = (
            np.ceil(self.g * np.maximum(pixels_max, 1) * channels * self.in_bytes) * ones,
            np.ceil(self.g * self.k * self.n * self.in_bytes) * ones,
            np.ceil(self.g * self.m * self.n * width) * ones,
        )

    def _sums_pass_scratchpad(self) -> Table:
        """Where partial sums of one tile go through the scratchpad."""
        array = self.machine.array
        if array.dataflow == "os":
            return np.zeros_like(self.k, bool)
        vectors = self.m if array.dataflow == "ws" else self.n
        deep = self.k > array.rows // self.pack
        return deep & (vectors > array.accumulator_rows)

    def blocks(self, loop: str) -> Table:
        return {"m": self.blocks_m, "n": self.blocks_n, "k": self.blocks_k}[loop]

    def _slots(self, favoured: str) -> tuple[tuple[Table, Table, Table], Table]:
        """Slots of each operand when one gets what is left, and where the tiles fit at all."""
        free: dict[str, Table] = {}
        slots: dict[str, Table] = {}
        fits: Table = np.ones(self.tile_bytes[0].shape, bool)
        lacks = {"ifmap": "n", "filter": "m", "ofmap": "k"}
        sizes = dict(zip(OPERANDS, self.tile_bytes, strict=True))
        for pad in self.machine.buffer.scratchpads.values():
            used = np.zeros(self.tile_bytes[0].shape)
            for name in pad.operands:
                own = [loop for loop in "mnk" if loop != lacks[name]]
                tiles = self.blocks(own[0]) * self.blocks(own[1]) * self.blocks_g
                slots[name] = np.minimum(2 if pad.double_buffered else 1, tiles)
                used = used + slots[name] * sizes[name]
            fits = fits & (used <= pad.capacity_bytes)
            if pad.double_buffered:
                heir = favoured if favoured in pad.operands else pad.operands[0]
                free[heir] = pad.capacity_bytes - used
        for heir, left in free.items():
            slots[heir] = slots[heir] + np.maximum(0, left // sizes[heir])
        return (slots["ifmap"], slots["filter"], slots["ofmap"]), fits

    def _fetches(self, order: str, lacking: str, slots: Table) -> Table:
        """Times that an operand is fetched (or visited, for the ofmap)."""
        inner = np.ones_like(self.blocks_m)
        for loop in order[order.index(lacking) + 1 :]:
            inner = inner * self.blocks(loop)
        return np.where(slots >= inner, 1.0, self.blocks(lacking))

    def traffic(self, order: str, slots: tuple[Table, Table, Table]) -> Table:
        """Bytes between memory and scratchpads, all groups."""
        product = self.product
        ifmap = self.pixels_all * product.channels * self.in_bytes
        filters = product.k * product.n * self.in_bytes
        out = float(product.m * product.n)
        visits = self._fetches(order, "k", slots[2])
        return product.groups * (
            ifmap * self._fetches(order, "n", slots[0])
            + filters * self._fetches(order, "m", slots[1])
            + out * (self.out_bytes + 2 * (visits - 1) * self.sum_bytes)
        )

    def compute_cycles(self) -> Table:
        """Estimated cycles of all folds; only to compare tiles, the simulation decides."""
        array = self.machine.array
        rows, cols = array.rows // self.pack, array.cols // self.pack
        row_extent, col_extent, length = {
            "ws": (self.k, self.n, self.m),
            "is": (self.k, self.m, self.n),
            "os": (self.m, self.n, self.k),
        }[array.dataflow]
        folds: Table = np.ceil(row_extent / rows) * np.ceil(col_extent / cols)
        folds = folds * np.ceil(self.g / self.pack)
        used = np.minimum(row_extent, rows) * self.pack
        overlapped = array.dataflow == "os" or array.weight_load == "overlapped"
        each = np.maximum(length, used) if overlapped else length + used
        if array.drain == "serial":
            each = each + used + np.minimum(col_extent, cols) * self.pack
        cycles = folds * each * self.blocks_m * self.blocks_n * self.blocks_k * self.blocks_g
        return np.broadcast_to(cycles, self.tile_bytes[0].shape)

    def best(self, order: str) -> Tiling | None:
        """The tiles for a loop order, None if none fit."""
        found: list[tuple[float, float, Tiling]] = []
        compute = self.compute_cycles()
        choices = [(slots, fits) for slots, fits in map(self._slots, OPERANDS) if fits.any()]
        fastest = min((float(compute[fits].min()) for _, fits in choices), default=0.0)
        for slots, fits in choices:
            traffic = self.traffic(order, slots)
            allowed = fits & (compute <= fastest * COMPUTE_TOLERANCE)
            cost = np.where(allowed, traffic, np.inf)
            if np.isinf(cost.min()):
                continue
            tied = np.where(cost <= cost.min(), self._time(compute, traffic), np.inf)
            at = np.unravel_index(int(np.argmin(tied)), tied.shape)
            tiling = self._tiling(at, order, slots, float(cost[at]), float(tied[at]))
            found.append((float(cost[at]), float(tied[at]), tiling))
        return min(found, key=lambda row: row[:2])[2] if found else None

    def _time(self, compute: Table, traffic: Table) -> Table:
        """Estimated cycles of everything: the slower of array and memory, and what neither
        hides of the first loads and the last store."""
        memory = self.machine.memory
        assert memory is not None
        clocks = self.machine.clocks
        if memory.bytes_per_cycle is not None:
            width = memory.bytes_per_cycle
        else:
            assert memory.operand_bytes_per_cycle is not None
            width = sum(getattr(memory.operand_bytes_per_cycle, name) for name in OPERANDS)
        bandwidth = width * clocks[memory.clock] / clocks[self.machine.array.clock]
        exposed = self.tile_bytes[0] + self.tile_bytes[1] + self.tile_bytes[2]
        return np.maximum(compute, traffic / bandwidth) + exposed / bandwidth

    def _tiling(
        self,
        at: tuple[np.intp, ...],
        order: str,
        slots: tuple[Table, Table, Table],
        traffic: float,
        time: float,
    ) -> Tiling:
        ms, ns, ks, gs = self.candidates
        rows, pixels = ms[at[0]]
        ifmap, filters, ofmap = (
            int(np.broadcast_to(count, self.tile_bytes[0].shape)[at]) for count in slots
        )
        return Tiling(
            groups=gs[at[3]],
            rows=rows,
            pixels=pixels,
            n=ns[at[1]],
            channels=ks[at[2]],
            order=order,
            slots=(ifmap, filters, ofmap),
            pack=self.pack,
            traffic_bytes=round(traffic),
            time=time,
        )
