"""The kinds of number formats: integers, floats, posits, and blocks of one of these with a scale.

A code is the bits of one element as an integer without sign. Everything is an exact rational:
what a format can hold is told as ``Fraction``, so nothing here rounds.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

from arch.errors import InputError

Overflow = Literal["saturate", "special", "wrap"]
"""What a result becomes that is rounded beyond the largest number: that number; infinity, or NaN
in a format without; (integers) its lowest bits."""
Specials = Literal["none", "ieee", "nan", "unsigned_zero"]
"""Codes of a float that are no numbers. ``ieee``: the largest exponent holds infinity and NaN.
``nan``: all ones is NaN, there is no infinity. ``unsigned_zero``: the code of -0 is NaN."""

CODEC_BITS = 32
"""Widest element that is computed with; wider ones are only stored."""
BLOCK_BITS = 16
"""Widest element of a block."""
POSIT_BITS, POSIT_ES = 32, 3


def power(exponent: int) -> Fraction:
    """2 to an exponent, exactly."""
    return Fraction(1 << exponent) if exponent >= 0 else Fraction(1, 1 << -exponent)


def _refuse(name: str, wrong: str, right: str) -> None:
    raise InputError(f"format {name}: {wrong}; {right}")


@dataclass(frozen=True, kw_only=True)
class Int:
    """An integer in two's complement, times 2^-``point``."""

    kind: ClassVar[str] = "int"
    name: str
    bits: int
    signed: bool = True
    point: int = 0
    symmetric: bool = False
    """The lowest code is decoded but never made, so that a number and its negative are alike."""
    overflow: Overflow = "saturate"
    source: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 64:
            _refuse(self.name, f"an integer of {self.bits} bits", "give 1 to 64")
        if self.overflow == "special":
            _refuse(self.name, "integers have no infinity or NaN", "give saturate or wrap")

    @property
    def largest(self) -> Fraction:
        """Largest number."""
        return Fraction(2 ** (self.bits - self.signed) - 1, 2**self.point)

    @property
    def least(self) -> Fraction:
        """Lowest number that a result is rounded to."""
        if not self.signed:
            return Fraction(0)
        return -self.largest if self.symmetric else -self.largest - self.smallest

    @property
    def smallest(self) -> Fraction:
        """Smallest number above 0."""
        return Fraction(1, 2**self.point)

    @property
    def epsilon(self) -> Fraction | None:
        """From 1 to the next number; None: there is none."""
        return self.smallest if self.largest > 1 else None


@dataclass(frozen=True, kw_only=True)
class Float:
    """Sign, exponent and mantissa as in IEEE 754, subnormals kept."""

    kind: ClassVar[str] = "float"
    name: str
    exponent_bits: int
    mantissa_bits: int
    bias: int
    specials: Specials = "ieee"
    signed: bool = True
    zero: bool = True
    """Without, exponent 0 is no different from the others: E8M0."""
    overflow: Overflow = "special"
    source: str = ""

    def __post_init__(self) -> None:
        if not (1 <= self.exponent_bits <= 8 and self.mantissa_bits >= 0 and self.bits <= 32):
            _refuse(
                self.name,
                f"a float of {self.exponent_bits} exponent and {self.mantissa_bits} mantissa bits",
                "give an exponent of 1 to 8 bits, and 32 bits at most in all",
            )
        if self.overflow == "special" and self.specials == "none":
            _refuse(self.name, "there is no infinity or NaN to overflow to", "give saturate")
        if self.overflow == "wrap":
            _refuse(self.name, "floats do not wrap", "give saturate or special")
        if not self.zero and (self.mantissa_bits or self.specials != "nan"):
            _refuse(self.name, "without zero", "there is E8M0 only: no mantissa, all ones is NaN")
        if self.specials == "ieee" and (self.mantissa_bits < 1 or self.exponent_bits < 2):
            _refuse(self.name, "infinity and NaN do not fit", "give other specials")

    @property
    def bits(self) -> int:
        """Width of a code."""
        return self.signed + self.exponent_bits + self.mantissa_bits

    @property
    def has_infinity(self) -> bool:
        """Whether some code is infinity."""
        return self.specials == "ieee"

    @property
    def largest_code(self) -> int:
        """Code of the largest number."""
        ones = (1 << self.exponent_bits + self.mantissa_bits) - 1
        if self.specials == "ieee":
            return ones - (1 << self.mantissa_bits)
        return ones - 1 if self.specials == "nan" else ones

    @property
    def exponent_least(self) -> int:
        """Of the smallest normal number, a power of two."""
        return (1 if self.zero else 0) - self.bias

    @property
    def largest(self) -> Fraction:
        """Largest finite number."""
        exponent, mantissa = divmod(self.largest_code, 1 << self.mantissa_bits)
        if exponent == 0 and self.zero:
            return self.smallest * mantissa
        one = 1 << self.mantissa_bits
        return Fraction(one + mantissa, one) * power(exponent - self.bias)

    @property
    def least(self) -> Fraction:
        """Lowest finite number."""
        if self.signed:
            return -self.largest
        return Fraction(0) if self.zero else self.smallest

    @property
    def smallest(self) -> Fraction:
        """Smallest number above 0."""
        return power(self.exponent_least - self.mantissa_bits)

    @property
    def epsilon(self) -> Fraction | None:
        """From 1 to the next number; None: there is none."""
        if self.largest <= 1:
            return None
        return power(max(self.exponent_least, 0) - self.mantissa_bits)


