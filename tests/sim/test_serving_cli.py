"""``lockstep serve`` and what goes with it."""

import json
from pathlib import Path

import pytest
from calling import call

BASE = ("serve", "gpu_a100", "--model", "gpt3-6-7b", "--tp", 4)


def test_a_table_in_80_columns() -> None:
    found = call(*BASE, "--batch", 256, "--iterations", 2, "--warm-up", 200)
    assert found.exit_code == 0, found.output
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "gpu_a100: gpt3_6_7b on 4 devices" in found.stdout
    assert "tokens/s" in found.stdout
    assert "energy                unknown" in found.stdout


def test_a_replay_gives_the_same_bytes(tmp_path: Path) -> None:
    asked = ("--batch", 64, "--iterations", 3, "--warm-up", 100, "--pp", 2, "-q")
    assert call(*BASE, *asked, "--out", tmp_path / "a").exit_code == 0
    again = ("--replay", tmp_path / "a" / "record.json", "--pp", 2, "-q")
    assert call(*BASE, *again, "--out", tmp_path / "b").exit_code == 0
    for name in ("result.json", "record.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    found = json.loads((tmp_path / "a" / "result.json").read_text())
    assert found["tokens"] == 3 * 64
    assert found["tokens_per_second"] == pytest.approx(found["tokens"] / found["seconds"])
    assert len(found["iterations"][0]["passes"]) == 2
    assert found["energy"] is found["energy_pj_per_token"] is None


def test_requests_of_a_file_are_all_served(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    path.write_text("input_tokens,output_tokens\n" + "10,4\n3,7\n" * 9)
    found = call(*BASE, "--lengths", path, "--batch", 5, "--json")
    told = json.loads(found.stdout)
    assert told["arrived"] == told["finished"] == 18
    assert told["tokens"] == 9 * 11
    assert told["active"] == told["waiting"] == 0
    assert sum(each["finished"] for each in told["iterations"]) == 18


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--lengths", "sharegpt"), "has requests without end; give --iterations or --requests"),
        (("--lengths", "none.csv"), "must be a file or one of sharegpt, alpaca"),
        (("--iterations", 1, "--batch", 0), "--batch 0: must be at least 1"),
        (("--iterations", 1, "--tp", 5), "--tp 5: must divide the 32 key and value heads"),
        (("--iterations", 1, "--reuse", "some"), "--reuse some: must be exact or none"),
        (("--iterations", 1, "--model", "gpt9"), "--model gpt9: must be one of "),
        (("--iterations", 1, "--model", "bert_base"), "--model bert_base: must be one of "),
        (("--replay", "pyproject.toml"), "pyproject.toml: is not JSON"),
        (("--iterations", 1, "--set", "cores=3"), "cores"),
    ],
)
def test_what_is_wrong_exits_with_2(more: tuple[object, ...], message: str) -> None:
    found = call(*BASE, *more)
    assert found.exit_code == 2, found.output
    assert message in found.output
    assert "Traceback" not in found.output


def test_a_request_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    path.write_text("input_tokens,output_tokens\n9000000,1\n")
    found = call(*BASE, "--lengths", path)
    assert found.exit_code == 2
    assert "request 0: keys and values of its 9,000,001 tokens need" in found.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "schema must be lockstep-serving-record-1"),
        ('{"schema": "lockstep-serving-record-1", "iterations": 3}', "must hold iterations"),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    found = call(*BASE, "--replay", path)
    assert found.exit_code == 2
    assert message in found.output


def test_systems_are_listed_shown_and_compared() -> None:
    listed = call("systems").stdout
    assert "npu_pim_as_published" in listed
    assert "memory.controller.dispatch_width=1" in listed
    assert max(map(len, listed.splitlines())) <= 80
    shown = call("show", "npu_only")
    assert shown.exit_code == 0
    assert "mapping.attention" in shown.stdout
    differ = call("diff", "npu_pim", "npu_pim_as_published").stdout
    assert "dispatch_width" in differ
    assert "machine.memory" in call("diff", "neupims", "npu_pim").stdout
    assert "machine." not in call("diff", "neupims", "neupims_single").stdout
