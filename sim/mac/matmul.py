"""Products of matrices of codes: from tables where formats allow it, else by ``sim.mac.dots``."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mac.formats import FORMATS
from arch.mac.kinds import Int, Posit, Scalar, power
from arch.mac.ranges import significand_bits
from sim.mac import chain, dots, fast, formats
from sim.mac.formats import Codes, Mode, Named
from sim.mac.quire import CARRY_LIMBS, LIMB_BITS
from sim.mac.record import NO_CODE, record_of

FP32_SIGNIFICAND = 24
TABLE_BITS = 16
"""Widest operand that is looked up."""
WORD_BITS = 62
"""Of an int64, as a sum takes them."""
NARROW_BITS = 31
SPAN_MOST = WORD_BITS - 7
"""From the lowest bit to the largest number of a format whose chains are summed in an int64: two
bits stay below, three above."""
TOPS = 64


def matmul(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    form: Named,
    *,
    b_form: Named | None = None,
    out: Named | None = None,
    mode: Mode = "quire",
    scale_exponent: int = 0,
) -> Codes:
    """Codes of ``a`` [m, k] times ``b`` [k, n]; as ``formats.dot`` of rows and columns.

    A quire is multiplied by 2 to ``scale_exponent`` before it is rounded. Raises InputError for
    that with a chain or with formats of more than 16 bits.
    """
    chosen = (
        formats.resolved(form), formats.resolved(b_form or form), formats.resolved(out or form)
    )  # fmt: skip
    left, right = formats.codes_of(a, chosen[0], "a"), formats.codes_of(b, chosen[1], "b")
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[0]:
        raise InputError(
            f"matrices of shapes {left.shape} and {right.shape} have no product; "
            "give [m, k] and [k, n]"
        )
    found = np.full((left.shape[0], right.shape[1]), NO_CODE, np.int64)
    if scale_exponent and (mode == "chain" or max(f.bits for f in chosen[:2]) > TABLE_BITS):
        raise InputError(
            f"scale_exponent {scale_exponent}: is for quires, of formats of {TABLE_BITS} bits"
        )
    if formats.check_mode(mode) == "quire":
        _once(left, right, chosen, found, scale_exponent)
    else:
        _chain(left, right, chosen, found)
    _plainly(left, right, chosen, mode, found)
    formats.refuse_no_code(found, chosen[2])
    return found


def _plainly(a: Codes, b: Codes, chosen: tuple[Scalar, ...], mode: Mode, found: Codes) -> None:
    """Work out what tables did not."""
    rows, columns = np.nonzero(found == NO_CODE)
    if not rows.size:
        return
    forms, out = formats.records_of(chosen), np.empty(1, np.int64)
    across = np.ascontiguousarray(b.T)
    limbs, exponent = formats.quire_for(chosen)
    start = np.zeros(1, np.int64)
    for i, j in zip(rows, columns, strict=True):
        row, column = a[i : i + 1], across[j : j + 1]
        if mode == "quire":
            dots.dots_once(row, column, start, forms, limbs, exponent, out)
        else:
            dots.dots_chain(row, column, start, forms, out)
        found[i, j] = out[0]


def span(form: Scalar) -> int:
    """Bits from the lowest to beyond the largest number."""
    least, most = formats.range_of(form)
    return most - least


@lru_cache(maxsize=64)
def _packed(form: Scalar) -> tuple[npt.NDArray[np.int32], int]:
    """A table of packed numbers, and the exponent that they are above."""
    least = formats.range_of(form)[0] - significand_bits(form) + 1
    table = np.empty(2**form.bits, np.int32)
    fast.pack_table(record_of(form), significand_bits(form), least, table)
    return table, least


def _looked_up(codes: Codes, form: Scalar) -> npt.NDArray[np.int32]:
    out = np.empty(codes.shape, np.int32)
    fast.pack(codes, _packed(form)[0], out)
    return out


@lru_cache(maxsize=64)
def _fixed(form: Scalar) -> npt.NDArray[np.int32]:
    """A table of numbers in units of the format's lowest bit."""
    table = np.empty(2**form.bits, np.int32)
    fast.fixed_table(record_of(form), formats.range_of(form)[0], table)
    return table


