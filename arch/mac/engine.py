"""The SIMD engine: a PE whose words hold several codes of a number format that a layer chooses.

A word of ``word_bits`` holds ``lanes`` codes, consecutive along the depth K, the first in the
lowest bits. In each cycle the PE adds the products of all lanes of two words to one sum:

- ``quire``: the sum is a fixed-point number that is exact, and is rounded once, when it leaves
- ``chained``: the sum is a code of ``chain_format``; the products of a word are added exactly to
  it, then it is rounded

A sum that is no number becomes code 0 in a result format without NaN, and an infinite one the
largest number of its sign in a format without infinity.

XR-NPE (arXiv:2508.13049) names formats, a reconfigurable multiplier and SIMD lanes; its abstract
leaves open lanes, stages, width of the sum and how lanes meet. All of these are parameters here.
"""

from typing import Literal

from pydantic import Field, model_validator

from arch.errors import InputError
from arch.mac.formats import scalar_named
from arch.mac.kinds import Posit, Scalar
from arch.mac.ranges import (
    has_infinity,
    has_nan,
    magnitude_exponent,
    significand_bits,
    unit_exponent,
)
from arch.spec import Spec

OPERAND_BITS = 16
"""Widest format of an operand."""


class Mode(Spec):
    """Formats of two words that are multiplied."""

    input_format: str
    """Of the inputs (activations)."""
    weight_format: str | None = None
    """Of the weights; by default that of the inputs."""
    lanes: int | None = Field(default=None, ge=1, le=32)
    """Codes in a word; by default as many as fit."""

    @property
    def weight(self) -> str:
        """Format of the weights."""
        return self.weight_format or self.input_format

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """``posit8_0``, or ``posit8_0 x fp4_e2m1`` where the weights have another format."""
        if self.weight == self.input_format:
            return self.input_format
        return f"{self.input_format} x {self.weight}"

    @property
    def forms(self) -> tuple[Scalar, Scalar]:
        """The two formats."""
        return scalar_named(self.input_format), scalar_named(self.weight)

    @property
    def unit_exponent(self) -> int:
        """All products are multiples of 2 to this: the weight of a quire's lowest bit."""
        return sum(unit_exponent(form) for form in self.forms)

    @property
    def product_bits(self) -> int:
        """No product is beyond 2 to this, in units of the quire's lowest bit."""
        return sum(magnitude_exponent(form) for form in self.forms) - self.unit_exponent


_XR_NPE = tuple(
    Mode(input_format=name) for name in ("fp4_e2m1", "posit4_1", "posit8_0", "posit16_1")
)


