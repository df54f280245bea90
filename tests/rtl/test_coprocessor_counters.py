"""What a co-processor's counters count, proven from every state: 2^32 cycles are not simulated."""

import pytest
from amaranth.hdl import Module
from test_coprocessor_registers import MACHINES

from rtl.lockstep.mutation.coprocessor import Watched, counts, invariants_hold
from rtl.lockstep.mutation.judge import flattened


class Cut(Watched):
    """Software sees a counter of 40 bits."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.file.beats.eq(self.account.beats[:40])
        return m


class Late(Watched):
    """It is cleared only while it is 0."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.account.clear.eq(self.file.clear & (self.account.products == 0))
        return m


class Ahead(Watched):
    """A result in each cycle, whatever the array sends."""

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.outlet.sent.eq(1)
        return m


def flat(kind: type[Watched], name: str = "os") -> str:
    array, _, depth = MACHINES[name]
    return flattened(kind(array, extent_bits=4, depth=depth))


@pytest.mark.parametrize("name", MACHINES)
def test_counters_count_and_invariants_hold(name: str) -> None:
    text = flat(Watched, name)
    assert counts(text)
    assert invariants_hold(text)


@pytest.mark.parametrize("kind", [Cut, Late])
def test_a_counter_that_does_not_is_refuted(kind: type[Watched]) -> None:
    assert not counts(flat(kind))


def test_an_invariant_that_does_not_hold_is_refuted() -> None:
    assert not invariants_hold(flat(Ahead))
