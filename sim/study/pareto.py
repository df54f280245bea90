"""The Pareto front: points that no other beats."""

from collections.abc import Mapping, Sequence

from sim.study.record import Record


def front(records: Sequence[Record], objectives: Mapping[str, str]) -> list[Record]:
    """Points that are done and that no other dominates, by index.

    A point dominates another if it is no worse in any objective (``min`` or ``max`` by name) and
    better in one. Points that are equal in all are all on the front.
    """
    signs = {name: 1 if best == "min" else -1 for name, best in objectives.items()}
    costs = [
        (tuple(signs[name] * record.metrics[name] for name in signs), record)
        for record in records
        if record.state == "done" and all(name in record.metrics for name in signs)
    ]
    # In this order a point can only be dominated by one before it.
    costs.sort(key=lambda row: (row[0], row[1].index))
    kept: list[tuple[tuple[float, ...], Record]] = []
    least = float("inf")
    for cost, record in costs:
        if len(signs) <= 2:
            # Sorted by the first, so only the best of the last counts.
            dominated = cost[-1] > least or (cost[-1] == least and cost != kept[-1][0])
            least = min(least, cost[-1])
        else:
            dominated = any(_dominates(other, cost) for other, _ in kept)
        if not dominated:
            kept.append((cost, record))
    return sorted((record for _, record in kept), key=lambda record: record.index)


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
