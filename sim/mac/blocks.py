"""Blocks of numbers that share a scale: quantise, dequantise, and dots.

MX scales are those of OCP MX v1.0, 6.3: the exponent of the block's largest magnitude less that of
the element format's. The others scale a block's largest magnitude to the element format's, and the
tensor's to the scale format's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mac.formats import format_named
from arch.mac.kinds import Block, Scalar
from sim.mac import dots, formats
from sim.mac.formats import Codes, Named, Values


@dataclass(frozen=True)
class BlockTensor:
    """Codes of a tensor whose last axis is cut into blocks; the last of them may be shorter."""

    form: Block
    elements: Codes
    """[..., n]"""
    scales: Codes
    """[..., blocks]"""
    tensor_scale: float = 1.0

    def values(self) -> Values:
        """What the codes stand for, in float64; exact without a tensor scale."""
        scales = formats.decode(self.scales, self.form.scale) * self.tensor_scale
        each = np.repeat(scales, self.form.size, axis=-1)[..., : self.elements.shape[-1]]
        return formats.decode(self.elements, self.form.element) * each


def block_named(form: str | Block) -> Block:
    """The block format of a name. Raises InputError for any other."""
    found = format_named(form) if isinstance(form, str) else form
    if not isinstance(found, Block):
        raise InputError(f"{found.name}: holds single numbers; give a block format, as mxfp8_e4m3")
    return found


def quantise(values: npt.ArrayLike, form: str | Block) -> BlockTensor:
    """The nearest elements of values under the scales of their blocks.

    Scaling by a power of two is exact; other quotients are nearest if ``values`` are of float32.
    Raises InputError for NaN and infinity, which no scale can be made for.
    """
    form = block_named(form)
    given = np.asarray(values, dtype=np.float64)
    if not given.ndim or not np.isfinite(given).all():
        raise InputError(f"values for {form.name}: give finite numbers with an axis to cut")
    length = given.shape[-1]
    blocks = -(-length // form.size)
    padded = np.zeros((*given.shape[:-1], blocks * form.size))
    padded[..., :length] = given
    padded = padded.reshape(*given.shape[:-1], blocks, form.size)
    most = np.abs(padded).max(axis=-1, initial=0.0)
    tensor_scale = 1.0
    if form.scale.mantissa_bits:
        tensor_scale = _tensor_scale(form, float(most.max(initial=0.0)))
        scales = formats.encode(most / (float(form.element.largest) * tensor_scale), form.scale)
    else:
        scales = _power_scales(form, most)
    steps = formats.decode(scales, form.scale) * tensor_scale
    with np.errstate(divide="ignore", invalid="ignore"):
        quotients = np.where(steps[..., None] > 0, padded / steps[..., None], 0.0)
    elements = formats.encode(quotients, form.element)
    elements = elements.reshape(*given.shape[:-1], blocks * form.size)[..., :length]
    return BlockTensor(form, elements, scales, tensor_scale)


def _power_scales(form: Block, most: Values) -> Codes:
    """Codes of a scale that is all exponent; of a block of zeros the lowest."""
    _, exponents = np.frexp(most)
    # floor(log2(largest)): frexp has its fraction in [1/2, 1).
    largest = np.frexp(float(form.element.largest))[1] - 1
    codes = exponents - 1 - largest - form.scale.exponent_least
    return np.where(most > 0, np.clip(codes, 0, form.scale.largest_code), 0).astype(np.int64)


def _tensor_scale(form: Block, most: float) -> float:
    if form.tensor_scale is None or most == 0:
        return 1.0
    wanted = most / (float(form.scale.largest) * float(form.element.largest))
    return float(formats.decode(formats.encode(wanted, form.tensor_scale), form.tensor_scale))


def dot(
    a_elements: npt.ArrayLike,
    a_scales: npt.ArrayLike,
    b_elements: npt.ArrayLike,
    b_scales: npt.ArrayLike,
    form: str | Block,
    *,
    b_form: str | Block | None = None,
    out: Named = "fp32",
) -> Codes:
    """Dots of rows of whole blocks: each block's exact sum times its two scales, all added exactly
    and rounded once. Scales of tensors are left to who calls.

    - ``*_elements`` [rows, n], ``*_scales`` [rows, blocks]: codes
    - ``form``, ``b_form``: of ``a`` and of ``b``, of one block size; the same if one is given
    """
    a_block, b_block = block_named(form), block_named(b_form or form)
    if a_block.size != b_block.size:
        raise InputError(
            f"{a_block.name} has blocks of {a_block.size}, {b_block.name} of {b_block.size}; "
            "give formats of one block size"
        )
    result = formats.resolved(out)
    a, b = (
        np.atleast_2d(formats.codes_of(codes, block.element, what))
        for codes, block, what in ((a_elements, a_block, "a"), (b_elements, b_block, "b"))
    )
    a_scale, b_scale = (
        np.atleast_2d(formats.codes_of(codes, block.scale, what))
        for codes, block, what in ((a_scales, a_block, "a scale"), (b_scales, b_block, "b scale"))
    )
    expected = (a.shape[0], a.shape[-1] // a_block.size)
    if a.shape != b.shape or a_scale.shape != expected or b_scale.shape != expected:
        raise InputError(
            f"elements {a.shape} and {b.shape}, scales {a_scale.shape} and {b_scale.shape}: give "
            f"equal shapes, and a scale for each {a_block.size} elements of a row"
        )
    if a.shape[-1] % a_block.size:
        raise InputError(f"rows of {a.shape[-1]} elements are not whole blocks of {a_block.size}")
    every: tuple[Scalar, ...] = (
        a_block.element, b_block.element, a_block.scale, b_block.scale, result
    )  # fmt: skip
    scale_range = np.add(formats.range_of(a_block.scale), formats.range_of(b_block.scale))
    limbs, exponent = formats.quire_for(
        (a_block.element, b_block.element, result), (int(scale_range[0]), int(scale_range[1]))
    )
    found = np.empty(a.shape[0], np.int64)
    forms = formats.records_of(every)
    dots.block_dots(a, b, a_scale, b_scale, a_block.size, forms, limbs, exponent, found)
    formats.refuse_no_code(found, result)
    return found
