"""Every pair of codes of the formats of 8 bits or fewer that have a sign, in hardware.

Expected are the codes of the model, which tests/sim/test_mac_exhaustive.py compares with exact
rationals, pair by pair. An exact sum has one zero: where a result is exactly zero its code is that
of +0.
"""

from dataclasses import replace

import numpy as np
from mac_cases import Codes, dots_in_hardware, small_forms, words_of

from arch.mac.engine import Engine, Mode
from arch.mac.kinds import Float, Overflow, Scalar
from sim.mac import formats

FORMS = {form.name: form for form in small_forms() if form.signed and form.bits <= 8}
CHAINED = "sum of two words, chained"
"""Rounded after each; each format needs an engine of its own."""
OPERATIONS = ("product", "sum of two lanes", "sum of two words")
MODES_MOST = 16


def engines() -> list[Engine]:
    """Those that have all formats among them, each as operands and as result."""
    modes = [Mode(input_format=name) for name in FORMS]
    count = -(-len(modes) // MODES_MOST)
    return [Engine(modes=tuple(modes[i::count])) for i in range(count)]


ENGINES = engines()


def overflows_of(form: Scalar) -> tuple[Overflow, ...]:
    """What may become of a result that is too large."""
    can = isinstance(form, Float) and form.specials != "none"
    return ("saturate", "special") if can else ("saturate",)


CASES = [(name, overflow) for name, form in FORMS.items() for overflow in overflows_of(form)]


def every_pair(form: Scalar) -> tuple[Codes, Codes]:
    """Codes left and right."""
    return np.divmod(np.arange(1 << 2 * form.bits), 1 << form.bits)


def where_zero(form: Scalar, operation: str) -> np.ndarray:
    """Pairs whose result is exactly zero."""
    a, b = (formats.decode(codes, form) for codes in every_pair(form))
    if operation == "product":
        return np.isfinite(a) & np.isfinite(b) & ((a == 0) | (b == 0))
    with np.errstate(invalid="ignore"):
        zero: np.ndarray = a + b == 0
    return zero


def wrong(found: Codes, expected: Codes, form: Scalar, operation: str) -> list[int]:
    """Pairs whose codes are not equal, NaN by class; +0 is right where the result is zero."""
    expected = np.where(where_zero(form, operation), 0, expected)
    nan = np.isnan(formats.decode(found, form)) & np.isnan(formats.decode(expected, form))
    return np.flatnonzero(~nan & (found != expected)).tolist()


def given(form: Scalar, operation: str) -> tuple[Codes, Codes]:
    """What an engine takes for every pair: words [pair, word]."""
    a, b = every_pair(form)
    if operation == "product":
        return a[:, None], b[:, None]
    left = np.stack([a, b], axis=1)
    top = np.full_like(left, int(formats.encode(np.array([1.0]), form)[0]))
    if operation == "sum of two lanes":
        return words_of(left, form.bits)[:, None], words_of(top, form.bits)[:, None]
    return left, top


def in_engine(name: str, overflow: Overflow, operation: str) -> Codes:
    """What the hardware makes of every pair."""
    words = given(FORMS[name], operation)
    if operation == CHAINED:
        modes = (Mode(input_format=name),)
        engine = Engine(modes=modes, accumulation="chained", chain_format=name)
        return dots_in_hardware(engine, *words, overflow=overflow)
    [engine] = [each for each in ENGINES if name in each.results]
    at = engine.results.index(name)
    return dots_in_hardware(engine, *words, at, at, 1, overflow)


def in_model(name: str, overflow: Overflow, operation: str) -> Codes:
    """What the model makes of every pair."""
    form = FORMS[name]
    if len(overflows_of(form)) > 1:
        form = replace(form, overflow=overflow)
    kernel = formats.multiply if operation == "product" else formats.add
    return kernel(*every_pair(form), form)
