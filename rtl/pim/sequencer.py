"""The global buffer of a channel, and what sends its columns to the banks."""

from amaranth.hdl import Module, Mux, Signal, ValueLike
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.pim.parameters import GAP_BITS, OPERATIONS, Parameters


class Sequencer(wiring.Component):
    """Takes commands in order, and turns each into what the MAC units do in each cycle.

    ``mac`` sends ``count`` columns of the buffer from ``buffer_column`` on, one in each ``1 + gap``
    cycles, with the column of the row that goes with it: nCCDL is 1 + gap. ``clear`` and ``read``
    are sent once. After the last of a command too there are ``gap`` cycles without one, so the next
    begins ``1 + gap`` cycles after it, without a bubble: ``ready`` is 1 in the cycle before, a
    function of registers. ``write`` puts ``data`` into a column of the buffer in the cycle in which
    it is taken, and takes no more. Numbers of columns wrap at their width.

    Latency: 2 cycles from a command to its first column in ``factors``. Initiation interval: 1.

    Members
    -------
    command : In(stream of Parameters.command)
    token : Out(Parameters.token)
        For all units; registered, as all outputs but ``ready``.
    banks : Out(banks)
        Which banks it is for.
    row_column : Out(row_bits)
        Column that the open rows are to show in this cycle.
    factors : Out(Parameters.column)
        Column of the buffer.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "command": In(stream.Signature(p.command)),
                "token": Out(p.token),
                "banks": Out(p.banks),
                "row_column": Out(p.row_bits),
                "factors": Out(p.column),
            }
        )
        self.operation = Signal(2)
        self.left = Signal(p.count_bits)
        self.wait = Signal(GAP_BITS)
        self.gap = Signal(GAP_BITS)
        self.next_banks = Signal(p.banks)
        self.next_thread = Signal(p.thread_bits)
        self.next_row = Signal(p.row_bits)
        self.next_buffer = Signal(p.buffer_bits)
        names = "operation left wait gap next_banks next_thread next_row next_buffer"
        names += " token banks row_column factors"
        self.registers: dict[str, ValueLike] = {name: getattr(self, name) for name in names.split()}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        write, mac, clear, read = range(len(OPERATIONS))
        m.submodules.memory = store = memory.Memory(shape=p.column, depth=p.buffer_columns, init=[])
        reads, writes = store.read_port(domain="comb"), store.write_port()
        issue, last, taken = Signal(), Signal(), Signal()
        m.d.comb += [
            issue.eq((self.left != 0) & (self.wait == 0)),
            last.eq((self.left == 1) & (self.wait == 0) & (self.gap == 0)),
            self.command.ready.eq(last | ((self.left == 0) & (self.wait <= 1))),
            taken.eq(self.command.valid & self.command.ready),
            reads.addr.eq(self.next_buffer),
        ]
        m.d.sync += [
            self.token.valid.eq(issue & (self.operation == mac)),
            self.token.clear.eq(issue & (self.operation == clear)),
            self.token.read.eq(issue & (self.operation == read)),
        ]
        with m.If(issue):
            m.d.sync += [
                self.left.eq(self.left - 1),
                self.wait.eq(self.gap),
                self.next_row.eq(self.next_row + 1),
                self.next_buffer.eq(self.next_buffer + 1),
                self.token.thread.eq(self.next_thread),
                self.banks.eq(self.next_banks),
                self.row_column.eq(self.next_row),
                self.factors.eq(reads.data),
            ]
        with m.Elif(self.wait != 0):
            m.d.sync += self.wait.eq(self.wait - 1)
        given = self.command.payload
        m.d.comb += [
            writes.addr.eq(given.buffer_column),
            writes.data.eq(given.data),
            writes.en.eq(taken & (given.operation == write)),
        ]
        with m.If(taken):
            once = given.operation != write
            m.d.sync += [
                self.operation.eq(given.operation),
                self.left.eq(Mux(given.operation == mac, given.count, once)),
                self.wait.eq(0),
                self.gap.eq(given.gap),
                self.next_banks.eq(given.banks),
                self.next_thread.eq(given.thread),
                self.next_row.eq(given.row_column),
                self.next_buffer.eq(given.buffer_column),
            ]
        return m
