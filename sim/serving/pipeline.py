"""Pipeline parallel: micro-batches that follow one another through groups of layers."""

from collections.abc import Sequence

from sim.serving.scheduler import Slot


def micro_batches(slots: Sequence[Slot], stages: int, channels: int) -> list[list[Slot]]:
    """As many parts of a batch as there are stages, or sequences; of each channel's sequences one
    goes to each part in turn."""
    parts: list[list[Slot]] = [[] for _ in range(min(stages, len(slots)))]
    turn = 0
    for channel in range(channels):
        for slot in slots:
            if slot.channel == channel:
                parts[turn % len(parts)].append(slot)
                turn += 1
    return parts


def period_seconds(passes: Sequence[float], stages: int) -> float:
    """From one token of a sequence to its next, where each stage takes ``passes[i]`` for
    micro-batch i, iteration after iteration.

    A stage works on one micro-batch at a time, always in the same order, and a micro-batch comes
    back to the first stage when it has left the last. The schedule's period is the greatest mean
    of a circuit of its event graph (Baccelli et al., Synchronization and Linearity, 1992): the
    circuit of a stage takes the sum of all passes, that of a micro-batch all stages, and the mean
    of no other is greater.
    """
    return max(sum(passes), stages * max(passes))