def _once(a: Codes, b: Codes, chosen: tuple[Scalar, ...], found: Codes, scale: int) -> None:
    form, b_form, out = chosen
    if max(form.bits, b_form.bits) > TABLE_BITS or not found.size:
        return
    spans = span(form), span(b_form)
    sum_bits = sum(spans) + max(a.shape[1], 1).bit_length()
    if max(spans) <= NARROW_BITS and sum_bits <= WORD_BITS and not _any_special(a, b, chosen):
        left, right = np.empty(a.shape, np.int32), np.empty(b.shape, np.int32)
        fast.pack(a, _fixed(form), left)
        fast.pack(b, _fixed(b_form), right)
        exponent = formats.range_of(form)[0] + formats.range_of(b_form)[0] + scale
        sums = np.empty(b.shape[1], np.int64)
        fast.matmul_fixed(left, right, exponent, record_of(out), sums, found)
        return
    width = significand_bits(form) + significand_bits(b_form)
    places = sum(spans)
    bins = np.zeros(((places >> fast.BIN_SHIFT) + 1) * fast.WAYS, np.int64)
    limbs = np.zeros((places + width) // LIMB_BITS + 1 + CARRY_LIMBS, np.int64)
    exponent = _packed(form)[1] + _packed(b_form)[1] + scale
    chunk = 1 << (WORD_BITS - width - fast.BIN_MASK)
    across = np.ascontiguousarray(_looked_up(b, b_form).T)
    fast.matmul_bins(
        _looked_up(a, form), across, exponent, chunk, record_of(out), bins, limbs, found
    )


def _any_special(a: Codes, b: Codes, chosen: tuple[Scalar, ...]) -> bool:
    return any(
        bool((_packed(form)[0][codes] == 1).any())
        for codes, form in zip((a, b), chosen, strict=False)
        if (_packed(form)[0] == 1).any()
    )


def _values(codes: Codes, form: Scalar) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = _value_table(form)[codes]
    return values


@lru_cache(maxsize=64)
def _value_table(form: Scalar) -> npt.NDArray[np.float32]:
    return formats.decode(np.arange(2**form.bits), form).astype(np.float32)


@lru_cache(maxsize=64)
def _extremes(form: Scalar, unit: int) -> Codes:
    tables = np.zeros((3, TOPS), np.int64)
    if isinstance(form, Posit):
        chain.extremes_of_posit(record_of(form), unit, *tables)
    return tables


def _chain(a: Codes, b: Codes, chosen: tuple[Scalar, ...], found: Codes) -> None:
    form, b_form, out = chosen
    if max(form.bits, b_form.bits) > TABLE_BITS or isinstance(out, Int) or not found.size:
        return
    width = significand_bits(form) + significand_bits(b_form)
    if out == FORMATS["fp32"] and width <= FP32_SIGNIFICAND:
        values = np.empty(found.shape)
        sums32 = np.empty(b.shape[1], np.float32)
        chain.matmul_float32(_values(a, form), _values(b, b_form), sums32, values)
        found[:] = formats.encode(values, out)
        return
    # A posit has no infinity to come to, so a bit less above it will do.
    if span(out) > SPAN_MOST + isinstance(out, Posit) or not out.signed:
        return
    left, right = _looked_up(a, form), _looked_up(b, b_form)
    unit = formats.range_of(out)[0] - 2
    up = WORD_BITS - 1 - width
    back = up + unit - _packed(form)[1] - _packed(b_form)[1]
    most = int(out.largest / power(unit))
    sums, exact = (np.empty(b.shape[1], np.int64) for _ in range(2))
    chain.matmul_chain(
        left, right, unit, up, back, record_of(out), _extremes(out, unit), most, sums, exact, found
    )  # fmt: skip
    found[(left & 1).any(axis=1)] = NO_CODE
    found[:, (right & 1).any(axis=0)] = NO_CODE
