"""How well formats hold a tensor: signal to quantisation noise."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arch.errors import InputError
from arch.mac.formats import FORMATS
from arch.mac.kinds import Block, Format, Posit
from sim.mac import blocks, formats
from sim.mac.formats import Values
from traces.reading import read_bytes

WIDEST_BITS = 16
ELEMENTS, SEED = 1 << 16, 1
ELEMENTS_MOST = 1 << 26
ROW = 256
"""Elements of a row of what is drawn from a distribution; blocks do not go over its end."""
DEGREES = 4


def _outliers(random: Any, shape: tuple[int, ...]) -> Values:
    values: Values = random.normal(size=shape)
    values[random.random(shape) < 1e-3] *= 30
    return values


DISTRIBUTIONS: dict[str, Callable[[Any, tuple[int, ...]], Values]] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "laplace": lambda random, shape: random.laplace(size=shape),
    "uniform": lambda random, shape: random.uniform(-1, 1, size=shape),
    "student": lambda random, shape: random.standard_t(DEGREES, size=shape),
    "lognormal": lambda random, shape: random.lognormal(size=shape),
    "outliers": _outliers,
}
"""``student``: of four degrees of freedom. ``outliers``: normal, one in a thousand times 30."""


@dataclass(frozen=True)
class Quality:
    """How well a format holds a tensor."""

    name: str
    kind: str
    bits_stored: float
    sqnr_db: float
    """10 log10 of the sum of squares over that of errors; infinite where there are none."""
    error_most: float
    """Largest error, over the root mean square of the tensor."""


def drawn(name: str, elements: int = ELEMENTS, seed: int = SEED) -> Values:
    """A tensor of a distribution, in whole rows. Raises InputError for an unknown one."""
    if name not in DISTRIBUTIONS:
        raise InputError(
            f"{name!r}: is no distribution; give a .npy file or one of {', '.join(DISTRIBUTIONS)}"
        )
    if not 1 <= elements <= ELEMENTS_MOST:
        raise InputError(f"{elements} elements: give 1 to {ELEMENTS_MOST}")
    if seed < 0:
        raise InputError(f"seed {seed}: give 0 or more")
    random = np.random.default_rng(seed)
    return DISTRIBUTIONS[name](random, (-(-elements // ROW), ROW))


def tensor_of(path: Path) -> Values:
    """A tensor of a .npy file; blocks go along its last axis. Raises InputError for anything but
    finite real numbers."""
    read_bytes(path)
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: is no .npy file: {error}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iuf":
        raise InputError(f"{path}: give a .npy file of one array of real numbers")
    values = np.atleast_1d(found).astype(np.float64)
    if not values.size or not np.isfinite(values).all() or not values.any():
        raise InputError(f"{path}: give finite numbers, and not zeros alone")
    return values


def compared() -> list[Format]:
    """Formats that hold numbers of both signs, in 16 bits or fewer."""
    return [
        form for form in FORMATS.values()
        if isinstance(form, Block) or (form.signed and form.bits <= WIDEST_BITS)
    ]  # fmt: skip


def held(values: Values, form: Format) -> Values:
    """A tensor as a format holds it.

    Integers and floats have the largest magnitude as their largest number, posits the root mean
    square as 1, blocks their own scales.
    """
    if isinstance(form, Block):
        return blocks.quantise(values, form).values()
    if isinstance(form, Posit):
        scale = float(np.sqrt(np.mean(np.square(values))))
    else:
        scale = float(np.abs(values).max()) / float(form.largest)
    return formats.decode(formats.encode(values / scale, form), form) * scale


def quality(values: Values, form: Format) -> Quality:
    """How well a format holds a tensor."""
    errors = held(values, form) - values
    signal, noise = float(np.mean(np.square(values))), float(np.mean(np.square(errors)))
    stored = float(form.bits_stored) if isinstance(form, Block) else float(form.bits)
    return Quality(
        form.name,
        form.kind,
        stored,
        10 * math.log10(signal / noise) if noise else math.inf,
        float(np.abs(errors).max()) / math.sqrt(signal),
    )


def compare(values: Values, chosen: Sequence[Format] | None = None) -> list[Quality]:
    """All formats, by bits, the best first among those of equal bits."""
    # So large or small that squares are no numbers otherwise.
    unit = float(np.abs(values).max())
    found = [quality(values / unit, form) for form in chosen or compared()]
    return sorted(found, key=lambda each: (each.bits_stored, -each.sqnr_db, each.name))
