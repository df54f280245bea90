"""Requests: how many tokens come in and go out, from a file or drawn."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from math import exp, log
from pathlib import Path

import numpy as np

from arch.errors import InputError
from traces.reading import exists, read_text

COLUMNS = ("input_tokens", "output_tokens")
TOKENS_MAX = 2**24
SEED_MAX = 2**64 - 1


@dataclass(frozen=True)
class Request:
    """What one user asks for."""

    number: int
    """In the order in which they come."""
    input_tokens: int
    """Of the prompt; at least 0."""
    output_tokens: int
    """That are generated, one an iteration; at least 1."""

    @property
    def final_tokens(self) -> int:
        """That it attends to in its last iteration."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True)
class LogNormal:
    """A positive quantity by its mean and its standard deviation over its mean."""

    mean: float
    deviation: float

    def draw(self, random: np.random.Generator) -> float:
        """One value."""
        variance = log(1 + self.deviation**2)
        return float(random.lognormal(log(self.mean) - variance / 2, variance**0.5))

    @property
    def median(self) -> float:
        """Half of the values are below."""
        return exp(log(self.mean) - log(1 + self.deviation**2) / 2)


@dataclass(frozen=True)
class Lengths:
    """Distribution of the requests of a data set."""

    source: str
    inputs: LogNormal
    outputs: LogNormal


_DEVIATIONS = (
    "deviations over means: assumed to be those of the length tables beside NeuPIMs' trace "
    "generator (casys-kaist/NeuPIMs, commit f299af3), values cut at 2,048; log-normal: assumed"
)
DATA_SETS = {
    "sharegpt": Lengths(
        f"means: NeuPIMs (arXiv:2403.00579); {_DEVIATIONS}",
        LogNormal(80, 3.01), LogNormal(296, 0.725),
    ),
    "alpaca": Lengths(
        f"means: NeuPIMs (arXiv:2403.00579); {_DEVIATIONS}",
        LogNormal(12, 0.372), LogNormal(56, 0.985),
    ),
}  # fmt: skip
"""By name."""


def drawn(name: str, seed: int, tokens_max: int, number: int | None = None) -> Iterator[Request]:
    """Requests of a data set, without end where ``number`` is None.

    Each depends on the seed and its own number alone. Their tokens together are at most
    ``tokens_max``, what a model has positions for. Raises InputError for an unknown name and a seed
    out of range.
    """
    lengths = DATA_SETS.get(name)
    if lengths is None:
        raise InputError(f"--lengths {name}: must be a file or one of {', '.join(DATA_SETS)}")
    if not 0 <= seed <= SEED_MAX:
        raise InputError(f"--seed {seed}: must be 0 to {SEED_MAX}")
    return islice((_drawn(lengths, seed, at, tokens_max) for at in count()), number)


def _drawn(lengths: Lengths, seed: int, number: int, tokens_max: int) -> Request:
    random = np.random.Generator(np.random.Philox(key=(seed, number)))
    inputs = min(max(1, round(lengths.inputs.draw(random))), tokens_max - 1)
    outputs = min(max(1, round(lengths.outputs.draw(random))), tokens_max - inputs)
    return Request(number, inputs, outputs)


def read_lengths(path: Path) -> list[Request]:
    """Requests of a CSV file with the columns ``input_tokens`` and ``output_tokens``.

    Raises InputError with file and line.
    """
    found = _rows(path)
    _, header = next(found, (1, []))
    header = [name.strip() for name in header]
    for name in COLUMNS:
        if header.count(name) != 1:
            raise InputError(f"{path}: line 1: must have the column {name} once")
    places = [header.index(name) for name in COLUMNS]
    requests: list[Request] = []
    for line, row in found:
        if not row:
            continue
        where = f"{path}: line {line}"
        inputs, outputs = (
            _tokens(row, place, least, f"{where}: {name}")
            for place, name, least in zip(places, COLUMNS, (0, 1), strict=True)
        )
        requests.append(Request(len(requests), inputs, outputs))
    if not requests:
        raise InputError(f"{path}: holds no request")
    return requests


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines of CSV with their numbers. Raises InputError."""
    found = csv.reader(read_text(path).splitlines())
    try:
        for row in found:
            yield found.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}: line {found.line_num}: is no line of CSV: {error}") from None


def _tokens(row: list[str], place: int, least: int, where: str) -> int:
    text = row[place].strip() if place < len(row) else ""
    # Python converts no more than some thousand digits.
    if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= TOKENS_MAX:
        raise InputError(
            f"{where}: must be a whole number from {least} to {TOKENS_MAX}, not {text[:40]!r}"
        )
    return int(text)


def requests_of(
    given: str, seed: int, tokens_max: int, number: int | None = None
) -> Iterator[Request]:
    """Of a data set by its name, or of a file. Raises InputError."""
    path = Path(given)
    if given not in DATA_SETS and exists(path):
        return iter(read_lengths(path)[:number])
    return drawn(given, seed, tokens_max, number)
