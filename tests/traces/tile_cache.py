"""A plain cache of tiles: what must cross the memory, touch by touch.

Knows tiles as sets of element coordinates and nothing of the mapping but the sizes it chose.
"""

from itertools import product as every
from typing import Any

from arch.machine import Machine
from traces.mapping.systolic import Lowered
from traces.operators import Conv2d, Gemm

BITS = {"int8": 8, "int16": 16, "int32": 32, "int4": 4}
Tile = tuple[int, int]


def parts(extent: int, size: int) -> list[Tile]:
    return [(begin, min(extent, begin + size)) for begin in range(0, extent, size)]


def output_blocks(operator: Gemm | Conv2d, rows: int, pixels: int) -> list[list[tuple[int, ...]]]:
    """Output positions of each block: (image, row, pixel)."""
    if isinstance(operator, Gemm):
        return [[(0, row, 0) for row in range(*part)] for part in parts(operator.m, rows)]
    per_image = operator.out_h
    if rows >= per_image:
        images = [
            [(image, row) for image in range(*part) for row in range(per_image)]
            for part in parts(operator.batch, rows // per_image)
        ]
    else:
        images = [
            [(image, row) for row in range(*part)]
            for image in range(operator.batch)
            for part in parts(per_image, rows)
        ]
    return [
        [(image, row, pixel) for image, row in block for pixel in range(*columns)]
        for block in images
        for columns in parts(operator.out_w, pixels)
    ]


def inputs_of(
    operator: Gemm | Conv2d, groups: Tile, block: list[tuple[int, ...]], channels: Tile
) -> int:
    """Distinct input elements that a block of output reads."""
    if isinstance(operator, Gemm):
        return (groups[1] - groups[0]) * len(block) * (channels[1] - channels[0])
    pixels = set()
    for image, row, pixel in block:
        for i, j in every(range(operator.filt_h), range(operator.filt_w)):
            y = row * operator.stride_h - operator.pad_top + i * operator.dilation_h
            x = pixel * operator.stride_w - operator.pad_left + j * operator.dilation_w
            if 0 <= y < operator.in_h and 0 <= x < operator.in_w:
                pixels.add((image, y, x))
    return (groups[1] - groups[0]) * len(pixels) * (channels[1] - channels[0])


class Cache:
    """Least recently used first."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.order: list[Any] = []

    def touch(self, tile: Any) -> tuple[bool, Any]:
        """Whether the tile was here, and the tile that had to go."""
        gone = None
        here = tile in self.order
        if here:
            self.order.remove(tile)
        elif len(self.order) == self.places:
            gone = self.order.pop(0)
        self.order.append(tile)
        return here, gone


def traffic(lowered: Lowered, machine: Machine) -> tuple[int, int]:
    """Bytes read and written by one core that does the whole product."""
    operator, tiling = lowered.operator, lowered.tiling
    assert tiling is not None
    assert isinstance(operator, Gemm | Conv2d)
    array = machine.array
    wide = {name: BITS[getattr(array, name)] for name in
            ("operand_format", "accumulator_format", "output_format")}  # fmt: skip
    groups_all = operator.batch if isinstance(operator, Gemm) else operator.groups
    channels_all = operator.k if isinstance(operator, Gemm) else operator.channels // groups_all
    window = 1 if isinstance(operator, Gemm) else operator.filt_h * operator.filt_w
    loops = {
        "m": output_blocks(operator, tiling.rows, tiling.pixels),
        "n": parts(operator.n, tiling.n),
        "k": parts(channels_all, tiling.channels),
    }
    caches = [Cache(places) for places in tiling.slots]
    dirty: set[Any] = set()
    read = written = 0

    def size(elements: int, width: str) -> int:
        return -(-elements * wide[width] // 8)

    for group in parts(groups_all, tiling.groups):
        count = group[1] - group[0]
        for at in every(*(range(len(loops[loop])) for loop in tiling.order)):
            m, n, k = (at[tiling.order.index(loop)] for loop in "mnk")
            block, ns, channels = loops["m"][m], loops["n"][n], loops["k"][k]
            outputs = count * len(block) * (ns[1] - ns[0])
            if not caches[0].touch((group, m, k))[0]:
                read += size(inputs_of(operator, group, block, channels), "operand_format")
            if not caches[1].touch((group, n, k))[0]:
                depth = (channels[1] - channels[0]) * window
                read += size(count * depth * (ns[1] - ns[0]), "operand_format")
            tile = (group, m, n, outputs)
            here, gone = caches[2].touch(tile)
            if gone in dirty:
                dirty.discard(gone)
                written += size(gone[3], "accumulator_format")
            if not here and k > 0:
                read += size(outputs, "accumulator_format")
            if k == len(loops["k"]) - 1:
                dirty.discard(tile)
                written += size(outputs, "output_format")
            else:
                dirty.add(tile)
    assert not dirty
    return read, written
