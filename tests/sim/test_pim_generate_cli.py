"""``lockstep run PIM --workload MODEL:generate=N``."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli import app

pytestmark = pytest.mark.compiled

SHAPE = """\
pim_gpt: gpt2, # tokens, contexts # to #
  cycles # # us
  a token # # us the first, # us the last
  row hits # % of # columns
  MACs busy # % of all banks
  energy # mJ a token, a lower bound
  rows # of # in each bank

  operators time cycles of each MACs busy vector
  embedding # % # # % # %
  embedding_add # % # # % # %
  attention_norm # % # # % # %
  qkv # % # # % # %
  append # % # # % # %
  scores # % # # % # %
  softmax # % # # % # %
  values # % # # % # %
  attention_out # % # # % # %
  attention_add # % # # % # %
  ffn_norm # % # # % # %
  ffn_up # % # # % # %
  ffn_activation # % # # % # %
  ffn_down # % # # % # %
  ffn_add # % # # % # %
  final_norm # % # # % # %
  lm_head # % # # % # %

  no energy is known of background, asic
"""
"""Numbers and spaces aside."""
KEYS = [
    "lockstep", "pim", "device", "model", "first_context", "last_context", "clock_khz", "cycles",
    "seconds", "token_cycles", "instructions", "commands", "row_hits", "row_misses",
    "row_conflicts", "mac_busy_share", "rows_used", "energy_mj", "energy_unknown", "operators",
    "notes", "unproven_options",
]  # fmt: skip
OPERATOR_KEYS = ["operators", "cycles", "span_cycles", "mac_busy_share", "vector_busy_share"]


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["run", *(str(each) for each in arguments)])
    return result.exit_code, result.stdout, result.stderr


def shape(line: str) -> str:
    """With a hash for each number, and one space where there are several."""
    indent = line[: len(line) - len(line.lstrip())]
    line = re.sub(r"(?<![\w.])<?\d[\d,.]*(?!\w)", "#", line)
    return indent + re.sub(" +", " ", line.strip())


def test_a_table() -> None:
    code, shown, told = call("pim_gpt", "--workload", "gpt2:generate=2")
    assert code == 0
    assert "Traceback" not in told
    table, _, unproven = shown.partition("rests on lockstep's own tests alone: ")
    assert "".join(f"{shape(line)}\n" for line in table.splitlines()) == SHAPE
    assert "asic.operations" in unproven
    assert max(map(len, shown.splitlines())) <= 80


def test_a_table_of_one_token_with_notes() -> None:
    _, shown, _ = call("pim_gpt", "--workload", "gpt3_small:decode=2100")
    first, *lines = shown.splitlines()
    assert first == "pim_gpt: gpt3_small, 1 token, context 2100"
    assert max(map(len, lines)) <= 80
    told = " ".join(line.strip() for line in lines)
    assert "Attention is dense in every layer; the paper alternates dense and locally" in told
    assert "2100 tokens; its position embedding ends at 2048 and is extended" in told


def test_json() -> None:
    code, shown, _ = call("pim_gpt", "--workload", "gpt2:generate=2", "--json")
    found = json.loads(shown)
    assert code == 0
    assert list(found) == KEYS
    assert (found["model"], found["first_context"], found["last_context"]) == ("gpt2", 1, 2)
    assert sum(found["token_cycles"]) == found["cycles"]
    assert found["seconds"] == pytest.approx(found["cycles"] * 1e-9)
    assert found["operators"]["qkv"]["operators"] == 2 * 12
    assert all(list(each) == OPERATOR_KEYS for each in found["operators"].values())
    assert sum(each["cycles"] for each in found["operators"].values()) == found["cycles"]
    assert found["energy_unknown"] == ["background", "asic"]
    changed = json.loads(
        call("pim_gpt", "--workload", "gpt2:generate=2", "--json", "--set", "timings.nRP=24")[1]
    )
    assert changed["pim"]["timings"] == {"nRP": 24}
    assert changed["cycles"] > found["cycles"]


def test_decode_is_one_token_of_that_context() -> None:
    one = json.loads(call("pim_gpt", "--workload", "gpt2:decode=1", "--json")[1])
    same = json.loads(call("pim_gpt", "--workload", "gpt2:generate=1", "--json")[1])
    assert one == same


def test_a_log_in_which_the_judge_finds_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.parquet"
    code, _, told = call("pim_gpt", "--workload", "gpt2:decode=40", "--commands", log)
    assert code == 0
    assert f"wrote {log}" in told
    result = CliRunner().invoke(app, ["check-commands", str(log), "--standard", "PIM-GPT"])
    assert (result.exit_code, "no violation" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("pim", "workload", "more", "told"),
    [
        ("pim_gpt", "gpt3_175b:generate=3", [],
         "gpt3_175b: vectors of norms with 3 tokens take 295168 bytes of SRAM; there are 131072; "
         "take a larger asic.sram_kib or fewer tokens"),
        ("pim_gpt", "gpt3_175b:generate=3", ["--set", "asic.sram_kib=4096"],
         "bytes, 32768 rows, in 8 channels; take more channels, an organisation with more rows, "
         "fewer tokens or a smaller model"),
        ("pim_gpt", "gpt2:generate=1", ["--set", "asic.sram_kib=32"],
         "vectors of the logits with 1 tokens take 102080 bytes of SRAM; there are 32768"),
        ("pim_gpt", "gpt2:generate=20000", [], "take a larger asic.sram_kib or fewer tokens"),
        ("pim_gpt", "gpt2:generate=1", ["--set", "asic=null"], "pim_gpt: has no asic, the chip"),
        ("aim", "gpt2:generate=1", [], "aim: has no asic, the chip that does norms and softmax"),
        ("pim_gpt", "llama2_7b:generate=2", [], "llama2_7b: activation is swiglu; a PIM's decode"),
        ("pim_gpt", "bert_base:generate=2", [], "bert_base: kind is encoder"),
        ("pim_gpt", "resnet50:generate=2", [],
         "'resnet50' is no model that generates on a PIM; are: gpt2, "),
        ("pim_gpt", "resnet50", [], "resnet50: options are none; on a PIM they must be generate="),
        ("pim_gpt", "gpt2:generate=0", [], "gpt2: generate is 0; must be 1 at least"),
        ("pim_gpt", "gpt2:prefill=9", [], "gpt2: options are prefill=9; on a PIM they must be"),
        ("pim_gpt", "gpt2:generate=2,decode=2", [], "options are generate=2, decode=2; on a PIM"),
        ("pim_gpt", "gpt2:generate=2,batch=4", [], "options are generate=2, batch=4; on a PIM"),
        ("pim_gpt", "gpt2:generate=x", [], "gpt2:generate=x: options after ':' must be name="),
        ("pim_gpt", "gpt2:generate=1", ["--set", "timings.nRPP=1"], "nRPP"),
    ],
)  # fmt: skip
def test_bad_input(pim: str, workload: str, more: list[str], told: str) -> None:
    code, shown, error = call(pim, "--workload", workload, *more)
    assert (code, shown) == (2, "")
    assert error.startswith("error: ")
    assert told in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "option",
    ["--out", "--timeline", "--checkpoint", "--resume", "--until", "--batch", "--from", "--warmup",
     "--figures", "--dialect"],
)  # fmt: skip
def test_options_that_are_not_for_pims(tmp_path: Path, option: str) -> None:
    value = "7" if option in ("--until", "--batch", "--from", "--warmup") else tmp_path / "a.x"
    code, shown, error = call("pim_gpt", "--workload", "gpt2:generate=1", option, value)
    assert (code, shown) == (2, "")
    assert error == f"error: {option}: is not for PIMs\n"


def test_a_log_of_another_kind() -> None:
    code, _, error = call("pim_gpt", "--workload", "gpt2:generate=1", "--commands", "a.txt")
    assert code == 2
    assert "--commands a.txt: commands are written as" in error
