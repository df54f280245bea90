"""Plain MACs: one product a cycle in one format, what engines are measured against."""

from amaranth.hdl import Const, Module, Mux, Shape, Signal, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.errors import InputError
from arch.mac.formats import FORMAT_BITS
from rtl.array.arithmetic import add, multiply
from rtl.float import FORMATS, Adder, Multiplier


class PlainMac(wiring.Component):
    """A sum of products in one format, a product a cycle.

    Integers: the sum wraps. Floats: the product is rounded to the format of the sum (exact where
    that is wider, as that of fp16 in fp32), and so is each sum; they are not fused.

    Latency: 2 cycles. Initiation interval: 1 cycle. Registers hold the operands and the sum, and
    nothing is between them.

    Parameters
    ----------
    operand_format, sum_format : str
        Both ``int<n>``, or both of ``rtl.float``. Raises InputError for all else.

    Members
    -------
    a, b, first : In(operand bits), In(operand bits), In(1)
        ``first``: the product begins a sum.
    total : Out(sum bits)
    """

    def __init__(self, operand_format: str, sum_format: str) -> None:
        integers = operand_format.startswith("int"), sum_format.startswith("int")
        floats = operand_format in FORMATS, sum_format in FORMATS
        if not (all(integers) or all(floats)):
            raise InputError(
                f"a plain MAC needs int<n> or {', '.join(FORMATS)} twice, not "
                f"{operand_format!r} and {sum_format!r}"
            )
        if all(floats) and FORMAT_BITS[operand_format] > FORMAT_BITS[sum_format]:
            raise InputError(
                f"a plain MAC's sum must be no narrower than {operand_format!r}, not {sum_format!r}"
            )
        self.operand_format, self.sum_format = operand_format, sum_format
        signed = all(integers)
        operand = Shape(FORMAT_BITS[operand_format], signed)
        self.shape = Shape(FORMAT_BITS[sum_format], signed)
        super().__init__(
            {"a": In(operand), "b": In(operand), "first": In(1), "total": Out(self.shape)}
        )
        self.held = {name: Signal(operand, name=f"held_{name}") for name in "ab"}
        self.begins = Signal()
        self.sum = Signal(self.shape)
        self.registers: dict[str, ValueLike] = {
            "a": self.held["a"],
            "b": self.held["b"],
            "first": self.begins,
            "sum": self.sum,
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        a, b = self.held["a"], self.held["b"]
        m.d.sync += [a.eq(self.a), b.eq(self.b), self.begins.eq(self.first)]
        m.d.comb += self.total.eq(self.sum)
        before = Signal(self.shape)
        m.d.comb += before.eq(Mux(self.begins, Const(0, self.shape), self.sum))
        if self.shape.signed:
            product = multiply(a, b, self.shape, False)
            m.d.sync += self.sum.eq(add(product, before, self.shape, False))
            return m
        source, target = FORMATS[self.operand_format], FORMATS[self.sum_format]
        m.submodules.multiplier = multiplier = Multiplier(source, target)
        m.submodules.adder = adder = Adder(target)
        m.d.comb += [
            multiplier.a.eq(a),
            multiplier.b.eq(b),
            adder.a.eq(multiplier.result),
            adder.b.eq(before),
        ]
        m.d.sync += self.sum.eq(adder.result)
        return m
