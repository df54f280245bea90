"""Programs of PEs from YAML."""

from pathlib import Path

import numpy as np
import pytest

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.program import EAST, NONE, RAMP, WEST, Combine, Function, Op, TaskAction
from traces.mesh.check import check_program
from traces.mesh.program_file import read_program

EXAMPLE = Path(__file__).parents[2] / "examples" / "mesh_reduce.yaml"
HEAD = """\
name: small
width: 4
height: 2
memory:
  - {name: x, elements: 8, format: fp16}
  - {name: y, elements: 4, format: fp32, value: 2.5}
"""
HALT = "{op: halt}"


def program(commands: str, more: str = "", pes: str = "{}") -> str:
    tasks = f"[{{name: main, active: true, commands: [{commands}]}}, {{name: other, commands: []}}]"
    return f"{HEAD}programs:\n  - {{name: all, pes: {pes}, tasks: {tasks}}}\n{more}"


def read(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return read_program(path)


def test_the_example_is_right() -> None:
    found = read_program(EXAMPLE)
    check_program(found, load_mesh("wse2"))
    assert [each.name for each in found.programs] == ["far", "middle", "next", "root"]
    assert found.program_of.tolist() == [[3, 2, 1, 0]]
    routes = [found.routes[at] for at in found.route_of[0]]
    assert routes[3][1].positions == ((RAMP, (WEST,)),)
    assert routes[0][1].positions == ((EAST, (RAMP,)),)


def test_fields_become_those_of_commands(tmp_path: Path) -> None:
    commands = (
        "{op: fma, length: 4, count: 2, dst: y, a: x, b: x+4, b_step: 1, format: fp32},"
        "{op: vec, function: silu, length: 8, dst: 3, a: x},"
        "{op: radd, colour_in: 3, length: 8, dst: x, combine: max, slot: 2, then: other,"
        " then_action: unblock},"
        "{op: ctrl, colour_out: 1, controls: [keep, advance, reset]},"
        "{op: wait, slots: [2, 5]}, {op: task, action: block, target: other},"
        "{op: relay, colour_in: 1, colour_out: 2, length: 2, a: x, a_turn: [0, 2]},"
        "{op: loop, target: 6, count: 3, level: 1}, {op: halt}"
    )
    found = read(tmp_path, program(commands))
    rows = found.programs[0].tasks[0].commands
    fma, vec, radd, ctrl, wait, task, relay, loop, halt = rows
    assert (fma["op"], fma["count"], fma["dst"], fma["a"], fma["b"]) == (Op.FMA, 2, 8, 0, 4)
    assert (fma["b_step"], fma["a_step"], fma["format"]) == (1, 0, 2)
    assert (vec["combine"], vec["dst"], vec["b"]) == (Function.SILU, 3, NONE)
    assert (radd["combine"], radd["slot"], radd["then"]) == (Combine.MAX, 2, 1)
    assert radd["then_action"] == TaskAction.UNBLOCK
    assert ctrl["controls"] == 0 + (1 << 2) + (2 << 4)
    assert wait["target"] == (1 << 2) | (1 << 5)
    assert (task["target"], task["action"]) == (1, TaskAction.BLOCK)
    assert relay["combine"] == Combine.ADD
    assert relay["a_turn"].tolist() == [0, 2]
    assert (loop["target"], loop["count"], loop["level"]) == (6, 3, 1)
    assert halt["op"] == Op.HALT
    assert found.memory_bytes == 16 + 16
    assert found.values["y"].shape == (2, 4, 4)
    assert np.all(found.values["y"] == 2.5)


def test_later_ones_stand_in_place_of_earlier_ones(tmp_path: Path) -> None:
    more = '  - {name: odd, pes: {x: "1..3/2", y: 1}, tasks: []}\n'
    assert read(tmp_path, program(HALT, more)).program_of.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (program("{op: send, colour_out: 1, length: 4}"), "send: needs a"),
        (program("{op: halt, length: 4}"), "halt: has no length; it has "),
        (program("{op: jump}"), 'op: given "jump"; must be send, recv'),
        (program("{op: recv, colour_in: 1, length: 4, dst: z}"),
         "commands[0].dst: must be an element, or a region (x, y), not 'z'"),
        (program("{op: task, action: block, target: none}"),
         "target: must be a task (main, other), not 'none'"),
        (program("{op: mark, target: one}"), "of mark must be a number, not 'one'"),
        (program(HALT, pes="{x: 4}"), "programs[0].pes.x: must be within 0..3, not 4"),
        (program(HALT, pes="{x: 1..2}"), "programs: PE (0, 0) has none"),
        (program(HALT, pes="{x: a}"), "must be like 3, 0..7 or 0..7/2"),
        (program(HALT, "routes: [{pes: {}, colours: [{colour: 2, positions: []}]}]\n"),
         "routes[0]: colour 2 must have positions, each with ports to go to"),
        (program(HALT, "colours: 3\n"), "colours: is not a known key"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path))
