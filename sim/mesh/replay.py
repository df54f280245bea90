"""A packet trace, carried by a mesh: from arrays to arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from arch.errors import SimulationError
from arch.mesh.packet import PORTS, PacketMesh
from sim.mesh.packet import run
from sim.mesh.packet_state import DONE, STUCK, PacketState, new_state, prepared
from sim.mesh.stuck import explain
from sim.mesh.windows import PortWindows

CYCLES_AT_ONCE = 5_000
CYCLES_MAX = 2**61
Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PacketRun:
    """What came of a trace."""

    mesh: PacketMesh
    packets: npt.NDArray[np.void]
    """[n] of PACKET_TRACE, as given."""
    injected: Cycles
    """[n] cycle in which the head left the queue of its source."""
    arrived: Cycles
    """[n] cycle in which the tail reached its destination."""
    counts: dict[str, int]
    """Of the fields of ``sim.mesh.packet_state.MESH`` that count."""
    link_flits: npt.NDArray[np.int64]
    """[routers, 5] flits that have left each router by +x, -x, +y, -y and to its node."""

    @property
    def cycles(self) -> int:
        """From cycle 0 to the last arrival, that included."""
        return int(self.arrived.max()) + 1 if len(self.arrived) else 0

    @cached_property
    def latencies(self) -> Cycles:
        """[n] cycles from creation to arrival, sorted."""
        return np.sort(self.arrived - self.packets["created"])

    def latency_percentile(self, part: float) -> int:
        """Smallest latency that at least this share of packets does not exceed; 0 of none."""
        if not len(self.latencies):
            return 0
        return int(self.latencies[max(0, int(np.ceil(part * len(self.latencies))) - 1)])


COUNTED = (
    "flits_injected", "flits_delivered", "packets_delivered", "flit_hops", "cycles_moving",
    "cycles_waiting", "cycles_idle",
)  # fmt: skip


def replay_packets(
    mesh: PacketMesh,
    packets: npt.NDArray[np.void],
    *,
    progress: Callable[[int], None] | None = None,
    windows: PortWindows | None = None,
    forced: bool = False,
    backwards: bool = False,
) -> PacketRun:
    """Carry packets [n] of PACKET_TRACE until all have arrived.

    Those of one source are sent in the order of creation, at the same cycle in that of the trace.
    ``progress`` is told how many have arrived, ``windows`` what passes each port. ``forced`` visits
    every router in every cycle, ``backwards`` in another order: neither changes anything. Raises
    SimulationError, with those in front, if packets are left that cannot move.
    """
    order = np.argsort(packets["created"], kind="stable")
    records = prepared(
        mesh, packets["created"][order], packets["src"][order], packets["dst"][order],
        packets["flits"][order],
    )  # fmt: skip
    state = new_state(mesh, records)
    now = _carry(state, progress, windows, forced, backwards)
    m = state.mesh[0]
    if m["packets_delivered"] != len(records):
        raise SimulationError(explain(mesh, state, order, now - 1))
    injected, arrived = np.empty((2, len(records)), np.int64)
    injected[order], arrived[order] = records["injected"], records["arrived"]
    return PacketRun(
        mesh, packets, injected, arrived, {name: int(m[name]) for name in COUNTED},
        state.ports["flits"].reshape(-1, PORTS),
    )  # fmt: skip


def _carry(
    state: PacketState,
    progress: Callable[[int], None] | None,
    windows: PortWindows | None,
    forced: bool,
    backwards: bool,
) -> int:
    arrays = state.arrays()
    now, tells = 0, CYCLES_MAX if progress is None else CYCLES_AT_ONCE
    while True:
        until = tells if windows is None else min(tells, windows.end)
        now, how = run(*arrays, now, until, forced, backwards)
        ended = how in (DONE, STUCK)
        if windows is not None and until == windows.end and not ended:
            windows.take(state.ports["flits"])
        if progress is not None and (ended or until == tells):
            progress(int(state.mesh[0]["packets_delivered"]))
            tells = now + CYCLES_AT_ONCE
        if ended:
            return int(now)
