"""MeshGEMM of WaferLLM (OSDI 2025): cyclic shifts over interleaved rings.

The next PE of a ring is two hops away at most, whatever the grid. Three colours a ring.
"""

import numpy.typing as npt

from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import Mapped
from traces.mapping.mesh.shift_gemm import Align, Sizes, shift_gemm


def mesh_gemm(
    mesh: WaveletMesh, sizes: Sizes, grid: int, format: str = "fp16",
    x: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None, align_by: Align = "grid",
    only: int | None = None, answered: bool = False,
) -> Mapped:  # fmt: skip
    """Program of X W; see ``shift_gemm``. Raises InputError."""
    where = f"mesh_gemm:{sizes},grid={grid},{format}"
    return shift_gemm(
        where, "interleaved", mesh, sizes, grid, format, x, w, align_by, only, answered
    )
