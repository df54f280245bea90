"""Transformers against published parameter counts and a count of products by hand."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from arch.errors import InputError
from traces.operators import Elementwise, Gemm, Move, Norm, Softmax
from traces.transformer import models
from traces.transformer.model import read_models
from traces.workload import load

EXACT = {
    # Sizes of the released checkpoints as their publishers state them (safetensors metadata on
    # huggingface.co; for BERT, GPT-2 and OPT the KerasHub presets, whose OPT, as ours, has no
    # padding rows in its position embedding).
    "bert_base": 109_482_240,
    "bert_large": 335_141_888,
    "gpt2": 124_439_808,
    "gpt2_medium": 354_823_168,
    "gpt2_large": 774_030_080,
    "gpt2_xl": 1_557_611_200,
    "opt_125m": 125_237_760,
    "opt_350m": 331_196_416 - 2 * 1024,
    "opt_1_3b": 1_315_753_984,
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "llama3_8b": 8_030_261_248,
    "llama3_70b": 70_553_706_496,
    "qwen2_0_5b": 494_032_768,
    "qwen2_1_5b": 1_543_714_304,
    "qwen2_7b": 7_615_616_512,
    "qwen2_72b": 72_706_203_648,
    "mixtral_8x7b": 46_702_792_704,
}
ROUNDED = {
    # arXiv:2005.14165, table D.1, millions.
    "gpt3_small": 125e6,
    "gpt3_medium": 356e6,
    "gpt3_large": 760e6,
    "gpt3_xl": 1_320e6,
    "gpt3_2_7b": 2_650e6,
    "gpt3_6_7b": 6_660e6,
    "gpt3_13b": 12_850e6,
    "gpt3_30b": 29_960e6,  # 12 x 48 x 7168^2 and the embeddings
    "gpt3_175b": 174_600e6,
    # arXiv:2205.01068, table 1.
    "opt_2_7b": 2.7e9,
    "opt_6_7b": 6.7e9,
    "opt_13b": 13e9,
    "opt_30b": 30e9,
    "opt_66b": 66e9,
    "opt_175b": 175e9,
}
LAYERS = {
    "bert_base": 12, "bert_large": 24, "gpt2": 12, "gpt2_medium": 24, "gpt2_large": 36,
    "gpt2_xl": 48, "gpt3_small": 12, "gpt3_medium": 24, "gpt3_large": 24, "gpt3_xl": 24,
    "gpt3_2_7b": 32, "gpt3_6_7b": 32, "gpt3_13b": 40, "gpt3_30b": 48, "gpt3_175b": 96,
    "opt_125m": 12, "opt_350m": 24, "opt_1_3b": 24, "opt_2_7b": 32, "opt_6_7b": 32,
    "opt_13b": 40, "opt_30b": 48,
    "opt_66b": 64, "opt_175b": 96, "llama2_7b": 32, "llama2_13b": 40, "llama2_70b": 80,
    "llama3_8b": 32, "llama3_70b": 80, "qwen2_0_5b": 24, "qwen2_1_5b": 28, "qwen2_7b": 28,
    "qwen2_72b": 80, "mixtral_8x7b": 32,
}  # fmt: skip

# Layers, hidden, query heads, key heads, head size, FFN, FFN matrices, vocabulary.
HAND = {
    "bert_base": (12, 768, 12, 12, 64, 3072, 2, 0),
    "gpt2_xl": (48, 1600, 25, 25, 64, 6400, 2, 50257),
    "gpt3_175b": (96, 12288, 96, 96, 128, 49152, 2, 50257),
    "opt_66b": (64, 9216, 72, 72, 128, 36864, 2, 50272),
    "llama2_7b": (32, 4096, 32, 32, 128, 11008, 3, 32000),
    "llama2_70b": (80, 8192, 64, 8, 128, 28672, 3, 32000),
    "llama3_8b": (32, 4096, 32, 8, 128, 14336, 3, 128256),
    "qwen2_0_5b": (24, 896, 14, 2, 64, 4864, 3, 151936),
}


def macs_by_hand(name, batch, tokens, context):
    """Products of each token: its projections, and its scores and values over the context."""
    layers, hidden, heads, kv_heads, size, ffn, matrices, vocabulary = HAND[name]
    projections = hidden * heads * size + 2 * hidden * kv_heads * size + heads * size * hidden
    attention = 2 * heads * size * context
    layer = projections + attention + matrices * hidden * ffn
    last = hidden * vocabulary if vocabulary else hidden * hidden
    return batch * (tokens * layers * layer + last)


def gemms(text):
    return [each for each in load(text).workload.operators if isinstance(each, Gemm)]


def macs(text):
    return sum(each.macs for each in gemms(text))


def test_all_models_are_judged():
    assert set(models()) == set(EXACT) | set(ROUNDED) == set(LAYERS)


@pytest.mark.parametrize("name", EXACT)
def test_parameters_are_those_of_the_checkpoint(name):
    assert models()[name].parameters == EXACT[name]


@pytest.mark.parametrize("name", ROUNDED)
def test_parameters_are_the_published_number(name):
    tolerance = 0.005 if name.startswith("gpt3") else 0.02
    assert models()[name].parameters == pytest.approx(ROUNDED[name], rel=tolerance)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    prefixes = {
        each.name.split(".")[0] for each in load(name).workload.operators if "." in each.name
    }
    assert prefixes == {f"layer{index}" for index in range(LAYERS[name])}


@pytest.mark.parametrize("name", HAND)
@pytest.mark.parametrize(("batch", "tokens"), [(1, 1), (1, 128), (4, 100)])
def test_prefill_products(name, batch, tokens):
    found = macs(f"{name}:prefill={tokens},batch={batch}")
    assert found == macs_by_hand(name, batch, tokens, tokens)


@pytest.mark.parametrize("name", [name for name in HAND if name != "bert_base"])
@pytest.mark.parametrize(("batch", "context"), [(1, 1), (8, 1000)])
def test_decode_products(name, batch, context):
    found = macs(f"{name}:decode={context},batch={batch}")
    assert found == macs_by_hand(name, batch, 1, context)


def test_gpt3_does_one_product_a_parameter_and_token():
    # arXiv:2005.14165, table D.1: 2 operations a parameter and token, attention apart.
    assert macs("gpt3_175b:decode=1") == pytest.approx(174.6e9, rel=0.01)


def test_mixtral_uses_its_active_parameters():
    # arXiv:2401.04088: 13B of 47B parameters a token, the embedding (read, not multiplied) among
    # them.
    products = macs("mixtral_8x7b:decode=1")
    assert products + 32000 * 4096 == pytest.approx(12.88e9, rel=0.001)


@pytest.mark.parametrize(
    ("options", "active", "tokens"),
    [("decode=9", 2, 1), ("decode=9,batch=3", 6, 1), ("decode=9,batch=4", 8, 1),
     ("decode=9,batch=5", 8, 2), ("prefill=100", 8, 25), ("prefill=101", 8, 26)],
)  # fmt: skip
def test_tokens_spread_over_experts(options, active, tokens):
    workload, notes = load(f"mixtral_8x7b:{options}")
    experts = [each for each in workload.operators if ".ffn_" in each.name and each.kind == "Gemm"]
    assert len(experts) == 32 * 3
    assert {(each.batch, each.m) for each in experts} == {(active, tokens)}
    spread = f"{active} of 8 experts take {tokens} tokens each"
    assert spread in workload.source
    assert any(spread in note for note in notes)


def test_grouped_queries_share_a_key_head():
    scores, values = (
        each for each in gemms("llama2_70b:prefill=10,batch=3") if "layer7." in each.name
        and each.second_operand == "activations"
    )  # fmt: skip
    assert (scores.batch, scores.m, scores.n, scores.k) == (3 * 8, 8 * 10, 10, 128)
    assert (values.batch, values.m, values.n, values.k) == (3 * 8, 8 * 10, 128, 10)


def layer_of(name):
    operators = load(name).workload.operators
    prefix = "layer1."
    return [each for each in operators if each.name.startswith(prefix)]


def test_a_layer_with_normalisation_first():
    found = [(each.name.removeprefix("layer1."), each.inputs) for each in layer_of("gpt2")]
    layer = "layer1."
    assert found == [
        ("attention_norm", ("layer0.ffn_add",)),
        ("qkv", (layer + "attention_norm",)),
        ("scores", (layer + "qkv",)),
        ("softmax", (layer + "scores",)),
        ("values", (layer + "softmax", layer + "qkv")),
        ("attention_out", (layer + "values",)),
        ("attention_add", (layer + "attention_out", "layer0.ffn_add")),
        ("ffn_norm", (layer + "attention_add",)),
        ("ffn_up", (layer + "ffn_norm",)),
        ("ffn_activation", (layer + "ffn_up",)),
        ("ffn_down", (layer + "ffn_activation",)),
        ("ffn_add", (layer + "ffn_down", layer + "attention_add")),
    ]


def test_a_layer_with_normalisation_last():
    found = [(each.name.removeprefix("layer1."), each.inputs) for each in layer_of("bert_base")]
    layer = "layer1."
    assert [name for name, _ in found] == [
        "qkv", "scores", "softmax", "values", "attention_out", "attention_add", "attention_norm",
        "ffn_up", "ffn_activation", "ffn_down", "ffn_add", "ffn_norm",
    ]  # fmt: skip
    assert dict(found)["qkv"] == ("layer0.ffn_norm",)
    assert dict(found)["ffn_add"] == (layer + "ffn_down", layer + "attention_norm")


def test_vector_work_of_a_llama_layer():
    tokens, hidden, ffn, heads, size = 6 * 2, 4096, 14336, 32, 128
    layer = {
        each.name.removeprefix("layer1."): each for each in layer_of("llama3_8b:prefill=6,batch=2")
    }
    norm = Norm(
        name="layer1.ffn_norm", inputs=("layer1.attention_add",), op="rms", rows=tokens, cols=hidden
    )
    assert layer["ffn_norm"] == norm
    softmax = layer["softmax"]
    assert isinstance(softmax, Softmax)
    assert (softmax.rows, softmax.cols) == (tokens * heads, 6)
    rotated = tokens * (heads + 8) * size
    expected = {
        "rotary_mul": ("mul", 2 * rotated, 2),
        "rotary_add": ("add", rotated, 2),
        "ffn_activation": ("act", tokens * ffn, 1),
        "ffn_mul": ("mul", tokens * ffn, 2),
        "attention_add": ("add", tokens * hidden, 2),
        "ffn_add": ("add", tokens * hidden, 2),
    }
    for name, (op, elements, operands) in expected.items():
        each = layer[name]
        assert isinstance(each, Elementwise)
        assert (each.op, each.elements, each.operands) == (op, elements, operands)
    assert layer["ffn_mul"].inputs == ("layer1.ffn_activation", "layer1.ffn_up")


def test_ends_of_the_models():
    bert = load("bert_base:prefill=5,batch=2").workload.operators
    assert [each.name for each in bert[:3]] == ["embedding", "embedding_add", "embedding_norm"]
    assert isinstance(bert[0], Move)
    assert (bert[0].elements, bert[1].operands) == (5 * 2 * 768, 3)
    assert [each.name for each in bert[-2:]] == ["pooler", "pooler_tanh"]
    llama = load("llama2_7b:prefill=5,batch=2").workload.operators
    assert [each.name for each in llama[:2]] == ["embedding", "layer0.attention_norm"]
    # The last token only goes on to the output projection.
    assert (llama[-2].name, llama[-2].rows) == ("final_norm", 2)
    assert (llama[-1].name, llama[-1].m, llama[-1].n) == ("lm_head", 2, 32000)
    opt = load("opt_350m:prefill=5,batch=2").workload.operators
    names = [each.name for each in opt]
    assert names[:3] == ["embedding", "project_in", "embedding_add"]
    assert names[-2:] == ["project_out", "lm_head"]
    assert "final_norm" not in names
    assert (opt[1].m, opt[1].k, opt[1].n, opt[-1].k) == (10, 512, 1024, 512)


@settings(max_examples=25)
@given(st.sampled_from(sorted(LAYERS)), st.integers(1, 500), st.integers(1, 64))
def test_a_batch_is_that_many_sequences(name, tokens, batch):
    one, many = macs(f"{name}:prefill={tokens}"), macs(f"{name}:prefill={tokens},batch={batch}")
    if "mixtral" not in name:
        assert many == batch * one
    else:
        assert many <= batch * one


def test_default_is_said():
    workload, notes = load("gpt2")
    assert workload.name == "gpt2:prefill=128,batch=1"
    assert notes == ("gpt2: prefill of 128 tokens, as none was given",)
    assert load("gpt2:prefill=128").notes == ()
    assert load("gpt2", batch=2).workload.name == "gpt2:prefill=128,batch=2"


def test_assumptions_are_said():
    workload, notes = load("gpt3_xl:decode=3")
    assert any("table 2.1 prints 24" in note for note in notes)
    assert "table 2.1 prints 24" in workload.source
    assert "no causal saving" in workload.source


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("bert_base:decode=5", "bert_base: is an encoder and does not decode; give prefill"),
        ("gpt2:prefill=5,decode=5", "give prefill or decode, not both"),
        ("gpt2:prefill=0", "prefill must be at least 1 token, not 0"),
        ("gpt2:decode=1025", "decode of 1025 tokens; its position embedding ends at 1024"),
        ("gpt2:tokens=5", "takes the options prefill, decode and batch, not 'tokens'"),
        ("llama2_7b:prefill=1099511627776", "embedding: elements: .*less than or equal"),
    ],
)
def test_wrong_options(text, reason):
    with pytest.raises(InputError, match=reason):
        load(text)


def test_every_model_cites_its_source():
    for model in models().values():
        assert "arXiv:" in model.source or "Radford" in model.source


@pytest.mark.parametrize(
    ("field", "value", "line", "reason"),
    [
        ("kv_heads", 5, 6, "kv_heads must divide heads; 5 and 12"),
        ("layers", 0, 4, r"gpt2\.layers: .*greater than or equal to 1, not 0"),
        ("norm", "batch", 10, r"gpt2\.norm: .*'layer' or 'rms'"),
        ("experts_per_token", 2, 1, "experts_per_token must be at most experts"),
    ],
)
def test_a_wrong_table_names_file_line_and_place(tmp_path, field, value, line, reason):
    data = models()["gpt2"].model_dump(exclude_defaults=True)
    data[field] = value
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump({"gpt2": data}, sort_keys=False))
    with pytest.raises(InputError, match=rf"models\.yaml: line \d+: .*{reason}"):
        read_models(path)
    path.write_text("- gpt2\n")
    with pytest.raises(InputError, match="must be models by name"):
        read_models(path)
