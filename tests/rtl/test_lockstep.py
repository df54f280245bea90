"""The harness on its smallest twin: three simulators, planted faults, what a person sees."""

import re
from pathlib import Path

import pytest
from fifo_twin import FifoTwin, LosingFifo
from twin_checks import SIMULATORS

from arch.errors import InputError
from rtl.lockstep import run as lockstep
from rtl.lockstep.run import cosim
from rtl.verilog import verilog_of
from rtl.wrapper import TOP, Wrapper


def test_fields_in_order() -> None:
    wrapper = Wrapper(FifoTwin().component)
    assert [field.name for field in wrapper.stim_fields] == [
        "input.payload",
        "input.valid",
        "output.ready",
    ]
    assert [(field.name, field.width) for field in wrapper.resp_fields] == [
        ("input.ready", 1),
        ("output.payload", 5),
        ("output.valid", 1),
        ("level", 2),
        ("first", 5),
        ("second", 5),
    ]
    assert "module twin" in verilog_of(wrapper, TOP, wrapper.ports)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_hardware_equals_model(simulator: str) -> None:
    outcome = cosim(FifoTwin(), seed=3, cycles=2500, simulator=simulator)
    assert outcome.mismatch is None
    assert outcome.cycles == 2500
    assert 1500 < outcome.useful_cycles < 2500
    assert outcome.coverage["words"] > 500


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_first_bad_cycle(simulator: str, tmp_path: Path) -> None:
    twin = FifoTwin(LosingFifo)
    rows = twin.traffic(4).next(500).resp[:, 1]
    expected = rows.tolist().index(31)
    assert expected > 10
    path = tmp_path / "fault.vcd"
    outcome = cosim(twin, seed=4, cycles=500, simulator=simulator, waveform=path)
    mismatch = outcome.mismatch
    assert mismatch is not None
    assert (mismatch.cycle, outcome.cycles) == (expected, expected)
    ((field, model, hardware),) = mismatch.differing
    assert (field.name, model, hardware) == ("output.payload", 31, 15)
    text = str(mismatch)
    assert f"cycle {expected} (seed 4)" in text
    assert "output.payload" in text
    assert max(map(len, text.splitlines()[:3])) <= 80
    assert [file.name for file in tmp_path.iterdir()] == ["fault.vcd"]
    wave = path.read_text()
    payloads = re.findall(r"\$scope module (\w+) .*?(\S) output\.payload", wave, re.DOTALL)
    assert "model" in wave
    assert "hardware" in wave
    assert payloads
    assert wave.rstrip().endswith(f"#{expected + 1}")


def test_run_does_not_depend_on_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cosim(FifoTwin(LosingFifo), seed=9, cycles=3000).mismatch
    monkeypatch.setattr(lockstep, "BATCH_CYCLES", 7)
    cut = cosim(FifoTwin(LosingFifo), seed=9, cycles=3000).mismatch
    assert whole is not None
    assert whole == cut


def test_progress() -> None:
    told: list[tuple[int, int]] = []
    cosim(FifoTwin(), 1, 2100, progress=lambda done, total: told.append((done, total)))
    assert told == [(1000, 2100), (2000, 2100), (2100, 2100)]


def test_simulator_that_is_not_known() -> None:
    with pytest.raises(InputError, match="must be batch, verilator or icarus, not 'questa'"):
        cosim(FifoTwin(), 1, 10, simulator="questa")


@pytest.mark.parametrize(
    ("simulator", "message"), [("icarus", "install the package iverilog"), ("verilator", "g\\+\\+")]
)
def test_missing_tools(simulator: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InputError, match=message):
        cosim(FifoTwin(), 1, 10, simulator=simulator)
