"""A sum rounded to a result."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.engine import Engine
from arch.mac.kinds import Scalar
from arch.mac.ranges import significand_bits
from rtl.mac.codec import (
    Decoder,
    Encoder,
    exponent_least,
    scale_shape,
    significand_needed,
)
from rtl.mac.convert import decoded_scale
from rtl.mac.parameters import (
    chain_form,
    chosen,
    mode_bits,
    result_bits,
    result_forms,
    result_width,
)
from rtl.mac.shift import narrowed, normalised


class Reader(wiring.Component):
    """The code of a sum in one of the engine's result formats: combinational.

    NaN becomes code 0 in a format without, an infinity the largest number of its sign in one
    without.

    Parameters
    ----------
    engine : arch.mac.engine.Engine

    Members
    -------
    sum : In(engine.sum_bits)
    mode : In(mode_bits(engine))
        Of the words that were added: an exact sum's unit.
    result : In(result_bits(engine))
    code : Out(result_width(engine))
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.registers: dict[str, ValueLike] = {}
        super().__init__(
            {
                "sum": In(engine.sum_bits),
                "mode": In(mode_bits(engine)),
                "result": In(result_bits(engine)),
                "code": Out(result_width(engine)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chain = chain_form(self.engine)
        if chain is None:
            self._exact(m)
        else:
            self._chained(m, chain)
        return m

    def _exact(self, m: Module) -> None:
        engine = self.engine
        bits = engine.quire_bits
        fixed, specials = self.sum[:bits], self.sum[bits:]
        size = Signal(bits)
        m.d.comb += size.eq(Mux(fixed[-1], -fixed, fixed))
        normal, zeros = normalised(m, size, "size")
        units = [mode.unit_exponent for mode in engine.modes]
        shape = scale_shape(min(units) - bits, max(units) + bits)
        scale = Signal(shape)
        m.d.comb += scale.eq(chosen(self.mode, [unit + bits - 1 for unit in units]) - zeros)
        nan, infinite, negative = Signal(), Signal(), Signal()
        m.d.comb += negative.eq(fixed[-1])
        if engine.special_bits:
            m.d.comb += nan.eq(specials[0])
        if engine.special_bits > 1:
            plus, minus = specials[1], specials[2]
            m.d.comb += [
                nan.eq(specials[0] | (plus & minus)),
                infinite.eq(plus | minus),
                negative.eq(Mux(infinite, minus, fixed[-1])),
            ]
        self._encode(m, nan, infinite, negative, normal, scale, shape)

    def _chained(self, m: Module, chain: Scalar) -> None:
        m.submodules.decoder = given = Decoder(chain)
        m.d.comb += given.code.eq(self.sum)
        normal, zeros = normalised(m, given.significand, "size")
        bits, least = significand_bits(chain), exponent_least(chain)
        shape = decoded_scale(chain)
        scale = Signal(shape)
        m.d.comb += scale.eq(given.exponent - zeros + (least + bits - 1))
        self._encode(m, given.nan, given.infinite, given.negative, normal, scale, shape)

    def _encode(
        self,
        m: Module,
        nan: Value,
        infinite: Value,
        negative: Value,
        normal: Value,
        scale: Value,
        shape: Shape,
    ) -> None:
        codes: list[Value] = []
        for form in result_forms(self.engine):
            if form.name == self.engine.chain_format:
                codes.append(self.sum)
                continue
            needed = significand_needed(form)
            encoder = Encoder(form, needed, shape)
            m.submodules[f"to_{form.name}"] = encoder
            m.d.comb += [
                encoder.nan.eq(nan),
                encoder.infinite.eq(infinite),
                encoder.negative.eq(negative),
                encoder.significand.eq(narrowed(normal, needed)),
                encoder.scale.eq(scale),
            ]
            codes.append(encoder.code)
        m.d.comb += self.code.eq(chosen(self.result, [*codes]))
