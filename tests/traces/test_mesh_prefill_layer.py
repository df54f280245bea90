"""A layer of a prefill on a grid equals NumPy in the declared order and rounding."""

import numpy as np
import pytest
from mesh_prefill_oracle import Prefill
from mesh_runs import machine, numbers, run

from arch.errors import InputError
from traces.mapping.mesh.decode_sizes import Layer
from traces.mapping.mesh.decode_values import rotations
from traces.mapping.mesh.prefill_layer import transformer_prefill_layer


def values(layer, tokens, format):
    rng = np.random.default_rng(layer.dim + tokens)
    dim, ffn = layer.dim, layer.ffn
    shapes = {
        "hidden": (tokens, dim), "attention_norm": (dim,), "ffn_norm": (dim,),
        "wq": (dim, dim), "wk": (dim, dim), "wv": (dim, dim), "wo": (dim, dim),
        "w_up": (dim, ffn), "w_gate": (dim, ffn), "w_down": (ffn, dim),
    }  # fmt: skip
    made = {
        name: numbers(rng, shape, format) * (0.25 if name[0] == "w" else 1)
        for name, shape in shapes.items()
    }
    turns = np.stack([rotations(dim, 1, position) for position in range(tokens)])
    made["cos"], made["sin"] = turns[:, 0], turns[:, 1]
    return made


@pytest.mark.parametrize(
    ("layer", "tokens", "side", "format", "kind", "oracle"),
    [
        (Layer(4, 3), 3, 1, "fp16", "chain", True),
        (Layer(10, 7), 5, 2, "fp16", "k_tree", True),
        (Layer(10, 10), 7, 3, "fp32", "chain", False),
        pytest.param(*(Layer(16, 24), 8, 4, "fp16", "k_tree", False), marks=pytest.mark.compiled),
        pytest.param(
            *(Layer(22, 13), 11, 5, "fp16", "two_phase", False), marks=pytest.mark.compiled
        ),
    ],
)
def test_a_layer_equals_numpy(layer, tokens, side, format, kind, oracle):
    given = values(layer, tokens, format)
    made = transformer_prefill_layer(machine(), layer, tokens, side, format, kind, values=given)
    memory = run(made.program, machine(), oracle)
    want = Prefill(vars(layer), tokens, side, format, kind)
    hidden = want.layer(given)
    assert np.isfinite(hidden).all()
    np.testing.assert_array_equal(made.results["k_cache"].gathered(memory), np.float32(want.keys))
    np.testing.assert_array_equal(made.results["v_cache"].gathered(memory), np.float32(want.values))
    np.testing.assert_array_equal(made.results["hidden"].gathered(memory), hidden)


def test_the_declared_order_is_a_transformer_but_for_rounding():
    layer, tokens = Layer(16, 24), 9
    v = {name: np.asarray(each, float) for name, each in values(layer, tokens, "fp32").items()}
    h = v["hidden"]

    def norm(x, weight):
        return x / np.sqrt((x * x).mean(1, keepdims=True) + layer.epsilon) * weight

    def rotate(t):
        turns = v["cos"][:, 0::2] + 1j * v["sin"][:, 0::2]
        return ((t[:, 0::2] + 1j * t[:, 1::2]) * turns).view(float)

    q, k, value = (norm(h, v["attention_norm"]) @ v[name] for name in ("wq", "wk", "wv"))
    scores = rotate(q) @ rotate(k).T / 4
    scores[np.triu_indices(tokens, 1)] = -np.inf
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    h = h + weights @ value @ v["wo"]
    normed = norm(h, v["ffn_norm"])
    gate = normed @ v["w_gate"]
    want = h + (normed @ v["w_up"] * gate / (1 + np.exp(-gate))) @ v["w_down"]
    got = Prefill(vars(layer), tokens, 3, "fp32", "chain").layer(v)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4)


def test_tasks_grow_with_the_side():
    """Of side squared classes of PEs, as both axes are aligned, but as many tasks as the side."""

    def counts(side):
        mesh = machine(side, side)
        made = transformer_prefill_layer(mesh, Layer(4 * side, 6 * side), 2 * side, side).program
        return len(made.programs), len({id(t) for each in made.programs for t in each.tasks})

    (few, tasks), (many, more) = counts(12), counts(24)
    assert (few, many) == (144, 576)
    assert more < 2.5 * tasks


def test_refuses_with_numbers():
    with pytest.raises(InputError, match=r"heads must be 1"):
        transformer_prefill_layer(machine(), Layer(16, 8, heads=2), 4, 4)
    with pytest.raises(InputError, match=r"bytes a PE on a grid of 4 x 4; must be 49152 at most"):
        transformer_prefill_layer(machine(), Layer(4096, 14336), 4096, 4)
    with pytest.raises(InputError, match=r"needs 17 tasks; must be 8 at most"):
        transformer_prefill_layer(machine(tasks=8), Layer(8, 8), 4, 2)
