"""The table of registers as hardware."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.coprocessor.axi_lite import WORD_BITS, WRITE
from rtl.coprocessor.registers import COUNTER_BITS, COUNTERS, Register


class RegisterFile(wiring.Component):
    """What the fields of a table are, as registers and ports.

    Writes to what is not in the table or cannot be written are refused, and so are reads of what
    is not there. ``rw`` and ``w1c`` fields are registers; a ``w1c`` one that is set in the cycle in
    which it is cleared stays set.

    Members
    -------
    write, write_index, write_word, write_refused
    read, read_index, read_data, read_refused
        As of ``AxiLite``, seen from the other side.
    deny : In(1)
        The write of this cycle is refused, but done.
    <field> : Out of ``rw``, ``pulse`` and ``w1c`` fields, In of ``ro`` ones
        Counters are given in full.
    set_<field> : In(width) of ``w1c`` fields
    """

    def __init__(self, table: tuple[Register, ...], index_bits: int) -> None:
        self.table = table
        members: dict[str, wiring.Member] = {
            "write": In(1),
            "write_index": In(index_bits),
            "write_word": In(WRITE),
            "write_refused": Out(1),
            "read": In(1),
            "read_index": In(index_bits),
            "read_data": Out(WORD_BITS),
            "read_refused": Out(1),
            "deny": In(1),
        }
        self.high = Signal(COUNTER_BITS - WORD_BITS)
        self.registers: dict[str, ValueLike] = {"high": self.high}
        self.held: dict[str, Signal] = {}
        for register in table:
            for field in register.fields:
                if register.name in COUNTERS:
                    members[field.name] = In(COUNTER_BITS)
                elif field.access == "ro" and register.name != "HIGH":
                    members[field.name] = In(field.width)
                elif field.access in ("rw", "pulse", "w1c"):
                    members[field.name] = Out(field.width)
                if field.access == "w1c":
                    members[f"set_{field.name}"] = In(field.width)
                if field.access in ("rw", "w1c"):
                    self.held[field.name] = Signal(field.width, name=f"held_{field.name}")
        self.registers |= self.held
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = self.write_word.data
        mask = Cat(*(strobe.replicate(8) for strobe in self.write_word.strobe))
        for i, register in enumerate(self.table):
            chosen = self.write & (self.write_index == i)
            for field in register.fields:
                at = slice(field.low, field.low + field.width)
                self._write(m, field.access, field.name, chosen, word[at], mask[at])
        count = len(self.table)
        writable = Array(Const(int(register.writable)) for register in self.table)
        m.d.comb += [
            self.write_refused.eq(
                (self.write_index >= count) | ~writable[self.write_index] | self.deny
            ),
            self.read_refused.eq(self.read_index >= count),
            self.read_data.eq(Array(map(self._shown, self.table))[self.read_index]),
        ]
        for i, register in enumerate(self.table):
            if register.name in COUNTERS:
                counter = getattr(self, register.fields[0].name)
                with m.If(self.read & (self.read_index == i)):
                    m.d.sync += self.high.eq(counter[WORD_BITS:])
        return m

    def _write(
        self, m: Module, access: str, name: str, chosen: Value, bits: Value, mask: Value
    ) -> None:
        """What a write does to one field."""
        if access == "pulse":
            m.d.comb += getattr(self, name).eq(Mux(chosen, bits & mask, 0))
        elif access in ("rw", "w1c"):
            held = self.held[name]
            m.d.comb += getattr(self, name).eq(held)
            if access == "rw":
                with m.If(chosen):
                    m.d.sync += held.eq((held & ~mask) | (bits & mask))
            else:
                cleared = Mux(chosen, bits & mask, 0)
                m.d.sync += held.eq((held & ~cleared) | getattr(self, f"set_{name}"))

    def _shown(self, register: Register) -> Value:
        """What a read gets."""
        parts: list[ValueLike] = []
        at = 0
        for field in register.fields:
            parts.append(Const(0, field.low - at))
            at = field.low + field.width
            if field.access == "pulse":
                parts.append(Const(0, field.width))
            elif field.access == "constant":
                parts.append(Const(field.value, field.width))
            elif register.name == "HIGH":
                parts.append(self.high)
            else:
                parts.append(getattr(self, field.name)[: field.width])
        return Cat(*parts, Const(0, WORD_BITS - at))
