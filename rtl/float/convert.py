"""From one format to another."""

from amaranth.hdl import Module, Mux, Signal, Value, signed

from rtl.float.decode import FloatUnit, decode, infinity
from rtl.float.formats import Format
from rtl.float.rounder import rounded


class Converter(FloatUnit):
    """A number in another format, rounded to the nearest, ties to even.

    Parameters
    ----------
    source, target : Format
    latency : int
        As of ``FloatUnit``.
    """

    def __init__(self, source: Format, target: Format, latency: int = 0) -> None:
        super().__init__(source, target, 1, latency)

    def _function(self, m: Module) -> Value:
        source, target = self.source, self.target
        a = decode(self.a, source)
        exponent = Signal(signed(max(source.exponent_bits, target.exponent_bits) + 2))
        m.d.comb += exponent.eq(a.exponent + (target.bias - source.bias))
        underflows = target.bias < source.bias
        value = rounded(m, target, a.sign, exponent, a.significand, underflows=underflows)
        value = Mux(a.is_infinity, infinity(a.sign, target), value)
        return Mux(a.is_nan, target.nan, value)
