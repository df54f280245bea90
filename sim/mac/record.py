"""A number format as kernels take it: one record of integers."""

from typing import Any

import numpy as np

from arch.errors import InputError
from arch.mac.kinds import CODEC_BITS, Float, Int, Posit, Scalar

INT, FLOAT, POSIT = range(3)
NO_SPECIALS, IEEE, NAN_ONLY, UNSIGNED_ZERO = range(4)
SATURATE, SPECIAL, WRAP = range(3)
FINITE, INFINITE, NOT_A_NUMBER = range(3)
"""Classes of a number; zero is finite."""
NO_CODE = -1
"""In place of a code: the format has none for the result."""

WRAP_BITS = 16

FORMAT = np.dtype(
    [
        ("kind", np.int64),  # INT, FLOAT or POSIT
        ("bits", np.int64),
        ("signed", np.int64),
        ("overflow", np.int64),  # SATURATE, SPECIAL or WRAP
        ("specials", np.int64),  # of a float: NO_SPECIALS ... UNSIGNED_ZERO
        ("mantissa", np.int64),  # bits of a float's mantissa
        ("exponent_least", np.int64),  # of a float's smallest normal number
        ("zero", np.int64),  # whether a float's exponent 0 is that of subnormals
        ("largest", np.int64),  # code of the largest number, without sign
        ("least", np.int64),  # of an integer: lowest that is rounded to, in units of its last bit
        ("point", np.int64),  # bits of an integer behind the point
        ("es", np.int64),  # bits of a posit's exponent
        ("infinity", np.int64),  # code, or NO_CODE
        ("nan", np.int64),  # code of the NaN that results are, or NO_CODE
    ]
)
_SPECIALS = {"none": NO_SPECIALS, "ieee": IEEE, "nan": NAN_ONLY, "unsigned_zero": UNSIGNED_ZERO}
_OVERFLOW = {"saturate": SATURATE, "special": SPECIAL, "wrap": WRAP}


def record_of(form: Scalar) -> Any:
    """The record of a format, as an array of one.

    Raises InputError for a format that is too wide to be computed with.
    """
    if form.bits > CODEC_BITS:
        raise InputError(
            f"{form.name}: elements of {form.bits} bits are stored, not computed with; "
            f"give a format of {CODEC_BITS} bits at most"
        )
    if form.overflow == "wrap" and form.bits > WRAP_BITS:
        raise InputError(f"{form.name}: integers that wrap have {WRAP_BITS} bits at most")
    made = np.zeros(1, FORMAT)
    row = made[0]
    row["bits"], row["signed"] = form.bits, form.signed
    row["overflow"] = _OVERFLOW[form.overflow]
    row["infinity"] = row["nan"] = NO_CODE
    if isinstance(form, Int):
        row["kind"], row["point"] = INT, form.point
        unit = form.smallest
        row["largest"], row["least"] = int(form.largest / unit), int(form.least / unit)
    elif isinstance(form, Posit):
        row["kind"], row["es"] = POSIT, form.es
        row["largest"] = 2 ** (form.bits - 1) - 1
        row["nan"] = 2 ** (form.bits - 1)
    else:
        _float(row, form)
    return made


def _float(row: Any, form: Float) -> None:
    row["kind"], row["specials"] = FLOAT, _SPECIALS[form.specials]
    row["mantissa"], row["exponent_least"] = form.mantissa_bits, form.exponent_least
    row["zero"], row["largest"] = form.zero, form.largest_code
    magnitude_bits = form.bits - form.signed
    if form.specials == "ieee":
        row["infinity"] = form.largest_code + 1
        row["nan"] = form.largest_code + 1 + 2 ** (form.mantissa_bits - 1)
    elif form.specials == "nan":
        row["nan"] = 2**magnitude_bits - 1
    elif form.specials == "unsigned_zero":
        row["nan"] = 2**magnitude_bits
