"""Results of serving: a table to read, and JSON."""

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from textwrap import fill
from typing import Any

from arch import __version__
from arch.serving import ServingSystem
from sim.jit import KERNEL_HASH
from sim.report.text import count, line, percent, si
from sim.result import Energy
from sim.serving import energy
from sim.serving.device import Share
from sim.serving.outcome import Served, iterations_as_dicts

SCHEMA = "lockstep-serving-1"
PIM_UNITS, PIM_BUSY = "memory.channel", "busy.pim"


@dataclass(frozen=True)
class Serving:
    """A run, and what was asked for."""

    system: ServingSystem
    share: Share
    reuse: str
    served: Served
    notes: tuple[str, ...] = ()

    @property
    def energy(self) -> Energy | None:
        """Of all devices, over all iterations; None: nothing is known of it."""
        return energy.of_all([each.energy for each in self.served.iterations], self.share.devices)


def as_dict(serving: Serving) -> dict[str, Any]:
    """All numbers; docs/serving.md defines them."""
    served, share = serving.served, serving.share
    causes: dict[str, dict[str, float]] = {}
    for (unit, cause), seconds in sorted(served.causes.items()):
        causes.setdefault(unit, {})[cause] = seconds
    record = served.record
    return {
        "schema": SCHEMA,
        "system": serving.system.expanded(),
        "model": share.name,
        "model_source": share.model.source,
        "tensor_parallel": share.tensor_parallel,
        "pipeline_parallel": share.pipeline_parallel,
        "layers_per_device": share.layers,
        "requests": record.origin,
        "reuse": serving.reuse,
        "arrived": record.arrived,
        "finished": record.finished,
        "active": record.active,
        "waiting": record.waiting,
        "tokens": served.tokens,
        "seconds": served.seconds,
        "tokens_per_second": served.tokens_per_second,
        "npu_utilisation": served.npu_utilisation,
        "pim_utilisation": served.busy_share(PIM_UNITS, PIM_BUSY),
        "bandwidth_utilisation": served.bandwidth_utilisation,
        **_energy(serving),
        "stage_seconds": served.stage_seconds(),
        "unit_seconds": causes,
        "iterations": iterations_as_dicts(served.iterations, share.devices),
        "provenance": {
            "kernels": KERNEL_HASH,
            "lockstep": __version__,
            "python": platform.python_version(),
            "numpy": version("numpy"),
            "numba": version("numba"),
        },
        "notes": list(serving.notes),
    }


def _energy(serving: Serving) -> dict[str, Any]:
    found, served = serving.energy, serving.served
    if found is None:
        return {"energy": None, "energy_pj_per_iteration": None, "energy_pj_per_token": None}
    return {
        "energy": {
            "by_component_pj": found.by_component_pj,
            "unknown": list(found.unknown),
            "is_lower_bound": found.is_lower_bound,
        },
        "energy_pj_per_iteration": found.total_pj / len(served.iterations),
        "energy_pj_per_token": found.total_pj / served.tokens,
    }


def result_json(serving: Serving) -> str:
    """The text of ``result.json``."""
    return json.dumps(as_dict(serving), indent=1, allow_nan=False) + "\n"


def table(serving: Serving) -> str:
    """In 80 columns."""
    served, share = serving.served, serving.share
    record, iterations = served.record, len(served.iterations)
    attended = sum(each.attended_tokens for each in served.iterations)
    mean = served.seconds / iterations
    title = (
        f"{serving.system.name}: {share.name} on {share.devices} "
        f"device{'s' if share.devices > 1 else ''} "
        f"({share.tensor_parallel} tensor x {share.pipeline_parallel} pipeline parallel)"
    )
    lines = [
        _filled(title),
        line("iterations", count(iterations), f"{si(mean, 's')} each"),
        line("tokens", count(served.tokens), f"{attended / served.tokens:.1f} attended to each"),
        line("throughput", f"{served.tokens_per_second:,.0f}", "tokens/s"),
        line("NPU", f"{percent(served.npu_utilisation, 1)} %", "of its multiply-accumulates"),
    ]
    pim = served.busy_share(PIM_UNITS, PIM_BUSY)
    if pim is not None:
        lines.append(line("PIM", f"{percent(pim, 1)} %", "of its channels' time"))
    lines += [
        line("memory", f"{percent(served.bandwidth_utilisation, 1)} %", "of its bandwidth"),
        line("requests", count(record.finished), f"of {record.arrived:,} finished, "
             f"{record.active:,} active, {record.waiting:,} waiting"),
    ]  # fmt: skip
    total = sum(served.stage_seconds().values())
    for name, seconds in served.stage_seconds().items():
        lines.append(line(name[:14], si(seconds, "s"), f"{percent(seconds, total)} %"))
    lines += energy.lines(serving.energy, served.tokens, served.seconds, iterations)
    lines += [_filled(f"note: {note}") for note in serving.notes]
    return "\n".join(lines) + "\n"


def _filled(text: str) -> str:
    return fill(text, 80, subsequent_indent="  ", break_on_hyphens=False)
