"""What instructions wait for is enough: all orders that it allows compute the same."""

import numpy as np
import pytest
from pim_gpt_cases import gpt, weights
from pim_orders import shuffled

from arch.errors import InputError
from arch.pim.system import load_pim
from sim.pim.value_memory import PimMemory
from sim.pim.value_model import store_model
from sim.pim.values import PimValues
from traces.mapping.pim.decode import decode_step
from traces.mapping.pim.model_layout import place_model

pytestmark = pytest.mark.compiled
MODELS = {
    "several products a chunk": (gpt(1040, 1, 16, 1100, 80, 2), 2, 2, {}),
    "heads in three blocks": (gpt(24, 3, 8, 40), 2, 34, {"key_heads_per_row": 1}),
    "heads wrap round the channels": (gpt(48, 3, 32, 80), 3, 50, {"value_tokens_per_row": 16}),
    "of more blocks than have room": (gpt(48, 5, 32, 80, 40, 1), 3, 50, {"key_heads_per_row": 1}),
}


class Machine:
    """A small model in a memory that is made anew for each run."""

    def __init__(self, case: str) -> None:
        model, channels, tokens, choices = MODELS[case]
        self.pim = load_pim("pim_gpt", [f"channels={channels}"])
        self.layout = place_model(case, model, self.pim, tokens, **choices)
        self.trace = decode_step(self.layout, tokens, 3)
        self.weights = weights(model, 2)

    def logits(self, instructions):  # type: ignore[no-untyped-def]
        memory = PimMemory(self.pim)
        store_model(memory, self.layout, self.weights)
        state = PimValues(self.pim, memory)
        state.run(instructions, ())
        return state.vector(self.layout.sram.logits, self.layout.model.vocabulary)


@pytest.mark.parametrize("case", MODELS)
def test_orders_that_are_allowed_compute_the_same(case: str) -> None:
    machine = Machine(case)
    expected = machine.logits(machine.trace.instructions)
    assert np.isfinite(expected).all()
    channels = [f"all but {channel}" for channel in range(machine.pim.channels)]
    for seed, favour in enumerate(["none", "chip", "memory", *channels]):
        order = shuffled(machine.trace, machine.pim, seed, favour)
        assert len(order) >= len(machine.trace.instructions)
        np.testing.assert_array_equal(machine.logits(order), expected, favour)


@pytest.mark.parametrize("case", MODELS)
def test_without_them_they_do_not(case: str) -> None:
    machine = Machine(case)
    expected = machine.logits(machine.trace.instructions)
    order = shuffled(machine.trace, machine.pim, 1, "memory", waits=False)
    try:
        found = machine.logits(order)
    except InputError as fault:
        assert "which nothing has written" in str(fault)  # noqa: PT017
    else:
        assert (found != expected).any()
