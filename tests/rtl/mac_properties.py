"""What is proven of the SIMD engine's parts."""

from amaranth.hdl import Assert, Cat, Const, Cover, Elaboratable, Module, Mux, Value

from arch.mac.kinds import Int, Scalar
from rtl.mac import Decoder, Rmmec
from rtl.mac.convert import Converter


class Identity(Elaboratable):
    """A code that is decoded and encoded is the same, and each code that is NaN is one of them."""

    def __init__(self, form: Scalar) -> None:
        self.form = form
        self.converter = Converter(form, form)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        form = self.form
        m.submodules.converter = unit = self.converter
        m.submodules.decoder = decoder = Decoder(form)
        m.d.comb += decoder.code.eq(unit.code)
        m.submodules.nan = again = Decoder(form)
        m.d.comb += again.code.eq(unit.result)
        expected: Value = unit.code
        if isinstance(form, Int) and form.symmetric:
            lowest = 1 << form.bits - 1
            expected = Mux(unit.code == lowest, lowest + 1, unit.code)
        m.d.comb += [
            Assert((unit.result == expected) | (decoder.nan & again.nan)),
            Cover(unit.result.all()),
        ]
        return m


class Multiplies(Elaboratable):
    """The product is that of Yosys, in every mode."""

    def __init__(self, multiplier: Rmmec) -> None:
        self.multiplier = multiplier

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = unit = self.multiplier
        for k, (lanes, width) in enumerate(unit.modes):
            sides = [
                [side[i * width : (i + 1) * width] for i in range(lanes)]
                for side in (unit.x, unit.y)
            ]
            plain = Cat(*(a * b for a, b in zip(*sides, strict=True)))
            with m.If(unit.mode == k):
                m.d.comb += Assert(unit.product == plain)
        return m


class Composes(Elaboratable):
    """Each of the rows that are added up at their places is the lane's part of x times a digit of
    y. So the sum is x y, as y is its digits at their places; a row reaches no lane but its own.
    """

    def __init__(self, multiplier: Rmmec) -> None:
        self.multiplier = multiplier

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = unit = self.multiplier
        for k in range(len(unit.modes)):
            with m.If(unit.mode == k):
                for j, row in enumerate(unit.rows):
                    m.d.comb += Assert(row == self._row(k, j))
        return m

    def _row(self, mode: int, j: int) -> Value:
        unit = self.multiplier
        lanes, width = unit.modes[mode]
        lane = 2 * j // width
        if lane >= lanes:
            return Const(0)
        digit = unit.y[2 * j : 2 * j + 2]
        part = Cat(Const(0, lane * width), unit.x[lane * width : (lane + 1) * width])
        return Cat(part & digit[0].replicate(len(part)), Const(0, 1)) + Cat(
            Const(0, 1), part & digit[1].replicate(len(part))
        )
