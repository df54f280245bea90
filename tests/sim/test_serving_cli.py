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
        (("--iterations", 1, "--batch", 0), "--batch 0: must be 1 to 1,048,576"),
        (("--iterations", 1, "--tp", 5), "--tp 5: must divide the 32 key and value heads"),
        (("--iterations", 1, "--reuse", "some"), "--reuse some: must be exact or none"),
        (("--iterations", 1, "--model", "gpt9"), "--model gpt9: must be one of "),
        (("--iterations", 1, "--model", "bert_base"), "--model bert_base: must be one of "),
        (("--iterations", 1, "--batch", 10**9), "--batch 1000000000: must be 1 to 1,048,576"),
        (("--iterations", 1, "--seed", 2**64), f"--seed {2**64}: must be 0 to {2**64 - 1}"),
        (("--iterations", 1, "--model", "mixtral-8x7b"), "mixtral_8x7b: has 8 experts"),
        (("--replay", "r.json", "--warm-up", 0), "--warm-up: is not for --replay"),
        (("--replay", "r.json", "--batch", 64), "--batch: is not for --replay"),
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


def a_record(finished: int = 0, arrived: int = 2, **slots: object) -> str:
    """Of one iteration of two sequences, or of ``slots``."""
    sequences = slots.get("sequences", [[0, 0, 11], [1, 0, 21]])
    return json.dumps({
        "schema": "lockstep-serving-record-1", "arrived": arrived, "finished": 0, "active": 2,
        "waiting": 0, "origin": "a test",
        "iterations": [{"finished": finished, "sequences": sequences}],
    })  # fmt: skip


def test_a_record_by_hand_is_run(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(a_record())
    assert call(*BASE, "--replay", path).exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (a_record(sequences=[[0, 0, 0]]), "sequence 0: length must be 1 to 33,554,432, not 0"),
        (a_record(sequences=[[0, 0, 2**60]]), "sequence 0: length must be 1 to 33,554,432, not 1,"),
        (a_record(sequences=[[3, 0, 5], [3, 0, 6]]), "sequence 3 is there twice"),
        (a_record(sequences=[[10**400, 0, 5]]), "must hold iterations"),
        (a_record(finished=3), "finished must be 2 at most, as many as its sequences, not 3"),
        (a_record(arrived=9), "arrived: must be 2, the finished, active and waiting"),
        (a_record().replace('"arrived": 2', '"arrived": ' + "9" * 5000), "is not JSON"),
    ],
)
def test_a_record_that_no_scheduler_writes_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    found = call(*BASE, "--replay", path)
    assert found.exit_code == 2, found.output
    assert message in found.output


def test_longer_than_a_model_has_positions_for_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    path.write_text("input_tokens,output_tokens\n2040,12\n")
    found = call(*BASE, "--lengths", path, "--json")
    (note,) = json.loads(found.stdout)["notes"]
    assert note.startswith("sequences have up to 2,052 tokens; gpt3_6_7b has 2,048 positions")
    assert "note: sequences have up to 2,052" in call(*BASE, "--lengths", path).stdout
    path.write_text("input_tokens,output_tokens\n2036,12\n")
    assert json.loads(call(*BASE, "--lengths", path, "--json").stdout)["notes"] == []


def test_a_title_longer_than_a_line_is_broken(tmp_path: Path) -> None:
    system = tmp_path / "long.yaml"
    shipped = Path("configs/systems/gpu_a100.yaml").read_text()
    system.write_text(shipped.replace("name: gpu_a100", "name: " + "long_" * 8))
    found = call("serve", system, "--model", "gpt3-6-7b", "--tp", 4, "--pp", 4, "--iterations", 1)
    assert found.exit_code == 0, found.output
    assert max(map(len, found.stdout.splitlines())) <= 80


def test_a_change_of_the_machine_is_named_as_it_was_given() -> None:
    found = call("serve", "npu_only", "--model", "gpt2", "--set", "machine.cores=zz")
    assert found.exit_code == 2
    assert '--set machine.cores=zz: cores: given "zz"' in found.output


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
