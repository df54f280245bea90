"""Matrix products to commands: the tables that the kernel of ``emit`` works on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from arch.commands import COMMAND
from arch.machine import Machine
from arch.vector import VECTOR_OPS, VectorOp
from traces.mapping.candidates import pixel_parts, row_parts
from traces.mapping.emit import JOB, SHARE, emit
from traces.mapping.layout import LAYOUT, PART, PLACE
from traces.mapping.partition import Split
from traces.mapping.precision import Words
from traces.mapping.product import Product
from traces.mapping.program import CURSOR
from traces.mapping.slots import SLOTS, TILE
from traces.mapping.tiling import Tiling

Structured = npt.NDArray[np.void]
Emitted = tuple[Structured, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Epilogue:
    """What is done to each output tile before it leaves."""

    vector_ops: tuple[VectorOp, ...] = ()
    """One operation an element each."""
    residuals: tuple[str, ...] = ()
    """Tensors of the output's shape that are read beside it."""


@dataclass(frozen=True)
class Tensors:
    """Indices in the tensor table."""

    ifmap: int
    filters: int
    ofmap: int
    sums: int
    residuals: tuple[int, ...]


class Tiles(NamedTuple):
    """Tiles of a product along each of its dimensions."""

    groups: int
    blocks: int
    ns: int
    channels: int


def emit_product(
    machine: Machine,
    product: Product,
    tiling: Tiling,
    epilogue: Epilogue,
    tensors: Tensors,
    split: Split,
    words: Words,
) -> Emitted:
    """Commands and dependencies of a product that is split over the cores."""
    rows, pixels = _row_table(product, tiling.rows), _pixel_table(product, tiling.pixels)
    tiles = Tiles(
        groups=-(-product.groups // tiling.groups),
        blocks=len(rows) * len(pixels),
        ns=-(-product.n // tiling.n),
        channels=-(-product.channels // tiling.channels),
    )
    shares = _shares(tiles, split)
    slots = np.zeros(3, SLOTS)
    slots["count"] = tiling.slots
    cursor = np.zeros(1, CURSOR)
    arguments = (
        cursor,
        _job(machine, tiling, tensors, tiles, words),
        _layout(machine, product, tiling),
        rows,
        pixels,
        shares,
        np.array(tensors.residuals, np.int64),
        np.array([VECTOR_OPS.index(op) for op in epilogue.vector_ops], np.int64),
        np.zeros(2, PLACE),
        slots,
        np.empty(_tiles_of_largest(shares, tiles), TILE),
        np.array(["mnk".index(loop) for loop in tiling.order], np.int64),
        np.zeros(3, np.int64),
        np.zeros(3, np.int64),
    )
    emit(np.zeros(0, COMMAND), np.zeros(0, np.int64), *arguments)
    commands = np.zeros(cursor["command"][0], COMMAND)
    dependencies = np.zeros(cursor["dependency"][0], np.int64)
    cursor[:] = 0
    emit(commands, dependencies, *arguments)
    return commands, dependencies


def _job(
    machine: Machine, tiling: Tiling, tensors: Tensors, tiles: Tiles, words: Words
) -> Structured:
    return _record(
        JOB,
        has_memory=machine.memory is not None,
        keeps_sums=tiling.keeps_sums,
        pack=tiling.pack,
        ifmap=tensors.ifmap,
        filters=tensors.filters,
        ofmap=tensors.ofmap,
        sums=tensors.sums,
        depths=tiles.channels,
        output_bits=words.given_bits,
        mode=words.mode,
        result=words.result,
    )


def _layout(machine: Machine, product: Product, tiling: Tiling) -> Structured:
    return _record(
        LAYOUT,
        image=product.image_rows > 0,
        rows=product.rows,
        row_pixels=product.row_pixels,
        n=product.n,
        channels=product.channels,
        window=product.window,
        groups=product.groups,
        image_pixels=product.image_pixels,
        rows_contiguous=product.row_axis.contiguous,
        pixels_contiguous=product.pixel_axis.contiguous,
        filter_is_weights=product.filter_is_weights,
        tile_groups=tiling.groups,
        tile_n=tiling.n,
        tile_channels=tiling.channels,
        operand_bits=machine.array.operand_bits,
        output_bits=product.output_bits,
        sum_bits=machine.array.accumulator_bits,
    )


def _record(dtype: np.dtype[np.void], **fields: int) -> Structured:
    """An array of one record."""
    return np.array([tuple(fields[name] for name in dtype.names or ())], dtype)


def _row_table(product: Product, rows: int) -> Structured:
    """Parts of the output's rows; those of one image read what they read in the first."""
    parts = row_parts(product, rows)
    if product.image_rows == 0:
        return _parts((begin, end, end - begin, begin) for begin, end in parts)
    axis, per_image = product.row_axis, product.rows_per_image
    touched: dict[tuple[int, int], int] = {}
    table = []
    for begin, end in parts:
        image, row = divmod(begin, per_image)
        size = end - begin
        if (row, size) not in touched:
            touched[row, size] = product.input_rows(begin, end)
        first = image * product.image_rows + max(0, row * axis.stride - axis.pad)
        table.append((begin, end, touched[row, size], first))
    return _parts(table)


def _pixel_table(product: Product, pixels: int) -> Structured:
    """Parts of the pixels of an output row."""
    axis = product.pixel_axis
    return _parts(
        (begin, end, axis.touched(begin, end), max(0, begin * axis.stride - axis.pad))
        for begin, end in pixel_parts(product, pixels)
    )


def _parts(rows: Iterable[tuple[int, int, int, int]]) -> Structured:
    return np.array(list(rows), np.int64).reshape(-1).view(PART)


def _shares(tiles: Tiles, split: Split) -> Structured:
    """What each core does: consecutive tiles of each dimension that is split, as even as can be."""
    shares = []
    counts = (tiles.groups, tiles.blocks, tiles.ns)
    for core in range(split.cores):
        parts = []
        for count, at, of in zip(counts, split.place(core), split, strict=True):
            begin, end = count * at // of, count * (at + 1) // of
            parts += [begin, end - begin]
        if parts[1] and parts[3] and parts[5]:
            shares.append((core, *parts))
    return np.array(shares, SHARE)


def _tiles_of_largest(shares: Structured, tiles: Tiles) -> int:
    """Tiles of the three operands of the largest share."""
    groups, blocks, ns = shares["groups"], shares["blocks"], shares["ns"]
    counts = groups * (blocks * tiles.channels + ns * tiles.channels + blocks * ns)
    return int(counts.max())
