"""Steps of a GPT: what they multiply, what differs from token to token, what they refuse."""

from collections import defaultdict

import numpy as np
import pytest

from arch.errors import InputError
from arch.pim.system import load_pim
from arch.vector import VECTOR_OPS
from traces.mapping.pim import decode, repeat
from traces.mapping.pim.cache_layout import default_heads_per_row, default_value_tokens
from traces.mapping.pim.decode import decode_step, generation, operator_kind
from traces.mapping.pim.model_layout import place_model
from traces.mapping.vector import work_of
from traces.operators import Elementwise, Gemm, Norm, Softmax
from traces.pim.dtype import CODES, OPS
from traces.transformer import Transformer, models, workload

PIM = load_pim("pim_gpt")


def small(layers: int = 3, **changes: object) -> Transformer:
    dimensions = {
        "source": "made up", "kind": "decoder", "layers": layers, "hidden": 48, "heads": 3,
        "kv_heads": 3, "head_dim": 24, "ffn": 100, "activation": "gelu", "norm": "layer",
        "norm_first": True, "rotary": False, "positions": 64, "vocabulary": 300, "bias": "all",
    }  # fmt: skip
    return Transformer.model_validate({**dimensions, **changes})


def fields(trace, *names: str):  # type: ignore[no-untyped-def]
    return [tuple(int(one[name]) for name in names) for one in trace.instructions]


def products(trace) -> dict[str, int]:  # type: ignore[no-untyped-def]
    """Multiplications of all lanes, by operator."""
    found: dict[str, int] = defaultdict(int)
    for one in trace.instructions[trace.instructions["op"] == CODES["MAC_ABK"]]:
        channels = bin(int(one["channels"])).count("1")
        found[trace.operator_names[one["operator"]]] += channels * int(one["count"]) * 16 * 16
    return found


