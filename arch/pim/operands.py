"""What an instruction of the chip reads and writes, beyond the fields that timing needs.

GPRs are columns of the chip's SRAM. Of a PIM instruction, column ``i`` of the ``c``-th channel of
its mask is GPR ``gpr + i * channels + c``; WR_GB writes GPR ``gpr + i`` to all of them. WR_SBK with
``data`` = 1 + lane writes that lane alone, with lane ``bank`` of the GPR: the value of one output.

Of a VECTOR instruction, ``gpr`` is the first GPR of the result, ``gpr2`` and ``data`` are those of
the operands and ``column`` has the bits below. A vector of fp32 takes twice its GPRs. Lanes of the
last column of a result in the operands' format that are behind ``elements`` become zero.
"""

FP32_RESULT = 1
"""The result is kept in fp32, else rounded to the format of operands."""
SCALAR = 2
"""The second operand is its first element alone."""
SUBTRACT = 4
"""Of ``add``: the second operand's sign changes."""
MEAN = 8
"""Of ``sum``: the sum times 1 / elements."""
EPSILON = 16
"""Of ``sqrt``: 1e-5 is added before."""
TWO_OPERANDS = frozenset({"add", "mul"})
REDUCTIONS = frozenset({"max", "sum"})
"""They give one element."""
