"""Periods that repeat themselves, left out: ``steady="mark"`` of ``run_program``.

Each time that a reference PE passes a mark the state is compared with that of the time before.
Where both are equal but for loop counters, and no loop whose counter differs ended between them,
what was done between them is done again until the first such loop ends: counters go on by as many
periods, and the cycles are added to those of the kernel, whose own time does not jump.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arch.mesh.program import MeshProgram, Op
from sim.mesh.wavelet_accounts import settle
from sim.mesh.wavelet_program import task_at
from sim.mesh.wavelet_state import NEVER, NO_TASK, TASKS_MAX, WaveletState

TURNS = ("turn0", "turn1")
COUNTED = ("sent", "taken", "absorbed", "moved")
LATEST = ("last", "used", "acted")
SAME_OF_PES = (
    "left", "pc", "taking", "putting", "listen", "active", "blocked", "phase", "after", "why",
    "last", "busy", "picked", "nap", "took", "put", "ramp",
)  # fmt: skip
SAME = (
    "slots", "cell", "side", "place", "planned", "up", "down", "mask", "pointer", "router_bits",
    "pe_bits", "cell_tags", "up_tags",
)  # fmt: skip


@dataclass
class Picture:
    """A state, times in it counted from now on."""

    now: int
    same: list[npt.NDArray[np.generic]]
    """What must be equal."""
    turns: npt.NDArray[np.int64]
    """[2, nodes] loop counters"""
    turned: npt.NDArray[np.int64]
    """[2, nodes] LOOPs done"""
    counted: list[npt.NDArray[np.generic]]
    """What goes on."""
    latest: tuple[int, ...]

    @staticmethod
    def of(state: WaveletState, now: int) -> "Picture":
        settle(state, now)
        m = state.mesh[0]
        pes = state.pes
        same = [pes[name].copy() for name in SAME_OF_PES]
        same += [getattr(state, name).copy() for name in SAME]
        same.append(np.where(state.ends > 0, state.ends - now, 0))
        same.append(np.where(state.timer == NEVER, NEVER, state.timer - now))
        same += _under_way(state, now)
        counted: list[npt.NDArray[np.generic]] = [
            array.copy() for array in (state.links, state.accounts, state.marks)
        ]
        counted.append(np.array([m[name] for name in COUNTED]))
        return Picture(
            now, same, np.array([pes[name] for name in TURNS], np.int64),
            state.turned.reshape(2, -1).astype(np.int64), counted,
            tuple(int(m[name]) for name in LATEST),
        )  # fmt: skip


def _under_way(state: WaveletState, now: int) -> list[npt.NDArray[np.generic]]:
    """Wavelets on hops and ramps, by the cycles that they still take."""
    m = state.mesh[0]
    nodes = len(state.pes)
    found: list[npt.NDArray[np.generic]] = []
    for first, due, slots, span in (
        (0, state.down_due, int(m["to_pe"]) + 1, nodes),
        (32, state.up_due, int(m["to_router"]) + 1, int(m["together"]) * nodes),
        (64, state.hop_due, int(m["hop"]), 4 * nodes),
    ):
        for ahead in range(slots):
            slot = (now + ahead) % slots
            found.append(np.sort(due[slot * span : slot * span + state.counts[first + slot]]))
    return found


@dataclass
class Steady:
    """Looks for periods of a run."""

    program: MeshProgram
    state: WaveletState
    offset: int = 0
    """Cycles left out so far."""
    links: npt.NDArray[np.int64] = field(init=False)
    """[5 * nodes] wavelets over links in them"""
    moved: int = 0
    """Wavelets moved by routers in them"""
    before: Picture | None = None
    beats: list[tuple[int, ...]] = field(default_factory=list)
    """What the last periods were like."""
    seen: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.links = np.zeros(len(self.state.links), np.int64)

    def passed(self, now: int, room: int) -> None:
        """The reference passed its mark in the cycle before ``now``; ``room``: cycles that may be
        left out at most."""
        m = self.state.mesh[0]
        here = (now, int(m["sent"]), int(m["taken"]), int(m["moved"]))
        beat = tuple(a - b for a, b in zip(here, self.seen, strict=False))
        self.seen = here
        alike = bool(self.beats) and beat == self.beats[-1]
        self.beats = [*self.beats[-1:], beat]
        if not alike:
            # Pictures of large meshes are dear: only of periods that look alike.
            self.before = None
            return
        picture = Picture.of(self.state, now)
        if self.before is not None:
            turns = min(self._turns(self.before, picture), room // (now - self.before.now))
            if turns > 0:
                self._leave_out(self.before, picture, turns)
                self.before = None
                self.beats = []
                return
        self.before = picture

    def _turns(self, old: Picture, new: Picture) -> int:
        """Whole periods that will be as the one between two pictures; 0 if it is not known."""
        for was, now in zip(old.same, new.same, strict=True):
            if was.shape != now.shape or (was != now).any():
                return 0
        more = new.turns - old.turns
        moved = more != 0
        if not moved.any() or (more != new.turned - old.turned)[moved].any():
            return 0
        left = []
        for level in (0, 1):
            nodes = np.flatnonzero(moved[level])
            if not len(nodes):
                continue
            counts = self._loop_counts(nodes, level)
            if (counts == 0).any():
                return 0
            left.append(((counts - 1 - new.turns[level, nodes]) // more[level, nodes]).min())
        return int(min(left))

    def _loop_counts(self, nodes: npt.NDArray[np.int64], level: int) -> npt.NDArray[np.int64]:
        """Turns of the loop of a level that PEs are in; 0 where that is not known."""
        state = self.state
        kinds, pcs = state.pe_class[nodes], state.pes["pc"][nodes]
        idle = state.pes["phase"][nodes] == NO_TASK
        pairs, which = np.unique(np.stack([kinds, pcs, idle]), axis=1, return_inverse=True)
        found = [
            0 if rests else self._loop_count(int(kind), int(pc), level)
            for kind, pc, rests in pairs.T
        ]
        return np.array(found, np.int64)[which.reshape(-1)]

    def _loop_count(self, kind: int, pc: int, level: int) -> int:
        commands = self.state.commands
        program = self.program.programs[kind]
        task, at = task_at(program, self.state.task_pc[kind * TASKS_MAX :], pc)
        last = pc - at + len(program.tasks[task].commands)
        around = [
            int(commands["count"][at])
            for at in range(pc, last)
            if commands["op"][at] == Op.LOOP
            and commands["level"][at] == level
            and commands["target"][at] <= pc
        ]
        return around[0] if len(around) == 1 else 0

    def _leave_out(self, old: Picture, new: Picture, turns: int) -> None:
        state = self.state
        m = state.mesh[0]
        cycles = turns * (new.now - old.now)
        for at, name in enumerate(TURNS):
            state.pes[name] += (turns * (new.turns - old.turns)[at]).astype(np.int32)
        links, accounts, marks, counted = (
            turns * (now.astype(np.int64) - was.astype(np.int64))
            for was, now in zip(old.counted, new.counted, strict=True)
        )
        self.links += links
        self.moved += int(counted[COUNTED.index("moved")])
        state.accounts += accounts
        for name, more in zip(COUNTED, counted, strict=True):
            m[name] += more
        # The kernel's time stays; what was noted before the period is so much longer ago.
        for name, was in zip(LATEST, old.latest, strict=True):
            if m[name] == was:
                m[name] -= cycles
        by_mark = state.marks.reshape(-1, 3)
        passed = marks.reshape(-1, 3)[:, 2] > 0
        noted = by_mark[:, 2] > 0
        by_mark[noted, 0] -= cycles
        by_mark[noted & ~passed, 1] -= cycles
        by_mark[:, 2] += marks.reshape(-1, 3)[:, 2]
        self.offset += cycles