def up(n: int, step: int) -> int:
    return -(-n // step) * step


@pytest.mark.parametrize(("name", "context"), [("gpt2", 1), ("gpt3_xl", 700), ("gpt2_xl", 1024)])
def test_products_are_those_of_the_model(name: str, context: int) -> None:
    model = models()[name]
    trace = decode_step(place_model(name, model, PIM, 1024), context)
    found = products(trace)
    graph, _ = workload(name, {"decode": context})
    for operator in graph.operators:
        if not isinstance(operator, Gemm):
            continue
        expected = operator.batch * up(operator.n, 16) * up(operator.k, 16)
        assert found.pop(operator.name) == expected, operator.name
    assert not found


def test_operators_and_their_vectors_are_those_of_the_model() -> None:
    trace = decode_step(place_model("gpt2", models()["gpt2"], PIM, 300), 300)
    graph, _ = workload("gpt2", {"decode": 300})
    names = [operator.name for operator in graph.operators]
    appended = [name for name in trace.operator_names if operator_kind(name) == "append"]
    assert appended == [f"layer{number}.append" for number in range(12)]
    assert [name for name in trace.operator_names if name not in appended] == names
    worked: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in trace.instructions[trace.instructions["op"] == CODES["VECTOR"]]:
        operator = trace.operator_names[one["operator"]]
        worked[operator][VECTOR_OPS[one["vector_op"]]] += int(one["elements"])
    for operator in graph.operators:
        if isinstance(operator, Norm | Softmax | Elementwise):
            work = work_of(operator)
            expected: dict[str, int] = defaultdict(int)
            for op, elements in work.ops:
                expected[op] += elements * work.units
            assert worked[operator.name] == expected, operator.name
    # A chunk of inputs: the bias alone; of four: the bias and three sums.
    assert worked["layer5.qkv"] == {"add": 2304}
    assert worked["layer5.ffn_down"] == {"add": 3 * 768}


def test_what_must_be_done_before_comes_before() -> None:
    trace = decode_step(place_model("gpt2", models()["gpt2"], PIM, 300), 300)
    one = trace.instructions
    assert one["after_begin"][0] == 0
    np.testing.assert_array_equal(one["after_begin"][1:], one["after_end"][:-1])
    assert one["after_end"][-1] == len(trace.after)
    own = np.repeat(np.arange(len(one)), one["after_end"] - one["after_begin"])
    assert (trace.after < own).all()
    assert (trace.after >= 0).all()


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_repeated_layers_are_as_lowered_ones(layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = place_model("m", small(layers), PIM, 40)
    found = decode_step(layout, 33)
    for module in (decode, repeat):
        monkeypatch.setattr(module, "REPEATED", layers)
    expected = decode_step(layout, 33)
    assert found.operator_names == expected.operator_names
    assert found.instructions.tobytes() == expected.instructions.tobytes()
    assert found.after.tolist() == expected.after.tolist()


def test_a_generation_is_its_steps() -> None:
    pim = load_pim("pim_gpt", ["channels=2"])
    layout = place_model("m", small(), pim, 100, value_tokens_per_row=32)
    last = 0
    for context, trace in enumerate(generation(layout, 5, 100, 7), start=5):
        step = decode_step(layout, context, 7)
        assert trace.instructions.tobytes() == step.instructions.tobytes()
        assert (trace.after == step.after).all()
        assert trace.operator_names == step.operator_names
        last = context
    assert last == 100


@pytest.mark.parametrize("context", [1, 16, 17, 128, 129, 250])
def test_a_token_is_appended_where_it_is_read(context: int) -> None:
    layout = place_model("m", small(layers=2), PIM, 250)
    trace = decode_step(layout, context)
    elements = np.arange(24)
    for number in range(2):
        written = set()
        for one in trace.instructions[trace.instructions["op"] == CODES["WR_SBK"]]:
            if trace.operator_names[one["operator"]] != f"layer{number}.append":
                continue
            for channel in range(8):
                for i in range(int(one["count"]) if int(one["channels"]) >> channel & 1 else 0):
                    lane = int(one["data"]) - 1
                    for each in [lane] if lane >= 0 else range(16):
                        written.add((channel, one["bank"], one["row"], one["column"] + i, each))
        expected = set()
        for cache in (layout.layer.keys, layout.layer.values):
            for head in range(3):
                at = cache.address(head, context - 1, elements)
                rows = at.row + number * layout.layer_rows
                expected |= set(zip(at.channel, at.bank, rows, at.column, at.lane, strict=True))
        assert expected <= written
        # Nothing but the padding of heads from 24 to 32 elements beside it.
        assert len(written) == 2 * 3 * 32


def opened(trace, operators: tuple[str, ...], banks: int = 16) -> int:  # type: ignore[no-untyped-def]
    """Rows that channel 0 opens for some operators, in all banks at once or in one."""
    rows: dict[int, int] = {}
    count = 0
    for one in trace.instructions:
        if not trace.operator_names[one["operator"]].endswith(operators) or not one["channels"] & 1:
            continue
        name, row = OPS[one["op"]], int(one["row"])
        if name == "MAC_ABK" and any(rows.get(bank) != row for bank in range(banks)):
            rows = dict.fromkeys(range(banks), row)
            count += 1
        elif name == "WR_SBK" and rows.get(int(one["bank"])) != row:
            rows[int(one["bank"])] = row
            count += 1
    return count


@pytest.mark.parametrize(("heads", "tokens"), [(16, 60), (4, 200), (16, 300)])
def test_values_lie_so_that_the_fewest_rows_open(heads: int, tokens: int) -> None:
    pim = load_pim("pim_gpt", ["channels=1"])
    model = small(1, heads=heads, kv_heads=heads, head_dim=16, hidden=16, ffn=16, vocabulary=16)
    counts = {}
    for size in (16, 32, 64, 128, 256, 512, 1024):
        layout = place_model("m", model, pim, tokens, value_tokens_per_row=size)
        steps = generation(layout, 1, tokens)
        counts[size] = sum(opened(step, (".append", ".values")) for step in steps)
    chosen = default_value_tokens(layout.heads)
    assert counts[chosen] <= 1.05 * min(counts.values()), counts
    assert len(set(counts.values())) > 3


def test_keys_lie_so_that_the_fewest_rows_open() -> None:
    pim = load_pim("pim_gpt", ["channels=1"])
    model = small(1, heads=13, kv_heads=13, head_dim=64, hidden=16, ffn=16, vocabulary=16)
    counts = {}
    for size in range(1, 17):
        layout = place_model("m", model, pim, 60, key_heads_per_row=min(size, 16))
        counts[size] = opened(decode_step(layout, 60), (".scores",))
    chosen = default_heads_per_row(layout.heads, 4096)
    assert counts[chosen] == min(counts.values())
    assert counts[chosen] < max(counts.values())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "encoder"}, "kind is encoder; a PIM's decode step is of models with decoder"),
        ({"activation": "swiglu"}, "activation is swiglu"),
        ({"kv_heads": 1}, "kv_heads is 1; .* with 3"),
        ({"rotary": True}, "rotary is True"),
        ({"bias": "none"}, "bias is none"),
    ],
)
def test_other_models_are_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        place_model("m", small(**changes), PIM, 40)


