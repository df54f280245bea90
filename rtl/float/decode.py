"""A number taken apart, and the parts of a unit that all have in common."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.float.formats import Format


@dataclass(frozen=True)
class Number:
    """The fields of a number and what kind it is."""

    sign: Value
    exponent: Value
    """As encoded, but that of subnormals is 1: the value is
    significand * 2 ** (exponent - bias - fraction_bits)."""
    significand: Value
    """With the hidden bit."""
    magnitude: Value
    """All bits but the sign; it orders numbers."""
    is_zero: Value
    is_infinity: Value
    is_nan: Value


def decode(bits: Value, form: Format) -> Number:
    """Take a number apart."""
    fraction = bits[: form.fraction_bits]
    exponent = bits[form.fraction_bits : -1]
    normal = exponent.any()
    special = exponent.all()
    return Number(
        sign=bits[-1],
        exponent=Mux(normal, exponent, 1),
        significand=Cat(fraction, normal),
        magnitude=bits[:-1],
        is_zero=~bits[:-1].any(),
        is_infinity=special & ~fraction.any(),
        is_nan=special & fraction.any(),
    )


def infinity(sign: ValueLike, form: Format) -> Value:
    """An infinity of a sign."""
    return Cat(Const(form.infinity, form.bits - 1), Value.cast(sign))


class FloatUnit(wiring.Component):
    """A function of one or two numbers, combinational or with registers behind it.

    Latency: ``latency`` cycles. Initiation interval: 1 cycle. With ``latency`` 0 there is no
    register; else the registers are in a row behind the function, for a synthesiser to move.

    Members
    -------
    a, b : In(source format)
        ``b`` only where there are two.
    result : Out(target format)
    """

    def __init__(self, source: Format, target: Format, operands: int, latency: int = 0) -> None:
        members: dict[str, In | Out] = {name: In(source.bits) for name in "ab"[:operands]}
        super().__init__(members | {"result": Out(target.bits)})
        self.source = source
        self.target = target
        self.stages = [Signal(target.bits, name=f"stage{i}") for i in range(latency)]
        self.registers: dict[str, ValueLike] = {f"stage{i}": s for i, s in enumerate(self.stages)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value = self._function(m)
        for stage in self.stages:
            m.d.sync += stage.eq(value)
            value = stage
        m.d.comb += self.result.eq(value)
        return m

    def _function(self, m: Module) -> Value:
        """The result of this cycle's operands."""
        raise NotImplementedError
