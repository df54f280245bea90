"""What tiles of every size cost in every loop order: room, memory traffic, cycles.

Tiles are kept in slots of the scratchpads, as many as fit, and replaced least recently used
first. For a nest of three loops that is a closed form: an operand that does not depend on loop d
is fetched anew in each iteration of d, unless all its tiles inside d fit its slots. Cycles are
estimates that only compare tiles; the simulation decides.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from arch.buffer import OPERANDS
from arch.machine import Channelled, Machine
from traces.mapping.candidates import Candidates, footprint
from traces.mapping.fold_cost import fold_cycles
from traces.mapping.product import Product

Table = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Slots = tuple[Table, Table, Table]


@lru_cache(maxsize=64)
def inside(orders: tuple[str, ...], outer: str, inner: str) -> Mask:
    """Which orders have one loop inside another, along their axis."""
    return _along([order.index(inner) > order.index(outer) for order in orders])


@lru_cache(maxsize=64)
def innermost_k(orders: tuple[str, ...]) -> Mask:
    """Which orders have the loop over the depth innermost, along their axis."""
    return _along([order[2] == "k" for order in orders])


def _along(found: list[bool]) -> Mask:
    return np.array(found).reshape(-1, 1, 1, 1, 1)


class CostTable:
    """All combinations of loop orders and tile extents, an axis each: order, m, n, k, groups.

    What does not depend on the order has no axis for it, and is broadcast.
    """

    def __init__(
        self,
        product: Product,
        machine: Machine,
        pack: int,
        candidates: Candidates,
        orders: Sequence[str],
        kept_bytes: float,
        cores: int | None = None,
    ) -> None:
        self.cores = cores or machine.cores
        self.product, self.machine, self.pack, self.candidates = product, machine, pack, candidates
        self.orders = tuple(orders)
        ms, ns, ks, gs = candidates
        shape = np.ix_(*(np.arange(len(c)) for c in candidates))
        prints = np.array([footprint(product, *m) for m in ms], float)
        self.blocks_m = prints[:, 0][shape[0]]
        pixels_max, self.pixels_all = prints[:, 1][shape[0]], prints[:, 2][shape[0]]
        self.m = np.array([min(r, product.rows) * p for r, p in ms], float)[shape[0]]
        self.n = np.array(ns, float)[shape[1]]
        self.pixels = np.array([p for _, p in ms], float)[shape[0]]
        self.channels = channels = np.array(ks, float)[shape[2]]
        self.k = channels * product.window
        self.g = np.array(gs, float)[shape[3]]
        self.blocks_n = np.ceil(product.n / self.n)
        self.blocks_k = np.ceil(product.channels / channels)
        self.blocks_g = np.ceil(product.groups / self.g)
        array = machine.array
        self.in_bytes = array.operand_bits / 8
        self.out_bytes = product.output_bits / 8
        self.sum_bytes = array.accumulator_bits / 8
        self.kept_bytes = kept_bytes
        tiles = np.broadcast_shapes(self.m.shape, self.n.shape, self.k.shape, self.g.shape)
        self.shape = (len(orders), *tiles)
        self._pixels_max = np.maximum(pixels_max, 1)
        self.keeps_sums = self._keeps_sums()
        self._sums_pass = self._sums_pass_scratchpad()
        self._spills = ((self.blocks_k > 1) & ~self.keeps_sums) | self._sums_pass
        self.tile_bytes = self._tile_bytes()

    def _keeps_sums(self) -> Mask:
        """Where partial sums stay in the accumulators from one depth to the next."""
        array = self.machine.array
        if array.dataflow == "os":
            return np.zeros((1, 1, 1, 1, 1), bool)
        vectors, cols = (self.m, self.n) if array.dataflow == "ws" else (self.n, self.m)
        rows = vectors * np.ceil(cols / (array.cols // self.pack)) * np.ceil(self.g / self.pack)
        return innermost_k(self.orders) & (rows <= array.accumulator_rows)

    def _sums_pass_scratchpad(self) -> Mask:
        """Where partial sums of one tile go through the scratchpad."""
        array = self.machine.array
        if array.dataflow == "os":
            return np.zeros_like(self.k, bool)
        vectors = self.m if array.dataflow == "ws" else self.n
        deep: Mask = self.k > array.rows // self.pack
        return deep & (vectors > array.accumulator_rows)

    def _tile_bytes(self) -> tuple[Table, Table, Table]:
        """Bytes of the largest tile of each operand."""
        width = np.where(self._spills, self.sum_bytes, self.out_bytes) + self.kept_bytes
        return (
            np.ceil(self.g * self._pixels_max * self.channels * self.in_bytes),
            np.ceil(self.g * self.k * self.n * self.in_bytes),
            np.ceil(self.g * self.m * self.n * width),
        )

    def blocks(self, loop: str) -> Table:
        return {"m": self.blocks_m, "n": self.blocks_n, "k": self.blocks_k}[loop]

    def slots(self, favoured: str) -> tuple[Slots, Mask]:
        """Slots of each operand, and where the tiles fit at all.

        What is left of a scratchpad when each operand has what it needs goes to the favoured one,
        as far as it has tiles, then to the others.
        """
        slots: dict[str, Table] = {}
        fits: Mask = np.ones((1, 1, 1, 1, 1), bool)
        lacks = {"ifmap": "n", "filter": "m", "ofmap": "k"}
        sizes = dict(zip(OPERANDS, self.tile_bytes, strict=True))
        for pad in self.machine.buffer.scratchpads.values():
            left: Any = float(pad.capacity_bytes)
            tiles: dict[str, Table] = {}
            for name in pad.operands:
                own = [loop for loop in "mnk" if loop != lacks[name]]
                tiles[name] = self.blocks(own[0]) * self.blocks(own[1]) * self.blocks_g
                slots[name] = np.minimum(2 if pad.double_buffered else 1, tiles[name])
                left = left - slots[name] * sizes[name]
            fits = fits & (left >= 0)
            if pad.double_buffered:
                for name in sorted(pad.operands, key=lambda operand: operand != favoured):
                    more = np.clip(left // sizes[name], 0, tiles[name] - slots[name])
                    slots[name] = slots[name] + more
                    left = left - more * sizes[name]
        return (slots["ifmap"], slots["filter"], slots["ofmap"]), fits

    def _fetches(self, lacking: str, slots: Table) -> Table:
        """Times that an operand is fetched (or visited, for the ofmap)."""
        inner: Any = 1.0
        for loop in "mnk":
            inner = inner * np.where(inside(self.orders, lacking, loop), self.blocks(loop), 1.0)
        return np.where(slots >= inner, 1.0, self.blocks(lacking))

    def traffic(self, slots: Slots) -> tuple[Table, Table, Table]:
        """Bytes of each operand between memory and scratchpads, all groups."""
        product = self.product
        ifmap = self.pixels_all * product.channels * self.in_bytes
        filters = product.k * product.n * self.in_bytes
        out = float(product.m * product.n)
        visits = self._fetches("k", slots[2])
        return (
            product.groups * ifmap * self._fetches("n", slots[0]),
            product.groups * filters * self._fetches("m", slots[1]),
            product.groups * out * (self.out_bytes + 2 * (visits - 1) * self.sum_bytes),
        )

    def _segments(self) -> tuple[Table, Table, Table]:
        """Contiguous bytes of each operand in memory, about."""
        product = self.product
        whole_depth = self.channels >= product.channels
        whole_n = self.n >= product.n
        if product.image_rows:
            pixel = np.where(whole_depth, self.g, 1) * self.channels
            whole_pixel = whole_depth & (self.g >= product.groups)
            span = np.where(
                product.pixel_axis.contiguous, self.pixels * product.pixel_axis.stride, 1
            )
            ifmap = np.where(whole_pixel, pixel * span, pixel)
            ofmap = np.where(whole_n, self.g, 1) * self.n
            ofmap = np.where(whole_n & (self.g >= product.groups), ofmap * self.m, ofmap)
        else:
            ifmap = np.where(whole_depth, self.channels * self.m, self.channels)
            ofmap = np.where(whole_n, self.n * self.m, self.n)
        rows_apart = ~whole_n if not product.filter_is_weights else np.zeros_like(whole_n)
        filters = np.where(rows_apart, self.n, self.n * self.k)
        return ifmap * self.in_bytes, filters * self.in_bytes, ofmap * self.out_bytes

    def _memory_cycles(self, traffic: Slots, slots: Slots) -> tuple[Table, Table]:
        """Estimated cycles of the memory, with whole cycles a request and one request a cycle;
        and the same with no more tiles on their way than there are slots."""
        dma, memory = self.machine.buffer.dma, self.machine.memory
        assert memory is not None
        total: Any = 0.0
        longest: Any = 0.0
        slowest: Any = 0.0
        sizes = zip(traffic, self._segments(), self.tile_bytes, slots, strict=True)
        for index, (size, segment, tile, places) in enumerate(sizes):
            request = np.clip(segment, 1, dma.request_bytes)
            width, ratio = self._bandwidth(index)
            cycles = size / request * np.maximum(1.0, self._held(request, width) / ratio)
            total = total + cycles
            longest = np.maximum(longest, cycles)
            one = self._latency() / ratio + tile / (width * ratio)
            waited = size / tile * one / np.maximum(1, places - 1)
            slowest = np.maximum(slowest, waited)
        moving = total if memory.is_shared else longest
        return moving, np.maximum(moving, slowest)

    def _bandwidth(self, operand: int) -> tuple[int, float]:
        """Bytes per memory cycle of an operand's interface, and memory cycles that a core gets per
        array cycle."""
        memory, clocks = self.machine.memory, self.machine.clocks_khz
        assert memory is not None
        khz = clocks[self.machine.memory_clock]
        ratio = khz / clocks[self.machine.array.clock] / self.cores
        if memory.bytes_per_cycle is not None:
            return memory.bytes_per_cycle, ratio
        return getattr(memory.operand_bytes_per_cycle, OPERANDS[operand]), ratio

    def _held(self, request: Table, width: int) -> Table:
        """Memory cycles that a request takes: whole ones, or those of whole bursts."""
        memory = self.machine.memory
        if not isinstance(memory, Channelled):
            return np.ceil(request / width)
        burst_bytes = memory.device().burst_bytes
        return np.ceil(request / burst_bytes) * burst_bytes / width

    def _latency(self) -> int:
        """Memory cycles that a read waits for its data at least."""
        memory = self.machine.memory
        assert memory is not None
        if not isinstance(memory, Channelled):
            return memory.latency_cycles
        return memory.latency_cycles + memory.device().idle_latency_cycles

    def compute_cycles(self) -> Table:
        """Estimated cycles of all folds."""
        each = fold_cycles(self.machine.array, self.m, self.n, self.k, self.g, self.pack)
        return np.asarray(each * self.blocks_m * self.blocks_n * self.blocks_k * self.blocks_g)

    def port_cycles(self) -> Table:
        """Estimated cycles that the array waits while partial sums pass the scratchpad."""
        array = self.machine.array
        _, pad = self.machine.buffer.scratchpad_of("ofmap")
        vectors, cols = {
            "ws": (self.m, self.n), "is": (self.n, self.m), "os": (self.m, self.n)
        }[array.dataflow]  # fmt: skip
        used = np.minimum(cols, array.cols // self.pack) * self.pack
        accesses = 2 * np.ceil(
            np.minimum(vectors, array.copies) * used * self.sum_bytes / pad.bank_width_bytes
        )
        each = np.maximum(0, np.ceil(accesses / pad.accesses_per_cycle) - 1)
        passes = self.blocks_k * np.where(
            self._sums_pass, np.ceil(self.k / (array.rows // self.pack)), 1
        )
        blocks = self.blocks_m * self.blocks_n * self.blocks_g * np.ceil(self.g / self.pack)
        beats = np.ceil(vectors / array.copies)
        cycles = each * beats * passes * blocks * np.ceil(cols / (array.cols // self.pack))
        return np.where(self._spills, cycles, 0)

    def _two_phases(self, moving: Table, compute: Table) -> Table:
        """Estimated cycles with the first pass of the outermost loop on its own: it loads all of
        the operand that this loop does not index, which cores that share a memory wait for."""
        memory = self.machine.memory
        assert memory is not None
        cycles = [
            self.g * self.in_bytes * elements / (width * ratio)
            for elements, (width, ratio) in (
                (self.product.m * self.product.channels, self._bandwidth(0)),
                (self.product.k * self.product.n, self._bandwidth(1)),
            )
        ]
        first: Any = 0.0
        passes: Any = 1.0
        blocks_of = {"m": self.blocks_m, "n": self.blocks_n, "k": self.blocks_k}
        for outer, blocks in blocks_of.items():
            ifmap = cycles[0] if outer == "n" else cycles[0] / blocks
            filters = cycles[1] if outer == "m" else cycles[1] / blocks
            chosen = _along([order[0] == outer for order in self.orders])
            loads = ifmap + filters if memory.is_shared else np.maximum(ifmap, filters)
            first = np.where(chosen, loads, first)
            passes = np.where(chosen, blocks, passes)
        first = np.minimum(first, moving)
        computed = compute / (passes * self.blocks_g)
        rest = np.maximum(moving - first, compute - computed)
        return np.asarray(np.maximum(first, computed) + rest)

    def costs(self, slots: Slots, compute: Table) -> tuple[Table, Table, Table]:
        """Traffic; cycles of the array and those that short requests waste; and all cycles, with
        what nothing hides of the first loads and the last store."""
        by_operand = self.traffic(slots)
        moving, waiting = self._memory_cycles(by_operand, slots)
        ideal: Any = 0.0
        exposed: Any = 0.0
        for index, (size, tile) in enumerate(zip(by_operand, self.tile_bytes, strict=True)):
            width, ratio = self._bandwidth(index)
            ideal = ideal + size / (width * ratio)
            exposed = exposed + tile / (width * ratio)
        busy = compute + np.maximum(0.0, moving - ideal)
        time = np.maximum(compute, waiting)
        if self.machine.cores > 1:
            time = np.maximum(time, self._two_phases(moving, compute))
        time = time + exposed
        return sum(by_operand, np.zeros(self.shape)), busy, time
