"""Arithmetic on codes of number formats: decode, encode, multiply, add and dot, bit by bit.

Codes are integers without sign, of any shape, one a format's element; results are int64. What a
format cannot hold (NaN, infinity, a negative number) raises InputError here; kernels never raise.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from arch.mac.formats import scalar_named
from arch.mac.kinds import Float, Int, Scalar
from arch.mac.ranges import magnitude_exponent, unit_exponent
from sim.mac import codec, dots, operations
from sim.mac.quire import CARRY_LIMBS, LIMB_BITS
from sim.mac.record import FORMAT, NO_CODE, record_of

Codes = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Mode = Literal["quire", "chain"]
"""``quire``: the exact sum, rounded once. ``chain``: rounded after each multiply-and-add."""
Named = str | Scalar


def resolved(form: Named) -> Scalar:
    """The format itself, or the one of a name. Raises InputError."""
    return scalar_named(form) if isinstance(form, str) else form


def codes_of(codes: npt.ArrayLike, form: Scalar, what: str = "codes") -> Codes:
    """Codes as kernels take them. Raises InputError for what is no code of the format."""
    given = np.asarray(codes)
    if given.dtype.kind not in "iu" and given.size:
        raise InputError(f"{what} of {form.name}: are {given.dtype}; give integers")
    most = 2**form.bits - 1
    # Before the conversion, which would wrap.
    wrong = (given < 0) | (given > most)
    if wrong.any():
        first = int(given[wrong].flat[0])
        raise InputError(f"{what} of {form.name}: {first} is none; codes are 0 to {most}")
    codes_given: Codes = for_kernels(given, np.int64)
    return codes_given


def for_kernels(given: npt.NDArray[Any], dtype: Any) -> Any:
    """In C order and writable: any other array would compile the kernels again."""
    made = np.asarray(given, dtype=dtype, order="C")
    return made if made.flags.writeable else made.copy()


def decode(codes: npt.ArrayLike, form: Named) -> Values:
    """Values of codes; each is exact. NaN and NaR are NaN. Raises InputError for other codes."""
    form = resolved(form)
    given = codes_of(codes, form)
    out = np.empty(given.size)
    codec.decode_all(given.ravel(), record_of(form), out)
    return out.reshape(given.shape)


def encode(values: npt.ArrayLike, form: Named) -> Codes:
    """The nearest codes of values, which are taken as float64.

    Raises InputError for NaN, infinity or a negative number in a format without.
    """
    form = resolved(form)
    given = np.asarray(values)
    if given.dtype.kind not in "iufb" and not _is_small_float(given):
        raise InputError(f"values for {form.name}: are {given.dtype}; give real numbers")
    given = for_kernels(given, np.float64)
    refuse_missing(given, form)
    out = np.empty(given.size, np.int64)
    codec.encode_all(given.ravel(), record_of(form), out)
    return out.reshape(given.shape)


def _is_small_float(values: npt.NDArray[Any]) -> bool:
    """Whether it is a type of ml_dtypes, which NumPy knows as bytes."""
    return values.dtype.kind == "V" and values.dtype.names is None and values.dtype.itemsize < 3


def refuse_missing(values: Values, form: Scalar, what: str = "values") -> None:
    """Raise InputError for the first value that a format has no code for."""
    wrong = np.zeros(values.shape, bool)
    if isinstance(form, Int) or (isinstance(form, Float) and form.specials == "none"):
        wrong |= np.isnan(values)
    if isinstance(form, Int) or (isinstance(form, Float) and not form.has_infinity):
        wrong |= np.isinf(values)
    if not form.signed:
        wrong |= values < 0
    if isinstance(form, Float) and not form.zero:
        wrong |= values == 0
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        at = f" at {list(index)}" if index else ""
        raise InputError(
            f"{what}{at}: {form.name} has no {values[index]}; "
            f"its numbers are {float(form.least):g} to {float(form.largest):g}"
        )


def multiply(a: npt.ArrayLike, b: npt.ArrayLike, form: Named) -> Codes:
    """Codes of the rounded products of codes, element by element."""
    return _pairwise(operations.multiply_all, a, b, resolved(form))


def add(a: npt.ArrayLike, b: npt.ArrayLike, form: Named) -> Codes:
    """Codes of the rounded sums of codes, element by element."""
    return _pairwise(operations.add_all, a, b, resolved(form))


def _pairwise(kernel: Any, a: npt.ArrayLike, b: npt.ArrayLike, form: Scalar) -> Codes:
    left, right = _broadcast(codes_of(a, form), codes_of(b, form))
    out = np.empty(left.size, np.int64)
    kernel(left.ravel(), right.ravel(), record_of(form), out)
    return out.reshape(left.shape)


def _broadcast(a: Codes, b: Codes) -> tuple[Codes, Codes]:
    try:
        left, right = np.broadcast_arrays(a, b)
    except ValueError:
        raise InputError(
            f"codes of shapes {a.shape} and {b.shape} do not go together; give equal shapes"
        ) from None
    return for_kernels(left, np.int64), for_kernels(right, np.int64)


def dot(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    form: Named,
    *,
    b_form: Named | None = None,
    out: Named | None = None,
    mode: Mode = "quire",
    start: npt.ArrayLike = 0,
) -> Codes:
    """Dots along the last axis.

    - ``form``, ``b_form``: of ``a`` and ``b``; of ``b`` the same if none is given
    - ``out``: format of the result and, in a chain, of all sums; that of ``a`` if none is given
    - ``start``: codes of ``out`` that the sums start with
    """
    formats = (resolved(form), resolved(b_form or form), resolved(out or form))
    left, right = _broadcast(codes_of(a, formats[0], "a"), codes_of(b, formats[1], "b"))
    if not left.ndim:
        raise InputError("a dot of two single codes; give arrays with an axis to sum along")
    shape, length = left.shape[:-1], left.shape[-1]
    rows = int(np.prod(shape))
    left, right = left.reshape(rows, length), right.reshape(rows, length)
    begin = _starts(start, formats[2], shape)
    found = np.empty(rows, np.int64)
    forms = records_of(formats)
    if check_mode(mode) == "quire":
        limbs, exponent = quire_for(formats)
        dots.dots_once(left, right, begin, forms, limbs, exponent, found)
    else:
        dots.dots_chain(left, right, begin, forms, found)
    refuse_no_code(found, formats[2])
    return found.reshape(shape)


def _starts(start: npt.ArrayLike, out: Scalar, shape: tuple[int, ...]) -> Codes:
    given = codes_of(start, out, "start")
    try:
        return np.broadcast_to(given, shape).flatten()
    except ValueError:
        raise InputError(
            f"start of shape {given.shape} does not go to results of shape {shape}"
        ) from None


def check_mode(mode: str) -> str:
    """``mode``. Raises InputError for any other than the two."""
    if mode not in ("quire", "chain"):
        raise InputError(f"mode {mode!r}: give quire (rounded once) or chain")
    return mode


def refuse_no_code(codes: Codes, out: Scalar) -> None:
    """Raise InputError where a result is no number and ``out`` has no code for that."""
    if (codes == NO_CODE).any():
        raise InputError(
            f"a sum is NaN or infinite, which {out.name} cannot hold; "
            "give a format that can, or numbers"
        )


def records_of(formats: tuple[Scalar, ...]) -> npt.NDArray[Any]:
    """Records of formats, one after the other."""
    return np.concatenate([record_of(form) for form in formats]).astype(FORMAT)


def range_of(form: Scalar) -> tuple[int, int]:
    """Exponents that bound a format's numbers: all are multiples of 2 to the first, and none is
    beyond 2 to the second."""
    return unit_exponent(form), magnitude_exponent(form)


def quire_for(formats: tuple[Scalar, ...], scale: tuple[int, int] = (0, 0)) -> tuple[Codes, int]:
    """Empty limbs for the sums of products of the first two formats (times a scale between two
    powers of two) and of numbers of the third; and the exponent of the lowest bit."""
    (a, a_most), (b, b_most), (c, c_most) = (range_of(form) for form in formats)
    least = min(a + b + scale[0], c)
    most = max(a_most + b_most + scale[1], c_most)
    limbs = (most - least) // LIMB_BITS + 1 + CARRY_LIMBS
    return np.zeros(limbs, np.int64), least