@dataclass(frozen=True, kw_only=True)
class Posit:
    """Sign, regime, ``es`` bits of exponent, fraction; one zero, and NaR (not a real) for all that
    is no number. Results are never rounded to 0 or NaR. ``es`` = 2 is the Posit Standard (2022)."""

    kind: ClassVar[str] = "posit"
    signed: ClassVar[bool] = True
    overflow: ClassVar[Overflow] = "saturate"
    name: str
    bits: int
    es: int
    source: str = "Gustafson, Yonemoto, Beating Floating Point at its Own Game, 2017"

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= POSIT_BITS:
            _refuse(self.name, f"a posit of {self.bits} bits", f"give 2 to {POSIT_BITS}")
        if not 0 <= self.es <= POSIT_ES:
            _refuse(self.name, f"{self.es} exponent bits", f"give es of 0 to {POSIT_ES}")
        if self.es >= self.bits:
            _refuse(
                self.name,
                f"es of {self.es} does not fit into {self.bits} bits",
                f"give less than {self.bits}",
            )

    @property
    def scale_most(self) -> int:
        """Exponent of the largest number, a power of two."""
        return (self.bits - 2) << self.es

    @property
    def largest(self) -> Fraction:
        """Largest number."""
        return power(self.scale_most)

    @property
    def least(self) -> Fraction:
        """Lowest number."""
        return -self.largest

    @property
    def smallest(self) -> Fraction:
        """Smallest number above 0."""
        return 1 / self.largest

    @property
    def epsilon(self) -> Fraction | None:
        """From 1 to the next number; None: there is none."""
        if self.largest == 1:
            return None
        # Behind the sign and the two bits of the regime.
        rest = self.bits - 3
        if rest >= self.es:
            return power(self.es - rest)
        return power(1 << self.es - rest) - 1


Scalar = Int | Float | Posit


@dataclass(frozen=True, kw_only=True)
class Block:
    """``size`` elements that share a scale."""

    kind: ClassVar[str] = "block"
    name: str
    element: Scalar
    scale: Float
    size: int
    tensor_scale: str | None = None
    """Format of one more scale, of the whole tensor."""
    source: str = ""

    def __post_init__(self) -> None:
        if self.size < 1:
            _refuse(self.name, f"blocks of {self.size} elements", "give 1 or more")
        if self.element.bits > BLOCK_BITS:
            _refuse(
                self.name, f"elements of {self.element.bits} bits", f"give {BLOCK_BITS} at most"
            )

    @property
    def bits(self) -> int:
        """Width of an element without its part of the scale."""
        return self.element.bits

    @property
    def bits_stored(self) -> Fraction:
        """Width of an element with its part of the block's scale."""
        return self.element.bits + Fraction(
            8 if self.scale.bits == 7 else self.scale.bits, self.size
        )


Format = Int | Float | Posit | Block