class Engine(Spec):
    """The engine of each PE. ``pe_latency_cycles`` of the array are its pipeline stages."""

    word_bits: int = Field(default=16, ge=2, le=64)
    """Width of an operand's word."""
    modes: tuple[Mode, ...] = Field(default=_XR_NPE, max_length=16)
    """Pairs of formats that can be multiplied; each layer names one. XR-NPE's four by default."""
    accumulation: Literal["quire", "chained"] = "quire"
    """Whether a sum is rounded once, when it leaves, or after each word."""
    carry_bits: int = Field(default=15, ge=0, le=32)
    """Of a quire: 2^carry_bits - 1 products of the largest size can be added."""
    chain_format: str | None = None
    """Of a chained sum."""
    result_formats: tuple[str, ...] = Field(default=(), max_length=16)
    """Formats that sums can be rounded to; by default those of the inputs of all modes."""

    @model_validator(mode="after")
    def _can_be_built(self) -> "Engine":
        try:
            self._check()
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def _check(self) -> None:
        if not self.modes:
            raise InputError("modes: there is none; give one or more")
        names = [mode.name for mode in self.modes]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"modes: {name} is given twice")
        for mode in self.modes:
            for form in mode.forms:
                if form.bits > OPERAND_BITS or not form.signed:
                    raise InputError(
                        f"modes: {form.name} cannot be multiplied; give a format with a sign, "
                        f"of {OPERAND_BITS} bits at most"
                    )
            if self.lanes(mode) * max(form.bits for form in mode.forms) > self.word_bits:
                raise InputError(
                    f"modes: {self.lanes(mode)} lanes of {mode.name} do not fit into a word of "
                    f"{self.word_bits} bits"
                )
            if self.lanes(mode) == 0:
                raise InputError(
                    f"modes: {mode.name} does not fit into a word of {self.word_bits} bits"
                )
        if (self.chain_format is None) != (self.accumulation == "quire"):
            right = "give none" if self.chain_format else "give one"
            raise InputError(
                f"chain_format: is that of a chained sum, and accumulation is "
                f"{self.accumulation!r}; {right}"
            )
        if len(set(self.results)) < len(self.results):
            raise InputError("result_formats: one is given twice")
        for name in self.results:
            scalar_named(name)
        if self.chain_format is not None:
            self._check_chain(scalar_named(self.chain_format))

    def _check_chain(self, chain: Scalar) -> None:
        forms = [form for mode in self.modes for form in mode.forms]
        for form in forms:
            if (has_nan(form) and not has_nan(chain)) or (
                has_infinity(form) and not (has_infinity(chain) or isinstance(chain, Posit))
            ):
                raise InputError(
                    f"chain_format: {chain.name} cannot hold what {form.name} can be, NaN or "
                    "infinity; give a format that can"
                )

    def lanes(self, mode: Mode) -> int:
        """Codes of a mode in a word."""
        if mode.lanes is not None:
            return mode.lanes
        return self.word_bits // max(form.bits for form in mode.forms)

    @property
    def results(self) -> tuple[str, ...]:
        """Formats that sums can be rounded to."""
        return self.result_formats or tuple(dict.fromkeys(m.input_format for m in self.modes))

    @property
    def special_bits(self) -> int:
        """Bits beside an exact sum that say what it has met: NaN; and +infinity, -infinity."""
        forms = [form for mode in self.modes for form in mode.forms]
        if any(has_infinity(form) for form in forms):
            return 3
        return int(any(has_nan(form) for form in forms))

    @property
    def quire_bits(self) -> int:
        """Width of an exact sum in two's complement: 4 (n - 2) 2^es + 1 + ``carry_bits`` of
        posit<n>_<es> (Gustafson, Yonemoto, 2017, section 5)."""
        return max(mode.product_bits for mode in self.modes) + 1 + self.carry_bits

    @property
    def sum_bits(self) -> int:
        """Width of a sum as a PE holds it."""
        if self.chain_format is not None:
            return scalar_named(self.chain_format).bits
        return self.quire_bits + self.special_bits

    @property
    def multiplier_bits(self) -> int:
        """Side of the multiplier, made of 2-bit ones: the lanes' significands side by side."""
        return max(
            self.lanes(mode) * (-(-max(significand_bits(form) for form in mode.forms) // 2) * 2)
            for mode in self.modes
        )

    @property
    def depth_most(self) -> int | None:
        """Most products of a sum that cannot overflow; None: a chained sum saturates."""
        return None if self.chain_format else 2**self.carry_bits - 1

    def mode_of(self, input_format: str, weight_format: str) -> int:
        """Index of the mode that multiplies two formats.

        Raises InputError where the engine cannot mix them.
        """
        wanted = scalar_named(input_format).name, scalar_named(weight_format).name
        for index, mode in enumerate(self.modes):
            if tuple(form.name for form in mode.forms) == wanted:
                return index
        raise InputError(
            f"inputs of {input_format} and weights of {weight_format}: the engine has no mode for "
            f"them; it has {', '.join(mode.name for mode in self.modes)}"
        )

    def result_of(self, result_format: str) -> int:
        """Index of a format among those that sums are rounded to.

        Raises InputError where it is none.
        """
        wanted = scalar_named(result_format).name
        for index, name in enumerate(self.results):
            if scalar_named(name).name == wanted:
                return index
        raise InputError(
            f"results of {result_format}: the engine rounds to {', '.join(self.results)}; "
            "add it to result_formats"
        )
