"""Products in AiM's instructions, and the text form of programs."""

import re

import pandas as pd
import pytest

from arch.errors import InputError
from arch.pim.system import load_pim
from traces.mapping.pim.aim_gemv import AIM_SIMULATOR, AimRegisters, lower_aim_gemv
from traces.mapping.pim.aim_text import aim_text, write_aim
from traces.mapping.pim.gemv import lower_gemv
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import Allocator, place_matrix
from traces.pim.aim import aim_in, open_aim

PIM = load_pim("aim_as_simulated")
GPT = load_pim("pim_gpt")


def golden() -> pd.Series:
    import pim_golden

    return pim_golden.traces()["text"]


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("name", [n for n in golden().index if n.startswith("gemv_")])
def test_products_are_the_references_line_for_line(name: str) -> None:
    n, k, channels = map(int, re.fullmatch(r"gemv_(\d+)x(\d+)_(\d+)ch", name).groups())  # type: ignore[union-attr]
    geometry = Geometry.of(PIM, range(32 - channels, 32))
    layout = place_matrix(Allocator(geometry, name), name, n, k)
    trace = lower_aim_gemv(layout, AIM_SIMULATOR)
    assert lines(aim_text(trace.instructions, PIM)) == lines(golden()[name])


@pytest.mark.parametrize("name", golden().index)
def test_what_is_written_is_read_again(name: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    program = pd.concat([pd.DataFrame(c) for c in aim_in(golden()[name].encode(), PIM)])
    path = tmp_path / "a.trace"
    write_aim(path, program.to_records(index=False), PIM)
    again = pd.concat([pd.DataFrame(c) for c in open_aim(path, PIM)])
    pd.testing.assert_frame_equal(again.drop(columns="line"), program.drop(columns="line"))


def test_registers_that_are_given_are_the_ones_that_are_read() -> None:
    checked = load_pim("aim")
    layout = place_matrix(Allocator(Geometry.of(checked, range(2)), "m"), "m", 70, 2000)
    registers = AimRegisters.apart(layout)
    text = aim_text(lower_aim_gemv(layout).instructions, checked)
    given = range(registers.source + 125)
    before = "".join(f"W GPR {i}\n" for i in given)
    assert sum(len(c) for c in aim_in((before + text).encode(), checked)) == len(given) + len(
        lines(text)
    )
    with pytest.raises(InputError, match=f"reads GPR {len(given) - 1}, which nothing has written"):
        list(aim_in((before.replace(f"W GPR {len(given) - 1}\n", "") + text).encode(), checked))


def test_programs_of_a_chip_have_no_text_form() -> None:
    layout = place_matrix(Allocator(Geometry.of(GPT), "m"), "m", 200, 2000)
    with pytest.raises(InputError, match=r"instruction \d+: (MAC_ABK from column|VECTOR)"):
        aim_text(lower_gemv(layout).trace.instructions, GPT)


def test_each_lowering_refuses_the_others_layout() -> None:
    of_aim = place_matrix(Allocator(Geometry.of(PIM), "m"), "m", 2000, 2000)
    with pytest.raises(InputError, match="MAC_ABK begins at column 0; use lower_aim_gemv"):
        lower_gemv(of_aim)
    of_chip = place_matrix(Allocator(Geometry.of(GPT), "m"), "m", 2000, 2000)
    with pytest.raises(InputError, match="must be of 1, as no chip adds"):
        lower_aim_gemv(of_chip)
    with pytest.raises(InputError, match="columns of SRAM; there are 10; take a larger"):
        lower_gemv(of_chip, sram_gprs=10)
