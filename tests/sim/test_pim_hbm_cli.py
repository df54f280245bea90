"""HBM-PIM from the command line."""

import json
from pathlib import Path

import hbm_golden
import pytest
from typer.testing import CliRunner

from arch.errors import InputError, SimulationError
from sim.cli import app

pytestmark = pytest.mark.compiled


def call(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hbm") / "gemv.trace"
    code, shown, _ = call("pim-kernel", "hbm_pim", "gemv", 1024, 1024, "--out", path)
    assert (code, shown) == (0, "")
    return path


def test_a_kernel_runs(trace: Path) -> None:
    code, shown, _ = call("run", "hbm_pim_as_simulated", "--trace", trace)
    assert code == 0
    lines = shown.splitlines()
    assert lines[0] == ("hbm_pim_as_simulated: HBM-PIM/HBM2_2Gb/HBM_PIM, 64 of 64 channels used")
    assert lines[1].split() == ["cycles", "3,662", "3.662", "us"]


def test_numbers_add_up(trace: Path) -> None:
    code, shown, _ = call("run", "hbm_pim", "--trace", trace, "--json", "--set", "timings.nRP=15")
    assert code == 0
    found = json.loads(shown)
    commands = found["commands"]
    columns = commands["RD"] + commands["WR"] + commands["RD8"] + commands["WR8"]
    assert found["transactions"] == columns == found["row_hits"] + found["row_misses"]
    assert found["pim"]["timings"] == {"nRP": 15}
    assert found["instructions"] == 64 * (8 * 64 + 8)
    assert sum(found["mode_share"].values()) == pytest.approx(1)
    assert 0 < found["active_share"] < 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_commands_pass_the_judge(trace: Path, tmp_path: Path, ending: str) -> None:
    log = tmp_path / f"log.{ending}"
    code, _, _ = call("run", "hbm_pim", "--trace", trace, "--commands", log, "--quiet")
    assert code == 0
    code, shown, _ = call("check-commands", log, "--standard", "HBM-PIM")
    assert code == 0, shown
    code, shown, _ = call("check-commands", log, "--standard", "HBM2")
    assert code == 2


def test_the_commands_of_the_simulator_do_not(tmp_path: Path) -> None:
    trace, log = tmp_path / "t", tmp_path / "log.csv"
    trace.write_text(hbm_golden.trace_of("add_16384x1_1ch"))
    call("run", "hbm_pim_as_simulated", "--trace", trace, "--commands", log, "--set", "channels=1")
    text = log.read_text().splitlines()
    assert text[0] == '"cycle","cmd","channel","rank","bg","bank","row","col","detail"'
    assert '"[0] FILL GRF_A[0], EVEN_BANK"' in "\n".join(text)
    code, shown, _ = call("check-commands", log, "-s", "HBM-PIM", "--bin", "hbm_pim_in_force")
    assert code == 1
    assert "tRTPL" in shown


def test_a_kernel_on_the_screen_and_in_files(tmp_path: Path) -> None:
    code, shown, _ = call("pim-kernel", "hbm_pim", "relu", 8192, "--set", "channels=4")
    assert code == 0
    assert "crf=FILL,GRF_A[0],EVEN_BANK,relu;NOP,8;" in shown
    for ending in ("trace", "trace.gz", "trace.zst"):
        path = tmp_path / f"k.{ending}"
        call("pim-kernel", "hbm_pim", "relu", 8192, "--set", "channels=4", "-o", path)
        first = path.read_bytes()
        call("pim-kernel", "hbm_pim", "relu", 8192, "--set", "channels=4", "-o", path)
        assert path.read_bytes() == first
        code, told, _ = call("run", "hbm_pim", "--trace", path, "--set", "channels=4")
        assert code == 0, told


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    trace = tmp_path / "t"
    trace.write_text("R 0 0 0 0 0\nW * 0 0 0x3fff 0 mode=HAB_PIM\n")
    code, shown, error = call("run", "hbm_pim", "--trace", trace)
    assert (code, shown) == (2, "")
    assert error.endswith(
        f"error: {trace}: line 2: channel 0: writes CONTROL in mode SB; must enter HAB before\n"
    )
    code, _, error = call("pim-kernel", "hbm_pim", "gemv", 64, 100)
    assert code == 2
    assert "pad with zeroes to 256" in error
    code, _, error = call("run", "hbm_pim", "--trace", trace, "--set", "timings.nREFI=500")
    assert code == 2
    assert "timings.nREFI: given 500; must be" in error


ENTER = "".join(
    f"W * {group} {bank} 0x17ff 0x1f{end}\n"
    for group, bank, end in ((0, 0, ""), (0, 1, ""), (2, 0, ""), (2, 1, " bar"))
)


@pytest.mark.parametrize("refresh", ["all_bank", "none"])
def test_a_bank_that_no_half_begins_with_cannot_open(refresh: str) -> None:
    with pytest.raises(SimulationError) as caught:
        hbm_golden.run(
            ENTER + "R * 1 0 7 0\n", "hbm_pim", "order_checked=false", "channels=2",
            f"controller.refresh={refresh}",
        )  # fmt: skip
    assert str(caught.value).startswith("trace: line 5: bank 4 cannot open row 7 in channel 0, ")


def test_a_program_without_end_is_told_with_its_line() -> None:
    text = ENTER + "W * 0 1 0x3fff 4 crf=" + ";".join(["NOP,1"] * 32) + " bar\n"
    text += "W * 0 0 0x3fff 0 mode=HAB_PIM bar\nR * 0 0 0 0 x32 bar\nR * 0 0 1 0\n"
    with pytest.raises(InputError) as caught:
        hbm_golden.run(text, "hbm_pim", "order_checked=false", "channels=2")
    assert "line 8: channel 0, cycle" in str(caught.value)
    assert "they must end with EXIT" in str(caught.value)
