"""Reference vectors of number formats, from tests/golden."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from arch.mac.formats import format_named
from arch.mac.kinds import Block, Scalar

GOLDEN = Path(__file__).parents[1] / "golden"


@lru_cache
def vectors(kind: str) -> pd.DataFrame:
    """A file of them."""
    return pd.read_parquet(GOLDEN / f"mac_{kind}.parquet")


def names(kind: str) -> list[str]:
    """Formats that a file has vectors of."""
    return sorted(vectors(kind)["format"].unique())


def element(name: str) -> Scalar:
    """A format, or that of the elements of a block."""
    form = format_named(name)
    return form.element if isinstance(form, Block) else form


def codes_of(texts: Any, bits: int) -> np.ndarray:
    """Rows of codes from hexadecimal texts."""
    digits = -(-bits // 4)
    return np.array(
        [[int(t[i : i + digits], 16) for i in range(0, len(t), digits)] for t in texts], np.int64
    )
