"""Sizes of a layer on a grid, and where its vectors lie, in decoding."""

from dataclasses import dataclass
from functools import cached_property

from arch.errors import InputError
from traces.mapping.mesh.spread import Spread, spread
from traces.mapping.mesh.tiles import Memory


@dataclass(frozen=True)
class Layer:
    """Dimensions of a transformer layer: RMS norm, rotary positions, SwiGLU; no biases."""

    dim: int
    """Elements of a token, and of all heads."""
    ffn: int
    heads: int = 1
    epsilon: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Elements of a head."""
        return self.dim // self.heads

    def __str__(self) -> str:
        return f"dim={self.dim},ffn={self.ffn},heads={self.heads}"

    def check(self, where: str, width: int) -> None:
        """Refuse heads that no layout has. Raises InputError."""
        for name in ("dim", "ffn", "heads"):
            if getattr(self, name) < 1:
                raise InputError(f"{where}: {name} must be at least 1, not {getattr(self, name)}")
        if self.dim % (2 * self.heads):
            raise InputError(
                f"{where}: {self.heads} heads of {self.dim} elements; each must have a whole and "
                "even number, for rotary positions"
            )
        if width % self.heads:
            raise InputError(
                f"{where}: {self.heads} heads on a width of {width} PEs; heads must divide it, as "
                "a head has whole columns"
            )


@dataclass(frozen=True)
class DecodeLayout:
    """Of one token that attends to ``context`` tokens, itself among them."""

    layer: Layer
    context: int
    width: int
    height: int
    format: str
    odd_chunks: bool = False

    @cached_property
    def hidden(self) -> Spread:
        """The token between layers: along y."""
        return spread("y", self.layer.dim, self.height)

    @cached_property
    def heads(self) -> Spread:
        """Queries, keys, values, what attention gives: along x, pairs of a rotation in one PE."""
        pairs = 1 if self.odd_chunks else 2
        return spread("x", self.layer.dim, self.width, self.layer.heads, pairs)

    @cached_property
    def ffn(self) -> Spread:
        """Inside the FFN: along x."""
        return spread("x", self.layer.ffn, self.width)

    @property
    def slots(self) -> int:
        """For tokens of the cache in a PE."""
        return -(-self.context // self.height)

    @property
    def tokens(self) -> list[int]:
        """Of the cache in each row, the new one included; the last rows have one more."""
        few, more = divmod(self.context, self.height)
        return [few + (row >= self.height - more) for row in range(self.height)]

    def memory(self) -> Memory:
        """Regions of a PE."""
        a, c, f, s = self.hidden.chunk, self.heads.chunk, self.ffn.chunk, self.slots
        memory = Memory(self.format)
        for name, elements in {
            "hidden": a, "normed": a, "attention_norm": a, "ffn_norm": a,
            "wq": a * c, "wk": a * c, "wv": a * c, "wo": c * a,
            "w_up": a * f, "w_gate": a * f, "w_down": f * a,
            "qkv": 3 * c, "cos": c, "sin": c, "turned": c, "scores": s, "attended": c,
            "k_cache": c * s, "v_cache": s * c, "up_gate": 2 * f, "projected": a,
            "one": 1, "constants": 3,
        }.items():  # fmt: skip
            memory.add(name, elements)
        return memory
