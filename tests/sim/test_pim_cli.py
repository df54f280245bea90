"""``lockstep run PIM --trace`` and ``lockstep pims``."""

import json
from pathlib import Path

import pandas as pd
import pim_golden
import pytest
from typer.testing import CliRunner

from arch.pim.system import pim_names
from sim.cli import app

pytestmark = pytest.mark.compiled

TEXT = "W GPR 0\nAiM WR_BIAS 0 1\nW CFR 0 1\nAiM MAC_ABK 64 1 5\nAiM RD_MAC 1 1\nAiM EOC\n"
TABLE = """\
aim: AiM/GDDR6_8Gb_x16/AiM, 1 of 32 channels used
  cycles                    287  143.5 ns
  instructions                6
  MACs busy              44.6 %  of the channels used
  row hits                   63  98.4 %
  row misses                  1  1.6 %
  row conflicts               0  0.0 %
  refreshes                   0
  ACT16                       1
  MAC16                      64
  WRMAC16                     1
  RDMAC16                     1
  TMOD                        3
rests on lockstep's own tests alone: registers_checked=True, forwarding=address,
partly_open=close, activated_first=True
"""


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "a.trace"
    path.write_text(TEXT)
    return path


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_table(trace: Path) -> None:
    code, shown, _ = call("run", "aim", "--trace", trace)
    assert (code, shown) == (0, TABLE)


def test_json_of_a_changed_pim(trace: Path) -> None:
    code, shown, _ = call(
        "run", "aim", "--trace", trace, "--json", "--set", "timings.nRCDRDMAC=100"
    )
    found = json.loads(shown)
    assert code == 0
    assert found["cycles"] == 287 + 44
    assert found["channels_used"] == [31]
    assert found["commands"] == {"ACT16": 1, "MAC16": 64, "WRMAC16": 1, "RDMAC16": 1, "TMOD": 3}
    assert found["mac_busy_share"] == 128 / found["cycles"]
    assert found["pim"]["timings"] == {"nRCDRDMAC": 100}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_log_that_the_judge_reads(tmp_path: Path, suffix: str) -> None:
    trace, log = tmp_path / "a.trace", tmp_path / f"a.{suffix}"
    trace.write_text(pim_golden.traces().loc["random_04"].text)
    code, _, told = call(
        *("run", "aim", "--trace", trace, "--commands", log, "--set", "registers_checked=false"),
    )
    assert code == 0
    assert f"wrote {log}" in told
    table = pd.read_csv(log) if suffix == "csv" else pd.read_parquet(log)
    assert list(table.columns) == ["cycle", "cmd", "channel", "bg", "bank", "row", "col"]
    assert table[table.cmd == "MAC16"][["bg", "bank"]].isna().all(axis=None)
    assert table[table.cmd == "MAC"][["bg", "bank", "row", "col"]].notna().all(axis=None)
    assert table[table.cmd == "TMOD"][["bg", "bank", "row", "col"]].isna().all(axis=None)
    code, shown, _ = call("check-commands", log, "--standard", "aim")
    assert (code, "no violation" in shown) == (0, True)


def test_a_file_of_ones_own(tmp_path: Path, trace: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "name: mine\nsource: none\ncommands: aim\nvariant: jedec\nspeed: AiM\nchannels: 1\n"
        "activation_first_row: 0\n"
    )
    code, shown, _ = call("run", mine, "--trace", trace)
    assert code == 0
    assert shown.splitlines()[0] == "mine: AiM/GDDR6_8Gb_x16/AiM, 1 of 1 channels used"


def test_what_differs() -> None:
    code, shown, _ = call("diff", "aim", "aim_as_simulated")
    assert code == 0
    rows = [line.split() for line in shown.splitlines()]
    assert ["controller.refresh", "all_bank", "none"] in rows
    assert ["device.timings.nREFI", "3,800", "7,800"] in rows
    assert "nRCDRDMAC" not in shown
    assert call("diff", "aim", "ddr4_2400")[0] == 2
    assert "controller.late_refresh" in call("diff", "hbm_pim", "hbm_pim_as_simulated")[1]


@pytest.mark.parametrize("name", ["aim", "pim_gpt", "hbm_pim", "ddr4_2400"])
def test_show(name: str, tmp_path: Path) -> None:
    code, shown, _ = call("show", name)
    assert code == 0
    assert shown.startswith(f"{name}\n")
    assert "nRP " in shown
    path = tmp_path / "mine.yaml"
    path.write_text(call("show", name, "--yaml")[1])
    if name != "ddr4_2400":
        assert "same parameters" in call("diff", name, path)[1]


def test_the_list() -> None:
    code, listed, errors = call("pims")
    assert (code, errors) == (0, "")
    assert max(map(len, listed.splitlines())) <= 80
    lines = listed.replace("\n" + " " * 33, " ").splitlines()
    for name, told in (
        ("aim", "AiM/GDDR6_8Gb_x16/AiM, 32 channels, all-bank refresh"),
        ("aim_as_simulated", "AiM/GDDR6_8Gb_x16/AiM_in_force, 32 channels, no refresh"),
        ("attacc", "AttAcc/HBM3, 16 channels, all-bank refresh"),
        ("hbm_pim", "HBM-PIM/HBM2_2Gb/HBM_PIM, 64 channels, all-bank refresh"),
        ("neupims", "NeuPIMs/HBM_1GB/HBM_1000MHz, 32 channels, all-bank refresh"),
        ("pim_gpt", "PIM-GPT/GDDR6_16Gb_x16_2KiB/PIM_GPT, 8 channels, all-bank refresh"),
    ):
        assert f"{name:<32} {told}" in lines
    assert [line.split()[0] for line in lines] == [*pim_names()]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dialect", "parquet"], "error: --dialect: is not for traces of instructions\n"),
        (["--until", "7"], "error: --until: is not for traces of instructions\n"),
        (["--commands", "a.txt"], "--commands a.txt: commands are written as"),
        (["--set", "chanels=1"], "chanels: is not a known key; did you mean channels?"),
        (["--set", "timings.nRCDRDMAC=-1"], "timings.nRCDRDMAC"),
    ],
)
def test_bad_input(trace: Path, arguments: list[str], told: str) -> None:
    code, shown, error = call("run", "aim", "--trace", trace, *arguments)
    assert (code, shown) == (2, "")
    assert told in error


def test_a_trace_that_is_wrong(trace: Path) -> None:
    trace.write_text("AiM MAC_ABK 1 1 16384\nAiM EOC\n")
    code, shown, error = call("run", "aim", "--trace", trace)
    assert (code, shown) == (2, "")
    told = "row is '16384'; must be a number from 0 to 16383, decimal or with 0x"
    assert error.endswith(f"error: {trace}: line 1: {told}\n")
