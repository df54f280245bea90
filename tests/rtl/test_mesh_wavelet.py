"""Meshes of wavelet routers: hardware and the simulator's kernel alike, in every register."""

import re
from collections import Counter
from functools import cache
from typing import Any

import pytest
from amaranth.hdl import Module
from twin_checks import OTHER_SIMULATORS, check_cuts, check_equal, check_registers

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.wavelet import WaveletMesh
from rtl.lockstep.campaign_wavelet import OPTIONS, choice_of, pairs, wavelet_builds
from rtl.lockstep.pairs import pairs_in
from rtl.lockstep.run import cosim
from rtl.lockstep.units import twin_of as unit_twin
from rtl.lockstep.wavelet import WaveletTraffic, WaveletTwin
from rtl.lockstep.wavelet_eras import era_of
from rtl.mesh import WaveletFabric
from rtl.mesh.wavelet_router import WaveletRouter
from rtl.verilog import verilog_of
from rtl.wrapper import Wrapper
from sim.mesh.wavelet_state import WaveletState


def mesh_of(router: dict[str, Any], **changed: Any) -> WaveletMesh:
    """wse2 with other fields."""
    given = load_mesh("wse2").model_dump()
    return WaveletMesh.model_validate({**given, **changed, "router": {**given["router"], **router}})


MESHES = {
    "square": mesh_of({"colours": 3}, width=2, height=2),
    "slow": mesh_of(
        {"colours": 2, "switch_positions": 3, "queue_wavelets": 3}, width=3, height=1,
        hop_cycles=3, ramp_cycles=3, ramp_down_wavelets=4, ramp_up_wavelets=5,
    ),
    "least": mesh_of(
        {"colours": 1, "switch_positions": 1, "queue_wavelets": 1}, width=1, height=2,
        ramp_cycles=1, ramp_down_wavelets=1, ramp_up_wavelets=1,
    ),
}  # fmt: skip
ROW = mesh_of({"colours": 2, "switch_positions": 3}, width=3, height=1)
"""For faults in the hardware, which is built anew for each."""
each = pytest.mark.parametrize("name", MESHES)


@cache
def twin_of(name: str) -> WaveletTwin:
    return WaveletTwin(MESHES[name])


def column(twin: WaveletTwin, name: str) -> int:
    """Of a field of a response."""
    return [field.name for field in twin.fields[1]].index(name)


@pytest.mark.validates(
    "wavelet.kind=wavelet",
    "wavelet.width",
    "wavelet.height",
    "wavelet.link_bits=32",
    "wavelet.hop_cycles",
    "wavelet.ramp_cycles",
    "wavelet.ramp_down_wavelets",
    "wavelet.ramp_up_wavelets",
    "wavelet.colours",
    "wavelet.switch_positions",
    "wavelet.queue_wavelets",
    by="hardware",
)
@pytest.mark.compiled
@each
def test_hardware_and_kernel_agree_in_every_register(name: str) -> None:
    outcome = check_equal(twin_of(name), seed=12, cycles=20_000)
    assert outcome.useful_cycles > 15_000
    assert not {event for event, count in outcome.coverage.items() if count == 0}


@pytest.mark.compiled
@pytest.mark.parametrize("simulator", OTHER_SIMULATORS)
def test_simulators_agree(simulator: str) -> None:
    check_equal(twin_of("least"), seed=3, cycles=400, simulator=simulator)


@pytest.mark.parametrize("name", ["square", "slow"])
def test_every_flip_flop_is_a_register(name: str) -> None:
    check_registers(Wrapper(WaveletFabric(MESHES[name])))


def test_routers_are_one_module() -> None:
    text = verilog_of(WaveletFabric(MESHES["square"]), "mesh")
    for module in ("wavelet_router", "fabric_port"):
        assert len(re.findall(rf"^module {module} ?\(", text, re.MULTILINE)) == 1
        assert len(re.findall(rf"^  {module} ", text, re.MULTILINE)) == 4


class Changed(WaveletTraffic):
    """The kernel with one of its numbers changed."""

    field, by = "", 0

    def _new_state(self, era: Any) -> WaveletState:
        state = super()._new_state(era)
        state.mesh[self.field] += self.by
        return state


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("field", "by"),
    [("down_depth", -1), ("up_depth", -1), ("depth", -1), ("to_pe", -1), ("to_router", -1),
     ("hop", -1)],
)  # fmt: skip
def test_a_number_of_the_model_that_is_one_off_is_found(
    field: str, by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Changed, "field", field)
    monkeypatch.setattr(Changed, "by", by)
    monkeypatch.setattr("rtl.lockstep.wavelet.WaveletTraffic", Changed)
    assert cosim(twin_of("slow"), seed=1, cycles=5000).mismatch is not None


