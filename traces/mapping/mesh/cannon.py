"""Cannon's algorithm: cyclic shifts between neighbours, and across the whole line at its end.

L. E. Cannon, A cellular computer to implement the Kalman filter algorithm, 1969. As for MeshGEMM,
X is aligned on the grid and W by the host.
"""

import numpy.typing as npt

from arch.mesh.wavelet import WaveletMesh
from traces.mapping.mesh.assembly import Mapped
from traces.mapping.mesh.shift_gemm import Align, Sizes, shift_gemm


def cannon(
    mesh: WaveletMesh, sizes: Sizes, grid: int, format: str = "fp16",
    x: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None, align_by: Align = "grid",
    only: int | None = None, answered: bool = False,
) -> Mapped:  # fmt: skip
    """Program of X W; see ``shift_gemm``. Raises InputError."""
    where = f"cannon:{sizes},grid={grid},{format}"
    return shift_gemm(where, "wrapped", mesh, sizes, grid, format, x, w, align_by, only, answered)
