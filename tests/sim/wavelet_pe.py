"""A PE of the plain oracle: slots, datapath, memory."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from wavelet_numbers import decode, encode, multiply_add, rounded

from arch.mesh.program import NONE, Combine, Function, Op, PeProgram, TaskAction
from arch.mesh.wavelet import WaveletMesh

FORMATS = ("fp16", "bf16", "fp32")
CHAIN = 1_000_000
FABRIC = (Op.SEND, Op.RECV, Op.RADD, Op.RELAY, Op.CTRL)


class NeverEndsError(Exception):
    """A chain of commands that take no time."""

    def __init__(self, commands: list[tuple[int, int, int, int, str]]) -> None:
        self.commands = commands


class TwoAtOnceError(NeverEndsError):
    """Two commands that receive, or send, one colour."""


@dataclass
class Wavelet:
    bits: int
    controls: int | None
    """Of a control wavelet what routers are told, two bits each."""
    ready: int
    """First cycle in which it can go on, or the PE use it."""


@dataclass
class Transfer:
    """A fabric command that a slot has."""

    task: int
    index: int
    command: Any
    addresses: tuple[int, int, int]
    wavelets: int
    moved: int = 0

    def __post_init__(self) -> None:
        op, self.receives, self.sends = self.command["op"], NONE, NONE
        if op in (Op.RECV, Op.RADD, Op.RELAY):
            self.receives = int(self.command["colour_in"])
        if op in (Op.SEND, Op.RELAY, Op.CTRL):
            self.sends = int(self.command["colour_out"])

    @property
    def left(self) -> int:
        return self.wavelets - self.moved


@dataclass
class Need:
    """What the main slot needs to go on."""

    kind: str
    """``overhead``, ``compute``, ``fabric``: an operation; ``slots``, ``delay``, ``idle``: time."""


class Pe:
    def __init__(
        self, number: int, program: PeProgram, mesh: WaveletMesh,
        down: dict[int, deque[Wavelet]], up: dict[int, deque[Wavelet]],
        memory: list[float] | None,
    ) -> None:  # fmt: skip
        self.number, self.program, self.mesh = number, program, mesh
        self.down, self.up, self.memory = down, up, memory
        self.tasks = program.tasks
        self.is_active = [task.active for task in self.tasks]
        self.is_blocked = [task.blocked for task in self.tasks]
        self.picked = len(self.tasks) - 1
        self.counters = [0] * 2
        self.slots: list[Transfer | None] = [None] * mesh.pe.slots
        self.served = mesh.pe.slots - 1
        """Slot that had the last operation."""
        self.need: Need | None = None
        self.granted = True
        """The main slot has what it needed."""
        self.ramp_taken = -1
        """Cycle in which the ramp up carries the second of two wavelets on."""
        self.halted = False
        self.now = 0
        self.steps = 0
        """Commands and picks in this cycle."""
        self.at = (NONE, NONE)
        """Task and command of the main slot."""
        self.routed: dict[int, int] = {}
        self.marks: list[tuple[int, int]] = []
        self.account: list[str] = []
        self.last = -1
        self.main = self.tasks_one_by_one()

    # What a cycle does.

    def begin(self, now: int) -> bool:
        """Let the main slot go on; whether it did."""
        self.now, self.steps = now, 0
        if self.granted or (self.need is not None and self.need.kind in ("slots", "delay", "idle")):
            self.need = next(self.main, None)
            self.granted = False
        return self.steps > 0

    def choose(self, now: int) -> int | None:
        """The slot that has the datapath; None if nobody is ready. Books the cycle."""
        for step in range(1, len(self.slots) + 1):
            slot = (self.served + step) % len(self.slots)
            if slot == 0 and self.need is not None and self.need.kind in ("overhead", "compute"):
                self.account.append(self.need.kind)
                return 0
            transfer = self.slots[slot]
            if transfer is not None and self.lacks(transfer, now) is None:
                self.account.append("fabric")
                return slot
        self.account.append(self.reason(now))
        return None

    def operate(self, now: int, slot: int) -> None:
        self.served, self.last = slot, now
        transfer = self.slots[slot]
        if transfer is None:
            self.granted = True
            return
        self.carry(transfer, now)
        if transfer.left == 0:
            self.slots[slot] = None
            if slot == 0:
                self.granted = True
            self.finish(transfer.command)

    # What the main slot does.

    def step(self) -> None:
        self.steps += 1
        if self.steps > CHAIN:
            raise NeverEndsError([(self.number, 0, *self.at, "no time")])

    def tasks_one_by_one(self) -> Iterator[Need]:
        costs = self.mesh.pe.costs
        while True:
            task = self.pick()
            while task is None:
                self.at = (NONE, NONE)
                yield Need("idle")
                task = self.pick()
            self.step()
            self.picked, self.is_active[task], self.at = task, False, (task, NONE)
            self.counters = [0] * 2
            for _ in range(costs.task_cycles):
                yield Need("overhead")
            commands = self.tasks[task].commands
            index = 0
            while index < len(commands):
                command, self.at = commands[index], (task, index)
                self.step()
                op = command["op"]
                if op == Op.HALT:
                    self.halted = True
                    return
                if op == Op.LOOP:
                    level = int(command["level"])
                    self.counters[level] += 1
                    if self.counters[level] < command["count"]:
                        for _ in range(costs.loop_cycles):
                            yield Need("overhead")
                        index = int(command["target"])
                        continue
                    self.counters[level] = 0
                else:
                    yield from self.command(command, task, index)
                index += 1

    def pick(self) -> int | None:
        for step in range(1, len(self.tasks) + 1):
            task = (self.picked + step) % len(self.tasks)
            colour = self.tasks[task].colour
            wakes = colour != NONE and self.usable(colour, self.now) > 0
            if (self.is_active[task] or wakes) and not self.is_blocked[task]:
                return task
        return None

    def command(self, command: Any, task: int, index: int) -> Iterator[Need]:
        op = command["op"]
        if op == Op.ROUTE:
            self.routed[int(command["colour_out"])] = int(command["target"])
        elif op == Op.TASK:
            self.act(int(command["target"]), int(command["action"]))
        elif op == Op.MARK:
            self.marks.append((int(command["target"]), self.now))
        elif op == Op.WAIT:
            mask = int(command["target"])
            while any(self.slots[s] is not None for s in range(len(self.slots)) if mask >> s & 1):
                yield Need("slots")
        elif op == Op.DELAY:
            end = self.now + int(command["cycles"])
            while self.now < end:
                self.last = max(self.last, end - 1)
                yield Need("delay")
            self.finish(command)
        elif op in FABRIC:
            yield from self.transfer(command, task, index)
        else:
            yield from self.compute(command)

    def transfer(self, command: Any, task: int, index: int) -> Iterator[Need]:
        slot, length = int(command["slot"]), int(command["length"])
        per_wavelet = 1 if FORMATS[command["format"]] == "fp32" else 2
        wavelets = 1 if command["op"] == Op.CTRL else -(-length // per_wavelet)
        if wavelets == 0:
            self.finish(command)
            return
        new = Transfer(task, index, command, self.addresses(command), wavelets)
        while slot > 0 and self.slots[slot] is not None:
            yield Need("slots")
        costs = self.mesh.pe.costs
        for _ in range(costs.fabric_cycles if slot == 0 else costs.microthread_cycles):
            yield Need("overhead")
        for other, old in enumerate(self.slots):
            if old is not None and (
                (new.receives != NONE and new.receives == old.receives)
                or (new.sends != NONE and new.sends == old.sends)
            ):
                raise TwoAtOnceError(
                    [(self.number, slot, task, index, "new"),
                     (self.number, other, old.task, old.index, "old")]
                )  # fmt: skip
        self.slots[slot] = new
        if slot == 0:
            yield Need("fabric")

    def compute(self, command: Any) -> Iterator[Need]:
        pe, costs = self.mesh.pe, self.mesh.pe.costs
        length = int(command["length"])
        vectors = int(command["count"]) if command["op"] == Op.FMA else 1
        if length * vectors == 0:
            self.finish(command)
            return
        addresses = self.addresses(command)
        lanes = pe.lanes[FORMATS[command["format"]]]  # type: ignore[index]
        work = vectors * -(-length // lanes)
        if command["op"] == Op.VEC and command["combine"] >= Function.EXP:
            work = length * costs.function_cycles
            if command["combine"] in (Function.RECIPROCAL, Function.RSQRT, Function.SILU):
                work += length * costs.divide_cycles
        begins = costs.vec_cycles
        if command["op"] == Op.FMA:
            each = costs.callback_millicycles
            if command["dst_step"] == 0:
                each += costs.dependent_millicycles
            begins = costs.fma_cycles + -(-vectors * each // 1000)
        for _ in range(begins):
            yield Need("overhead")
        for _ in range(work):
            yield Need("compute")
        # It goes on here in the cycle after the last operation, before anybody looks.
        if self.memory is not None:
            self.evaluate(self.memory, command, *addresses)
        self.finish(command)

    def addresses(self, command: Any) -> tuple[int, int, int]:
        dst, a, b = (
            int(command[name])
            + sum(int(d) * n for d, n in zip(command[f"{name}_turn"], self.counters, strict=True))
            for name in ("dst", "a", "b")
        )
        return dst, a, b

    def finish(self, command: Any) -> None:
        if command["then"] != NONE:
            self.act(int(command["then"]), int(command["then_action"]))

    def act(self, task: int, action: int) -> None:
        if action == TaskAction.ACTIVATE:
            self.is_active[task] = True
        else:
            self.is_blocked[task] = action == TaskAction.BLOCK

    # What an operation does.

    def usable(self, colour: int, now: int) -> int:
        """Wavelets that it can use; those behind one that it cannot come later still."""
        return sum(wavelet.ready <= now for wavelet in self.down[colour])

    def at_once(self, transfer: Transfer) -> int:
        return min(self.mesh.pe.wavelets_per_operation, transfer.left)

    def lacks(self, transfer: Transfer, now: int) -> str | None:
        many = self.at_once(transfer)
        if transfer.receives != NONE and self.usable(transfer.receives, now) < many:
            return "wavelets"
        if transfer.sends != NONE:
            room = self.mesh.ramp_up_wavelets - len(self.up[transfer.sends])
            if room < many or self.ramp_taken == now:
                return "room"
        return None

    def carry(self, transfer: Transfer, now: int) -> None:
        """One operation of a fabric command."""
        command, name = transfer.command, FORMATS[transfer.command["format"]]
        many = self.at_once(transfer)
        ready = now + self.mesh.ramp_cycles + 1
        for number in range(many):
            came = self.down[transfer.receives].popleft().bits if transfer.receives != NONE else 0
            sent = 0
            if self.memory is not None and command["op"] != Op.CTRL:
                sent = self.elements(self.memory, transfer, name, came)
            if transfer.sends != NONE:
                controls = int(command["controls"]) if command["op"] == Op.CTRL else None
                self.up[transfer.sends].append(Wavelet(sent, controls, ready + number))
            transfer.moved += 1
        if transfer.sends != NONE and many == 2:
            self.ramp_taken = now + 1

    def elements(self, memory: list[float], transfer: Transfer, name: str, came: int) -> int:
        """The elements of a wavelet, one after the other; the bits that are sent."""
        command, op = transfer.command, transfer.command["op"]
        (dst, a, _), sent = transfer.addresses, 0
        width = 32 if name == "fp32" else 16
        for half in range(32 // width):
            element = transfer.moved * (32 // width) + half
            if element >= command["length"]:
                break
            value = decode(came >> (width * half) & ((1 << width) - 1), name)
            at, own = dst + element * int(command["dst_element"]), 0.0
            if op == Op.SEND or (op == Op.RELAY and command["combine"] != Combine.NONE):
                own = memory[a + element * int(command["a_element"])]
            elif op == Op.RADD:
                own = memory[at]
            if op == Op.SEND:
                value = rounded(own, name)
            elif op in (Op.RADD, Op.RELAY) and command["combine"] == Combine.ADD:
                value = multiply_add(1.0, own, value, name)
            elif op in (Op.RADD, Op.RELAY) and command["combine"] == Combine.MAX:
                value = rounded(max(own, value), name)
            if op != Op.SEND and command["dst"] != NONE:
                memory[at] = value
            sent |= encode(value, name) << (width * half)
        return sent

    def evaluate(self, memory: list[float], command: Any, dst: int, a: int, b: int) -> None:
        """A command that computes, element by element."""
        name, length = FORMATS[command["format"]], int(command["length"])
        dst_on, a_on, b_on = (int(command[f"{field}_element"]) for field in ("dst", "a", "b"))
        if command["op"] == Op.FMA:
            for vector in range(int(command["count"])):
                scalar = memory[a + vector * int(command["a_step"])]
                for element in range(length):
                    at = dst + vector * int(command["dst_step"]) + element * dst_on
                    other = memory[b + vector * int(command["b_step"]) + element * b_on]
                    memory[at] = multiply_add(scalar, other, memory[at], name)
            return
        function = command["combine"]
        if function in (Function.SUM, Function.TOP):
            total = rounded(memory[a], name)
            for element in range(1, length):
                value = memory[a + element * a_on]
                if function == Function.SUM:
                    total = multiply_add(1.0, total, value, name)
                else:
                    total = max(total, rounded(value, name))
            memory[dst] = total
            return
        for element in range(length):
            x = memory[a + element * a_on] if function != Function.FILL else command["constant"]
            y = 0.0
            if function in (Function.ADD, Function.SUB, Function.MUL, Function.MAX):
                y = memory[b + element * b_on]
            memory[dst + element * dst_on] = elementwise(Function(function), float(x), y, name)

    # What is told of it.

    @property
    def delays(self) -> bool:
        return self.need is not None and self.need.kind == "delay"

    @property
    def is_done(self) -> bool:
        """By the state at the start of the cycle, after the main slot went on."""
        busy = any(slot is not None for slot in self.slots)
        resting = self.need is not None and self.need.kind == "idle" and self.program.serves
        return not busy and (self.halted or resting)

    def reason(self, now: int) -> str:
        """Why the datapath does nothing: what the main slot waits for goes first."""
        if self.slots[0] is not None:
            return self.lacks(self.slots[0], now) or ""
        if self.need is not None and self.need.kind != "idle":
            return self.need.kind
        for transfer in self.slots[1:]:
            if transfer is not None:
                return self.lacks(transfer, now) or ""
        return "done" if self.halted else "idle"

    def waits(self, now: int) -> list[tuple[int, int, int, int, str]]:
        found = [
            (self.number, slot, transfer.task, transfer.index, self.lacks(transfer, now) or "")
            for slot, transfer in enumerate(self.slots)
            if transfer is not None
        ]
        if self.slots[0] is None and self.need is not None:
            found.insert(0, (self.number, 0, *self.at, self.need.kind))
        return found


def elementwise(function: Function, x: float, y: float, name: str) -> float:
    if function == Function.ADD:
        return multiply_add(1.0, x, y, name)
    if function == Function.SUB:
        return multiply_add(1.0, x, -y, name)
    if function == Function.MUL:
        return multiply_add(x, y, math.copysign(0, x) * math.copysign(1, y), name)
    if function == Function.MAX:
        return rounded(max(x, y), name)
    if function in (Function.COPY, Function.FILL):
        return rounded(x, name)
    with np.errstate(all="ignore"):
        wide = np.float64(x)
        if function == Function.EXP:
            wide = np.exp(wide)
        elif function == Function.RECIPROCAL:
            wide = 1 / wide
        elif function == Function.RSQRT:
            wide = 1 / np.sqrt(wide)
        else:
            wide = wide / (1 + np.exp(-wide))
    return rounded(float(wide), name)
