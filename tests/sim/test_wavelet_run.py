"""Programs of PEs whose cycles are known by hand, and what is told of those that do not end."""

import signal
import time
from typing import Any

import numpy as np
import pytest
from wavelet_cases import EASTWARDS, mesh_of, one_way, pe_of, row_of
from wavelet_small import broadcast, chain_reduce, memory_of

from arch.errors import InputError, SimulationError
from arch.mesh.program import (
    EAST,
    NORTH,
    RAMP,
    SOUTH,
    WEST,
    Control,
    MeshProgram,
    PeProgram,
    Route,
    TaskAction,
)
from sim.mesh import wavelet_run
from sim.mesh.wavelet_run import WaveletRun, run_program
from traces.mapping.mesh import collective
from traces.mesh.commands import (
    act,
    ctrl,
    delay,
    fma,
    halt,
    loop,
    mark,
    recv,
    send,
    task,
    wait,
)


def same(one: WaveletRun, other: WaveletRun) -> None:
    """Everything but what it took to simulate."""
    assert one.cycles == other.cycles
    assert one.marks == other.marks
    assert one.counts == other.counts
    for name, cycles in one.accounts.items():
        assert np.array_equal(cycles, other.accounts[name]), name
    assert np.array_equal(one.links, other.links)
    for name, held in one.memory.items():
        assert np.array_equal(held, other.memory[name]), name


def consistent(run: WaveletRun) -> None:
    """What must hold in any run."""
    assert (sum(run.accounts.values()) == run.cycles).all()
    assert all((cycles >= 0).all() for cycles in run.accounts.values())
    counts = run.counts
    assert counts["sent"] + counts["copied"] == (
        counts["taken"] + counts["absorbed"] + counts["left"]
    )
    assert run.links[:, :, :RAMP].sum() == counts["hops"]


@pytest.mark.validates("wavelet.ramp_cycles", by="HPDC 2024 (Luczynski et al.)")
@pytest.mark.parametrize("ramp", [1, 2, 5])
@pytest.mark.parametrize("hop", [1, 3])
@pytest.mark.parametrize(("pes", "wavelets"), [(2, 1), (3, 5), (8, 16)])
def test_a_chain_takes_a_hop_and_two_ramps_for_each_pe(
    pes: int, wavelets: int, hop: int, ramp: int
) -> None:
    """Luczynski et al. (HPDC 2024): B + (2 T_R + 2) (P - 1)."""
    mesh = mesh_of(
        width=pes, hop_cycles=hop, ramp_cycles=ramp, ramp_down_wavelets=ramp + 1,
        ramp_up_wavelets=ramp + 2, router={"queue_wavelets": hop + 1},
    )  # fmt: skip
    run = run_program(mesh, chain_reduce(pes, wavelets))
    assert run.cycles == wavelets + (2 * ramp + 1 + hop) * (pes - 1)
    sums = np.arange(pes * wavelets).reshape(pes, wavelets).sum(0)
    assert run.memory["memory"][0, 0].tolist() == sums.tolist()
    assert run.counts["sent"] == run.counts["taken"] == run.counts["hops"] == wavelets * (pes - 1)
    consistent(run)


@pytest.mark.validates("wavelet.ramp_cycles", by="HPDC 2024 (Luczynski et al.)")
@pytest.mark.parametrize("ramp", [1, 2, 5])
@pytest.mark.parametrize(("pes", "wavelets"), [(2, 1), (3, 5), (8, 16)])
def test_a_broadcast_takes_a_hop_for_each_pe(pes: int, wavelets: int, ramp: int) -> None:
    """HPDC 2024: B + P + 2 T_R."""
    mesh = mesh_of(
        width=pes, ramp_cycles=ramp, ramp_down_wavelets=ramp + 1, ramp_up_wavelets=ramp + 2
    )
    run = run_program(mesh, broadcast(pes, wavelets))
    assert run.cycles == wavelets + pes + 2 * ramp
    assert (run.memory["memory"] == np.arange(wavelets) + 0.5).all()
    assert run.counts["copied"] == wavelets * (pes - 2)
    consistent(run)


def test_values_that_no_machine_has_room_for() -> None:
    """4 TiB, which numpy is refused at once."""
    elements = 2**28
    mesh = mesh_of(width=4096, pe={"memory_bytes": 2**30})
    program = row_of([pe_of()] * 4096, [{}] * 4096, memory_of(elements))
    with pytest.raises(InputError, match=r"^row: .* 4096 PEs take 4096.0 GiB, .* leave values out"):
        run_program(mesh, program, values=True)


