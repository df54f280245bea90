"""The formats of floating-point units: a row each."""

from dataclasses import dataclass

from rtl.refusal import refuse


@dataclass(frozen=True)
class Format:
    """A format with the encodings of IEEE 754: subnormals, infinities, NaNs."""

    name: str
    exponent_bits: int
    fraction_bits: int
    """Without the hidden bit."""

    @property
    def bits(self) -> int:
        """Of a number."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        """What is added to an exponent to encode it."""
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def exponent_top(self) -> int:
        """Encoded exponent of infinities and NaNs."""
        return (1 << self.exponent_bits) - 1

    @property
    def infinity(self) -> int:
        """Its bits, without a sign."""
        return self.exponent_top << self.fraction_bits

    @property
    def nan(self) -> int:
        """Bits of the only NaN that units give: quiet, positive, without a payload."""
        return self.infinity | 1 << (self.fraction_bits - 1)


FORMATS = {
    name: Format(name, exponent_bits, fraction_bits)
    for name, exponent_bits, fraction_bits in (("bf16", 8, 7), ("fp16", 5, 10), ("fp32", 8, 23))
}
"""By the names of ``arch.mac.formats``."""


def format_of(name: str, path: str, supported: tuple[str, ...] = tuple(FORMATS)) -> Format:
    """A format by name; ``path`` is where the name is from. Raises InputError."""
    if name not in supported:
        refuse(path, " or ".join(supported), repr(name))
    return FORMATS[name]
