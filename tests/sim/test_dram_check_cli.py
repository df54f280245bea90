"""``lockstep check-commands``: what it says and how it ends."""

from pathlib import Path

import pytest
import typer
from test_dram_check_oracle import GOLDEN
from typer.testing import CliRunner

from sim.cli import Commands
from sim.dram_check.cli import check_commands

app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
app.command("check-commands")(check_commands)
app.command("other")(lambda: None)

LOG = GOLDEN / "ramulator2_ddr4_2400R_short_mix64.csv"


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check-commands", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_log_without_a_violation() -> None:
    code, out, err = call(str(LOG), "--standard", "DDR4", "--bin", "ddr4_2400R")
    assert (code, err) == (0, "")
    assert out == (f"{LOG}: 120 commands in 413 cycles against DDR4 ddr4_2400R\n  no violation\n")


def test_a_log_with_violations_shows_twenty(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("cycle,cmd,bg,bank,row\n" + "".join(f"{9 * i},RD,1,2,3\n" for i in range(30)))
    code, out, err = call(str(path), "-s", "ddr4")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == f"{path}: 30 commands in 262 cycles against DDR4 ddr4_2400R"
    assert lines[1] == "            30 x closed bank"
    assert lines[3] == ("  cycle 0: closed bank: RD to channel 0 rank 0 group 1 bank 2 row 3")
    assert lines[-1] == "  and 10 more"
    assert len(lines) == 3 + 20 + 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.csv", "-s", "DDR4"], "error: nowhere.csv: there is no such file\n"),
        (
            [str(LOG), "-s", "DDR4", "-b", "x"],
            "error: DDR4 has no speed bin 'x'; it has ddr4_2400R, ddr4_2400_stock\n",
        ),
        (
            [str(LOG), "-s", "SDR"],
            "error: no standard 'SDR'; there are DDR4, DDR5, LPDDR4, LPDDR5, GDDR6, HBM2, HBM3, "
            "AIM, PIM-GPT, HBM-PIM, NEUPIMS, NEUPIMS-SINGLE\n",
        ),
    ],
)
def test_bad_input(arguments: list[str], told: str) -> None:
    assert call(*arguments) == (2, "", told)


def test_refreshes_may_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("cycle,cmd,bg,bank,row\n1,PRE,0,0,\n99999,PRE,0,0,\n")
    assert call(str(path), "-s", "DDR4")[0] == 0
    assert call(str(path), "-s", "DDR4", "--no-refresh")[0] == 0
    code, out, _ = call(str(path), "-s", "DDR4", "--refresh")
    assert code == 1
    assert "1 x tREFI" in out
