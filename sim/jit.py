"""Where kernels of the simulator and of the hardware's harness take ``njit`` from.

It is made in ``traces.jit``, since lowering is compiled too.
"""

from traces.jit import CACHE_DIR, KERNEL_HASH, cache_root, inlined, kernels_compiled, njit

__all__ = ["CACHE_DIR", "KERNEL_HASH", "cache_root", "inlined", "kernels_compiled", "njit"]
