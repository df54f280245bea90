"""A layer that costs were not fitted to takes what WaferLLM has published."""

import json

import pytest

from benchmarks import waferllm_runs
from benchmarks.waferllm_runs import RECORD, Simulated, points


@pytest.mark.validates(
    "wavelet.fabric_cycles", "wavelet.callback_millicycles", by="WaferLLM (OSDI 2025), predicted"
)
@pytest.mark.compiled
def test_a_prefill_of_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated anew, with what was fitted to LLaMA3-8B."""
    fitted = json.loads(RECORD.read_text())
    simulated = Simulated({}, fitted["lanes"])
    monkeypatch.setattr(waferllm_runs.Simulated, "save", lambda self, more: None)
    point = next(
        point
        for point in points()
        if (point.phase, point.model, point.grid) == ("prefill", "LLaMA2-13B", 720)
    )
    assert abs(simulated.cycles(point, fitted["costs"]) / point.cycles - 1) < 0.05
