"""A layer that costs were not fitted to takes what WaferLLM has published."""

import json

import pytest

from benchmarks import waferllm_runs
from benchmarks.waferllm_runs import RECORD, Reading, Simulated, points


@pytest.mark.validates(
    "wavelet.lanes", "wavelet.fma_cycles", "wavelet.microthread_cycles",
    by="WaferLLM (OSDI 2025), predicted",
)  # fmt: skip
@pytest.mark.compiled
def test_a_prefill_of_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated anew, with what was fitted to LLaMA3-8B."""
    predicts("prefill", "LLaMA2-13B", 720, monkeypatch)


@pytest.mark.validates(
    "wavelet.fabric_cycles", "wavelet.divide_cycles", by="WaferLLM (OSDI 2025), predicted"
)
@pytest.mark.compiled
def test_decoding_with_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    predicts("decode", "CodeLLaMA-34B", 420, monkeypatch)


def predicts(phase: str, model: str, grid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 5 % of what is published."""
    record = json.loads(RECORD.read_text())
    reading = Reading(record["lanes"], tuple(record["descriptors"]))
    simulated = Simulated({}, reading)
    monkeypatch.setattr(waferllm_runs.Simulated, "save", lambda self, more: None)
    (point,) = (each for each in points() if each[:3] == (phase, model, grid))
    assert abs(simulated.cycles(point, record["fitted"]) / point.cycles - 1) < 0.05
