"""The outside of a unit under co-simulation: one stimulus in, one response out.

The response carries the outputs and every register, so that nothing can differ unseen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring

from rtl.verilog import verilog_of

TOP = "twin"
"""Name of the wrapper's module."""


@dataclass(frozen=True)
class Field:
    """One integer of a stimulus or a response."""

    name: str
    width: int
    """In bits."""
    signed: bool


def leaves(name: str, value: Any) -> Iterator[tuple[Field, Value]]:
    """The integers that a signal is made of: members of structures and elements of arrays.

    Those of width 0 are left out.
    """
    if isinstance(value, data.View):
        layout = value.shape()
        if isinstance(layout, data.StructLayout):
            for member in layout.members:
                yield from leaves(f"{name}.{member}", value[member])
            return
        if isinstance(layout, data.ArrayLayout):
            for i in range(layout.length):
                yield from leaves(f"{name}[{i}]", value[i])
            return
    plain = Value.cast(value)
    if len(plain):
        yield Field(name, len(plain), plain.shape().signed), plain


def sides(
    component: wiring.Component,
) -> tuple[list[tuple[Field, Value]], list[tuple[Field, Value]]]:
    """Of a stimulus, then of a response: outputs, and ``component.registers`` behind them."""
    inputs: list[tuple[Field, Value]] = []
    outputs: list[tuple[Field, Value]] = []
    for path, member, value in component.signature.flatten(component):
        side = inputs if member.flow is wiring.In else outputs
        side.extend(leaves(".".join(map(str, path)), value))
    registers = component.registers
    for name, register in registers.items():
        outputs.extend(leaves(name, register))
    return inputs, outputs


class Wrapper(Elaboratable):
    """``(clk, rst, stim[N], resp[M])`` around a component.

    ``stim`` is the inputs of the signature, ``resp`` the outputs and then ``component.registers``,
    in their order, the lowest bits first, without gaps.

    Parameters
    ----------
    component : wiring.Component
        With ``registers``, a dict of all its registers by name. Memories are not among them.
    """

    def __init__(self, component: wiring.Component) -> None:
        self.component = component
        inputs, outputs = sides(component)
        self.stim_fields = tuple(field for field, _ in inputs)
        self.resp_fields = tuple(field for field, _ in outputs)
        self._inputs = [value for _, value in inputs]
        self._outputs = [value for _, value in outputs]
        self._domain = ClockDomain("sync")
        self.stim = Signal(sum(field.width for field in self.stim_fields))
        self.resp = Signal(sum(field.width for field in self.resp_fields))

    @property
    def ports(self) -> list[Signal]:
        """clk, rst, stim, resp."""
        return [self._domain.clk, self._domain.rst, self.stim, self.resp]

    @cached_property
    def verilog(self) -> str:
        """Its text, written once."""
        return verilog_of(self, TOP, self.ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = self._domain
        m.submodules.unit = self.component
        at = 0
        for value in self._inputs:
            m.d.comb += value.eq(self.stim[at : at + len(value)])
            at += len(value)
        m.d.comb += self.resp.eq(Cat(*self._outputs))
        return m
