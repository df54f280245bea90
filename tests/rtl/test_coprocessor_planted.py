"""Faults that are planted in a co-processor, and the tests that find them."""

from collections.abc import Callable
from typing import Any

import pytest
import test_coprocessor_registers as registers
from amaranth.hdl import Module, Signal
from coprocessor_outside import Built, chosen

from arch.errors import SimulationError
from rtl.coprocessor import Coprocessor

Fault = Callable[[Coprocessor], Any]
FAULTS: dict[str, tuple[Fault, Callable[[Built], None]]] = {
    "no SLVERR for reads": (lambda c: c.lite.read_refused.eq(0), registers.test_registers),
    "no SLVERR for writes": (lambda c: c.lite.write_refused.eq(0), registers.test_registers),
    "strobes do not count": (lambda c: c.file.write_word.strobe.eq(-1), registers.test_registers),
    "a queue without an end": (
        lambda c: c.ring.write.eq(c.file.start),
        registers.test_starts_refused,
    ),
    "an extent of 0 is one": (lambda c: c.file.deny.eq(0), registers.test_starts_refused),
    "TLAST may come early": (lambda c: c.file.set_left_early.eq(0), registers.test_errors_of_left),
    "TLAST may be missing": (
        lambda c: c.file.set_left_missing.eq(0),
        registers.test_errors_of_left,
    ),
    "TKEEP is not looked at": (lambda c: c.file.set_left_keep.eq(0), registers.test_errors_of_left),
    "the last error's beat": (lambda c: c.account.clean.eq(1), registers.test_errors_of_left),
    "a beat's number from 1": (
        lambda c: c.account.number0.eq(c.intakes["left"].number + 1),
        registers.test_errors_of_left,
    ),
    "stalls are beats": (lambda c: c.account.advance.eq(1), registers.test_a_reset_at_work),
    "the wrong stall": (lambda c: c.account.blocked.eq(1), registers.test_a_reset_at_work),
    "idle cycles are beats": (lambda c: c.account.works.eq(1), registers.test_a_reset_at_work),
    "done at every result": (
        lambda c: c.file.set_done.eq(c.array.sent),
        registers.test_done_at_the_end,
    ),
    "no interrupt of errors": (
        lambda c: c.irq.eq(c.file.done & c.file.irq_done),
        registers.test_interrupts,
    ),
    "an interrupt unasked for": (lambda c: c.irq.eq(c.file.done), registers.test_interrupts),
    "no TLAST": (lambda c: c.m_axis_result_tlast.eq(0), registers.test_interrupts),
}


class Planted(Coprocessor):
    """With a number that picks one of the faults, or none where it is 0."""

    def __init__(self) -> None:
        super().__init__(registers.SMALL, depth=2)
        self.mutant = Signal(range(len(FAULTS) + 1))

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        for i, (fault, _) in enumerate(FAULTS.values(), 1):
            with m.If(self.mutant == i):
                m.d.comb += fault(self)
        return m


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(registers.SMALL, Planted(), chosen("planted"), tmp_path_factory.mktemp("planted"))


def test_nothing_is_found_without_a_fault(planted: Built) -> None:
    planted.mutant = 0
    for test in {test for _, test in FAULTS.values()}:
        test(planted)


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_found(planted: Built, name: str) -> None:
    planted.mutant = 1 + list(FAULTS).index(name)
    with pytest.raises((AssertionError, SimulationError)):
        FAULTS[name][1](planted)