def test_each_cycle_of_a_pe_is_accounted() -> None:
    """A send of 4 wavelets behind 3 cycles of overhead and a delay of 5, received in 2 + 2 T_R."""
    mesh = mesh_of(width=2, pe={"costs": {"task_cycles": 1, "fabric_cycles": 2}})
    programs = [pe_of(send(0, 4, 0, "fp32"), delay(5)), pe_of(recv(0, 4, 0, "fp32"), mark(3))]
    run = run_program(mesh, row_of(programs, EASTWARDS, memory_of(8)))
    # First operation in 3, through two routers and both ramps in 3 + 1 + 1 + 2 * 2.
    assert run.cycles == 3 + 6 + 4
    assert run.marks == {3: (13, 13, 1)}
    accounts = {name: cycles[0].tolist() for name, cycles in run.accounts.items() if cycles.any()}
    assert accounts == {
        "overhead": [3, 3], "fabric": [4, 4], "delay": [5, 0], "wavelets": [0, 6], "done": [1, 0],
    }  # fmt: skip
    consistent(run)


CASES: dict[str, MeshProgram] = {
    "chain": chain_reduce(5, 7),
    "broadcast": broadcast(6, 9),
    "ktree": collective("ktree_allreduce", 5, 6, 9, axis="both", values=np.ones((6, 5, 9), "f4")),
    "ring": collective("ring_allreduce", 4, 3, 10, axis="x"),
}


@pytest.mark.parametrize("latencies", [{}, {"hop_cycles": 3, "ramp_up_wavelets": 2}])
@pytest.mark.parametrize("case", CASES)
def test_who_is_visited_and_in_which_order_changes_nothing(
    case: str, latencies: dict[str, Any]
) -> None:
    mesh = mesh_of(**latencies)
    run = run_program(mesh, CASES[case])
    consistent(run)
    for forced, backwards in ((True, False), (False, True), (True, True)):
        same(run, run_program(mesh, CASES[case], forced=forced, backwards=backwards))


@pytest.mark.compiled
@pytest.mark.parametrize(("width", "height"), [(70, 45), (1, 300), (300, 2), (9, 130)])
def test_blocks_meet(width: int, height: int) -> None:
    """Meshes of several blocks of nodes, which are visited one after the other."""
    mesh = mesh_of(width=width, height=height)
    axis = "both" if min(width, height) > 1 else "y"
    program = collective("ktree_allreduce", width, height, 6, axis=axis)
    run = run_program(mesh, program, values=False)
    consistent(run)
    same(run, run_program(mesh, program, values=False, forced=True, backwards=True))


def told(mesh: Any, program: MeshProgram, **options: Any) -> str:
    """The error of a program, which is the same however it is visited."""
    texts = set()
    for forced, backwards in ((False, False), (True, False), (False, True)):
        with pytest.raises(SimulationError) as error:
            run_program(mesh, program, forced=forced, backwards=backwards, **options)
        texts.add(str(error.value))
    assert len(texts) == 1
    return texts.pop()


def test_a_deadlock_names_commands_and_colours() -> None:
    programs = [
        pe_of(send(0, 20, 0, "fp32")),
        pe_of(recv(0, 4, 0, "fp32"), recv(1, 4, 0, "fp32", slot=2), wait(2)),
    ]
    text = told(mesh_of(), row_of(programs, EASTWARDS, memory_of(32)))
    # One a cycle is put, 4 that are taken, and then 3, 2 and 4 that fill the queues.
    assert text == (
        "row: deadlock in cycle 13: 2 PEs are not done and nothing can move: PE (0, 0): task only, "
        "command 0 (SEND) waits for room to send colour 0; PE (1, 0): task only, command 2 (WAIT) "
        "waits for slots, slot 2: task only, command 1 (RECV) waits for a wavelet of colour 1"
    )


def test_a_pe_that_never_halts_is_a_deadlock() -> None:
    idle = PeProgram("idle", (task("later", [halt()], blocked=True, active=True),))
    text = told(mesh_of(), row_of([idle] * 5, [{}] * 5))
    assert "5 PEs are not done" in text
    assert "PE (2, 0): no task can run and it has not halted; and 2 more" in text


def test_a_pe_that_serves_need_not_halt() -> None:
    serves = PeProgram(
        "serves", (task("comes", [recv(0, 1, 0, "fp32"), mark(0)], colour=0),), serves=True
    )
    run = run_program(
        mesh_of(), row_of([pe_of(send(0, 3, 0, "fp32")), serves], EASTWARDS, memory_of(4))
    )
    assert run.marks == {0: (7, 9, 3)}
    assert run.accounts["idle"][0].tolist() == [0, 6]
    consistent(run)


@pytest.mark.parametrize(("first", "second", "does", "cycle"), [
    (recv(0, 4, 0, "fp32", slot=1), recv(0, 4, 0, "fp32"), "receive", 4),
    (send(0, 4, 0, "fp32", slot=3), send(0, 4, 0, "fp32", slot=1), "send", 6),
])  # fmt: skip
def test_two_commands_on_one_colour(first: Any, second: Any, does: str, cycle: int) -> None:
    """The second one begins behind 2 times 2 operations of overhead; what is sent comes between."""
    mesh = mesh_of(pe={"costs": {"fabric_cycles": 2, "microthread_cycles": 2}})
    op = "RECV" if does == "receive" else "SEND"
    text = told(mesh, row_of([pe_of(), pe_of(first, second)], EASTWARDS, memory_of(4)))
    assert text == (
        f"row: cycle {cycle}, PE (1, 0): task only, command 1 ({op}) and task only, command 0 "
        f"({op}) {does} colour 0 at once; one must be finished before the other begins"
    )


