"""Latency-throughput curves of a study of packet meshes: a line for each combination of what
varies beside the load."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.figures.curves import LINES_MAX, Curve
from sim.study.mesh_metrics import SATURATED
from sim.study.record import Record
from sim.study.study import Study
from sim.study.table import short_names, value_text
from traces.mesh.traffic import MeshWithTraffic

LOAD, PATTERN = "traffic.rate_flits", "traffic.pattern"
RULE = f"mean latency above {SATURATED} x zero-load"


@dataclass(frozen=True)
class Series:
    """Points that differ in the load alone, by offered load."""

    panel: str
    line: str
    records: tuple[Record, ...]

    def curve(self) -> Curve:
        """To be drawn."""

        def of(name: str) -> list[float]:
            return [record.metrics[name] for record in self.records]

        return Curve(
            self.panel, self.line, of("offered_flits_per_node_cycle"),
            of("accepted_flits_per_node_cycle"), of("latency_cycles"),
            [bool(each) for each in of("saturated")],
        )  # fmt: skip


def series(study: Study, records: Sequence[Record]) -> list[Series]:
    """The curves of a study: of the points that are done, if it varies the load of a mesh that it
    simulates; empty if not, or if a panel had more lines than can be told apart."""
    sets = {name: study.space.fields(name) for name in study.space.names}
    loads = [name for name, fields in sets.items() if LOAD in fields]
    if study.evaluate is not None or not isinstance(study.base, MeshWithTraffic) or not loads:
        return []
    rest = [name for name in study.space.names if name not in loads]
    beside = [name for name in rest if PATTERN not in sets[name]]
    short = short_names(study.space.names)
    found: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.state != "done":
            continue
        values = study.space.values(record.point)
        panel = ", ".join(value_text(values[name]) for name in rest if name not in beside)
        texts = [(short[name], values[name]) for name in beside if values[name] is not None]
        line = ", ".join(
            value if isinstance(value, str) else f"{name} {value_text(value)}"
            for name, value in texts
        )
        found.setdefault((panel or study.base.traffic.pattern, line or study.base.name), []).append(
            record
        )
    if len({line for _, line in found}) > LINES_MAX:
        return []
    return [
        Series(panel, line, tuple(sorted(each, key=_load))) for (panel, line), each in found.items()
    ]


def _load(record: Record) -> tuple[float, int]:
    return record.metrics["offered_flits_per_node_cycle"], record.index


def saturation(found: Sequence[Series]) -> list[list[str]]:
    """A row of text for each curve: panel, line, latency without load, the last load that does
    not saturate it, the first that does, and the most that it accepted."""
    rows = []
    for each in found:
        curve = each.curve()
        at = next((at for at, over in enumerate(curve.saturated) if over), None)
        calm = curve.offered[at - 1] if at else (curve.offered[-1] if at is None else None)
        rows.append(
            [
                each.panel,
                each.line,
                f"{each.records[0].metrics['zero_load_latency_cycles']:.2f}",
                "none" if calm is None else f"{calm:.4f}",
                "none" if at is None else f"{curve.offered[at]:.4f}",
                f"{max(curve.accepted):.4f}",
            ]
        )
    return rows
