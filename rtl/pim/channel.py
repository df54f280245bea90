"""The arithmetic of a channel: the global buffer with its sequencer, a MAC unit a bank."""

from amaranth.hdl import Cat, Module, ValueLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.parts import registers_of
from rtl.pim.mac_unit import MacUnit
from rtl.pim.parameters import Parameters
from rtl.pim.sequencer import Sequencer


class MacChannel(wiring.Component):
    """What a PIM adds to the banks of a channel. ``Sequencer`` says what a command does,
    ``MacUnit`` in which order numbers are added.

    Latency: 2 cycles from a command to its first column, ``Parameters.latency`` from there to a
    result. Initiation interval: 1 cycle.

    Members
    -------
    command : In(stream of Parameters.command)
    rows : In(ArrayLayout(column, banks))
        Column ``row_column`` of each bank's open row, in the same cycle.
    columns : Out(banks)
        Banks that use it in this cycle.
    row_column : Out(row_bits)
    results : Out(ArrayLayout(operand format, banks))
    result_valid : Out(banks)
        Banks whose result is new.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "command": In(stream.Signature(p.command)),
                "rows": In(data.ArrayLayout(p.column, p.banks)),
                "columns": Out(p.banks),
                "row_column": Out(p.row_bits),
                "results": Out(data.ArrayLayout(p.operand.bits, p.banks)),
                "result_valid": Out(p.banks),
            }
        )
        self.sequencer = Sequencer(p)
        self.units = [MacUnit(p) for _ in range(p.banks)]
        units = ((f"unit{i}", unit) for i, unit in enumerate(self.units))
        self.registers: dict[str, ValueLike] = registers_of((("sequencer", self.sequencer), *units))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        wiring.connect(m, wiring.flipped(self.command), sequencer.command)
        token = sequencer.token
        used = [token.valid & bank for bank in sequencer.banks]
        m.d.comb += [self.columns.eq(Cat(*used)), self.row_column.eq(sequencer.row_column)]
        for i, unit in enumerate(self.units):
            m.submodules[f"unit{i}"] = unit
            bank = sequencer.banks[i]
            m.d.comb += [
                unit.given.valid.eq(token.valid & bank),
                unit.given.clear.eq(token.clear & bank),
                unit.given.read.eq(token.read & bank),
                unit.given.thread.eq(token.thread),
                unit.row.eq(self.rows[i]),
                unit.factors.eq(sequencer.factors),
                self.results[i].eq(unit.result),
                self.result_valid[i].eq(unit.result_valid),
            ]
        return m
