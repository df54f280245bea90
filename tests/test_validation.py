"""docs/VALIDATION.md knows every option of today."""

import importlib.util
from pathlib import Path

import pytest

from rtl.lockstep.campaign_wavelet import wavelet_builds

PATH = Path(__file__).with_name("validation.py")


@pytest.fixture(scope="module")
def validation():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("validation", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_lists_every_option(validation) -> None:  # type: ignore[no-untyped-def]
    text = (PATH.parents[1] / "docs" / "VALIDATION.md").read_text()
    for unit in validation.UNITS:
        section = text.split(f"## {unit}\n")[1].split("\n## ")[0]
        listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
        assert listed == [
            option.removeprefix(f"{unit}.") for option in validation.options_of(unit)
        ], "run python -m tests.validation"


def test_an_option_without_evidence_says_so(validation) -> None:  # type: ignore[no-untyped-def]
    evidence = {"array.dataflow=ws": {"hardware"}, "array.dataflow=os": {"SCALE-Sim 3.0.0"}}
    lines = validation.page(evidence, {}).splitlines()
    assert "| `dataflow=ws` | equal |  |  |" in lines
    assert "| `dataflow=os` |  | SCALE-Sim 3.0.0 |  |" in lines
    assert "| `dataflow=is` |  |  | **neither** |" in lines


def test_a_campaign_is_evidence_unless_it_differs(validation) -> None:  # type: ignore[no-untyped-def]
    array = {"rows": 2, "cols": 2, "dataflow": "os", "drain": "serial"}
    runs = [{"array": array, "mismatch": None}]
    assert "array.drain=serial" in validation.campaign_evidence("array", {"runs": runs})
    assert "array.weight_load=overlapped" in validation.campaign_evidence("array", {"runs": runs})
    runs[0]["mismatch"] = "they differ"
    assert not validation.campaign_evidence("array", {"runs": runs})


def test_a_campaign_of_wafers_is_no_evidence_of_pes(validation) -> None:  # type: ignore[no-untyped-def]
    run = wavelet_builds(4, 1)[-1].parameters | {"mismatch": None}
    found = validation.campaign_evidence("wavelet", {"runs": [run]})
    assert {"wavelet.kind=wavelet", "wavelet.hop_cycles", "wavelet.colours"} <= found.keys()
    assert not {"wavelet.slots", "wavelet.task_cycles"} & found.keys()
    mesh = validation.built_of("wavelet", run)
    assert mesh.pe.model_dump(mode="json") == run["wavelet"]["pe"]
    assert "`colours`" in validation.pairs_text("wavelet", {"runs": [run]})


def test_planted_faults_that_live_are_named(validation) -> None:  # type: ignore[no-untyped-def]
    kind = {"mutants": 3, "killed": 1, "equivalent": {"a -> b": "never read"}, "lived": ["c"]}
    kinds = dict.fromkeys(("netlist", "kernel", "timing"), kind | {"latest_kill_cycle": 7})
    record = {"seed": 1, "cycles": 10, "score": 0.5, "controls_refuted": 1, **kinds}
    text = validation.mutation_text(record)
    assert "50.0 % of the others are found" in text
    assert "- Not found: `c`" in text
    assert "- Argued: `a -> b`: never read." in text
