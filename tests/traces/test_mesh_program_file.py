"""Programs of PEs from YAML."""

import re
from pathlib import Path

import numpy as np
import pytest

from arch.errors import InputError
from arch.mesh.load import load_mesh
from arch.mesh.program import EAST, NONE, RAMP, WEST, Combine, Function, Op, TaskAction
from traces.mesh.check import check_program
from traces.mesh.program_file import read_program
from traces.mesh.program_spec import FIELDS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mesh_reduce.yaml"
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
        (program("{op: delay, cycles: 99999999999999999999}"), "must be 0 to 2147483647"),
        (program("{op: delay, cycles: -1}"), "cycles: given -1; must be 0 to 2147483647"),
        (program("{op: send, colour_out: 1, length: 4, a: 99999999999999999999}"),
         "commands[0].a: given 99999999999999999999; must be a whole number from -2147483647 to "
         "2147483647 or text"),
        (program("{op: send, colour_out: 1, length: 4, a: x+99999999999999999999}"),
         "commands[0].a: must be within a PE's memory, not 'x+99999999999999999999'"),
        (program("{op: mark, target: 99999999999999999999}"), "target: given 99999999999999999999"),
        (program("{op: wait, slots: [-1]}"), "slots[0]: given -1; must be 1 to 7"),
        (program("{op: wait, slots: [1000000000000]}"), "slots[0]: given 1000000000000"),
        (program("{op: ctrl, colour_out: 0, controls: [keep,keep,keep,keep,keep,keep,keep,keep,"
                 "keep]}"), "must be a list, 8 of them at most"),
        (program(HALT).replace("elements: 4,", "elements: 1000000000000000000,"),
         "memory[1].elements: given 1000000000000000000; must be 1 to"),
        (program(HALT).replace("value: 2.5", "value: 1.0e+300"), "value: given 1e+300; must be"),
        (program(HALT).replace("name: other", "name: main"),
         "programs[0].tasks[1].name: main is given twice"),
        (program(HALT, "routes: [{pes: {}, colours: [{colour: 2, positions: [{source: R, to: [E]}]}"
                 ", {colour: 2, positions: [{source: R, to: [W]}]}]}]\n"),
         "routes[0].colours[1].colour: 2 is given twice"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert re.match(rf"{re.escape(str(tmp_path / 'p.yaml'))}:\d+: ", str(caught.value))


@pytest.mark.parametrize(
    ("was", "now", "word"),
    [
        ("a: sums, format", "a: x, format", "a: x"),
        ("{x: 2}\n    tasks", "{x: 7}\n    tasks", "{x: 7}"),
        ("{colour: 1, positions: [{source: R, to: [W]}]}", "{colour: 1, positions: []}", None),
        ("name: root\n    pes: {x: 0}", "name: root\n    pes: {x: 1}", "programs:"),
    ],
)
def test_faults_are_told_with_their_line(
    tmp_path: Path, was: str, now: str, word: str | None
) -> None:
    text = EXAMPLE.read_text()
    assert was in text
    text = text.replace(was, now, 1)
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    line = int(str(caught.value).removeprefix(f"{tmp_path / 'p.yaml'}:").partition(":")[0])
    assert (word or "- pes: {x: 3}") in text.splitlines()[line - 1]


def test_a_value_takes_no_room_before_the_memory_is_looked_at(tmp_path: Path) -> None:
    text = program(HALT).replace("elements: 4,", "elements: 200000000,")
    text = text.replace("width: 4", "width: 700").replace("height: 2", "height: 900")
    found = read(tmp_path, text)
    assert found.values["y"].shape == (900, 700, 200_000_000)
    with pytest.raises(InputError, match="regions take 800000016 bytes of a PE's memory"):
        check_program(found, load_mesh("wse2"))


def test_one_message_for_what_is_neither_number_nor_text(tmp_path: Path) -> None:
    for pes, given in (("{x: a}", "must be like 3, 0..7 or 0..7/2"), ("{x: 2.5}", "given 2.5")):
        with pytest.raises(InputError) as caught:
            read(tmp_path, program(HALT, pes=pes))
        (line,) = str(caught.value).splitlines()
        assert "programs[0].pes.x: " in line
        assert given in line


def test_the_page_names_the_fields_of_each_operation() -> None:
    everywhere = re.compile(r"slot|format|then|then_action|.*_element|.*_turn")
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \| (.*?) ?\|", (ROOT / "docs" / "wavelet.md").read_text(), re.M
    )
    told = {row[0]: row[1:] for row in rows if row[0] in FIELDS}
    assert told.keys() == FIELDS.keys()
    for op, (needs, may) in told.items():
        needed, others = FIELDS[op]
        assert set(re.findall(r"`(\w+)`", needs)) == needed, op
        named = {name.split("`")[1] for name in re.findall(r"`\w+`(?::|,|$)", may)}
        named -= {"add", "max", "none"}
        assert named == {name for name in others - needed if not everywhere.fullmatch(name)}, op
