"""Comparisons."""

from amaranth.hdl import Module, Mux, Signal, Value

from rtl.float.decode import FloatUnit, decode
from rtl.float.formats import Format


class Maximum(FloatUnit):
    """The larger of two numbers, as ``maximum`` of IEEE 754-2019: +0 is larger than -0, and a NaN
    gives the NaN.

    Parameters
    ----------
    form : Format
        Of operands and result.
    latency : int
        As of ``FloatUnit``.
    """

    def __init__(self, form: Format, latency: int = 0) -> None:
        super().__init__(form, form, 2, latency)

    def _function(self, m: Module) -> Value:
        form = self.target
        a, b = decode(self.a, form), decode(self.b, form)
        less = Signal()
        with m.If(a.sign != b.sign):
            m.d.comb += less.eq(a.sign)
        with m.Else():
            m.d.comb += less.eq(Mux(a.sign, a.magnitude > b.magnitude, a.magnitude < b.magnitude))
        return Mux(a.is_nan | b.is_nan, form.nan, Mux(less, self.b, self.a))
