"""Dimensions of a transformer; one YAML file a family in ``configs/models``."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from arch.errors import InputError
from arch.spec import Spec
from traces.reading import CONFIGS, parse, parse_data, read_text

Dimension = Annotated[int, Field(ge=1, le=2**24)]


class Transformer(Spec):
    """A stack of equal layers: attention, then a feed-forward network (FFN)."""

    source: str = Field(min_length=1)
    """Where the dimensions come from."""
    assumed: tuple[str, ...] = ()
    """What the source leaves open or contradicts, and how it is read here."""
    kind: Literal["encoder", "decoder"]
    layers: Dimension
    hidden: Dimension
    """Elements of a token between layers."""
    heads: Dimension
    """Query heads."""
    kv_heads: Dimension
    """Key and value heads; ``heads / kv_heads`` query heads share one."""
    head_dim: Dimension
    ffn: Dimension
    """Elements of a token inside the FFN (of one expert)."""
    activation: Literal["gelu", "relu", "swiglu"]
    """``swiglu`` has a gate: three projections instead of two."""
    norm: Literal["layer", "rms"]
    norm_first: bool
    """Whether normalisation comes before attention and FFN, and once more at the end."""
    rotary: bool
    """Rotary position embedding of queries and keys in every layer."""
    positions: int = Field(ge=0, le=2**24)
    """Rows of a learned position embedding; 0 for none."""
    token_types: int = Field(default=0, ge=0, le=2**24)
    """Rows of a token type embedding."""
    vocabulary: Dimension
    embedding: Dimension | None = None
    """Elements of a token's embedding where it is not ``hidden``."""
    tied_head: bool = True
    """Whether the output projection is the embedding, transposed."""
    bias: Literal["all", "qkv", "none"]
    """Which projections have one."""
    experts: int = Field(default=1, ge=1, le=65_536)
    experts_per_token: int = Field(default=1, ge=1, le=65_536)

    @model_validator(mode="after")
    def _divides(self) -> "Transformer":
        if self.heads % self.kv_heads:
            raise ValueError(f"kv_heads must divide heads; {self.kv_heads} and {self.heads}")
        if self.experts_per_token > self.experts:
            raise ValueError(
                f"experts_per_token must be at most experts; "
                f"{self.experts_per_token} and {self.experts}"
            )
        return self

    @property
    def attention_dim(self) -> int:
        """Elements of all query heads."""
        return self.heads * self.head_dim

    @property
    def qkv_dim(self) -> int:
        """Elements of all query, key and value heads."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def embedding_dim(self) -> int:
        """Elements of a token's embedding."""
        return self.embedding or self.hidden

    @property
    def parameters(self) -> int:
        """Trained parameters: weights, biases, norms and embeddings; a tied head counts once."""
        hidden = self.hidden
        everywhere = self.bias == "all"
        norm = hidden * (2 if self.norm == "layer" else 1)
        attention = hidden * self.qkv_dim + self.attention_dim * hidden
        attention += self.qkv_dim * (self.bias != "none") + hidden * everywhere
        ffn = hidden * self.ffn * (3 if self.activation == "swiglu" else 2)
        ffn += (self.ffn + hidden) * everywhere
        router = hidden * self.experts * (self.experts > 1)
        layer = attention + self.experts * ffn + router + 2 * norm
        embedding = self.vocabulary * self.embedding_dim
        ends = embedding * (1 if self.tied_head else 2)
        ends += (self.positions + self.token_types) * hidden
        if self.embedding_dim != hidden:
            ends += 2 * self.embedding_dim * hidden
        if self.norm_first or self.kind == "encoder":
            ends += norm
        if self.kind == "encoder":
            ends += hidden * hidden + hidden
        return self.layers * layer + ends


@cache
def models() -> dict[str, Transformer]:
    """All transformers by name. Raises InputError where a shipped table is damaged."""
    found: dict[str, Transformer] = {}
    for path in sorted((CONFIGS / "models").glob("*.yaml")):
        found |= read_models(path)
    return found


def read_models(path: Path) -> dict[str, Transformer]:
    """Transformers of one YAML file, by name. Raises InputError."""
    text = read_text(path)
    data = parse(path, text)
    if not isinstance(data, dict):
        raise InputError(f"{path}: must be models by name")
    return {name: parse_data(Transformer, path, text, data[name], (name,)) for name in data}
