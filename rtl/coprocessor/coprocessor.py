"""The co-processor: a systolic array, a queue of products, registers and streams."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Shape, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from arch.array import Array
from rtl.array import SystolicArray
from rtl.array.controller import command_layout
from rtl.array.systolic import EXTENT_BITS
from rtl.coprocessor.account import Account
from rtl.coprocessor.axi_lite import READ, WORD_BITS, WRITE, AxiLite
from rtl.coprocessor.beats import beats_of
from rtl.coprocessor.intake import Intake
from rtl.coprocessor.lanes import axis_layout, lane_bytes
from rtl.coprocessor.outlet import Outlet
from rtl.coprocessor.register_file import RegisterFile
from rtl.coprocessor.registers import Sizes, check, table
from rtl.coprocessor.ring import Ring

ADDRESS_BITS = 8
DEPTH = 16
LITE = "s_axil"
CHANNELS = ("aw", "w", "b", "ar", "r")
OUTWARDS = ("b", "r")
MEMBERS: dict[str, dict[str, str | None]] = {
    "w": {"data": "data", "strb": "strobe"},
    "r": {"data": "data", "resp": "response"},
    "b": {"resp": None},
}
"""Of a channel's payload, by the names that AXI has for them; all others are an address."""


class Coprocessor(wiring.Component):
    """A matrix co-processor for AXI; docs/coprocessor.md has its registers and its streams.

    Software writes the extents of a product, starts it, and goes on with the next; a DMA feeds
    ``left`` and ``top`` and takes ``result``. Products are computed in order. All ports are
    synchronous to ``clk``; ``rst`` is synchronous and active at 1, AXI's ``aresetn`` inverted.

    Parameters
    ----------
    array : arch.array.Array
        Raises InputError for parameters that have no hardware.
    extent_bits : int
        Width of an extent, 4 to 32.
    depth : int
        Products in the queue, a power of two from 2 to 32768.

    Members
    -------
    s_axil_* : AXI4-Lite slave, 32 bits
    s_axis_left_*, s_axis_top_*, s_axis_partial_* : AXI4-Stream slaves
        ``partial`` only where sums can come back (ws, is).
    m_axis_result_* : AXI4-Stream master
        ``tuser`` is 1 with partial sums; only where there are any.
    irq : Out(1)
        A level.
    """

    ring_kind: ClassVar[type[Ring]] = Ring
    """Another one where a proof looks inside."""

    def __init__(self, array: Array, *, extent_bits: int = EXTENT_BITS, depth: int = DEPTH) -> None:
        check(extent_bits, depth)
        self.array = SystolicArray(array, extent_bits=extent_bits)
        self.parameters = p = self.array.parameters
        beats = beats_of(p)
        self.names = tuple(name for name in beats if name != "result")
        layouts = {name: getattr(self.array, name).payload.shape() for name in self.names}
        output = self.array.output.payload.shape()
        self.intakes = {name: Intake(p, layout, beats[name]) for name, layout in layouts.items()}
        self.outlet = Outlet(p, output, beats["result"])
        # Results are the last to know of a product.
        self.ring = self.ring_kind(command_layout(p), depth, ("array", *self.names, "result"))
        self.lite = AxiLite(ADDRESS_BITS)
        self.account = Account([beats[name].number_bits(p) for name in self.names])
        words = output.members["words"]
        engine = array.engine
        self.sizes = Sizes(
            rows=p.rows,
            cols=p.cols,
            left_bytes=_bytes(layouts["left"]),
            top_bytes=_bytes(layouts["top"]),
            result_bytes=_bytes(words),
            extent_bits=extent_bits,
            modes=len(engine.modes) if engine else 1,
            results=len(engine.results) if engine else 1,
            depth=depth,
            streams=self.names,
        )
        self.file = RegisterFile(table(self.sizes), ADDRESS_BITS - 2)
        self.parts: dict[str, wiring.Component] = {
            "array": self.array,
            "ring": self.ring,
            "lite": self.lite,
            "file": self.file,
            "account": self.account,
            "outlet": self.outlet,
            **{f"{name}_intake": intake for name, intake in self.intakes.items()},
        }
        self.registers: dict[str, ValueLike] = {
            f"{part}.{name}": word
            for part, component in self.parts.items()
            for name, word in component.registers.items()
            if len(Value.cast(word))
        }
        members: dict[str, wiring.Member] = {"irq": Out(1)} | _lite_members()
        for name, layout in layouts.items():
            members |= _stream_members(f"s_axis_{name}", In, Out, axis_layout(layout))
        members |= _stream_members("m_axis_result", Out, In, axis_layout(words))
        if p.stationary:
            members["m_axis_result_tuser"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
        self._outside(m)
        self._flow(m)
        self._registers(m)
        return m

    def _outside(self, m: Module) -> None:
        """Ports as streams."""
        for channel in CHANNELS:
            inner = getattr(self.lite, channel)
            for outer, member in MEMBERS.get(channel, {"addr": None}).items():
                port = getattr(self, f"{LITE}_{channel}{outer}")
                word = inner.payload if member is None else getattr(inner.payload, member)
                m.d.comb += port.eq(word) if channel in OUTWARDS else word.eq(port)
            self._handshake(m, f"{LITE}_{channel}", inner, outwards=channel in OUTWARDS)
        for name, intake in self.intakes.items():
            self._axis(m, f"s_axis_{name}", intake.axis, outwards=False)
        self._axis(m, "m_axis_result", self.outlet.axis, outwards=True)
        if self.parameters.stationary:
            m.d.comb += self.m_axis_result_tuser.eq(~self.outlet.complete)

    def _axis(self, m: Module, name: str, inner: wiring.PureInterface, *, outwards: bool) -> None:
        for member in ("data", "keep", "last"):
            port, word = getattr(self, f"{name}_t{member}"), getattr(inner.payload, member)
            m.d.comb += port.eq(word) if outwards else word.eq(port)
        self._handshake(m, f"{name}_t", inner, outwards=outwards)

    def _handshake(
        self, m: Module, name: str, inner: wiring.PureInterface, *, outwards: bool
    ) -> None:
        valid, ready = getattr(self, f"{name}valid"), getattr(self, f"{name}ready")
        if outwards:
            m.d.comb += [valid.eq(inner.valid), inner.ready.eq(ready)]
        else:
            m.d.comb += [inner.valid.eq(valid), ready.eq(inner.ready)]

    def _flow(self, m: Module) -> None:
        """Commands to who reads them, operands in, results out."""
        array, ring, outlet = self.array, self.ring, self.outlet
        wiring.connect(m, ring.array, array.command)
        for name, intake in self.intakes.items():
            wiring.connect(m, getattr(ring, name), intake.command)
            wiring.connect(m, intake.words, getattr(array, name))
        wiring.connect(m, ring.result, outlet.command)
        wiring.connect(m, array.output, outlet.results)
        m.d.comb += outlet.sent.eq(array.sent)

    def _registers(self, m: Module) -> None:
        """What software sees and does."""
        file, ring, account, sizes = self.file, self.ring, self.account, self.sizes
        refused, full = Signal(), Signal()
        wrong: list[Value] = [file.m == 0, file.n == 0, file.k == 0]
        wrong += [file.mode >= sizes.modes, file.result >= sizes.results]
        m.d.comb += [
            refused.eq(file.start & Cat(*wrong).any()),
            full.eq(file.start & ~refused & (ring.level == sizes.depth)),
            file.deny.eq(refused | full),
            ring.write.eq(file.start & ~refused & ~full),
            *(getattr(ring.command, name).eq(getattr(file, name)) for name in self._command()),
            file.set_refused.eq(refused),
            file.set_full.eq(full),
            file.level.eq(ring.level),
            file.busy.eq(ring.level != 0),
            file.set_done.eq(self.outlet.ended),
        ]
        wiring_of = ("write", "write_index", "write_word", "read", "read_index")
        for name in wiring_of:
            m.d.comb += getattr(file, name).eq(getattr(self.lite, name))
        for name in ("write_refused", "read_data", "read_refused"):
            m.d.comb += getattr(self.lite, name).eq(getattr(file, name))
        errors = []
        for i, (name, intake) in enumerate(self.intakes.items()):
            found = {kind: getattr(intake, kind) for kind in ("early", "missing", "keep")}
            for kind, happens in found.items():
                m.d.comb += getattr(file, f"set_{name}_{kind}").eq(happens)
                errors.append(getattr(file, f"{name}_{kind}"))
            m.d.comb += [
                getattr(account, f"error{i}").eq(Cat(*found.values()).any()),
                getattr(account, f"number{i}").eq(intake.number),
            ]
        anything = Cat(*errors, file.refused, file.full).any()
        m.d.comb += [
            account.clear.eq(file.clear),
            account.works.eq(ring.at["array"] != ring.at["result"]),
            account.advance.eq(self.array.advance),
            account.blocked.eq(self.array.blocked),
            account.ended.eq(self.outlet.ended),
            account.clean.eq(~Cat(*errors).any()),
            file.error.eq(anything),
            self.irq.eq((file.done & file.irq_done) | (anything & file.irq_error)),
        ]
        for name in ("beats", "stalled_input", "stalled_output", "products", "beat", "stream"):
            m.d.comb += getattr(file, name).eq(getattr(account, name))

    def _command(self) -> tuple[str, ...]:
        """Fields of a command that are not empty."""
        members = command_layout(self.parameters).members
        return tuple(name for name, shape in members.items() if Shape.cast(shape).width)


def _bytes(layout: data.ArrayLayout) -> int:
    return lane_bytes(Shape.cast(layout.elem_shape))


def _stream_members(
    name: str, given: wiring.Flow, taken: wiring.Flow, layout: data.StructLayout
) -> dict[str, wiring.Member]:
    members = {f"{name}_t{part}": given(shape) for part, shape in layout.members.items()}
    return members | {f"{name}_tvalid": given(1), f"{name}_tready": taken(1)}


def _lite_members() -> dict[str, wiring.Member]:
    members: dict[str, wiring.Member] = {}
    for channel in ("aw", "ar"):
        # Protection is not looked at.
        members |= {
            f"{LITE}_{channel}addr": In(ADDRESS_BITS),
            f"{LITE}_{channel}prot": In(3),
        }
    members |= {
        f"{LITE}_wdata": In(WORD_BITS),
        f"{LITE}_wstrb": In(WRITE["strobe"].width),
        f"{LITE}_bresp": Out(2),
        f"{LITE}_rdata": Out(WORD_BITS),
        f"{LITE}_rresp": Out(READ["response"].width),
    }
    for channel in CHANNELS:
        given, taken = (Out, In) if channel in OUTWARDS else (In, Out)
        members |= {f"{LITE}_{channel}valid": given(1), f"{LITE}_{channel}ready": taken(1)}
    return members
