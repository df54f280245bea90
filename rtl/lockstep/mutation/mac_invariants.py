"""What holds in every state that a SIMD engine can reach, for proofs over single cycles."""

from collections.abc import Iterator

from amaranth.hdl import Module, Signal, Value

from arch.mac.kinds import Float
from rtl.mac import SimdMacUnit
from rtl.mac.parameters import chain_form, fixed_bits
from rtl.wrapper import Wrapper


class Bounded(Wrapper):
    """A wrapper of an engine with one more output: ``legal`` is 1 where products are no larger
    than they can be."""

    def __init__(self, component: SimdMacUnit) -> None:
        super().__init__(component)
        self.legal = Signal()

    @property
    def ports(self) -> list[Signal]:
        """clk, rst, stim, resp, legal."""
        return [*super().ports, self.legal]

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        held = Value.cast(1)
        for invariant in bounds(self.component):
            held = held & invariant
        m.d.comb += self.legal.eq(held)
        return m


def bounds(unit: SimdMacUnit) -> Iterator[Value]:
    """Of the sums of a word's products, in the mode that is with them; and no chained sum is a
    NaN where no operand is and a float's results saturate or overflow to infinity."""
    engine = unit.engine
    chain = chain_form(engine)
    if isinstance(chain, Float) and chain.has_infinity and not engine.special_bits:
        yield unit.mac.sum[: chain.bits - 1] <= chain.largest_code + 1
    last = len(engine.modes) - 1
    for product, index in zip(unit.mac.products, unit.mac.modes, strict=True):
        number = product[: fixed_bits(engine)].as_signed()
        for k, mode in enumerate(engine.modes):
            most = engine.lanes(mode) << mode.product_bits
            other = (index < last) if k == last else (index != k)
            yield other | ((number <= most) & (number >= -most))
