"""Tensors as codes times a power of two, which hardware applies by shifting."""

import math
from dataclasses import dataclass

import numpy as np

from arch.mac.kinds import Posit, Scalar
from sim.mac import formats
from sim.mac.formats import Codes, Values

SAMPLE = 1 << 14
"""Elements that a scale is chosen by, at most."""
BELOW, ABOVE = 3, 3
"""Exponents that are tried beside the usual one of the format."""


@dataclass(frozen=True)
class Scaled:
    """Codes, each of which stands for its number times 2^exponent."""

    codes: Codes
    exponent: int
    form: Scalar

    def values(self) -> Values:
        """What they stand for."""
        held: Values = np.ldexp(formats.decode(self.codes, self.form), self.exponent)
        return held


def scaled(values: Values, form: Scalar) -> Scaled:
    """A tensor in a format, at the scale that holds it best."""
    exponent = scale_of(values, form)
    return Scaled(formats.encode(np.ldexp(values, -exponent), form), exponent, form)


def scale_of(values: Values, form: Scalar) -> int:
    """The exponent with the least squared error; of equals the largest."""
    flat = values.ravel()
    sample = flat[:: -(-flat.size // SAMPLE)] if flat.size else flat
    most = float(np.abs(sample).max(initial=0.0))
    if most == 0.0:
        return 0
    if isinstance(form, Posit):
        usual = math.log2(float(np.sqrt(np.mean(np.square(sample)))))
    else:
        usual = math.log2(most / float(form.largest))
    tried = range(math.ceil(usual) + ABOVE, math.ceil(usual) - BELOW - 1, -1)
    return min(tried, key=lambda exponent: _error(sample, form, exponent))


def _error(values: Values, form: Scalar, exponent: int) -> float:
    codes = formats.encode(np.ldexp(values, -exponent), form)
    held = np.ldexp(formats.decode(codes, form), exponent)
    return float(np.mean(np.square(held - values)))
