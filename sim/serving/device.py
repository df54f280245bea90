"""What serves a micro-batch: one of the devices of a system, all alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from arch.errors import InputError
from arch.roofline import Roofline
from sim.result import Energy
from sim.serving.pool import Room
from sim.serving.roofline import decode
from sim.serving.scheduler import Slot
from traces.transformer.model import Transformer


@dataclass(frozen=True)
class StageRow:
    """A stage of a pass, as often as it comes."""

    name: str
    repeats: int
    seconds: float
    """Of one of them."""


@dataclass(frozen=True)
class Pass:
    """A micro-batch's way through the layers of one device."""

    seconds: float
    stages: tuple[StageRow, ...]
    macs: int
    moved_bytes: int
    """Read from and written to the memory by requests; what PIM reads in its banks is not among
    them."""
    sub_batches: int = 1
    causes: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Seconds of each unit by cause."""
    events: Mapping[str, int] = field(default_factory=dict)
    """Counts as of ``sim.counts``."""


class Device(Protocol):
    """One of a system's devices."""

    peak_macs_per_second: float
    bandwidth_bytes_per_second: float

    def room(self) -> Room:
        """For keys and values. Raises InputError where the weights leave none."""

    def run(self, slots: Sequence[Slot]) -> Pass:
        """A token of each sequence of a micro-batch."""

    def energy(self, events: Mapping[str, int], seconds: float) -> Energy | None:
        """Of what it did within ``seconds``; None: nothing is known of it."""


@dataclass(frozen=True)
class Share:
    """The part of a model that a device holds."""

    name: str
    model: Transformer
    tensor_parallel: int
    pipeline_parallel: int

    def __post_init__(self) -> None:
        tensor, layers = self.tensor_parallel, self.model.layers
        if tensor < 1 or self.model.kv_heads % tensor or self.model.ffn % tensor:
            raise InputError(
                f"--tp {tensor}: must divide the {self.model.kv_heads} key and value heads and the "
                f"{self.model.ffn:,} elements of the FFN of {self.name}"
            )
        if not 1 <= self.pipeline_parallel <= layers:
            raise InputError(
                f"--pp {self.pipeline_parallel}: must be 1 to {layers}, the layers of {self.name}"
            )

    @property
    def layers(self) -> int:
        """Of the device that has the most."""
        return -(-self.model.layers // self.pipeline_parallel)

    @property
    def layer_weights(self) -> int:
        """Elements of the weight matrices of a layer on one device."""
        model = self.model
        wide = model.ffn * (3 if model.activation == "swiglu" else 2)
        whole = model.hidden * (model.qkv_dim + model.attention_dim + wide)
        return whole // self.tensor_parallel

    @property
    def devices(self) -> int:
        """Of the system."""
        return self.tensor_parallel * self.pipeline_parallel


class RooflineDevice:
    """A device by its peaks. Raises InputError for a model of several experts."""

    def __init__(self, roofline: Roofline, share: Share) -> None:
        if share.model.experts > 1:
            raise InputError(
                f"{share.name}: has {share.model.experts} experts; a roofline takes models of one"
            )
        self._roofline, self._share = roofline, share
        self.peak_macs_per_second = float(roofline.peak_macs_per_second)
        self.bandwidth_bytes_per_second = float(roofline.bandwidth_bytes_per_second)

    def room(self) -> Room:
        """All of the memory that the weights leave, in bytes; one channel."""
        share, size = self._share, self._roofline.element_bytes
        model = share.model
        weights = share.layers * share.layer_weights * size
        left = self._roofline.capacity_bytes - weights
        if left <= 0:
            raise InputError(
                f"{share.name}: its weights need {weights:,} bytes of each device, which has "
                f"{self._roofline.capacity_bytes:,}; give more --tp or --pp"
            )
        token = 2 * model.kv_heads * model.head_dim // share.tensor_parallel * share.layers * size
        return Room(1, left, lambda tokens: tokens * token, lambda tokens: tokens, "bytes")

    def run(self, slots: Sequence[Slot]) -> Pass:
        """A token of each sequence."""
        share = self._share
        lengths = [slot.length for slot in slots]
        done = decode(self._roofline, share.model, share.tensor_parallel, share.layers, lengths)
        seconds = done.seconds
        if share.pipeline_parallel > 1:
            sent = len(slots) * share.model.hidden * self._roofline.element_bytes
            seconds += self._roofline.send_seconds(sent)
        row = StageRow("layer", share.layers, done.seconds / share.layers)
        return Pass(seconds, (row,), done.macs, done.moved_bytes)

    def energy(self, events: Mapping[str, int], seconds: float) -> Energy | None:
        """Unknown: peaks say nothing of it."""
        return None
