"""How decoder layers go onto arrays and memory that computes."""

from typing import Literal

from pydantic import Field

from arch.spec import Spec


class HybridMapping(Spec):
    """Choices of the mapping of a decode iteration."""

    attention: Literal["pim", "npu"] = "pim"
    """Whether channels attend, or the arrays with keys and values that they load."""
    sub_batches: Literal[1, 2] = 1
    """Whether the batch is one, or two halves of which one attends while the other's products are
    on the arrays."""
    assignment: Literal["min_load", "round_robin"] = "min_load"
    """Channel of a sequence: the least loaded one, longest sequences first, or each in turn."""
    values_wait: Literal["own", "all"] = "own"
    """What the second half of a sequence's attention waits for: its own weights, or, as in
    NeuPIMs' simulator, those of all sequences."""
    cache_stores: Literal["all", "none"] = "all"
    """Whether a new token's keys and values go to their rows, values when those of a burst are
    complete, and what was attended to goes to memory; or, as in NeuPIMs' simulator, not."""
    gwrite_rows: Literal["own", "first"] = "own"
    """Rows that queries and weights are read from: those that they were stored to, or, as in
    NeuPIMs' simulator, the first row of the channel each time."""
    npu_heads: Literal["together", "in_turn"] = "together"
    """Attention of the arrays: the heads of a sequence in one product, sequences round the cores;
    or, as in NeuPIMs' simulator, all heads of all sequences one after the other on one core, whose
    array waits for each softmax."""
    first_row: int | None = Field(default=None, ge=0, le=2**31)
    """Row at which keys and values begin; null: behind weights and activations."""
    held_layers: Literal["all", "one"] = "all"
    """Layers whose keys and values have room of their own; or, as in NeuPIMs' simulator, one, so
    that batches may be larger than the memory."""
