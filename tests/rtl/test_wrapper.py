"""The order of a wrapper's fields, and what they are wired to."""

from amaranth.hdl import Module, Signal, ValueLike, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from wide_fifo_twin import SHAPE

from rtl.stream import Fifo
from rtl.verilog import rtlil_of
from rtl.wrapper import TOP, Field, Wrapper, leaves


def wrapped(component: wiring.Component) -> Wrapper:
    """A wrapper that Amaranth takes."""
    wrapper = Wrapper(component)
    assert "module" in rtlil_of(wrapper, TOP, wrapper.ports)
    return wrapper


class Odd(wiring.Component):
    """Members in no order that sorting would keep; one stream goes each way."""

    z: In(signed(3))  # type: ignore[valid-type]
    words: In(stream.Signature(data.ArrayLayout(4, 2)))  # type: ignore[valid-type]
    a: Out(2)  # type: ignore[valid-type]

    def __init__(self) -> None:
        super().__init__()
        self.kept = Signal(signed(3), init=-2)
        self.registers: dict[str, ValueLike] = {"child.kept": self.kept}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.a.eq(self.words.payload[1]), self.words.ready.eq(self.kept[0])]
        m.d.sync += self.kept.eq(self.z)
        return m


def test_fields_are_in_the_order_of_the_signature_then_of_the_registers() -> None:
    wrapper = wrapped(Odd())
    assert wrapper.stim_fields == (
        Field("z", 3, True),
        Field("words.payload[0]", 4, False),
        Field("words.payload[1]", 4, False),
        Field("words.valid", 1, False),
    )
    assert wrapper.resp_fields == (
        Field("words.ready", 1, False),
        Field("a", 2, False),
        Field("child.kept", 3, True),
    )
    assert (len(wrapper.stim), len(wrapper.resp)) == (12, 6)
    assert [port.name for port in wrapper.ports] == ["clk", "rst", "stim", "resp"]


def test_structures_and_arrays_come_apart_and_width_0_is_left_out() -> None:
    names = [field.name for field in wrapped(Fifo(SHAPE)).stim_fields]
    word = ["a", "b[0]", "b[1]", "b[2]", "c"]
    assert names == [*(f"input.payload.{part}" for part in word), "input.valid", "output.ready"]


def test_nested_layouts_are_named_by_the_whole_way() -> None:
    layout = data.StructLayout({"x": data.ArrayLayout(data.StructLayout({"y": 2, "n": 0}), 2)})
    fields = [field for field, _ in leaves("p", Signal(layout))]
    assert fields == [Field("p.x[0].y", 2, False), Field("p.x[1].y", 2, False)]


def test_an_array_of_words_of_no_width_has_no_fields() -> None:
    assert list(leaves("p", Signal(data.ArrayLayout(0, 3)))) == []


def test_fields_lie_lowest_bits_first_without_gaps() -> None:
    wrapper = Wrapper(Odd())
    seen = []

    async def bench(ctx):  # type: ignore[no-untyped-def]
        ctx.set(wrapper.stim, 0b1_0110_1001_101)  # z = -3, words = [9, 6], valid
        seen.append(ctx.get(wrapper.resp))
        await ctx.tick()
        seen.append(ctx.get(wrapper.resp))

    simulator = Simulator(wrapper)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    # child.kept, a, words.ready: -2, 6 & 3, 0 at first; -3, 2, 1 after the edge.
    assert seen == [0b110_10_0, 0b101_10_1]