class Rewound(WaveletTraffic):
    """The kernel that grants from colour 0 on in the first cycle of each batch."""

    def next(self, cycles: int) -> Any:
        self.state.pointer[:] = 0
        return super().next(cycles)


@pytest.mark.compiled
def test_a_pointer_that_is_lost_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtl.lockstep.wavelet.WaveletTraffic", Rewound)
    assert cosim(twin_of("square"), seed=1, cycles=5000).mismatch is not None


@pytest.mark.compiled
def test_a_router_without_sides_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wavelets of another side than those in a queue are let in."""

    def receive(self: WaveletRouter, m: Module, k: int, way: Any) -> None:
        right(self, m, k, way)
        queue = self.queues[k]
        for port in range(4):
            m.d.comb += self._link("accepts", port)[k].eq((way.source == port) & ~queue.is_full)

    right = WaveletRouter._receive
    monkeypatch.setattr(WaveletRouter, "_receive", receive)
    assert cosim(WaveletTwin(ROW), seed=1, cycles=15_000).mismatch is not None


@pytest.mark.compiled
def test_positions_that_controls_set_before_pes_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ROUTE has to stand; here a control wavelet of the same cycle does."""

    def switch(self: WaveletRouter, m: Module, k: int, position: Any, front: Any) -> None:
        right(self, m, k, position, front)
        told = self.arbiter.grants[k] & front.control & (front.word[:2] == 2)
        with m.If(told):
            m.d.sync += self.turns[k].eq(0)

    right = WaveletRouter._switch
    monkeypatch.setattr(WaveletRouter, "_switch", switch)
    assert cosim(WaveletTwin(ROW), seed=1, cycles=40_000).mismatch is not None


def test_traffic_does_not_depend_on_how_it_is_cut() -> None:
    check_cuts(twin_of("slow"), (1, 1023, 1024, 2, 950))


def test_wavelets_are_what_was_put() -> None:
    """Without multicast, controls or switches each word that is taken was put before, once."""
    twin, seen = twin_of("slow"), 0
    stim = [field.name for field in twin.fields[0]]
    for seed in range(200):
        traffic = twin.traffic(seed)
        routes = era_of(twin.parameters, seed, 0).program.routes
        single = all(
            len(outs) == 1
            for by_colour in routes for route in by_colour.values() for _, outs in route.positions
        )  # fmt: skip
        if not single:
            continue
        traffic.traffic["controls"] = 0
        batch = traffic.next(int(traffic.traffic["cycles"][0]))
        put, taken = Counter[int](), Counter[int]()
        for node in range(twin.mesh.nodes):

            def of(name: str, node: int = node, rows: Any = batch.stim) -> Any:
                return rows[:, stim.index(name.format(node))]

            room = batch.resp[:, column(twin, f"room_{node}")]
            has = batch.resp[:, column(twin, f"has_{node}")]
            goes = of("put_{}.colour.valid") & (room >> of("put_{}.colour.number"))
            put.update(of("put_{}.wavelet.word")[goes & 1 == 1].tolist())
            goes = of("take_{}.valid") & (has >> of("take_{}.number"))
            words = batch.resp[:, column(twin, f"taken_{node}")]
            taken.update(words[goes & 1 == 1].tolist())
        assert not taken - put
        seen += taken.total()
    assert seen > 100


def test_a_campaign_has_every_pair_of_values() -> None:
    builds = wavelet_builds(42, 2026)
    found = set().union(*(pairs_in(OPTIONS, choice_of(build.mesh)) for build in builds))
    assert found >= pairs()
    for build in builds:
        WaveletMesh.model_validate(build.mesh.model_dump())


def test_what_is_not_built_is_refused() -> None:
    with pytest.raises(InputError, match="width: hardware needs 16 at most, not 750; width=16"):
        unit_twin(load_mesh("wse2"), "mesh")
    with pytest.raises(InputError, match="co-simulation takes 65,536: take a smaller one"):
        unit_twin(load_mesh("wse2", ["width=4", "height=4"]), "mesh").traffic(1)
