"""A matrix product as the mapping sees it: extents, footprints and layouts.

M runs over output rows (``rows``) of ``row_pixels`` pixels each; for a plain product a row has
one pixel. K runs over channels, ``window`` values each.
"""

from dataclasses import dataclass

from traces.operators import Conv2d, Gemm


@dataclass(frozen=True)
class Axis:
    """One image dimension of a convolution: where output positions read their input."""

    extent: int
    filt: int
    stride: int
    pad: int
    dilation: int

    @property
    def contiguous(self) -> bool:
        """Whether neighbouring outputs read neighbouring inputs, with nothing between."""
        return self.dilation == 1 and self.stride <= self.filt

    def touched(self, first: int, last: int) -> int:
        """Distinct input positions that output positions ``first`` to ``last - 1`` read."""
        if first >= last:
            return 0
        reach = (self.filt - 1) * self.dilation
        if self.contiguous or (last - first == 1 and self.dilation == 1):
            low = max(0, first * self.stride - self.pad)
            high = min(self.extent, (last - 1) * self.stride - self.pad + reach + 1)
            return max(0, high - low)
        places: set[int] = set()
        for tap in range(self.filt):
            start = first * self.stride - self.pad + tap * self.dilation
            stop = start + (last - first - 1) * self.stride + 1
            skip = max(0, -(start // self.stride)) if start < 0 else 0
            places.update(range(start + skip * self.stride, min(stop, self.extent), self.stride))
        return len(places)


PLAIN = Axis(extent=2**62, filt=1, stride=1, pad=0, dilation=1)


@dataclass(frozen=True)
class Product:
    """``groups`` independent products of M x K by K x N, with the layout of their operands."""

    name: str
    rows: int
    row_pixels: int
    n: int
    channels: int
    """Channels of one group; K is ``channels * window``."""
    window: int
    groups: int
    rows_per_image: int
    row_axis: Axis
    pixel_axis: Axis
    image_rows: int
    """Input rows of an image, 0 for a plain product."""
    image_pixels: int
    filter_is_weights: bool
    output_bits: int
    """Width of a complete result."""

    @property
    def m(self) -> int:
        return self.rows * self.row_pixels

    @property
    def k(self) -> int:
        return self.channels * self.window

    def input_pixels(self, row: int, row_end: int, pixel: int, pixel_end: int) -> int:
        """Distinct input pixels that a block of output reads, image by image."""
        return self.input_rows(row, row_end) * self.pixel_axis.touched(pixel, pixel_end)

    def input_rows(self, row: int, row_end: int) -> int:
        """Distinct input rows that rows of output read, image by image."""
        total = 0
        per_image = self.rows_per_image
        while row < row_end:
            image = row // per_image
            stop = min(row_end, (image + 1) * per_image)
            whole = (row_end - row) // per_image if row % per_image == 0 else 0
            if whole > 1:
                total += whole * self.row_axis.touched(0, per_image)
                row += whole * per_image
                continue
            total += self.row_axis.touched(row - image * per_image, stop - image * per_image)
            row = stop
        return total


def product_of(operator: Gemm | Conv2d, lanes: int = 1, output_bits: int = 8) -> Product:
    """The product that an operator is, of words of ``lanes`` channels; im2col for a convolution."""
    if isinstance(operator, Gemm):
        return Product(
            name=operator.name,
            rows=operator.m,
            row_pixels=1,
            n=operator.n,
            channels=-(-operator.k // lanes),
            window=1,
            groups=operator.batch,
            rows_per_image=operator.m,
            row_axis=PLAIN,
            pixel_axis=PLAIN,
            image_rows=0,
            image_pixels=1,
            filter_is_weights=operator.second_operand == "weights",
            output_bits=output_bits,
        )
    return Product(
        name=operator.name,
        rows=operator.batch * operator.out_h,
        row_pixels=operator.out_w,
        n=operator.n,
        channels=-(-operator.channels // (operator.groups * lanes)),
        window=operator.filt_h * operator.filt_w,
        groups=operator.groups,
        rows_per_image=operator.out_h,
        row_axis=Axis(
            operator.in_h, operator.filt_h, operator.stride_h, operator.pad_top,
            operator.dilation_h,
        ),
        pixel_axis=Axis(
            operator.in_w, operator.filt_w, operator.stride_w, operator.pad_left,
            operator.dilation_w,
        ),
        image_rows=operator.in_h,
        image_pixels=operator.in_w,
        filter_is_weights=True,
        output_bits=output_bits,
    )  # fmt: skip
