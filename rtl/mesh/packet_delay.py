"""Wires that take cycles."""

from typing import Any

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class Delay(wiring.Component):
    """``output`` is ``input`` as it was ``cycles`` ago.

    Members
    -------
    input : In(shape)
    output : Out(shape)
    """

    def __init__(self, shape: data.StructLayout, cycles: int) -> None:
        super().__init__({"input": In(shape), "output": Out(shape)})
        self.stages: list[Any] = [Signal(shape, name=f"stage_{i}") for i in range(cycles)]
        self.registers: dict[str, ValueLike] = {f"{i}": each for i, each in enumerate(self.stages)}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        before: Any = self.input
        for stage in self.stages:
            m.d.sync += stage.eq(before)
            before = stage
        m.d.comb += self.output.eq(before)
        return m
