"""Runs on data that read what nothing has written, or have no values."""

import numpy as np
import pytest
from pim_gpt_cases import gpt, weights

from arch.errors import InputError
from arch.pim.system import load_pim
from sim.pim.value_memory import PimMemory
from sim.pim.value_model import store_model
from sim.pim.values import PimValues, run_values
from traces.mapping.pim.decode import decode_step
from traces.mapping.pim.gemv import lower_gemv
from traces.mapping.pim.geometry import Geometry
from traces.mapping.pim.layout import Allocator, place_matrix, place_table
from traces.mapping.pim.model_layout import place_model
from traces.pim.aim import aim_in

AIM = load_pim("aim", ["registers_checked=false", "channels=2"])
GPT = load_pim("pim_gpt", ["channels=2"])


def run(text: str, written: int = 0) -> tuple[PimMemory, PimValues]:
    """A trace of AiM, with values in the first so many registers: 1, 2, 3 ... in lane 0."""
    memory = PimMemory(AIM)
    state = PimValues(AIM, memory)
    for gpr in range(written):
        state.set_gprs(gpr, [gpr + 1])
    for chunk in aim_in((text + "AiM EOC\n").encode(), AIM):
        run_values(AIM, chunk, memory, state)
    return memory, state


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AiM WR_GB 2 9 1\n", "instruction 1, line 1: WR_GB reads GPR 10, which nothing has"),
        ("AiM RD_SBK 0 1 3 7\n", "RD_SBK reads channel 1 bank 3 row 7 column 0, which nothing"),
        ("AiM RD_MAC 0 1\n", "RD_MAC reads the accumulator of channel 1 bank 0, which nothing"),
        ("AiM WR_BIAS 0 1\nAiM MAC_ABK 1 1 4\n", "line 2: MAC_ABK reads column 0 of the global"),
        ("AiM WR_GB 1 0 1\nAiM MAC_SBK 1 1 2 4\n", "MAC_SBK reads the accumulator of channel 1 b"),
        ("AiM WR_BIAS 0 1\nAiM WR_GB 2 0 1\nAiM WR_SBK 0 1 0 4\nAiM MAC_ABK 1 1 4\n",
         "reads channel 1 bank 1 row 4 column 0, which nothing has written"),
        ("AiM COPY_GBBK 1 1 2 4\n", "COPY_GBBK reads column 0 of the global buffer of channel 1"),
        ("W GPR 30\n", "GPR 30 has been given no value"),
        ("AiM WR_GB 1 5000 1\n", "GPR 5000; must be 0 to 4095"),
        ("W CFR 0 1\nAiM MAC_SBK 1 1 2 4\n", "factors from the next bank .CFR 0. have no values"),
        ("AiM AF 1\n", "AF: its values are not computed"),
        ("AiM EWMUL 1 1 4\n", "EWMUL: its values are not computed"),
        ("W MEM 0 0 0\n", "W_MEM: its values are not computed"),
    ],
)  # fmt: skip
def test_the_instruction_is_told(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        run(text, written=10)


def test_instructions_of_aim_move_what_they_say() -> None:
    text = (
        "W GPR 0\nW CFR 0 0\nAiM WR_SBK 4 3 2 7\nAiM RD_SBK 10 3 2 7\nAiM COPY_BKGB 1 2 2 7\n"
        "AiM WR_ABK 6 2 9\nAiM COPY_GBBK 1 2 5 9\nAiM WR_BIAS 0 2\nAiM MAC_4BK 1 2 4 9\n"
        "AiM RD_MAC 12 2\nAiM EWADD 1 8 9\nAiM SYNC\n"
    )
    memory, state = run(text, written=10)
    assert state.gprs[10:12, 0].tolist() == [5, 5]
    values, written = memory.row(0, 9)
    # The first channel has the highest bit of a mask; COPY_GBBK gives bank 5 what bank 2 has.
    assert values[:, 0, 0].tolist() == [7, 7, 7, 7, 7, 5, *[7] * 10]
    assert written[:, 0].all()
    assert not written[:, 1].any()
    # Bank group 1 takes a product; the bias of bank 0 is the first lane of GPR 0.
    assert state.gprs[12].tolist() == [1, 0, 0, 0, 35, 25, 35, 35, *[0] * 8]
    assert state.gprs[8, 0] == 9 + 10


def test_a_row_that_nothing_was_stored_to_is_told() -> None:
    layout = place_matrix(Allocator(Geometry.of(GPT), "m"), "m", 40, 40)
    state = PimValues(GPT, PimMemory(GPT))
    program = lower_gemv(layout)
    state.set_gprs(program.source, np.ones(40))
    with pytest.raises(
        InputError, match="instruction 2: MAC_ABK of m reads channel 0 bank 0 row 0"
    ):
        run_values(GPT, program.trace, state.memory, state)
    with pytest.raises(InputError, match="row 16384 of channel 0; aim has rows 0 to 16383"):
        PimMemory(AIM).row(0, 16_384)


def test_registers_are_those_of_the_chip() -> None:
    state = PimValues(GPT, PimMemory(GPT))
    assert len(state.gprs) * 32 == 128 * 1024
    with pytest.raises(InputError, match="GPR 4096; must be 0 to 4095"):
        state.set_gprs(4095, np.ones(17))


def test_values_of_another_shape_are_refused() -> None:
    memory = PimMemory(GPT)
    allocator = Allocator(Geometry.of(GPT), "m")
    matrix, table = place_matrix(allocator, "m", 4, 5), place_table(allocator, "t", 2, 3)
    with pytest.raises(InputError, match=r"m: values of shape \(5, 4\); must be \(4, 5\)"):
        memory.store_matrix(matrix, np.zeros((5, 4)))
    with pytest.raises(InputError, match=r"t: values of shape \(3, 2\); must be \(2, 3\)"):
        memory.store_table(table, np.zeros((3, 2)))
    model = gpt(24, 3, 8, 40)
    layout = place_model("m", model, GPT, 4)
    with pytest.raises(InputError, match="weights of 2 layers; must be 3"):
        store_model(memory, layout, weights(model.model_copy(update={"layers": 2}), 1))
    with pytest.raises(InputError, match="keys and values have 48 rows; must be 72"):
        store_model(memory, layout, weights(model.model_copy(update={"heads": 2}), 1))


def test_a_step_before_the_ones_before_it_finds_no_weights() -> None:
    layout = place_model("m", gpt(24, 3, 8, 40), GPT, 4)
    with pytest.raises(
        InputError, match="instruction 1: RD_SBK of embedding reads channel 0 bank 3"
    ):
        run_values(GPT, decode_step(layout, 1, 3), PimMemory(GPT))


def test_what_is_stored_is_loaded_again() -> None:
    memory = PimMemory(GPT)
    layout = place_matrix(Allocator(Geometry.of(GPT), "m"), "m", 70, 90)
    given = np.random.default_rng(1).integers(-100, 100, (70, 90)).astype(np.float32)
    memory.store_matrix(layout, given, row_offset=3)
    at = layout.address(*np.indices((70, 90)))
    loaded = memory.load(type(at)(at.channel, at.bank, at.row + 3, at.column, at.lane))
    np.testing.assert_array_equal(loaded, given)