@pytest.mark.compiled
def test_commands_that_take_no_time_for_ever() -> None:
    turns = pe_of(mark(0), loop(0, 2**30))
    assert "1000000 commands one after another take no time" in told(
        mesh_of(), row_of([turns], [{}])
    )
    again = task("again", [act(TaskAction.ACTIVATE, 0)], active=True)
    text = told(mesh_of(), row_of([PeProgram("again", (again,))], [{}]))
    assert text.startswith("row: cycle 0, PE (0, 0): 1000000 commands")


def test_the_limit_is_told() -> None:
    text = told(mesh_of(), row_of([pe_of(delay(100))], [{}]), limit_cycles=50)
    assert text == "row: not done after 50 cycles, the limit"


def test_wavelets_that_go_round_are_told() -> None:
    """A wavelet comes into a ring whose routers then close it."""
    square = np.arange(4, dtype=np.int32).reshape(2, 2)
    routes = (
        {0: Route(((RAMP, (EAST,)), (SOUTH, (EAST,))))}, {0: one_way(WEST, SOUTH)},
        {0: one_way(EAST, NORTH)}, {0: one_way(NORTH, WEST)},
    )  # fmt: skip
    programs = (
        pe_of(send(0, 1, 0, "fp32"), ctrl(0, [Control.ADVANCE])), pe_of(), pe_of(), pe_of(),
    )  # fmt: skip
    program = MeshProgram("ring", 2, 2, programs, square, routes, square, memory_of(1))
    text = told(mesh_of(), program)
    assert "wavelets go round" in text
    assert "colours 0" in text


def test_a_program_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="must not be wider"):
        run_program(mesh_of(width=3), chain_reduce(4, 2))


@pytest.mark.parametrize("options", [
    {"chosen": [9]}, {"window_cycles": 0}, {"steady": "mark", "window_cycles": 5},
    {"steady": "mark", "steady_pe": -1}, {"steady": "always"}, {"steady": "mark", "values": True},
])  # fmt: skip
def test_options_are_checked(options: dict[str, Any]) -> None:
    given = {"values": False, **options}
    with pytest.raises(InputError):
        run_program(mesh_of(), chain_reduce(4, 2), **given)


def test_microthreads_take_cycles_of_a_computation() -> None:
    """A microthread that receives 4 wavelets among 40 operations; all are done in 44."""
    programs = [
        pe_of(send(0, 4, 0, "fp32")),
        pe_of(recv(0, 4, 0, "fp32", slot=1), fma(4, 0, 8, 12, "fp32", count=10), wait(1)),
    ]
    run = run_program(mesh_of(), row_of(programs, EASTWARDS, memory_of(64)))
    assert run.cycles == 44
    assert run.accounts["compute"][0, 1] == 40
    assert run.accounts["fabric"][0, 1] == 4
    consistent(run)


@pytest.mark.parametrize("pause", [1, 3])
def test_pauses_change_nothing(pause: int, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh, program = mesh_of(), collective("ktree_allreduce", 4, 5, 9, axis="both")
    whole = run_program(mesh, program, window_cycles=7)
    starts = []

    def noted(*arguments: Any) -> Any:
        starts.append(arguments[-4])
        return kernel(*arguments)

    kernel = wavelet_run.run
    monkeypatch.setattr(wavelet_run, "run", noted)
    monkeypatch.setattr(wavelet_run._Slices, "cycles", pause)
    monkeypatch.setattr(wavelet_run, "SLICE_SECONDS", 0.0)
    if pause > 1:
        monkeypatch.setattr(wavelet_run._Slices, "__exit__", lambda *_: None)
    told: list[int] = []
    paused = run_program(mesh, program, window_cycles=7, progress=told.append)
    assert len(starts) > whole.cycles // pause
    assert len(told) == len(starts)
    assert told == sorted(told)
    assert told[-1] >= whole.cycles
    same(whole, paused)
    assert whole.steps == paused.steps
    assert whole.windows is not None
    assert paused.windows is not None
    assert (whole.windows.links == paused.windows.links).all()


@pytest.mark.compiled
def test_a_long_run_can_be_interrupted() -> None:
    program = row_of([pe_of(delay(1), loop(0, 2**30))], [{}])
    run_program(mesh_of(), row_of([pe_of()], [{}]))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, interrupted)
    began = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_program(mesh_of(), program)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    # The loop takes a hundred times as long.
    assert time.perf_counter() - began < 10
