"""Number formats in plain Fractions, by the book: bit strings, and the nearest of all numbers.

Nothing here is shared with ``arch.mac`` or ``sim.mac``: formats are told again, from their sources.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

Number = Fraction | str
"""A number, or ``nan``, ``inf``, ``-inf``; ``-0`` is the other zero of floats."""
NAN, INF, MINUS_INF, MINUS_ZERO = "nan", "inf", "-inf", "-0"


def two_to(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def int_number(bits: str, *, signed: bool = True, point: int = 0) -> Number:
    places = [two_to(len(bits) - 1 - i - point) for i in range(len(bits))]
    if signed:
        places[0] = -places[0]
    return sum((p for p, bit in zip(places, bits, strict=True) if bit == "1"), Fraction(0))


def float_number(
    bits: str, *, exponent: int, bias: int, specials: str = "none", signed: bool = True
) -> Number:
    sign, rest = (bits[0], bits[1:]) if signed else ("0", bits)
    field_, mantissa = rest[:exponent], rest[exponent:]
    if specials == "ieee" and set(field_) == {"1"}:
        if "1" in mantissa:
            return NAN
        return MINUS_INF if sign == "1" else INF
    if specials == "fn" and set(rest) == {"1"}:
        return NAN
    if specials == "fnuz" and sign == "1" and "1" not in rest:
        return NAN
    fraction = Fraction(int(mantissa or "0", 2), 2 ** len(mantissa))
    if "1" in field_:
        size = (1 + fraction) * two_to(int(field_, 2) - bias)
    else:
        size = fraction * two_to(1 - bias)
    if sign == "1":
        return -size if size else MINUS_ZERO
    return size


def posit_number(bits: str, *, es: int) -> Number:
    """The formula of the Posit Standard: useed to the regime, two to the exponent, the fraction."""
    if "1" not in bits[1:]:
        return NAN if bits[0] == "1" else Fraction(0)
    sign = 1
    if bits[0] == "1":
        sign = -1
        bits = format(2 ** len(bits) - int(bits, 2), f"0{len(bits)}b")
    body = bits[1:]
    run = len(body) - len(body.lstrip(body[0]))
    regime = run - 1 if body[0] == "1" else -run
    rest = body[run + 1 :]
    exponent = int((rest + "0" * es)[:es] or "0", 2)
    mantissa = rest[es:]
    fraction = Fraction(int(mantissa or "0", 2), 2 ** len(mantissa))
    return sign * two_to(regime * 2**es + exponent) * (1 + fraction)


@dataclass
class Oracle:
    """A format as the list of all its numbers."""

    bits: int
    number: Callable[[str], Number]
    kind: str
    saturates: bool = True
    least: Fraction | None = None
    """Lower numbers are never rounded to."""
    longer: Callable[[str], Number] | None = None
    """Of a posit, the same with one bit more: where roundings part."""
    numbers: list[Number] = field(init=False)
    values: list[Fraction] = field(init=False)
    """All that is rounded to, in order."""

    def __post_init__(self) -> None:
        self.numbers = [self.number(format(c, f"0{self.bits}b")) for c in range(2**self.bits)]
        real = [(x, c) for c, x in enumerate(self.numbers) if isinstance(x, Fraction)]
        self._sorted = sorted((x, c) for x, c in real if self.least is None or x >= self.least)
        self.values = [x for x, _ in self._sorted]
        self._codes = [c for _, c in self._sorted]
        self._special = {x: c for c, x in reversed(list(enumerate(self.numbers)))
                         if isinstance(x, str)}  # fmt: skip
        self._known: dict[Fraction, int] = {}

    def code(self, number: Number) -> int:
        """The nearest code."""
        if isinstance(number, str):
            if number in self._special:
                return self._special[number]
            return self._special[NAN] if number != MINUS_ZERO else self.code(Fraction(0))
        if number not in self._known:
            self._known[number] = self._nearest(number)
        return self._known[number]

    def _nearest(self, number: Fraction) -> int:
        at = bisect_left(self.values, number)
        if at < len(self.values) and self.values[at] == number:
            return self._codes[at]
        if self.kind == "posit":
            return self._nearest_posit(number, at)
        if at in (0, len(self.values)):
            return self._beyond(number, at)
        low, high = self.values[at - 1], self.values[at]
        if number - low != high - number:
            near = at if high - number < number - low else at - 1
        else:
            near = self._even(at)
        if number < 0 and self.values[near] == 0:
            return self._special.get(MINUS_ZERO, self._codes[near])
        return self._codes[near]

    def _even(self, at: int) -> int:
        """Of two neighbours the one whose last bit is 0; if both are, or none, the larger."""
        low, high = self._codes[at - 1] & 1, self._codes[at] & 1
        if self.kind == "one digit" and self.values[at - 1] and self.values[at]:
            return at if self.values[at] > 0 else at - 1
        assert low != high
        return at if high == 0 else at - 1

    def _beyond(self, number: Fraction, at: int) -> int:
        end = self._codes[0] if at == 0 else self._codes[-1]
        if self.saturates:
            return end
        # Whether the number after the last would be as near or nearer.
        value, before = (self.values[i] for i in ((0, 1) if at == 0 else (-1, -2)))
        twice, step = abs(number - value) * 2, abs(value - before)
        if twice < step or (twice == step and not end & 1):
            return end
        return self.code(MINUS_INF if at == 0 else INF)

    def _nearest_posit(self, number: Fraction, at: int) -> int:
        assert self.longer is not None
        sign = 2 ** (self.bits - 1)
        if number < 0:
            return 2 * sign - self._nearest(-number)
        if at == len(self.values):
            return sign - 1
        low = self._codes[at - 1]
        if low == 0:
            return 1
        tie = self.longer(format(2 * low + 1, f"0{self.bits + 1}b"))
        assert isinstance(tie, Fraction)
        if number == tie:
            return low + (low & 1)
        return low + (number > tie)


def searched(exact: Fraction, number: Callable[[str], Number], bits: int, most: int,
             tie: Callable[[int], Fraction]) -> int:  # fmt: skip
    """The nearest positive code of a positive number by halving, for formats too wide to list.

    ``most``: code of the largest number; ``tie``: the number between a code and the next. Only
    what is not beyond the largest number may be asked for.
    """

    def value(code: int) -> Fraction:
        return plain(number(format(code, f"0{bits}b")))

    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if value(middle) <= exact:
            low = middle
        else:
            high = middle - 1
    if value(low) == exact or low == most:
        return low
    between = tie(low)
    return low + (low & 1 if exact == between else exact > between)


def posit_code(exact: Fraction, bits: int, es: int) -> int:
    """Code of the posit that a number is rounded to, of any width."""
    if exact == 0:
        return 0
    number = lambda text: posit_number(text, es=es)  # noqa: E731
    tie = lambda low: plain(number(format(2 * low + 1, f"0{bits + 1}b")))  # noqa: E731
    size = max(searched(abs(exact), number, bits, 2 ** (bits - 1) - 1, tie), 1)
    return 2**bits - size if exact < 0 else size


def fp32_code(exact: Fraction) -> int:
    """Code of the float that a number within the range of fp32 is rounded to."""
    number = lambda text: float_number(text, exponent=8, bias=127, specials="ieee")  # noqa: E731
    value = lambda code: plain(number(format(code, "032b")))  # noqa: E731
    tie = lambda low: (value(low) + value(low + 1)) / 2  # noqa: E731
    size = searched(abs(exact), number, 32, 0x7F7FFFFF, tie)
    return size | (2**31 if exact < 0 else 0)


def product(a: Number, b: Number) -> Number:
    if NAN in (a, b):
        return NAN
    negative = (is_negative(a)) != (is_negative(b))
    if is_infinite(a) or is_infinite(b):
        if is_zero(a) or is_zero(b):
            return NAN
        return MINUS_INF if negative else INF
    if is_zero(a) or is_zero(b):
        return MINUS_ZERO if negative else Fraction(0)
    assert isinstance(a, Fraction)
    assert isinstance(b, Fraction)
    return a * b


def total(a: Number, b: Number) -> Number:
    if NAN in (a, b) or {a, b} == {INF, MINUS_INF}:
        return NAN
    if is_infinite(a) or is_infinite(b):
        return a if is_infinite(a) else b
    if a == b == MINUS_ZERO:
        return MINUS_ZERO
    return plain(a) + plain(b)


def plain(number: Number) -> Fraction:
    return Fraction(0) if number == MINUS_ZERO else Fraction(number)


def is_negative(number: Number) -> bool:
    return number in (MINUS_INF, MINUS_ZERO) or (isinstance(number, Fraction) and number < 0)


def is_infinite(number: Number) -> bool:
    return number in (INF, MINUS_INF)


def is_zero(number: Number) -> bool:
    return number in (Fraction(0), MINUS_ZERO)


def dot_once(
    a: Sequence[Number], b: Sequence[Number], oracle: Oracle, scale: Fraction = Fraction(1)
) -> int:
    """The exact sum of numbers, rounded once."""
    sum_ = Fraction(0)
    for x, y in zip(a, b, strict=True):
        sum_ += plain(x) * plain(y)
    return oracle.code(sum_ * scale)


def dot_chain(a: Sequence[Number], b: Sequence[Number], oracle: Oracle) -> int | None:
    """Rounded after each product is added; a sum of zero is +0. None: it is no number any more."""
    code = oracle.code(Fraction(0))
    for x, y in zip(a, b, strict=True):
        code = oracle.code(plain(x) * plain(y) + plain(oracle.numbers[code]))
        if oracle.numbers[code] in (NAN, INF, MINUS_INF):
            return None
    return code


def _int(bits: int, *, signed: bool = True, point: int = 0, symmetric: bool = False) -> Oracle:
    least = -Fraction(2 ** (bits - 1) - 1, 2**point) if symmetric else None
    return Oracle(bits, lambda s: int_number(s, signed=signed, point=point), "int", least=least)


def _float(
    exponent: int, mantissa: int, bias: int, specials: str, *, saturates: bool, signed: bool = True
) -> Oracle:
    return Oracle(
        signed + exponent + mantissa,
        lambda s: float_number(s, exponent=exponent, bias=bias, specials=specials, signed=signed),
        "float" if mantissa else "one digit",
        saturates,
    )


def _posit(bits: int, es: int) -> Oracle:
    number = lambda s: posit_number(s, es=es)  # noqa: E731
    return Oracle(bits, number, "posit", longer=number)


@lru_cache
def oracle_of(name: str, *, saturates: bool | None = None) -> Oracle:
    """The oracle of a format of 16 bits or fewer, with another overflow if one is given."""
    if name.startswith("posit"):
        bits, es = name.removeprefix("posit").split("_")
        return _posit(int(bits), int(es))
    if name.startswith(("int", "uint")):
        return _int(int(name.split("int")[1]), signed=name[0] == "i")
    if name == "mxint8_element":
        return _int(8, point=6, symmetric=True)
    if name == "nvint4_element":
        return _int(4, symmetric=True)
    if name == "e8m0":
        power = lambda s: NAN if s == "1" * 8 else two_to(int(s, 2) - 127)  # noqa: E731
        return Oracle(8, power, "one digit")
    exponent, mantissa, bias, specials, own, signed = FLOATS[name]
    return _float(
        exponent, mantissa, bias, specials, saturates=own if saturates is None else saturates,
        signed=signed,
    )  # fmt: skip


FLOATS = {
    "fp4_e2m1": (2, 1, 1, "none", True, True),
    "fp4_e1m2": (1, 2, 1, "none", True, True),
    "fp4_e3m0": (3, 0, 3, "none", True, True),
    "fp6_e2m3": (2, 3, 1, "none", True, True),
    "fp6_e3m2": (3, 2, 3, "none", True, True),
    "fp8_e4m3": (4, 3, 7, "fn", True, True),
    "fp8_e5m2": (5, 2, 15, "ieee", True, True),
    "fp8_e3m4_ieee": (3, 4, 3, "ieee", False, True),
    "fp8_e4m3_ieee": (4, 3, 7, "ieee", False, True),
    "fp8_e4m3_fnuz": (4, 3, 8, "fnuz", False, True),
    "fp8_e4m3_b11fnuz": (4, 3, 11, "fnuz", False, True),
    "fp8_e5m2_fnuz": (5, 2, 16, "fnuz", False, True),
    "ue4m3": (4, 3, 7, "fn", True, False),
    "fp16": (5, 10, 15, "ieee", False, True),
    "bf16": (8, 7, 127, "ieee", False, True),
}
