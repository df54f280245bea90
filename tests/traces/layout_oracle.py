"""Where the tiles of a product lie in memory.

Images are stored row by row, pixel by pixel, all channels of a pixel together (NHWC); matrices
row by row. Weights are laid out before the run, tile by tile. Each function gives the columns
``bytes``, ``segment_bytes`` (contiguous), ``stride_bytes`` and ``offset_bytes`` of a command.
"""

from functools import lru_cache
from typing import NamedTuple

from arch.mac.formats import packed_bytes
from traces.mapping.product import Axis, Product


class Range(NamedTuple):
    """A part of an extent."""

    begin: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.begin


class Block(NamedTuple):
    """Output positions of a tile: rows and pixels of the output."""

    row: int
    row_end: int
    pixel: int
    pixel_end: int

    @property
    def size(self) -> int:
        return (self.row_end - self.row) * (self.pixel_end - self.pixel)


@lru_cache(maxsize=100_000)
def touched(axis: Axis, first: int, last: int) -> int:
    """Distinct input positions that output positions ``first`` to ``last - 1`` read."""
    taps = range(-axis.pad, axis.filt * axis.dilation - axis.pad, axis.dilation)
    places = {at * axis.stride + tap for at in range(first, last) for tap in taps}
    return sum(0 <= place < axis.extent for place in places)


def input_rows(product: Product, row: int, row_end: int) -> int:
    """Distinct input rows that rows of output read, image by image."""
    image = product.rows_per_image
    starts = range(row // image * image, row_end, image)
    return sum(
        touched(product.row_axis, max(row - start, 0), min(row_end - start, image))
        for start in starts
    )


def _columns(elements: int, run: int, stride: int, offset: int, bits: int) -> dict[str, int]:
    size = packed_bytes(elements, bits)
    segment = min(size, packed_bytes(run, bits))
    return {
        "bytes": size,
        "segment_bytes": segment,
        "stride_bytes": max(segment, packed_bytes(stride, bits)),
        "offset_bytes": offset * bits // 8,
    }


def ifmap(
    product: Product, groups: Range, block: Block, channels: Range, bits: int
) -> dict[str, int]:
    """The input pixels that a block of output reads, some channels of some groups."""
    whole_depth = channels.size == product.channels
    if product.image_rows == 0:
        elements = groups.size * block.size * channels.size
        run = channels.size
        if whole_depth:
            run *= block.size if block.size < product.rows else block.size * groups.size
        offset = (groups.begin * product.rows + block.row) * product.channels + channels.begin
        return _columns(elements, run, product.channels, offset, bits)
    all_channels = product.channels * product.groups
    columns = touched(product.pixel_axis, block.pixel, block.pixel_end)
    pixels = input_rows(product, block.row, block.row_end) * columns
    elements = groups.size * channels.size * pixels
    run = groups.size * channels.size if whole_depth else channels.size
    stride = all_channels
    row = block.row % product.rows_per_image
    image = block.row // product.rows_per_image
    first_row = max(0, row * product.row_axis.stride - product.row_axis.pad)
    first_pixel = max(0, block.pixel * product.pixel_axis.stride - product.pixel_axis.pad)
    offset = (image * product.image_rows + first_row) * product.image_pixels + first_pixel
    if run == all_channels and product.pixel_axis.contiguous:
        run *= columns
        stride *= product.image_pixels
        if columns == product.image_pixels and product.row_axis.contiguous:
            run = elements
    offset = offset * all_channels + groups.begin * product.channels + channels.begin
    return _columns(elements, run, stride, offset, bits)


def filters(
    product: Product, groups: Range, ns: Range, channels: Range, bits: int
) -> dict[str, int]:
    """A tile of the second operand: weights lie together, activations row by row."""
    depth = Range(channels.begin * product.window, channels.end * product.window)
    elements = groups.size * depth.size * ns.size
    offset = (groups.begin * product.k + depth.begin) * product.n + ns.begin
    if product.filter_is_weights:
        offset = groups.begin * product.k * product.n + groups.size * (
            ns.begin * product.k + depth.begin * ns.size
        )
    if product.filter_is_weights or ns.size == product.n:
        return _columns(elements, elements, elements, offset, bits)
    return _columns(elements, ns.size, product.n, offset, bits)


def ofmap(product: Product, groups: Range, block: Block, ns: Range, bits: int) -> dict[str, int]:
    """A tile of the complete output."""
    elements = groups.size * block.size * ns.size
    if product.image_rows == 0:
        row_length, run = product.n, ns.size
        offset = (groups.begin * product.rows + block.row) * product.n + ns.begin
        if ns.size == product.n:
            run *= block.size if block.size < product.rows else block.size * groups.size
        return _columns(elements, run, row_length, offset, bits)
    row_length = product.n * product.groups
    run = groups.size * ns.size if ns.size == product.n else ns.size
    if run == row_length:
        run *= block.size
    first = block.row * product.row_pixels + block.pixel
    offset = first * row_length + groups.begin * product.n + ns.begin
    return _columns(elements, run, row_length, offset, bits)


def sums(product: Product, groups: Range, block: Block, ns: Range, bits: int) -> dict[str, int]:
    """A tile of partial sums, which lies together."""
    elements = groups.size * block.size * ns.size
    first = block.row * product.row_pixels + block.pixel
    offset = groups.begin * product.m * product.n + groups.size * (
        first * product.n + block.size * ns.begin
    )
    return _columns(elements, elements, elements, offset, bits)
