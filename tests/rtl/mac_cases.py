"""Formats and engines that the SIMD engine's hardware is tried with, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Module, Value, ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from arch.mac.engine import Engine
from arch.mac.formats import FORMATS, scalar_named
from arch.mac.kinds import Block, Float, Overflow, Scalar
from rtl.lockstep.library import Library, build
from rtl.lockstep.packing import pack, word_count
from rtl.mac import SimdMacUnit, parameters
from rtl.mac.parameters import mode_bits, result_bits
from rtl.wrapper import Field, Wrapper
from sim.mac import codec
from sim.mac.record import NO_CODE, record_of

Codes = npt.NDArray[np.int64]
SMALL_BITS = 16


def small_forms() -> list[Scalar]:
    """All of 16 bits or fewer in the table, with those of the elements of blocks."""
    rows = [each.element if isinstance(each, Block) else each for each in FORMATS.values()]
    return list({row.name: row for row in rows if row.bits <= SMALL_BITS}.values())


def with_overflow(forms: list[Scalar]) -> list[Scalar]:
    """And the floats that can overflow to infinity or NaN as well as saturate, with the other."""
    other = {"saturate": "special", "special": "saturate"}
    return forms + [
        replace(form, name=f"{form.name}_{other[form.overflow]}", overflow=other[form.overflow])
        for form in forms
        if isinstance(form, Float) and form.specials != "none"
    ]


class Together(wiring.Component):
    """Components side by side that take the same inputs: one build for many."""

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts
        self.registers: dict[str, ValueLike] = {}
        members: dict[str, In | Out] = {}
        for name, part in parts.items():
            for path, member, value in part.signature.flatten(part):
                width = len(Value.cast(value))
                if member.flow is In:
                    key = str(path[0])
                    if key not in members or members[key].shape < width:
                        members[key] = In(width)
                else:
                    members[f"{name}_{path[0]}"] = Out(width)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            for path, member, value in part.signature.flatten(part):
                if member.flow is In:
                    m.d.comb += value.eq(getattr(self, str(path[0])))
                else:
                    m.d.comb += getattr(self, f"{name}_{path[0]}").eq(value)
        return m


class Sliced(wiring.Component):
    """A component, one of whose inputs comes in slices of 32 bits."""

    def __init__(self, part: Any, name: str) -> None:
        self.part, self.name = part, name
        self.registers: dict[str, ValueLike] = {}
        members: dict[str, In | Out] = {}
        for path, member, value in part.signature.flatten(part):
            width = len(Value.cast(value))
            if path[0] == name:
                for at in range(0, width, 32):
                    members[f"{name}{at // 32}"] = In(min(32, width - at))
            elif member.flow is In:
                members[str(path[0])] = In(width)
            else:
                members[str(path[0])] = Out(width)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.part = self.part
        for path, member, value in self.part.signature.flatten(self.part):
            if path[0] == self.name:
                slices = [
                    each for key, each in vars(self).items() if key[len(self.name) :].isdigit()
                ]
                m.d.comb += value.eq(Cat(*slices))
            elif member.flow is In:
                m.d.comb += value.eq(getattr(self, str(path[0])))
            else:
                m.d.comb += getattr(self, str(path[0])).eq(value)
        return m


@dataclass(frozen=True)
class Built:
    """A component as a library."""

    library: Path
    stim_fields: tuple[Field, ...]
    resp_fields: tuple[Field, ...]


def built(component: wiring.Component) -> Built:
    """A component, verilated."""
    wrapper = Wrapper(component)
    verilog = wrapper.verilog
    path = build(verilog, len(wrapper.stim), len(wrapper.resp))
    return Built(path, wrapper.stim_fields, wrapper.resp_fields)


def responses(hardware: Built, *inputs: Codes) -> dict[str, Codes]:
    """Outputs and registers, by name, for inputs of one cycle each."""
    stim = pack(np.column_stack(inputs), hardware.stim_fields)
    with Library(hardware.library, word_count(hardware.resp_fields)) as library:
        words = library.record(np.zeros(len(stim), np.uint8), stim).astype(np.uint64)
    found, at = {}, 0
    for field in hardware.resp_fields:
        value = np.zeros(len(words), np.uint64)
        for bit in range(0, field.width, 16):
            part, width = at + bit, min(16, field.width - bit)
            piece = words[:, part // 32] >> np.uint64(part % 32)
            if part % 32 + width > 32:
                piece |= words[:, part // 32 + 1] << np.uint64(32 - part % 32)
            value |= (piece & np.uint64((1 << width) - 1)) << np.uint64(bit)
        found[field.name] = value.astype(np.int64)
        at += field.width
    return found


def in_hardware(make: Callable[[], wiring.Component], *inputs: Codes) -> dict[str, Codes]:
    """``responses`` of a component that is built for it."""
    return responses(built(make()), *inputs)


def overflowing(overflow: Overflow) -> Callable[[str], Scalar]:
    """Formats by name, with an overflow where they can have it."""

    def changed(name: str) -> Scalar:
        form = scalar_named(name)
        can = isinstance(form, Float) and form.specials != "none"
        return replace(form, overflow=overflow) if can else form

    return changed


@cache
def unit_of(engine: Engine, latency: int = 1, overflow: Overflow | None = None) -> Built:
    """A SIMD engine on its own; ``overflow``: of all results that can have it."""
    forms = overflowing(overflow) if overflow else scalar_named
    with patch.object(parameters, "scalar_named", forms):
        return built(SimdMacUnit(engine, latency))


def encoded(values: npt.NDArray[np.float64], form: Scalar) -> Codes:
    """Nearest codes as the model has them; NaN in a format without is 0, infinity the largest."""
    out = np.empty(len(values), np.int64)
    codec.encode_all(np.asarray(values, np.float64), record_of(form), out)
    missing = out == NO_CODE
    if missing.any():
        bounds = np.array([float(form.least), float(form.largest)])
        limits = np.zeros(2, np.int64)
        codec.encode_all(bounds, record_of(form), limits)
        if isinstance(form, Float) and not form.signed:
            limits[0] = 0
        out[missing] = np.where(values[missing] < 0, limits[0], limits[1])
        out[missing & np.isnan(values)] = 0
    return out


def words_of(codes: Codes, bits: int) -> Codes:
    """[..., lanes] codes as words [...], the first the lowest."""
    places = np.arange(codes.shape[-1]) * bits
    return (codes << places).sum(axis=-1)


def dots_in_hardware(
    engine: Engine,
    left: Codes,
    top: Codes,
    mode: int = 0,
    result: int = 0,
    latency: int = 1,
    overflow: Overflow | None = None,
) -> Codes:
    """Codes of the dots of words [dot, word], one after the other without a gap."""
    dots, length = left.shape
    first = np.zeros((dots, length), np.int64)
    last = np.zeros((dots, length), np.int64)
    first[:, 0], last[:, -1] = 1, 1
    columns = [np.ones(dots * length), left.ravel(), top.ravel()]
    columns += [np.full(dots * length, mode)] * (mode_bits(engine) > 0)
    columns += [first.ravel(), last.ravel()]
    columns += [np.full(dots * length, result)] * (result_bits(engine) > 0)
    idle = np.zeros((latency + 1, len(columns)), np.int64)
    given = np.vstack([np.column_stack(columns).astype(np.int64), idle])
    found = responses(unit_of(engine, latency, overflow), *given.T)
    valid = found["valid"].astype(bool)
    # A code for each dot, each after as many cycles.
    np.testing.assert_array_equal(np.flatnonzero(valid), length * np.arange(1, dots + 1) + latency)
    return found["code"][valid]
