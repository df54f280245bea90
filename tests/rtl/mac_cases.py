"""Formats that the SIMD engine's hardware is tried with, and what it gives for given inputs."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

from arch.mac.formats import FORMATS
from arch.mac.kinds import Block, Scalar
from rtl.lockstep.library import Library, build
from rtl.lockstep.packing import pack, word_count
from rtl.verilog import verilog_of
from rtl.wrapper import TOP, Wrapper

Codes = npt.NDArray[np.int64]
DECODED_BITS = 16


def small_forms() -> list[Scalar]:
    """All of 16 bits or fewer in the table, with those of the elements of blocks."""
    rows = [each.element if isinstance(each, Block) else each for each in FORMATS.values()]
    found = {row.name: row for row in rows if row.bits <= DECODED_BITS}
    return list(found.values())


def in_hardware(make: Callable[[], wiring.Component], *inputs: Codes) -> dict[str, Codes]:
    """Outputs and registers, by name, of a component for inputs of one cycle each."""
    wrapper = Wrapper(make())
    verilog = verilog_of(wrapper, TOP, wrapper.ports)
    stim = pack(np.column_stack(inputs), wrapper.stim_fields)
    path = build(verilog, len(wrapper.stim), len(wrapper.resp))
    with Library(path, word_count(wrapper.resp_fields)) as library:
        words = library.record(np.zeros(len(stim), np.uint8), stim).astype(np.uint64)
    found, at = {}, 0
    for field in wrapper.resp_fields:
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
