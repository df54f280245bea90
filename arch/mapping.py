"""Choices of the mapping from operators to commands."""

from typing import Literal

from pydantic import Field

from arch.mac.layer import LayerFormats
from arch.spec import Spec

LoopOrder = Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]


class Mapping(Spec):
    """How operators become tiles and folds."""

    loop_order: Literal[LoopOrder, "auto"] = "auto"
    """Order of the loops over tiles, outermost first; ``auto`` takes the least memory traffic."""
    tile_m: int | None = Field(default=None, ge=1, le=2**40)
    """Rows of a tile, at most; by default the mapping chooses."""
    tile_n: int | None = Field(default=None, ge=1, le=2**40)
    """Columns of a tile, at most; by default the mapping chooses."""
    tile_k: int | None = Field(default=None, ge=1, le=2**40)
    """Depth of a tile, at most; by default the mapping chooses."""
    tile_sizes: Literal["at_most", "exact"] = "at_most"
    """Whether ``tile_m``, ``tile_n`` and ``tile_k`` bound the sizes that the mapping tries, or are
    the sizes, as far as the product and the accumulators are as large."""
    group_packing: Literal["none", "packed"] = "none"
    """Whether several groups of a grouped convolution share a fold, block by block along the
    diagonal of the array."""
    fuse: bool = True
    """Whether batch normalisation folds into the weights before it, and activations and
    residual additions are done on the output tiles before these leave the scratchpad."""
    partition: Literal["auto", "m", "n", "mn"] = "auto"
    """Dimensions split over the cores, ``mn`` both over a grid of them; ``auto`` takes what it
    expects to be fastest, one core alone included."""
    vector_tiles: Literal["largest", "shared"] = "largest"
    """Tiles of operators of the vector unit, which go round the cores: as large as fit, or at most
    a core's share of the operator, so that all cores work."""
    formats: tuple[LayerFormats, ...] = ()
    """Number formats of layers that name none, for an array of engines; the first that matches."""
