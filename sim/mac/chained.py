"""Products of matrices on engines with chained sums: a word's products at a time, then rounded."""

from typing import Any

import numpy as np

from arch.mac.kinds import Scalar
from sim.jit import njit
from sim.mac import formats
from sim.mac.codec import decode, encode
from sim.mac.dots import dot_once
from sim.mac.formats import Codes


@njit
def chained(a: Any, b: Any, forms: Any, lanes: Any, shift: Any, limbs: Any, exponent: Any,
            out: Any) -> None:  # fmt: skip
    """``a`` [m, k], ``b`` [n, k]; ``forms``: of ``a``, of ``b``, of the sum, of the result."""
    depth = a.shape[1]
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            code = np.int64(0)
            for first in range(0, depth, lanes):
                last = min(first + lanes, depth)
                code = dot_once(
                    a[i, first:last], b[j, first:last], code, forms[0], forms[1], forms[2],
                    limbs, exponent,
                )  # fmt: skip
            kind_of, negative, significand, scale = decode(code, forms[2])
            out[i, j] = encode(kind_of, negative, significand, scale + shift, forms[3])


def chained_matmul(
    a: Codes,
    b: Codes,
    forms: tuple[Scalar, Scalar, Scalar],
    out: Scalar,
    lanes: int,
    shift: int,
) -> Codes:
    """Codes of ``a`` [m, k] times ``b`` [k, n], times 2^shift.

    ``forms``: of ``a``, of ``b`` and of the sums, to which the products of ``lanes`` codes are
    added before each rounding. Raises InputError where a sum is none that ``out`` can hold.
    """
    limbs, exponent = formats.quire_for(forms)
    found = np.empty((a.shape[0], b.shape[1]), np.int64)
    across = np.ascontiguousarray(b.T)
    chained(
        np.ascontiguousarray(a), across, formats.records_of((*forms, out)), lanes, shift, limbs,
        np.int64(exponent), found,
    )  # fmt: skip
    formats.refuse_no_code(found, out)
    return found
