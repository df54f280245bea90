"""Sizes that tiles may have: halves, quarters ... of each extent."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from arch.machine import Machine
from traces.mapping.fold_cost import fold_cycles
from traces.mapping.product import Product


class Candidates(NamedTuple):
    """Extents to choose from, an axis each."""

    blocks: list[tuple[int, int]]
    """(rows, pixels) of the output."""
    ns: list[int]
    channels: list[int]
    groups: list[int]


def halvings(extent: int, quantum: int) -> list[int]:
    """The extent, and its halves, quarters ... rounded up to multiples of a quantum."""
    sizes: list[int] = []
    parts = 1
    while True:
        part = -(-extent // parts)
        size = min(extent, -(-part // quantum) * quantum)
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


def row_parts(product: Product, rows: int) -> list[tuple[int, int]]:
    """Parts of the output's rows, each of one image or of several whole ones."""
    per_image = product.rows_per_image
    if rows >= per_image:
        return [(r, min(r + rows, product.rows)) for r in range(0, product.rows, rows)]
    parts: list[tuple[int, int]] = []
    for image in range(0, product.rows, per_image):
        end = min(image + per_image, product.rows)
        parts += [(r, min(r + rows, end)) for r in range(image, end, rows)]
    return parts


def pixel_parts(product: Product, pixels: int) -> list[tuple[int, int]]:
    """Parts of the pixels of an output row; a block is one of these and one of the rows."""
    end = product.row_pixels
    return [(pixel, min(pixel + pixels, end)) for pixel in range(0, end, pixels)]


def _m_candidates(product: Product, quantum: int, longest: int | None) -> list[tuple[int, int]]:
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
def footprint(product: Product, rows: int, pixels: int) -> tuple[int, int, int]:
    """Number of blocks, input pixels of the largest block, and of all blocks together."""
    if product.image_rows == 0:
        return -(-product.rows // rows), rows, product.rows
    heights = [product.input_rows(*part) for part in row_parts(product, rows)]
    widths = [product.pixel_axis.touched(*part) for part in pixel_parts(product, pixels)]
    return len(heights) * len(widths), max(heights) * max(widths), sum(heights) * sum(widths)


def packing(product: Product, machine: Machine) -> int:
    """Groups that share a fold: as many as make the product shortest."""
    array = machine.array
    if machine.mapping.group_packing == "none" or product.groups == 1:
        return 1
    packs = np.arange(1, min(product.groups, array.rows, array.cols) + 1)
    cycles = fold_cycles(array, product.m, product.n, product.k, product.groups, packs)
    return int(packs[np.argmin(cycles)])


def candidates(product: Product, machine: Machine, pack: int, *, fine: bool) -> Candidates:
    """Sizes within the limits of the mapping and the accumulators: multiples of the array's, or
    (``fine``) any, for scratchpads that hold less than a fold."""
    array, mapping = machine.array, machine.mapping
    row_block, col_block = array.rows // pack, array.cols // pack
    m_block, n_block, k_block = {
        "ws": (1, col_block, row_block),
        "is": (col_block, 1, row_block),
        "os": (row_block, col_block, 1),
    }[array.dataflow]
    if fine:
        m_block = n_block = k_block = 1
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
    if mapping.tile_sizes == "exact":
        ms = ms if mapping.tile_m is None else [max(ms, key=lambda size: size[0] * size[1])]
        ns = ns if mapping.tile_n is None else ns[:1]
        ks = ks if mapping.tile_k is None else ks[:1]
    gs = sorted({min(product.groups, -(-size // pack) * pack)
                 for size in halvings(product.groups, pack)}, reverse=True)  # fmt: skip
    return Candidates(ms, ns, ks, gs)
