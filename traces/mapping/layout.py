"""Where the tiles of a product lie in memory.

Images are stored row by row, pixel by pixel, all channels of a pixel together (NHWC); matrices
row by row. Weights are laid out before the run, tile by tile. Each ``place`` kernel writes columns
of a command: ``bytes``, ``segment_bytes`` (contiguous), ``stride_bytes`` and ``offset_bytes``.
"""

import numpy as np

from traces.jit import njit

LAYOUT = np.dtype(
    [
        ("image", np.int64),  # 1: a convolution, 0: a plain product
        ("rows", np.int64),  # of the product's output
        ("row_pixels", np.int64),
        ("n", np.int64),
        ("channels", np.int64),  # of one group
        ("window", np.int64),  # depth is channels times this
        ("groups", np.int64),
        ("image_pixels", np.int64),  # of an input row
        ("rows_contiguous", np.int64),  # 1: neighbouring outputs read neighbouring inputs
        ("pixels_contiguous", np.int64),
        ("filter_is_weights", np.int64),
        ("tile_groups", np.int64),  # extents of a tile
        ("tile_n", np.int64),
        ("tile_channels", np.int64),
        ("operand_bits", np.int64),
        ("output_bits", np.int64),
        ("sum_bits", np.int64),
    ]
)

PART = np.dtype(
    [
        ("begin", np.int64),  # rows, or pixels of a row, of the output
        ("end", np.int64),
        ("touched", np.int64),  # distinct inputs that they read
        ("first_input", np.int64),
    ]
)
"""A part of the output's rows, or of the pixels of a row; a block is one of each."""

PLACE = np.dtype(
    [
        ("group", np.int64),  # first group, channel and column of the tile, and how many
        ("groups", np.int64),
        ("channel", np.int64),
        ("channels", np.int64),
        ("n", np.int64),
        ("ns", np.int64),
        ("output", np.int64),  # first position in the output, and how many
        ("outputs", np.int64),
        ("input", np.int64),  # first input pixel, and how many
        ("inputs", np.int64),
        ("columns", np.int64),  # input pixels of one row
    ]
)


@njit
def locate(place, layout, rows, pixels, group, block, n, channel):
    """Fill in the extents of the tile of these indices."""
    place["group"] = group * layout["tile_groups"]
    place["groups"] = min(layout["tile_groups"], layout["groups"] - place["group"])
    place["channel"] = channel * layout["tile_channels"]
    place["channels"] = min(layout["tile_channels"], layout["channels"] - place["channel"])
    place["n"] = n * layout["tile_n"]
    place["ns"] = min(layout["tile_n"], layout["n"] - place["n"])
    row = rows[block // len(pixels)]
    pixel = pixels[block % len(pixels)]
    place["output"] = row["begin"] * layout["row_pixels"] + pixel["begin"]
    place["outputs"] = (row["end"] - row["begin"]) * (pixel["end"] - pixel["begin"])
    place["input"] = row["first_input"] * layout["image_pixels"] + pixel["first_input"]
    place["inputs"] = row["touched"] * pixel["touched"]
    place["columns"] = pixel["touched"]


@njit
def storage(elements, bits):
    """Bytes that packed elements take."""
    return (elements * bits + 7) // 8


@njit
def set_columns(command, bits, elements, run, stride, offset):
    """Elements in runs, a stride apart."""
    size = storage(elements, bits)
    segment = min(size, storage(run, bits))
    command["bytes"] = size
    command["segment_bytes"] = segment
    command["stride_bytes"] = max(segment, storage(stride, bits))
    command["offset_bytes"] = offset * bits // 8


@njit
def ifmap_elements(place):
    """Elements of an input tile; none if it reads nothing but padding."""
    return place["groups"] * place["channels"] * place["inputs"]


@njit
def place_ifmap(command, layout, place):
    """The input pixels that a block of output reads, some channels of some groups."""
    elements = ifmap_elements(place)
    run = place["channels"]
    whole_depth = place["channels"] == layout["channels"]
    if layout["image"] == 0:
        stride = layout["channels"]
        if whole_depth:
            run *= place["outputs"]
            if place["outputs"] == layout["rows"]:
                run *= place["groups"]
        first = place["group"] * layout["rows"] + place["output"]
        offset = first * layout["channels"] + place["channel"]
    else:
        all_channels = layout["channels"] * layout["groups"]
        stride = all_channels
        if whole_depth:
            run *= place["groups"]
        if run == all_channels and layout["pixels_contiguous"] == 1:
            run *= place["columns"]
            stride *= layout["image_pixels"]
            if place["columns"] == layout["image_pixels"] and layout["rows_contiguous"] == 1:
                run = elements
        offset = place["input"] * all_channels
        offset += place["group"] * layout["channels"] + place["channel"]
    set_columns(command, layout["operand_bits"], elements, run, stride, offset)


@njit
def place_filters(command, layout, place):
    """A tile of the second operand: weights lie together, activations row by row."""
    depth = layout["channels"] * layout["window"]
    depth_begin = place["channel"] * layout["window"]
    elements = place["groups"] * place["channels"] * layout["window"] * place["ns"]
    run = elements
    stride = elements
    if layout["filter_is_weights"] == 1:
        offset = place["n"] * depth + depth_begin * place["ns"]
        offset = place["group"] * depth * layout["n"] + place["groups"] * offset
    else:
        offset = (place["group"] * depth + depth_begin) * layout["n"] + place["n"]
        if place["ns"] != layout["n"]:
            run = place["ns"]
            stride = layout["n"]
    set_columns(command, layout["operand_bits"], elements, run, stride, offset)


@njit
def place_ofmap(command, layout, place):
    """A tile of the complete output."""
    elements = place["groups"] * place["outputs"] * place["ns"]
    run = place["ns"]
    if layout["image"] == 0:
        stride = layout["n"]
        if run == layout["n"]:
            run *= place["outputs"]
            if place["outputs"] == layout["rows"]:
                run *= place["groups"]
        first = place["group"] * layout["rows"] + place["output"]
        offset = first * layout["n"] + place["n"]
    else:
        stride = layout["n"] * layout["groups"]
        if run == layout["n"]:
            run *= place["groups"]
        if run == stride:
            run *= place["outputs"]
        offset = place["output"] * stride + place["group"] * layout["n"] + place["n"]
    set_columns(command, layout["output_bits"], elements, run, stride, offset)


@njit
def place_sums(command, layout, place):
    """A tile of partial sums, which lies together."""
    elements = place["groups"] * place["outputs"] * place["ns"]
    offset = place["output"] * layout["n"] + place["outputs"] * place["n"]
    of_groups = place["group"] * layout["rows"] * layout["row_pixels"] * layout["n"]
    offset = of_groups + place["groups"] * offset
    set_columns(command, layout["sum_bits"], elements, elements, elements, offset)
