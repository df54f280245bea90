"""Codes of number formats taken apart and made, from the rows of ``arch.mac.formats``."""

from rtl.mac.decoder import Decoder, exponent_bits, exponent_least
from rtl.mac.encoder import Encoder, scale_shape, significand_needed

__all__ = [
    "Decoder",
    "Encoder",
    "exponent_bits",
    "exponent_least",
    "scale_shape",
    "significand_needed",
]
