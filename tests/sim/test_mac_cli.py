"""``lockstep formats``: lists, codes, errors of tensors, and what is wrong said in one line."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from arch.mac.formats import FORMATS
from sim.cli import app
from sim.mac import describe, sqnr

pytestmark = pytest.mark.compiled


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["formats", *arguments])


def lines(*arguments: str) -> list[str]:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    found = done.stdout.splitlines()
    assert max(map(len, found)) <= 80
    return found


def test_lists_every_format_once() -> None:
    words = [line.split()[0] for line in lines() if line.startswith("  ")]
    assert words == list(FORMATS)
    data = json.loads(run("--json").stdout)
    assert [each["name"] for each in data] == list(FORMATS)
    e4m3 = next(each for each in data if each["name"] == "fp8_e4m3")
    assert (e4m3["largest"], e4m3["smallest"], e4m3["epsilon"]) == (448, 2**-9, 0.125)
    assert e4m3["specials"] == "-0, NaN"
    nvfp4 = next(each for each in data if each["name"] == "nvfp4")
    assert (nvfp4["bits_stored"], nvfp4["block"], nvfp4["scale"]) == (4.5, 16, "ue4m3 and fp32")


@pytest.mark.parametrize("name", [*FORMATS, "posit2_0", "posit32_3", "mxfp8"])
def test_prints_any_format(name: str) -> None:
    assert len(lines(name)) > 5
    json.loads(run(name, "--json").stdout)


@pytest.mark.parametrize("name", ["posit7_3", "posit5_3", *FORMATS])
def test_epsilon_is_to_the_next_code(name: str) -> None:
    from arch.mac.formats import format_named
    from arch.mac.kinds import Block
    from sim.mac import formats

    form = format_named(name)
    if isinstance(form, Block) or form.bits > 32 or form.epsilon is None:
        return
    one = int(formats.encode(1.0, form))
    assert formats.decode([one, one + 1], form).tolist() == [1.0, 1 + float(form.epsilon)]


def test_prints_all_codes_of_narrow_formats() -> None:
    text = "\n".join(lines("posit4_1"))
    for cell in ("1 0.0625", "4 1", "7 16", "8 NaR", "9 -16", "f -0.0625"):
        assert cell in text
    data = json.loads(run("fp8_e5m2", "--json").stdout)
    assert len(data["codes"]) == 256
    assert data["codes"][0x7C] == {"code": 0x7C, "bits": "01111100", "value": "inf"}
    assert data["codes"][0x80]["value"] == "-0"


def test_prints_landmarks_of_wide_formats() -> None:
    found = {
        each["what"]: each["code"] for each in json.loads(run("bf16", "--json").stdout)["codes"]
    }
    assert found == {"zero": 0, "smallest": 1, "smallest normal": 0x80, "one": 0x3F80,
                     "next": 0x3F81, "largest": 0x7F7F, "lowest": 0xFF7F, "infinity": 0x7F80,
                     "no number": 0x7FC0}  # fmt: skip


@pytest.mark.parametrize("name", ["posit8_0", "fp8_e4m3", "fp6_e3m2", "int5", "ue4m3", "fp16"])
def test_density_counts_all_positive_numbers(name: str) -> None:
    from arch.mac.formats import scalar_named
    from sim.mac import formats

    form = scalar_named(name)
    values = formats.decode(np.arange(2**form.bits), form)
    values = values[np.isfinite(values) & (values > 0)]
    exponents = np.floor(np.log2(values)).astype(int)
    for each in describe.density(form):
        assert each["numbers"] == (exponents == each["from"]).sum()
    if len(describe.density(form)) <= describe.OCTAVES_MOST:
        assert sum(each["numbers"] for each in describe.density(form)) == len(values)


def test_compares_a_distribution() -> None:
    found = lines("--sqnr", "laplace", "--elements", "4096", "--seed", "3")
    assert found[0].split()[:3] == ["format", "bits", "SQNR"]
    assert lines("--sqnr", "laplace", "--elements", "4096", "--seed", "3") == found
    assert lines("--sqnr", "laplace", "--elements", "4096", "--seed", "4") != found
    data = json.loads(run("--sqnr", "--json").stdout)
    assert (data["source"], data["elements"]) == ("normal", 65536)
    assert {each["name"] for each in data["formats"]} == {f.name for f in sqnr.compared()}


def test_error_is_as_defined() -> None:
    values = np.array([[1.0, -0.3, 0.26, 2.0]])
    found = {each.name: each for each in sqnr.compare(values)}
    # Two bits and a sign: steps of 2/3.
    held = np.array([4 / 3, 0, 0, 2.0])
    error = ((held - values) ** 2).sum()
    assert math.isclose(
        found["int3"].sqnr_db, 10 * math.log10((values**2).sum() / error), rel_tol=1e-9
    )
    rms = math.sqrt((values**2).mean())
    assert math.isclose(found["int3"].error_most, (1 / 3) / rms, rel_tol=1e-9)
    assert found["int9"].sqnr_db > found["int5"].sqnr_db > found["int3"].sqnr_db


def test_an_integer_of_one_more_bit_has_six_decibels_more() -> None:
    found = {each.name: each.sqnr_db for each in sqnr.compare(sqnr.drawn("uniform"))}
    for bits in range(6, 16):
        assert 5.9 < found[f"int{bits + 1}"] - found[f"int{bits}"] < 6.2


def test_compares_a_tensor_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "weights.npy"
    np.save(file, np.array([[1, -1, 0, 1]] * 8, np.int8))
    data = json.loads(run("--sqnr", str(file), "--json").stdout)
    assert data["elements"] == 32
    # Of two values and zero, which most formats hold.
    assert next(e for e in data["formats"] if e["name"] == "int4")["sqnr_db"] is None
    assert any("exact" in line for line in lines("--sqnr", str(file)))


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_draws(tmp_path: Path, suffix: str) -> None:
    figure = tmp_path / f"formats{suffix}"
    lines("--sqnr", "normal", "--elements", "512", "--figure", str(figure))
    first = figure.read_bytes()
    lines("--sqnr", "normal", "--elements", "512", "--figure", str(figure))
    assert figure.read_bytes() == first
    assert len(first) > 5000


WRONG = [
    (["fp9"], "'fp9': there is no such format; give posit<n>_<es> or one of int2"),
    (["posit16_7"], "format posit16_7: 7 exponent bits; give es of 0 to 3"),
    (["--figure", "x.svg"], "--figure goes with --sqnr"),
    (["int8", "--seed", "1"], "--seed goes with --sqnr"),
    (["--sqnr", "cauchy"], "'cauchy': is no distribution; give a .npy file or one of normal"),
    (["--sqnr", "normal", "--elements", "0"], "0 elements: give 1 to"),
    (["--sqnr", "normal", "--seed", "-1"], "seed -1: give 0 or more"),
    (["--sqnr", "none.npy"], "none.npy: there is no such file"),
    (["--sqnr", "{text}.npy"], "is no .npy file"),
    (["--sqnr", "{nan}.npy"], "give finite numbers, and not zeros alone"),
    (["--sqnr", "{zeros}.npy"], "give finite numbers, and not zeros alone"),
    (["--sqnr", "{words}.npy"], "give a .npy file of one array of real numbers"),
    (["--sqnr", "{nan}.npy", "--seed", "2"], "go with a distribution, not with a file"),
    (["--sqnr", "--figure", "{text}.bmp"], "figures are written as .svg, .png, .pdf"),
    (["--sqnr", "--figure", "{text}/no/x.svg"], "x.svg"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_is_wrong_is_told(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "nan.npy", np.array([1.0, np.nan]))
    np.save(tmp_path / "zeros.npy", np.zeros(4))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    names = {name: str(tmp_path / name) for name in ("text", "nan", "zeros", "words")}
    done = run(*(each.format(**names) for each in arguments))
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from sim.cli import app;"
        "CliRunner().invoke(app, ['formats', '--help']);"
        "print(*({'numba', 'numpy', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
