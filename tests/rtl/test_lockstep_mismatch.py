"""What a person sees of a difference: text of 80 columns, and a waveform."""

from pathlib import Path

import pytest
from vcd.reader import TokenKind, tokenize
from wide_fifo_twin import FaultyFifo, FifoTwin

from arch.errors import InputError
from rtl.lockstep.mismatch import SHOWN_FIELDS, Mismatch, write_waveform
from rtl.lockstep.run import WAVEFORM_CYCLES, cosim
from rtl.wrapper import Field

FIELDS = (Field("a.b[0]", 4, True), Field("a.b[1]", 4, True), Field("c", 64, False))


def waves(path: Path) -> dict[str, list[tuple[int, int | str]]]:
    """Changes by full name; bits of which some are unknown stay text."""
    scopes: list[str] = []
    names: dict[str, str] = {}
    found: dict[str, list[tuple[int, int | str]]] = {}
    time = 0
    with path.open("rb") as file:
        for token in tokenize(file):
            if token.kind is TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.VAR:
                assert token.var.bit_index is None, "a field would be shown as a bit of another"
                names[token.var.id_code] = ".".join([*scopes, token.var.reference])
                found[names[token.var.id_code]] = []
            elif token.kind is TokenKind.CHANGE_TIME:
                time = token.time_change
            elif token.kind is TokenKind.CHANGE_VECTOR:
                change = token.vector_change
                found[names[change.id_code]].append((time, change.value))
            elif token.kind is TokenKind.CHANGE_SCALAR:
                scalar = token.scalar_change
                found[names[scalar.id_code]].append((time, scalar.value))
    return found


def test_waveform_has_every_field_twice_with_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "x.vcd"
    model = [[-1, 3, 2**64 - 1], [-1, 4, 0]]
    write_waveform(path, FIELDS, 100, model, [model[0], [-1, "01xz", 7]])
    found = waves(path)
    sides = {
        side: {f"{side}.{n}" for n in ("a.b_0", "a.b_1", "c")} for side in ("model", "hardware")
    }
    assert set(found) == sides["model"] | sides["hardware"]
    known = {
        name: [c for c in changes if c[1] not in ("x", "X")] for name, changes in found.items()
    }
    assert known["model.a.b_0"] == [(100, 15)]
    assert known["model.a.b_1"] == [(100, 3), (101, 4)]
    assert known["model.c"] == [(100, 2**64 - 1), (101, 0)]
    assert known["hardware.c"] == [(100, 2**64 - 1), (101, 7)]
    assert [str(value).lower() for _, value in known["hardware.a.b_1"]] == ["3", "01xz"]
    assert [file.name for file in tmp_path.iterdir()] == ["x.vcd"]


def test_waveform_begins_with_its_first_cycle(tmp_path: Path) -> None:
    path = tmp_path / "x.vcd"
    mismatch = cosim(FifoTwin(FaultyFifo), 1, 6000, waveform=path).mismatch
    assert mismatch is not None
    assert mismatch.waveform == path
    times = [int(line[1:]) for line in path.read_text().splitlines() if line.startswith("#")]
    assert times[0] == mismatch.cycle + 1 - WAVEFORM_CYCLES
    assert times[-1] == mismatch.cycle + 1
    found = waves(path)
    before = [change for change in found["model.second.c"] if change[0] < mismatch.cycle]
    assert before == [c for c in found["hardware.second.c"] if c[0] < mismatch.cycle]
    assert found["model.second.c"][-1] != found["hardware.second.c"][-1]


def test_waveform_that_cannot_be_written_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.vcd: cannot be written"):
        write_waveform(tmp_path / "none" / "x.vcd", FIELDS, 0, [[0, 0, 0]], [[0, 0, 1]])
    with pytest.raises(InputError, match="it is a folder"):
        write_waveform(tmp_path, FIELDS, 0, [[0, 0, 0]], [[0, 0, 1]])
    assert list(tmp_path.iterdir()) == []


def test_a_waveform_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_waveform(tmp_path / "x.vcd", FIELDS, 0, [[0, 0, 0]], [[0, 0]])
    assert list(tmp_path.iterdir()) == []


def test_text_is_readable_at_80_columns() -> None:
    long = Field("grid." + "very_" * 20 + "deep.word[63]", 64, False)
    differing = [(long, 2**64 - 1, "x" * 64), (Field("level", 2, False), 1, 2)]
    differing += [(Field(f"f[{i}]", 8, True), -1, i) for i in range(SHOWN_FIELDS)]
    command = "lockstep cosim m --cycles 43"
    text = str(Mismatch("fifo", 7, 42, tuple(differing), command, Path("x.vcd")))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "fifo: hardware and model differ in cycle 42 (seed 7)"
    assert lines[1].split() == ["signal", "model", "hardware"]
    assert lines[2].split()[1] == str(2**64 - 1), "a number is never cut"
    assert lines[2].split()[0].endswith("word[63]")
    assert lines[3].split() == ["level", "1", "2"]
    assert "  and 2 more" in lines
    assert f"    {command}" in lines
    assert lines[-1] == "  waveform: x.vcd"
