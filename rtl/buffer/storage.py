"""The lines of a scratchpad behind its ports."""

from amaranth.hdl import Cat, Const, Module, Signal, ValueLike
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from rtl.buffer.parameters import Parameters
from rtl.buffer.ports import USES


class Storage(wiring.Component):
    """A memory of ``accesses`` ports; each reads or writes any line in each cycle.

    Ports are given to the lines of a cycle in the order of ``USES``. As in the simulator there are
    no conflicts of banks. A line that is read and written in the same cycle is read as it was.

    Latency: 1 cycle from a read to ``read_lines`` or ``drain_lines``. Initiation interval: 1 cycle.

    Members
    -------
    read_count, ..., drain_count, read_at, ..., drain_at, drain_half, half
        As of ``PortArbiter``.
    write_lines, fill_lines : In(ArrayLayout(line, accesses))
        What is written; the first ``write_count``, ``fill_count`` lanes count.
    read_lines, drain_lines : Out(ArrayLayout(line, accesses))
        What was read; lanes that did not read keep their line.
    read_valid, drain_valid : Out(range(accesses + 1))
        Lanes that were read one cycle before.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        counts = range(p.accesses + 1)
        members: dict[str, In | Out] = {f"{use}_count": In(counts) for use in USES}
        members |= {f"{use}_at": In(p.address_bits) for use in USES}
        if p.double_buffered:
            members |= {"drain_half": In(1), "half": In(1)}
        members |= {f"{use}_lines": In(p.lanes) for use in ("write", "fill")}
        for use in ("read", "drain"):
            members |= {f"{use}_lines": Out(p.lanes), f"{use}_valid": Out(counts)}
        super().__init__(members)
        self.registers: dict[str, ValueLike] = {
            name: getattr(self, name)
            for name in ("read_lines", "read_valid", "drain_lines", "drain_valid")
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        halves: dict[str, ValueLike] = dict.fromkeys(USES, Const(0, 0))
        if p.double_buffered:
            halves = {"read": self.half, "write": self.half, "fill": ~self.half}
            halves["drain"] = self.drain_half
        lines = p.depth_lines * (2 if p.double_buffered else 1)
        m.submodules.memory = store = memory.Memory(shape=p.line, depth=lines, init=[])
        # Ports that each use begins and ends at.
        ends: dict[str, Signal] = {}
        begin: ValueLike = Const(0)
        begins: dict[str, ValueLike] = {}
        for use in USES:
            begins[use] = begin
            ends[use] = Signal(range(p.accesses + 1), name=f"{use}_end")
            m.d.comb += ends[use].eq(begin + getattr(self, f"{use}_count"))
            begin = ends[use]
        for port in range(p.accesses):
            reads, writes = store.read_port(domain="comb"), store.write_port()
            address = Signal(p.address_bits, name=f"address{port}")
            m.d.comb += [reads.addr.eq(writes.addr)]
            for j, use in enumerate(USES):
                with m.If(port < ends[use]) if j == 0 else m.Elif(port < ends[use]):
                    m.d.comb += [
                        address.eq(getattr(self, f"{use}_at") + (port - begins[use])),
                        writes.addr.eq(Cat(address, halves[use])),
                    ]
                    self._move(m, use, port, begins[use], reads.data, writes)
        m.d.sync += [
            self.read_valid.eq(self.read_count),
            self.drain_valid.eq(self.drain_count),
        ]
        return m

    def _move(
        self,
        m: Module,
        use: str,
        port: int,
        begin: ValueLike,
        out: ValueLike,
        into: memory.WritePort,
    ) -> None:
        """Connect a port with the lane of a use that has it."""
        lanes = getattr(self, f"{use}_lines")
        if use in ("write", "fill"):
            m.d.comb += into.en.eq(1)
        with m.Switch(begin):
            for first in range(1 if use == "read" else port + 1):
                with m.Case(first):
                    if use in ("write", "fill"):
                        m.d.comb += into.data.eq(lanes[port - first])
                    else:
                        m.d.sync += lanes[port - first].eq(out)
