"""The queue of products: one ring that several readers go through, each at its own pace."""

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class Ring(wiring.Component):
    """Commands, kept until the last of the readers has gone on.

    A reader sees a command from the cycle after the one in which it came in. All of this depends
    on registers only, but for the commands, which are read from a memory.

    Parameters
    ----------
    layout : data.StructLayout
        Of a command.
    depth : int
        A power of two.
    readers : tuple[str, ...]
        The last one is never ahead of another: where it is, commands are given up.

    Members
    -------
    write, command : In(1), In(layout)
        Not while ``level`` is ``depth``.
    level : Out(range(depth + 1))
        Commands that the last reader has not given up.
    <reader> : Out(stream of layout)
    """

    def __init__(self, layout: data.StructLayout, depth: int, readers: tuple[str, ...]) -> None:
        self.layout, self.depth, self.readers = layout, depth, readers
        members: dict[str, wiring.Member] = {
            name: Out(stream.Signature(layout)) for name in readers
        }
        super().__init__(
            members | {"write": In(1), "command": In(layout), "level": Out(range(depth + 1))}
        )
        # One bit more than an address: full is not empty.
        bits = ceil_log2(depth) + 1
        self.head = Signal(bits)
        self.at = {name: Signal(bits, name=f"at_{name}") for name in readers}
        self.registers: dict[str, ValueLike] = {
            "head": self.head,
            **{f"at.{name}": at for name, at in self.at.items()},
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = store = memory.Memory(shape=self.layout, depth=self.depth, init=[])
        write = store.write_port()
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.head[: len(write.addr)]),
            write.data.eq(self.command),
            self.level.eq((self.head - self.at[self.readers[-1]])[: len(self.head)]),
        ]
        m.d.sync += self.head.eq(self.head + self.write)
        for name, at in self.at.items():
            read = store.read_port(domain="comb")
            reader = getattr(self, name)
            m.d.comb += [
                read.addr.eq(at[: len(read.addr)]),
                reader.valid.eq(at != self.head),
                reader.payload.eq(read.data),
            ]
            m.d.sync += at.eq(at + (reader.valid & reader.ready))
        return m
