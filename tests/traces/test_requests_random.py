"""Any trace, right or mutated, is read as a plain parser reads it."""

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import fuzz_requests
import request_oracle
from hypothesis import given
from hypothesis import strategies as st
from request_examples import COMPRESSIONS, listed

from arch.errors import InputError
from traces.requests.open import requests_in

ROOT = Path(__file__).parents[2]
FILES = 20_000

BLANK = st.sampled_from([" ", " ", " ", "  ", "\t", " \t "])
END = st.sampled_from(["\n", "\n", "\n", "\r\n", " \n", "\n\n", "\n# LD 0x1\n", "\n \t# x\r\n"])
NUMBER = st.integers(0, 2**64 - 1) | st.integers(0, 300) | st.sampled_from([2**32, 2**64 - 1])
HEX_FORM = st.sampled_from(["{:x}", "{:X}", "{:016x}", "{:019X}"])


@st.composite
def load_stores(draw: Any) -> str:
    address = draw(NUMBER)
    prefix = draw(st.sampled_from(["0x", "0X"]))
    form = draw(st.sampled_from(["{}", "00{}"]) | HEX_FORM.map(lambda form: prefix + form))
    return f"{draw(st.sampled_from(['LD', 'ST']))}{draw(BLANK)}{form.format(address)}{draw(END)}"


def vectors(levels: int) -> Any:
    number = st.integers(0, 2**31 - 1) | st.integers(0, 9)
    place = st.lists(number, min_size=levels, max_size=levels)
    return st.tuples(st.sampled_from("RW"), BLANK, place, END).map(
        lambda each: f"{each[0]}{each[1]}{','.join(map(str, each[2]))}{each[3]}"
    )


@st.composite
def dramsim3s(draw: Any) -> list[str]:
    lines, cycle = [], 0
    operation = st.sampled_from(sorted(each.decode() for each in request_oracle.WORDS))
    gap = st.integers(0, 3) | st.sampled_from([10**8, 10**16, 2**62])
    for address in draw(st.lists(NUMBER, min_size=1, max_size=30)):
        cycle = min(cycle + draw(gap), 2**63 - 1)
        form = draw(st.sampled_from(["", "0x", "0X"])) + draw(HEX_FORM)
        blank = draw(BLANK)
        lines.append(f"{form.format(address)}{blank}{draw(operation)}{blank}{cycle}{draw(END)}")
    return lines


TRACES = (
    st.lists(load_stores(), min_size=1, max_size=40)
    | st.integers(1, 8).flatmap(lambda n: st.lists(vectors(n), min_size=1, max_size=30))
    | dramsim3s()
)


@given(
    TRACES,
    st.sampled_from(sorted(COMPRESSIONS)),
    st.sampled_from([3, 50, 1 << 18]),
    st.sampled_from([0, 1 << 20]),
    st.integers(1, 50),
)
def test_any_valid_trace(
    lines: list[str], compression: str, block_bytes: int, by_line_below: int, chunk_requests: int
) -> None:
    data = "".join(lines).encode()
    dialect, expected, wrong = request_oracle.read(data)
    assert not wrong
    with requests_in(
        COMPRESSIONS[compression](data),
        block_bytes=block_bytes,
        by_line_below=by_line_below,
        chunk_requests=chunk_requests,
    ) as stream:
        assert stream.dialect == dialect
        found = [each for chunk in stream for each in listed(chunk, stream.levels)]
    assert found == expected


@given(st.binary(max_size=200), st.sampled_from([b"", b"PAR1", b"\x1f\x8b\x08", b"(\xb5/\xfd"]))
def test_any_bytes(data: bytes, head: bytes) -> None:
    try:
        requests = sum(map(len, requests_in(head + data)))
    except InputError as error:
        place = str(error).partition(": ")[0]
    else:
        place = "trace" if requests else "no requests and no error"
    assert place == "trace"


def test_mutated_traces() -> None:
    result = fuzz_requests.campaign(files=FILES, seed=2)
    assert result["failures"] == []
    assert result["files"] == result["read"] + result["refused"] == FILES
    assert min(result["read"], result["refused"]) > 200
    kinds = {key.partition(":")[0] for key in result["by_kind"]}
    assert len(kinds) == 4 * (1 + 2 + 2)


def test_the_fuzzer_finds_what_is_wrong(monkeypatch: Any) -> None:
    """A reader that raises something else, one that gives no place, one that reads wrong."""

    def raising(error: Exception) -> Any:
        def broken(*_: Any, **__: Any) -> Any:
            raise error

        return broken

    def deaf(data: bytes, *names: Any, **sizes: Any) -> Any:
        return requests_in(b"LD 0x1\n", *names, **sizes)

    for broken in (
        raising(ValueError("oops")),
        raising(InputError("mutated.trace: no")),
        raising(InputError("mutated.trace: line 999: no")),
        deaf,
    ):
        monkeypatch.setattr(fuzz_requests, "requests_in", broken)
        assert fuzz_requests.campaign(files=100, seed=3)["failure_count"] > 20


def test_the_command_records_what_it_found(tmp_path: Path) -> None:
    output = tmp_path / "found.json"
    options = {"--files": "60", "--seed": "4", "--first": "1000", "--output": str(output)}
    command = [sys.executable, "-m", "tests.traces.fuzz_requests", *chain(*options.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(output.read_text())
    assert (record["files"], record["first"], record["failure_count"]) == (60, 1000, 0)
    assert json.loads(done.stdout)["read"] == record["read"]
