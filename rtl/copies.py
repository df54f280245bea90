"""Components of which a design has many copies: a module that is made once, and its instances.

Amaranth converts each copy anew, with its constants inside, and tools then compile each on its own.
"""

from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockSignal, Instance, Module, ResetSignal, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In


class Modules:
    """A platform that collects the modules that copies need."""

    def __init__(self) -> None:
        self.originals: dict[str, wiring.Component] = {}

    def rtlil(self) -> str:
        """Them all in Yosys's own language, none of them the top."""
        return "".join(_rtlil_of(name, each) for name, each in self.originals.items())


class Copy(wiring.Component):
    """A copy of a component, with the same members; ``registers`` are out of a port ``state``.

    Parameters
    ----------
    name : str
        Of the module. All copies of a name must be of one original.
    original : wiring.Component
        With ``registers``; it is converted once, whatever it is connected to here. It has no
        copies inside.
    """

    def __init__(self, name: str, original: wiring.Component) -> None:
        super().__init__(dict(original.signature.members))
        self.name, self.original = name, original
        self.state = Signal(sum(len(Value.cast(each)) for each in original.registers.values()))
        self.registers: dict[str, ValueLike] = {}
        at = 0
        for register, value in original.registers.items():
            part = self.state[at : at + len(Value.cast(value))]
            is_view = isinstance(value, data.View)
            self.registers[register] = data.View(value.shape(), part) if is_view else part
            at += len(part)

    def elaborate(self, platform: object) -> Module:
        if isinstance(platform, Modules):
            platform.originals[self.name] = self.original
        ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in self.signature.flatten(self):
            side = "i" if member.flow is In else "o"
            if len(Value.cast(value)):
                ports[f"{side}_{_port(path)}"] = Value.cast(value)
        ports["o_state"] = self.state
        m = Module()
        m.submodules.copy = Instance(self.name, **ports)
        return m


def _port(path: tuple[str | int, ...]) -> str:
    return "__".join(map(str, path))


def _rtlil_of(name: str, original: wiring.Component) -> str:
    m = Module()
    m.submodules.unit = original
    state = Signal(sum(len(Value.cast(each)) for each in original.registers.values()))
    m.d.comb += state.eq(Cat(*map(Value.cast, original.registers.values())))
    ports: dict[str, Any] = {"state": state}
    for path, _, value in original.signature.flatten(original):
        if len(Value.cast(value)):
            ports[_port(path)] = Value.cast(value)
    undirected = {port: (value, None) for port, value in ports.items()}
    text = rtlil.convert(m, name=name, ports=undirected, emit_src=False)
    return str(text).replace("attribute \\top 1\n", "")
