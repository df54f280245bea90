"""A layer of decoding on a grid equals NumPy in the declared order and rounding."""

import numpy as np
import pytest
from mesh_decode_oracle import Decode
from mesh_runs import machine, numbers, run

from arch.errors import InputError
from arch.mesh.program import Combine, Op
from traces.mapping.mesh.decode_layer import transformer_decode_layer
from traces.mapping.mesh.decode_sizes import DecodeLayout, Layer
from traces.mapping.mesh.decode_values import rotations
from traces.mapping.mesh.spread import gathered


def values(layer, context, format):
    rng = np.random.default_rng(layer.dim + context)
    dim, ffn = layer.dim, layer.ffn
    shapes = {
        "hidden": (dim,), "attention_norm": (dim,), "ffn_norm": (dim,),
        "wq": (dim, dim), "wk": (dim, dim), "wv": (dim, dim), "wo": (dim, dim),
        "w_up": (dim, ffn), "w_gate": (dim, ffn), "w_down": (ffn, dim),
        "keys": (context - 1, dim), "values": (context - 1, dim),
    }  # fmt: skip
    made = {
        name: numbers(rng, shape, format) * (0.25 if name[0] == "w" else 1)
        for name, shape in shapes.items()
    }
    made["cos"], made["sin"] = rotations(dim, layer.heads, context - 1)
    return made


def cache(tiles, layout, by_token):
    """[row, slot, dim] keys or values at the end."""
    chunk = layout.heads.chunk
    shape = (layout.slots, chunk) if by_token else (chunk, layout.slots)
    tiles = tiles.reshape(layout.height, layout.width, *shape)
    tiles = tiles if by_token else tiles.swapaxes(2, 3)
    whole = np.zeros((layout.height, layout.slots, layout.layer.dim), np.float32)
    held = layout.heads.index >= 0
    whole[:, :, layout.heads.index[held]] = tiles.transpose(0, 2, 1, 3)[:, :, held]
    return whole


@pytest.mark.parametrize(
    ("layer", "context", "grid", "format", "kind"),
    [
        (Layer(32, 64), 16, (8, 8), "fp16", "k_tree"),
        (Layer(32, 64, heads=4), 21, (8, 8), "fp16", "k_tree"),
        (Layer(24, 40, heads=2), 11, (4, 3), "fp32", "chain"),
        (Layer(14, 9), 3, (3, 5), "fp16", "two_phase"),
        (Layer(12, 9), 1, (2, 2), "fp16", "k_tree"),
    ],
)
def test_a_layer_equals_numpy(layer, context, grid, format, kind):
    given = values(layer, context, format)
    made = transformer_decode_layer(machine(), layer, context, grid, format, kind, values=given)
    memory = run(made.program, machine())
    oracle = Decode(vars(layer), context, grid, format, kind)
    want = oracle.layer(given)
    assert np.isfinite(want).all()
    layout = DecodeLayout(layer, context, *grid, format)
    for line in gathered(memory["hidden"], layout.hidden):
        np.testing.assert_array_equal(line, want)
    keys = cache(memory["k_cache"], layout, by_token=False)
    held = cache(memory["v_cache"], layout, by_token=True)
    for row, tokens in enumerate(oracle.slots()):
        np.testing.assert_array_equal(keys[row, : len(tokens)], np.float32(oracle.keys[tokens]))
        np.testing.assert_array_equal(held[row, : len(tokens)], np.float32(oracle.values[tokens]))


def test_the_declared_order_is_a_transformer_but_for_rounding():
    layer, context = Layer(32, 64, heads=2), 16
    v = {name: np.asarray(each, float) for name, each in values(layer, context, "fp32").items()}

    def norm(x, weight):
        return x / np.sqrt((x * x).mean() + layer.epsilon) * weight

    def rotate(t):
        turns = v["cos"][0::2] + 1j * v["sin"][0::2]
        return ((t[0::2] + 1j * t[1::2]) * turns).view(float)

    def split(t):
        return t.reshape(*t.shape[:-1], 2, 16)

    h = v["hidden"]
    q, k, new = (norm(h, v["attention_norm"]) @ v[name] for name in ("wq", "wk", "wv"))
    keys, held = np.vstack([v["keys"], rotate(k)]), np.vstack([v["values"], new])
    scores = np.einsum("hd,thd->ht", split(rotate(q)), split(keys)) / 4
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    h = h + np.einsum("ht,thd->hd", weights, split(held)).ravel() @ v["wo"]
    normed = norm(h, v["ffn_norm"])
    gate = normed @ v["w_gate"]
    want = h + (normed @ v["w_up"] * gate / (1 + np.exp(-gate))) @ v["w_down"]
    got = Decode(vars(layer), context, (8, 8), "fp32", "k_tree").layer(v)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4)


def test_ten_allreduces_in_the_order_of_the_paper():
    """Rows and elements of each, by the sums that the middle PE of a column or row receives."""
    made = transformer_decode_layer(
        machine(), Layer(32, 64), 32, (8, 8), allreduce="chain", format="fp16"
    ).program
    commands = made.programs[made.program_of[3, 3]].tasks[0].commands
    relays = commands[commands["op"] == Op.RELAY]
    # 4 elements of the token in a PE, 8 of the FFN, 4 tokens.
    assert relays["length"].tolist() == [1, 12, 4, 1, 1, 4, 4, 1, 16, 4]
    assert [int(c) for c in relays["combine"]].count(Combine.MAX) == 1
    products = commands[commands["op"] == Op.FMA]
    assert list(zip(products["count"].tolist(), products["length"].tolist(), strict=True)) == [
        (4, 4), (4, 4), (4, 4), (4, 4), (4, 4), (4, 4), (4, 8), (4, 8), (8, 4),
    ]  # fmt: skip


def test_refuses_with_numbers():
    with pytest.raises(InputError, match=r"3 heads on a width of 8 PEs; heads must divide it"):
        transformer_decode_layer(machine(), Layer(12, 8, heads=3), 4, (8, 8))
    with pytest.raises(InputError, match="even number, for rotary"):
        transformer_decode_layer(machine(), Layer(12, 8, heads=4), 4, (8, 8))
    with pytest.raises(InputError, match=r"bytes a PE on a grid of 8 x 8; must be 49152.*largest"):
        transformer_decode_layer(machine(), Layer(4096, 14336), 4, (8, 8))
    with pytest.raises(InputError, match="context must be 1 at least"):
        transformer_decode_layer(machine(), Layer(12, 8), 0, (8, 8))
