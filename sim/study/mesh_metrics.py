"""What a study can ask of a packet mesh under traffic; docs/studies.md defines each."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from arch.errors import InputError
from sim.sources import ROOT, hash_of
from traces.mesh.traffic import MeshWithTraffic

if TYPE_CHECKING:
    from sim.cache import Cache

SATURATED = 4
"""A mesh is saturated where its mean latency is above this many times that without load."""


def mesh_metrics(mesh: MeshWithTraffic, cache: "Cache | None" = None) -> dict[str, float]:
    """Metrics of a mesh, simulated or from a cache.

    Raises InputError where traffic and mesh do not fit or nothing is measured.
    """
    key = b"" if cache is None else _key(mesh)
    if cache is not None and (kept := cache.get(key)) is not None:
        known: dict[str, float] = json.loads(kept)
        return known
    found = _simulated(mesh)
    if cache is not None:
        cache.put(key, json.dumps(found).encode())
        cache.flush()
    return found


def _key(mesh: MeshWithTraffic) -> bytes:
    from sim.cache import digest
    from sim.jit import KERNEL_HASH

    what = mesh.model_dump(mode="json", exclude={"name", "source", "clock_khz"})
    return digest("mesh", KERNEL_HASH, _sources(), json.dumps(what, sort_keys=True))


@lru_cache(maxsize=1)
def _sources() -> str:
    """Hash of what makes traffic, carries it and measures, beside kernels."""
    folders = (ROOT / "arch" / "mesh", ROOT / "traces" / "mesh", ROOT / "sim" / "mesh")
    files = [path for folder in folders for path in folder.glob("*.py")]
    return hash_of([*files, ROOT / "sim" / "study" / "mesh_metrics.py"])


def _simulated(mesh: MeshWithTraffic) -> dict[str, float]:
    from sim.mesh.replay import replay_packets

    traffic = mesh.traffic
    packets = mesh.packets()
    measured = packets["created"] >= traffic.warmup_cycles
    if not measured.any():
        raise InputError(
            f"traffic: no packet is created in cycles {traffic.warmup_cycles} to "
            f"{traffic.cycles - 1}; raise rate_flits or cycles"
        )
    done = replay_packets(mesh, packets)
    arrives = (done.arrived >= traffic.warmup_cycles) & (done.arrived < traffic.cycles)
    room = mesh.nodes * (traffic.cycles - traffic.warmup_cycles)
    latency = np.sort((done.arrived - packets["created"])[measured])
    inside = (done.arrived - done.injected)[measured]
    mean, empty = _mean(latency), _mean(_without_load(mesh, packets[measured]))
    return {
        "offered_flits_per_node_cycle": int(packets["flits"][measured].sum()) / room,
        "accepted_flits_per_node_cycle": int(packets["flits"][arrives].sum()) / room,
        "latency_cycles": mean,
        "latency_p50_cycles": _percentile(latency, 50),
        "latency_p99_cycles": _percentile(latency, 99),
        "network_latency_cycles": _mean(inside),
        "zero_load_latency_cycles": empty,
        "saturated": int(mean > SATURATED * empty),
        "packets": len(latency),
        "flit_hops": done.counts["flit_hops"],
    }


def _without_load(mesh: MeshWithTraffic, packets: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Latency [n] of each packet if it were alone."""
    src, dst, width = packets["src"], packets["dst"], mesh.width
    routers = 1 + abs(src % width - dst % width) + abs(src // width - dst // width)
    # Of no router and no flit: what both ends take.
    ends = mesh.zero_load_cycles(0, 0)
    return np.asarray(routers * mesh.hop_cycles + packets["flits"] + ends, np.int64)


def _mean(cycles: npt.NDArray[np.int64]) -> float:
    """Of whole numbers, rounded once."""
    return int(cycles.sum()) / len(cycles)


def _percentile(ordered: npt.NDArray[np.int64], percent: int) -> int:
    """The smallest that at least this share does not exceed."""
    return int(ordered[-(-percent * len(ordered) // 100) - 1])
