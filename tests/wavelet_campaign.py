"""Wavelet meshes at length: ``python -m tests.wavelet_campaign``.

Random programs on the kernel and on the oracle, half of them on PEs that move two wavelets an
operation, everything compared; collectives against the
published models; trees of routes whose PEs drain them, which must never block; and planted cyclic
waits, which must be found. ``--seed`` alone says which programs. The record is
docs/validation/wavelet.json.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "sim"))

import numpy as np
from wavelet_cases import mesh_of, one_way, pe_of, row_of
from wavelet_compare import differences
from wavelet_sums import model
from wavelet_traffic import draining, random_case

from arch import __version__
from arch.errors import InputError, SimulationError
from arch.mesh.program import (
    EAST,
    NORTH,
    RAMP,
    SOUTH,
    WEST,
    Combine,
    Control,
    MeshProgram,
    Op,
    PeProgram,
    Route,
    Task,
)
from rtl.lockstep.record import write_json
from sim.jit import KERNEL_HASH
from sim.mesh.wavelet_run import run_program
from traces.mapping.mesh import collective
from traces.mesh import commands as c
from traces.mesh.check import check_program

SHOWN = 5
LONG = 64
"""Wavelets that no queues on a way of one hop hold."""
MODELS = ("chain", "tree", "two_phase", "broadcast")
WAVELETS = (1, 2, 3, 5, 7, 16, 31, 64, 100, 255, 256)


def compared(programs: int, seed: int) -> dict[str, Any]:
    """Random programs on both; every other one with all visited in each cycle, in two orders."""
    outcomes: Counter[str] = Counter()
    wrong = []
    pairs = 0
    for number in range(programs):
        draw = Random(f"{seed} {number}")
        mesh, program = random_case(draw)
        outcome, found = differences(
            mesh, program, forced=number % 2 == 1, backwards=number % 4 > 1
        )
        outcomes[outcome] += 1
        pairs += mesh.pe.wavelets_per_operation == 2
        if found:
            wrong.append({"program": number, "differs": found[:SHOWN]})
            sys.stdout.write(f"{wrong[-1]}\n")
    return {
        "programs": programs, "of_pairs": pairs, "ends": dict(sorted(outcomes.items())),
        "wrong": wrong,
    }  # fmt: skip


def modelled(longest: int) -> dict[str, Any]:
    """Published models, where they apply, for P from 2 to ``longest`` and B from 1 to 256."""
    runs: Counter[str] = Counter()
    wrong = []
    for kind in MODELS:
        for places in range(2, longest + 1):
            if model(kind, places, 1) is None:
                continue
            # All lengths for few, and for each number of PEs two of them.
            every = WAVELETS if places < 20 or places % 64 == 0 else (1 + places % 9, 256)
            for wavelets in every:
                program = collective(kind, places, 1, wavelets, format="fp32")
                cycles = run_program(mesh_of(width=places, height=1), program).cycles
                runs[kind] += 1
                if cycles != model(kind, places, wavelets):
                    wrong.append([kind, places, wavelets, cycles])
    return {"runs": dict(runs), "wrong": wrong}


def drained(cycles: int, seed: int) -> dict[str, Any]:
    """Random trees with PEs that drain them, for so many cycles in all: nothing may block."""
    total, runs, moved = 0, 0, 0
    wrong = []
    while total < cycles:
        draw = Random(f"{seed} drained {runs}")
        ramp, together = draw.randint(1, 4), draw.randint(1, 2)
        mesh = mesh_of(
            width=draw.randint(2, 8), height=draw.randint(2, 8), hop_cycles=draw.randint(1, 3),
            ramp_cycles=ramp, ramp_down_wavelets=draw.randint(together, ramp + 2),
            ramp_up_wavelets=draw.randint(together, ramp + 3),
            router={"queue_wavelets": draw.randint(1, 4)},
            pe={"wavelets_per_operation": together},
        )  # fmt: skip
        program = draining(draw, mesh, 8000)
        check_program(program, mesh)
        try:
            run = run_program(mesh, program)
        except SimulationError as error:
            wrong.append({"run": runs, "error": str(error)})
        else:
            total += run.cycles
            moved += run.counts["hops"]
            if run.counts["left"]:
                wrong.append({"run": runs, "left": run.counts["left"]})
        runs += 1
    return {"runs": runs, "cycles": total, "hops": moved, "wrong": wrong}


def ring_of(first: Route, *commands: c.Command) -> MeshProgram:
    """A colour round 2 x 2 routers; PE (0, 0) has the commands."""
    routes = (
        {0: first}, {0: one_way(WEST, SOUTH)}, {0: one_way(EAST, NORTH)}, {0: one_way(NORTH, WEST)},
    )  # fmt: skip
    of = np.arange(4, dtype=np.int32).reshape(2, 2)
    programs = (pe_of(*commands), *[pe_of()] * 3)
    return MeshProgram("ring", 2, 2, programs, of, routes, of)


def planted() -> Iterator[tuple[str, MeshProgram, str | None]]:
    """Programs that wait in a ring, or just do not; what must be said, None: they end."""
    to_and_fro = [
        {0: one_way(RAMP, EAST), 1: one_way(EAST, RAMP)},
        {0: one_way(WEST, RAMP), 1: one_way(RAMP, WEST)},
    ]
    for length, said in ((LONG, "deadlock in cycle"), (4, None)):
        both = [
            pe_of(c.send(at, length, 0, "fp32"), c.recv(1 - at, length, 0, "fp32")) for at in (0, 1)
        ]
        yield f"both send {length} before they receive", row_of(both, to_and_fro), said
    both = [pe_of(c.send(at, LONG, 0, "fp32", 1), c.recv(1 - at, LONG, 0, "fp32")) for at in (0, 1)]
    yield "they send in a microthread", row_of(both, to_and_fro), None
    none = Combine.NONE
    for first in (False, True):
        relays = [
            pe_of(
                *([c.send(at, 1, 0, "fp32")] if first and not at else []),
                c.relay(1 - at, at, 3 if first and not at else 4, 0, "fp32", combine=none),
                *([c.recv(1 - at, 1, 0, "fp32")] if first and not at else []),
            )
            for at in (0, 1)
        ]
        said = None if first else "2 PEs are not done"
        name = "relays in a ring, one begins" if first else "relays in a ring"
        yield name, row_of(relays, to_and_fro), said
    many = [
        {0: one_way(RAMP, EAST)}, {0: one_way(WEST, EAST, RAMP)}, {0: one_way(WEST, RAMP)},
    ]  # fmt: skip
    for taken, said in ((LONG, None), (4, "deadlock in cycle")):
        row = [
            pe_of(c.send(0, LONG, 0, "fp32")), pe_of(c.recv(0, taken, 0, "fp32")),
            pe_of(c.recv(0, LONG, 0, "fp32")),
        ]  # fmt: skip
        yield f"one of a multicast takes {taken}", row_of(row, many), said
    yield "routes in a ring", ring_of(one_way(SOUTH, EAST)), "goes round through 4 routers"
    opened = Route(((RAMP, (EAST,)), (SOUTH, (EAST,))))
    closing = (c.send(0, 1, 0, "fp32"), c.delay(40))
    yield "a ring of switches, open", ring_of(opened, *closing), None
    yield "a ring of switches, closed", ring_of(opened, *closing, c.route(0, 1)), "go round"
    away = [{0: Route(((RAMP, (EAST,)), (SOUTH, (EAST,))))}, {0: one_way(WEST, RAMP)}]
    for controls, said in (([Control.KEEP], None), ([Control.ADVANCE], "deadlock in cycle")):
        sends = pe_of(c.ctrl(0, controls), c.send(0, LONG, 0, "fp32"))
        row = row_of([sends, pe_of(c.recv(0, LONG, 0, "fp32"))], away)
        yield f"a switch that is told {controls[0].name}", row, said
    chain = collective("chain_allreduce", 4, 1, LONG, format="fp32")
    yield "an allreduce in microthreads", chain, None
    late = tuple(
        PeProgram(each.name, tuple(_in_turn(task) for task in each.tasks))
        for each in chain.programs
    )
    named = MeshProgram("late", 4, 1, late, chain.program_of, chain.routes, chain.route_of)
    yield "an allreduce in turn", named, "deadlock in cycle"


def _in_turn(task: Task) -> Task:
    """Sums before it receives what is summed."""
    rows = task.commands.copy()
    rows = rows[rows["op"] != Op.WAIT]
    rows["slot"] = 0
    order = np.argsort((rows["op"] == Op.RECV) + 2 * (rows["op"] == Op.HALT), kind="stable")
    return Task(task.name, rows[order], active=True)


def found(program: MeshProgram) -> str | None:
    """What is said of a program."""
    mesh = mesh_of(width=program.width, height=program.height)
    try:
        check_program(program, mesh)
        run_program(mesh, program)
    except (InputError, SimulationError) as error:
        return str(error)
    return None


def waits() -> dict[str, Any]:
    """Planted waits, and whether each is told."""
    wrong, told = [], 0
    for name, program, said in planted():
        message = found(program)
        told += said is not None
        if (message is None) != (said is None) or (said and said not in str(message)):
            wrong.append({"name": name, "said": message, "wanted": said})
    return {"planted": told, "controls": len(list(planted())) - told, "wrong": wrong}


def main() -> int:
    """Write the record; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.wavelet_campaign", description=__doc__)
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--cycles", type=int, default=10_000_000)
    parser.add_argument("--places", type=int, default=512)
    parser.add_argument("--seed", type=int, default=20_26)
    parser.add_argument("--output", type=Path, default=Path("docs/validation/wavelet.json"))
    given = parser.parse_args()
    started = time.monotonic()
    record: dict[str, Any] = {
        "lockstep": __version__, "kernels": KERNEL_HASH, "seed": given.seed, "seconds": 0,
        "waits": waits(), "models": modelled(given.places),
        "drained": drained(given.cycles, given.seed),
        "oracle": compared(given.programs, given.seed),
    }  # fmt: skip
    record["seconds"] = round(time.monotonic() - started)
    write_json(given.output, record)
    parts = ("waits", "models", "drained", "oracle")
    wrong = sum(len(record[part]["wrong"]) for part in parts)
    for part in parts:
        sys.stdout.write(f"{part}: { {k: v for k, v in record[part].items() if k != 'wrong'} }\n")
    sys.stdout.write(f"{wrong} wrong: {given.output}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
