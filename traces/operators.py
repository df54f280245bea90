"""Operators: the second level of traces, a graph with shapes.

A matrix product is always ``C[M, N] = A[M, K] @ B[K, N]``: A is the ``ifmap`` (activations), B
the ``filter`` (weights, or the second activation of attention), C the ``ofmap``.
"""

from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from arch.mac.layer import Formats
from arch.spec import Spec

Extent = Annotated[int, Field(ge=1, le=2**40)]
Padding = Annotated[int, Field(ge=0, le=2**31)]

ELEMENTS_MAX = 2**58
"""Bound on the elements of a tensor and the products of an operator, so that bytes, bits and
cycles stay below 63 bits."""


def _bounded(what: str, *extents: int) -> int:
    total = prod(extents)
    if total > ELEMENTS_MAX:
        raise ValueError(f"{what} is {total}, more than 2^58: counts would overflow 63 bits")
    return total


class Operator(Spec):
    """What all operators have."""

    name: str = Field(min_length=1)
    inputs: tuple[str, ...] = ()
    """Names of the operators whose results it reads; empty for the workload's own inputs."""
    formats: Formats | None = None
    """Number formats, for arrays of SIMD engines; by default what the machine's mapping says."""


class Gemm(Operator):
    """``batch`` independent products of M x K by K x N."""

    kind: Literal["Gemm"] = "Gemm"
    m: Extent
    n: Extent
    k: Extent
    batch: Extent = 1
    second_operand: Literal["weights", "activations"] = "weights"
    """Whether B is known before the run (and may be laid out in tiles) or computed."""

    @model_validator(mode="after")
    def _fits(self) -> "Gemm":
        _bounded(f"{self.name}: batch x M x N x K", self.batch, self.m, self.n, self.k)
        return self

    @property
    def macs(self) -> int:
        return self.batch * self.m * self.n * self.k


class Window(Operator):
    """A window that slides over ``batch`` images of ``channels`` x ``in_h`` x ``in_w``."""

    batch: Extent = 1
    in_h: Extent
    in_w: Extent
    channels: Extent
    filt_h: Extent
    filt_w: Extent
    stride_h: Extent = 1
    stride_w: Extent = 1
    pad_top: Padding = 0
    pad_left: Padding = 0
    pad_bottom: Padding = 0
    pad_right: Padding = 0
    dilation_h: Extent = 1
    dilation_w: Extent = 1

    @property
    def out_h(self) -> int:
        """Output rows."""
        span = (self.filt_h - 1) * self.dilation_h + 1
        return (self.in_h + self.pad_top + self.pad_bottom - span) // self.stride_h + 1

    @property
    def out_w(self) -> int:
        """Output columns."""
        span = (self.filt_w - 1) * self.dilation_w + 1
        return (self.in_w + self.pad_left + self.pad_right - span) // self.stride_w + 1

    @model_validator(mode="after")
    def _window_fits(self) -> "Window":
        if self.out_h < 1 or self.out_w < 1:
            raise ValueError(
                f"{self.name}: a filter of {self.filt_h} x {self.filt_w} (dilation "
                f"{self.dilation_h} x {self.dilation_w}) is larger than its padded input of "
                f"{self.in_h + self.pad_top + self.pad_bottom} x "
                f"{self.in_w + self.pad_left + self.pad_right}"
            )
        _bounded(f"{self.name}: input", self.batch, self.in_h, self.in_w, self.channels)
        return self


class Conv2d(Window):
    """A convolution; ``groups`` = ``channels`` is a depthwise one."""

    kind: Literal["Conv2d"] = "Conv2d"
    filters: Extent
    groups: Extent = 1

    @model_validator(mode="after")
    def _groups_divide(self) -> "Conv2d":
        if self.channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"{self.name}: groups must divide channels and filters; "
                f"{self.groups} does not divide {self.channels} and {self.filters}"
            )
        _bounded(f"{self.name}: products", self.groups, self.m, self.n, self.k)
        return self

    @property
    def m(self) -> int:
        """Rows of a group's product: output pixels of all images."""
        return self.batch * self.out_h * self.out_w

    @property
    def n(self) -> int:
        """Columns of a group's product: its filters."""
        return self.filters // self.groups

    @property
    def k(self) -> int:
        """Depth of a group's product: filter window x its channels."""
        return self.filt_h * self.filt_w * (self.channels // self.groups)

    @property
    def macs(self) -> int:
        return self.groups * self.m * self.n * self.k


class Pool(Window):
    """Maximum or average over a window, channel by channel."""

    kind: Literal["Pool"] = "Pool"
    op: Literal["max", "average"]

    @property
    def elements(self) -> int:
        """Output elements."""
        return self.batch * self.channels * self.out_h * self.out_w


class Elementwise(Operator):
    """An operation on each element of ``operands`` tensors of equal shape."""

    kind: Literal["Elementwise"] = "Elementwise"
    op: Literal["add", "mul", "max", "act", "div", "exp", "sqrt"]
    """``act`` is any activation function (ReLU, GELU, sigmoid, SiLU ...)."""
    elements: Extent
    operands: int = Field(default=1, ge=1, le=64)


class Softmax(Operator):
    """Softmax over the last dimension: ``rows`` vectors of ``cols`` elements."""

    kind: Literal["Softmax"] = "Softmax"
    rows: Extent
    cols: Extent

    @property
    def elements(self) -> int:
        return self.rows * self.cols


class Norm(Operator):
    """A normalisation of ``rows`` vectors of ``cols`` elements."""

    kind: Literal["Norm"] = "Norm"
    op: Literal["layer", "rms", "batch", "local_response"]
    """``batch`` has constant statistics (inference): a multiply and an add an element."""
    rows: Extent
    cols: Extent
    window: int = Field(default=1, ge=1, le=2**20)
    """Neighbouring channels of ``local_response``."""

    @property
    def elements(self) -> int:
        return self.rows * self.cols


class Move(Operator):
    """A copy that changes the order of elements (transpose, channel shuffle, gather)."""

    kind: Literal["Move"] = "Move"
    elements: Extent


class Commands(Operator):
    """An operator of which only the commands are known, from a file of them."""

    kind: Literal["Commands"] = "Commands"
    elements: Extent = 1
    """Commands."""
    sha256: str
    """Hash of the commands and their dependencies."""


AnyOperator = Annotated[
    Gemm | Conv2d | Pool | Elementwise | Softmax | Norm | Move | Commands,
    Field(discriminator="kind"),
]


class Workload(Spec):
    """Operators in an order in which they can run."""

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    """The file or published description it comes from."""
    operators: tuple[AnyOperator, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _inputs_come_first(self) -> "Workload":
        seen: set[str] = set()
        for operator in self.operators:
            for name in operator.inputs:
                if name not in seen:
                    raise ValueError(
                        f"operator {operator.name!r} reads {name!r}, which does not come before it"
                    )
            if operator.name in seen:
                raise ValueError(f"two operators are called {operator.name!r}")
            seen.add(operator.name)
        return self
