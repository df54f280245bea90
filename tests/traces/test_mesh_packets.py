"""Packet traces in and out."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from traces.mesh import PACKET_TRACE, read_packets, write_packets
from traces.mesh.packets import CYCLE_MAX, FLITS_MAX


def read(tmp_path: Path, text: str) -> list[tuple[int, int, int, int]]:
    path = tmp_path / "p.csv"
    path.write_text(text)
    found: list[tuple[int, int, int, int]] = read_packets(path, 16, 4).tolist()
    return found


def test_columns_by_name(tmp_path: Path) -> None:
    assert read(tmp_path, "created,src,dst\n3,1,2\n0,15,15\n") == [(3, 1, 2, 4), (0, 15, 15, 4)]
    assert read(tmp_path, "dst,flits,src,created\n2,9,1,3\n") == [(3, 1, 2, 9)]


def test_results_are_not_read(tmp_path: Path) -> None:
    text = "created,injected,arrived,src,dst,measured\n3,4,99,1,2,0\n"
    assert read(tmp_path, text) == [(3, 1, 2, 4)]


def test_blank_lines_and_ends_of_lines(tmp_path: Path) -> None:
    assert read(tmp_path, "created,src,dst\r\n3,1,2\r\n\r\n4,1,2") == [(3, 1, 2, 4), (4, 1, 2, 4)]


def test_no_packets(tmp_path: Path) -> None:
    assert read(tmp_path, "created,src,dst\n") == []


def test_compressed(tmp_path: Path) -> None:
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(b"created,src,dst\n3,1,2\n"))
    assert read_packets(path, 16, 1).tolist() == [(3, 1, 2, 1)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, CYCLE_MAX), st.integers(0, 15), st.integers(0, 15),
            st.integers(1, FLITS_MAX),
        )
    )
)  # fmt: skip
def test_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, packets: list[tuple[int, int, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("p") / "p.csv"
    trace = np.array(packets, PACKET_TRACE)
    write_packets(trace, path)
    assert np.array_equal(read_packets(path, 16, 1), trace)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("created,src\n1,2\n", ":1: must name the columns created,src,dst"),
        ("1,2,3\n", ":1: must name the columns created,src,dst"),
        ("created,src,dst,src\n1,2,3,4\n", ":1: must name the columns created,src,dst"),
        ("created,src,dst\n1,2,3\n1,16,3\n", ":3: src: given '16'; must be a node, 0 to 15"),
        ("created,src,dst\n1,2,3\n\n1,2,-1\n", ":4: dst: given '-1'; must be a node, 0 to 15"),
        ("created,src,dst\n-1,2,3\n", ":2: created: given '-1'; must be a whole number, 0 to"),
        ("created,src,dst\n1,0x2,3\n", ":2: src: given '0x2'; must be a node, 0 to 15"),
        ("created,src,dst\n1.5,2,3\n", ":2: created: given '1.5'; must be a whole number"),
        ("created,src,dst\n1,2\n", ":2: has 2 values; must have 3: created,src,dst"),
        ("created,src,dst\n1,,3\n", ":2: src: given ''; must be a node, 0 to 15"),
        ("created,src,dst,flits\n1,2,3,0\n", ":2: flits: given '0'; must be a whole number, 1 to"),
        (f"created,src,dst\n{2**64},2,3\n", ":2: created: given '18446744073709551616'"),
        (f"created,src,dst\n1,2,{'9' * 200000}\n", ":2: is no line of CSV: field larger than"),
        ("", "is empty"),
    ],
)
def test_what_is_no_packet(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert f"p.csv{message}" in str(caught.value) or message in str(caught.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_packets(tmp_path / "nowhere.csv", 16, 1)
