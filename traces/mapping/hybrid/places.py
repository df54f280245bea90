"""Where weights, activations and the key and value cache of a device lie in its memory.

Weights of all layers come first, then activations, then the cache. The weights of a layer lie
together; commands are those of the first layer. Rows of other layers lie a whole number of rows of
all banks behind, which changes no cycle where banks are not hashed.
"""

from dataclasses import dataclass, field

from arch.dram.memory import Dram
from arch.errors import InputError
from arch.machine import Machine
from arch.pim.joint import JointMemory
from traces.mapping.hybrid.block import WEIGHTS, Block
from traces.mapping.joint_attention import ELEMENT_BYTES

ALIGNMENT_BYTES = 4096


@dataclass
class Places:
    """Addresses of one device."""

    machine: Machine
    block: Block
    layers: int
    activation_bytes: int = 0
    """So far."""
    _weights: dict[str, int] = field(default_factory=dict)
    _activations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        at = 0
        for name, (k, n) in self.block.weight_shapes().items():
            self._weights[name] = at
            at += _aligned(k * n * ELEMENT_BYTES)
        self.layer_bytes = _aligned(at, self.row_bytes)

    @property
    def row_bytes(self) -> int:
        """Of a row of all banks of all channels; of memories without rows, the alignment."""
        memory = self.machine.memory
        if not isinstance(memory, JointMemory):
            return ALIGNMENT_BYTES
        device = memory.device()
        return memory.channels * device.banks * device.columns * device.burst_bytes

    @property
    def weight_bytes(self) -> int:
        """Of all layers."""
        return self.layer_bytes * self.layers

    def weight(self, product: str) -> int:
        """First byte of a product's weights in the first layer."""
        return self._weights[product]

    def tensor(self, name: str, size: int, owner: str) -> int:
        """First byte of a tensor of an operator; other than weights each owner has its own."""
        product, _, kind = name.rpartition(".")
        if kind == "filter" and product in WEIGHTS:
            return self.weight(product)
        key = f"{owner}.{name}"
        if key not in self._activations:
            self._activations[key] = self.weight_bytes + self.activation_bytes
            self.activation_bytes += _aligned(size)
        return self._activations[key]

    def cache_begin(self) -> int:
        """First byte behind weights and activations, at the begin of a row."""
        return _aligned(self.weight_bytes + self.activation_bytes, self.row_bytes)

    def first_row(self) -> int:
        """First row behind weights and activations. Raises InputError where rows are not the
        highest bits of an address."""
        memory = self.machine.memory
        assert isinstance(memory, JointMemory)
        if not memory.mapping.startswith("ro") or memory.mapping.count("ro") > 1:
            raise InputError(
                f"memory.mapping: {memory.mapping!r} must begin with ro, so that rows behind the "
                "weights are those of keys and values"
            )
        return self.cache_begin() // self.row_bytes

    def check(self, end: int) -> None:
        """Raises InputError where what ends there is larger than the memory."""
        memory = self.machine.memory
        if not isinstance(memory, Dram | JointMemory):
            return
        capacity = memory.address_map().capacity_bytes
        if end > capacity:
            raise InputError(
                f"{self.machine.name}: {self.weight_bytes:,} bytes of weights of {self.layers} "
                f"layers, {self.activation_bytes:,} of activations and {end - self.cache_begin():,}"
                f" of keys and values do not fit the memory's {capacity:,}"
            )


def _aligned(size: int, to: int = ALIGNMENT_BYTES) -> int:
    return -(-size // to) * to