def test_what_does_not_fit_is_told() -> None:
    xl = models()["gpt2_xl"]
    with pytest.raises(InputError, match=r"gpt2_xl with 1024 tokens: takes .* take more channels"):
        place_model("gpt2_xl", xl, load_pim("pim_gpt", ["channels=1"]), 1024)
    little = load_pim("pim_gpt", ["asic.sram_kib=64"])
    with pytest.raises(
        InputError, match=r"the logits with 1024 tokens take \d+ bytes of SRAM; there are 65536"
    ):
        place_model("gpt2_xl", xl, little, 1024)
    with pytest.raises(InputError, match="attention with 65536 tokens take"):
        place_model("gpt2", models()["gpt2"], PIM, 65_536)
    with pytest.raises(InputError, match="scores of 2 x 16 heads take 16384 columns of SRAM"):
        place_model("gpt2", models()["gpt2"], PIM, 8192, key_heads_per_row=16)
    with pytest.raises(InputError, match="scores of two heads and 15000 tokens take"):
        place_model("gpt2", models()["gpt2"], PIM, 15_000)
    with pytest.raises(InputError, match="aim: has no asic"):
        place_model("gpt2", models()["gpt2"], load_pim("aim"), 10)
    with pytest.raises(InputError, match="tokens are 0"):
        place_model("gpt2", models()["gpt2"], PIM, 0)


def test_contexts_and_tokens_are_checked_and_positions_extended() -> None:
    layout = place_model("gpt2", models()["gpt2"], PIM, 1500)
    assert layout.positions.count == 1500
    assert any("its position embedding ends at 1024 and is extended" in n for n in layout.notes)
    for context in (0, 1501):
        with pytest.raises(InputError, match=f"a context of {context} tokens; must be 1 to 1500"):
            decode_step(layout, context)
    with pytest.raises(InputError, match="token 50257; must be 0 to 50256"):
        decode_step(layout, 1, 50_257)


@pytest.mark.parametrize("name", ["gpt2", "gpt2_medium", "gpt2_large", "gpt2_xl", "gpt3_small",
                                  "gpt3_medium", "gpt3_large", "gpt3_xl"])  # fmt: skip
def test_all_models_have_room_for_8192_tokens(name: str) -> None:
    layout = place_model(name, models()[name], PIM, 8192)
    trace = decode_step(layout, 8192)
    assert layout.rows <= PIM.device().device.rows
    assert int(trace.instructions["row"].max()) < layout.rows
    vector = trace.instructions["op"] == CODES["VECTOR"]
    assert int(trace.instructions["gpr"].max()) < layout.sram.columns == 4096
    assert (trace.instructions["elements"][vector] > 0).all()
