"""A layer that costs were not fitted to takes what WaferLLM has published."""

import json
from pathlib import Path

import pytest

from benchmarks import waferllm


@pytest.mark.validates(
    "wavelet.fabric_cycles", "wavelet.callback_millicycles", by="WaferLLM (OSDI 2025), predicted"
)
@pytest.mark.compiled
def test_a_prefill_of_another_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Simulated anew, with the costs that were fitted to LLaMA3-8B."""
    costs = json.loads(waferllm.RECORD.read_text())["costs"]
    monkeypatch.setattr(waferllm, "RECORD", tmp_path / "nothing.json")
    point = next(
        point
        for point in waferllm.points()
        if (point.phase, point.model, point.grid) == ("prefill", "LLaMA2-13B", 720)
    )
    found = waferllm.Simulated().cycles(point, costs)
    assert abs(found / point.cycles - 1) < 0.05
