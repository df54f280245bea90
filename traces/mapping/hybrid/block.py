"""What one device has of a decoder layer, and its operators for some tokens."""

from dataclasses import dataclass
from typing import Any

from arch.errors import InputError
from traces.mapping.joint_attention import ELEMENT_BYTES, Shape
from traces.operators import AnyOperator, Elementwise, Gemm, Norm
from traces.reading import build
from traces.transformer.model import Transformer

WEIGHTS = ("qkv", "proj", "fc1", "fc2")
"""Products of a layer, in order."""


@dataclass(frozen=True)
class Block:
    """One decoder layer on one of ``tp`` devices, which share its heads and its FFN."""

    hidden: int
    """Elements of a token between layers."""
    heads: int
    """Of this device."""
    head_dim: int
    ffn: int
    """Elements of a token inside the FFN, of this device."""
    tp: int = 1

    @property
    def attention_dim(self) -> int:
        """Elements of all heads of this device."""
        return self.heads * self.head_dim

    @property
    def shape(self) -> Shape:
        """Of the attention."""
        return Shape(self.heads, self.head_dim)

    def weight_shapes(self) -> dict[str, tuple[int, int]]:
        """K and N of each product."""
        return {
            "qkv": (self.hidden, 3 * self.attention_dim),
            "proj": (self.attention_dim, self.hidden),
            "fc1": (self.hidden, self.ffn),
            "fc2": (self.ffn, self.hidden),
        }

    def weight_bytes(self) -> int:
        """Of one layer; biases and norms are left out."""
        return sum(k * n for k, n in self.weight_shapes().values()) * ELEMENT_BYTES

    def allreduce_bytes(self, tokens: int) -> int:
        """Of the sums behind the projection, and of those behind the FFN."""
        return tokens * self.hidden * ELEMENT_BYTES


def block_of(model: Transformer, name: str, tp: int = 1) -> Block:
    """What one of ``tp`` devices has of a layer of a model.

    Raises InputError for models of other layers, and where heads or FFN do not divide.
    """
    if model.kv_heads != model.heads or model.experts > 1 or model.activation == "swiglu":
        raise InputError(
            f"{name}: has {model.kv_heads} key and value heads for {model.heads}, {model.experts} "
            f"experts and {model.activation}; must have as many as query heads, one expert and an "
            "FFN without a gate"
        )
    for what, size in (("heads", model.heads), ("ffn", model.ffn)):
        if tp < 1 or size % tp:
            raise InputError(f"{name}: tp must divide its {size} {what}; {tp} does not")
    return Block(model.hidden, model.heads // tp, model.head_dim, model.ffn // tp, tp)


def qkv_operators(block: Block, tokens: int) -> tuple[AnyOperator, ...]:
    """Norm and product that make queries, keys and values."""
    return (
        _norm("attention_norm", block, tokens),
        _product("qkv", block, tokens, "attention_norm"),
    )


def projection_operators(block: Block, tokens: int) -> tuple[AnyOperator, ...]:
    """The product behind the attention."""
    return (_product("proj", block, tokens),)


def ffn_operators(block: Block, tokens: int) -> tuple[AnyOperator, ...]:
    """Residual, norm, and FFN up to its last product."""
    return (
        _add("attention_add", block, tokens),
        _norm("ffn_norm", block, tokens, "attention_add"),
        _product("fc1", block, tokens, "ffn_norm"),
        _build(Elementwise, "gelu", "fc1", op="act", elements=tokens * block.ffn),
        _product("fc2", block, tokens, "gelu"),
    )


def last_operators(block: Block, tokens: int) -> tuple[AnyOperator, ...]:
    """The second residual."""
    return (_add("ffn_add", block, tokens),)


def _build(kind: Any, name: str, *inputs: str, **fields: Any) -> AnyOperator:
    operator: AnyOperator = build(kind, name, name=name, inputs=inputs, **fields)
    return operator


def _norm(name: str, block: Block, tokens: int, *inputs: str) -> AnyOperator:
    return _build(Norm, name, *inputs, op="layer", rows=tokens, cols=block.hidden)


def _product(name: str, block: Block, tokens: int, *inputs: str) -> AnyOperator:
    k, n = block.weight_shapes()[name]
    return _build(Gemm, name, *inputs, m=tokens, n=n, k=k)


def _add(name: str, block: Block, tokens: int) -> AnyOperator:
    return _build(Elementwise, name, op="add", elements=tokens * block.hidden, operands=2)
