"""What holds in every state that SIMD engines can reach, for proofs over single cycles."""

from collections.abc import Iterator

from amaranth.hdl import Module, Signal, Value

from arch.mac.engine import Engine
from arch.mac.kinds import Float
from rtl.array import SystolicArray
from rtl.lockstep.mutation.invariants import Watched, invariants
from rtl.mac import SimdMacUnit
from rtl.mac.parameters import chain_form, fixed_bits
from rtl.mac.simd_mac import SimdMac
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
        unit = self.component
        m.d.comb += self.legal.eq(_all(bounds(unit.engine, unit.mac)))
        return m


class WatchedEngines(Watched):
    """As ``Watched``, of an array of engines."""

    @property
    def invariants(self) -> Iterator[Value]:
        """Of the array, of each engine, and of what is drained."""
        array: SystolicArray = self.component
        engine = array.parameters.engine
        assert engine is not None
        yield from invariants(array)
        for pe in (pe for row in array.grid.pes for pe in row):
            yield from bounds(engine, pe.mac)
            yield from number(engine, pe.drain)


def bounds(engine: Engine, mac: SimdMac) -> Iterator[Value]:
    """Of the sums of a word's products, in the mode that is with them; and of a chained sum."""
    yield from number(engine, mac.sum)
    last = len(engine.modes) - 1
    for product, index in zip(mac.products, mac.modes, strict=True):
        of_product = product[: fixed_bits(engine)].as_signed()
        for k, mode in enumerate(engine.modes):
            most = engine.lanes(mode) << mode.product_bits
            other = (index < last) if k == last else (index != k)
            yield other | ((of_product <= most) & (of_product >= -most))


def number(engine: Engine, total: Value) -> Iterator[Value]:
    """No chained sum is a NaN where no operand is and a float's results saturate or overflow to
    infinity."""
    chain = chain_form(engine)
    if isinstance(chain, Float) and chain.has_infinity and not engine.special_bits:
        yield total[: chain.bits - 1] <= chain.largest_code + 1


def _all(values: Iterator[Value]) -> Value:
    held = Value.cast(1)
    for value in values:
        held = held & value
    return held
