"""The one sum behind energies of counted events and of time: counts times what one costs."""

from collections.abc import Iterable, Mapping

from sim.result import Energy

PJ_PER_MJ = 1e9

Cost = tuple[str, tuple[tuple[str, float | None], ...]]
"""A component, with the names of its events and the energy of one of each in pJ."""
Power = tuple[str, float | None]
"""A component and its power in mW."""
Part = tuple[str, Iterable[tuple[float, float | None]]]
"""A component, with how many of each of its events there are and the energy of one in pJ."""


def charged(parts: Iterable[Part]) -> Energy:
    """Energy of counts; what has events without a known energy is unknown, whatever else it has.

    A component without events is in neither.
    """
    known: dict[str, float] = {}
    unknown: list[str] = []
    for component, events in parts:
        total: float | None = None
        for count, each_pj in events:
            if not count:
                continue
            if each_pj is None:
                unknown.append(component)
                break
            total = (0.0 if total is None else total) + count * each_pj
        else:
            if total is not None:
                known[component] = total
    return Energy(known, tuple(unknown))


def spent(
    costs: Iterable[Cost], powers: Iterable[Power], events: Mapping[str, int], seconds: float
) -> Energy:
    """Energy of events by name, and of powers for some time."""
    counted = charged(
        (component, ((events.get(name, 0), each_pj) for name, each_pj in own))
        for component, own in costs
    )
    known, unknown = counted.by_component_pj, [*counted.unknown]
    for component, power_mw in powers if seconds > 0 else ():
        if power_mw is None:
            unknown.append(component)
        else:
            known[component] = power_mw * seconds * PJ_PER_MJ
    return Energy(known, tuple(unknown))
