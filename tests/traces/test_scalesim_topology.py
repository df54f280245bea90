"""SCALE-Sim topologies: every way of writing them that means something, and what does not."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from traces.operators import Conv2d, Gemm
from traces.workload import load

CONV = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,"
HEADER = f"{CONV} Strides,\n"
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "scalesim"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference data of ../shared are not there"
)


def read(tmp_path, text, name="net.csv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path, **options)


def sizes(operator):
    if isinstance(operator, Gemm):
        return (operator.m, operator.n, operator.k)
    return (
        operator.in_h,
        operator.in_w,
        operator.filt_h,
        operator.filt_w,
        operator.channels,
        operator.filters,
        operator.stride_h,
        operator.stride_w,
    )


CONV_1 = (10, 12, 3, 2, 4, 8, 2, 2)


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "c, 10, 12, 3, 2, 4, 8, 2,\n",
        HEADER.replace(", ", ",") + "c,10,12,3,2,4,8,2,\n",
        HEADER + "c,10,12,3,2,4,8,2",
        HEADER.rstrip(",\n") + "\nc,10,12,3,2,4,8,2\n",
        HEADER + "\n\n,,,,,,,,\nc,10,12,3,2,4,8,2,   \n\n",
        (HEADER + "c,10,12,3,2,4,8,2,\n").replace("\n", "\r\n"),
        "\ufeff" + HEADER + "c,10,12,3,2,4,8,2,\n",
        (HEADER + "c,10,12,3,2,4,8,2,\n").replace(",", "\t"),
        (HEADER + "c,10,12,3,2,4,8,2,\n").replace(",", ";"),
        HEADER.replace(", ", ",\u00a0 ") + "c,10,12,3,2,4,8,2,\n",
        HEADER.replace("Height", "height").replace("Num Filter", "num filters")
        + "c,10,12,3,2,4,8,2",
        HEADER + "c, 10 ,\t12,+3,2, 4,8,2,#dw\n",
        HEADER + "# a comment, 1, 2\nc,10,12,3,2,4,8,2,\n",
        "c,10,12,3,2,4,8,2\n",
        HEADER.replace("IFMAP Height", "IFMAP Width") + "c,10,12,3,2,4,8,2,\n",
        f"{CONV} Strides,,,Eh,Ew,e2\n,,,,,,,,,,,,\nc,10,12,3,2,4,8,2,,,5,6,30\n",
        f"{CONV} Stride height, Stride width,\nc,10,12,3,2,4,8,2,2,\n",
        "Layer, Num Filter, Channels, Strides, IFMAP Width, IFMAP Height, Filter Width,"
        " Filter Height\nc,8,4,2,12,10,2,3\n",
        f"{CONV} Strides, Batch Size,\nc,10,12,3,2,4,8,2,\n",
        HEADER + '"c",10,12,3,2,4,8,2,\n',
    ],
)
def test_the_same_convolution_in_every_writing(tmp_path, text):
    (operator,) = read(tmp_path, text).workload.operators
    assert isinstance(operator, Conv2d)
    assert (operator.name, sizes(operator)) == ("c", CONV_1)
    assert (operator.batch, operator.groups, operator.pad_bottom, operator.pad_right) == (
        1,
        1,
        0,
        0,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Layer,M,N,K,\ng,5,6,7,\n",
        "Layer Name, M, N, K,\ng, 5, 6, 7",
        "L,M,N,K\r\ng,5,6,7\r\n",
        "Layer, K, M, N\ng,7,5,6\n",
        "g,5,6,7\n",
        "Layer,M,N,K,Sparsity,\ng,5,6,7,2:2,\n",
        "Layer,M,N,K,\ng,5,6,7,1:1,\n",
        "\ufeffg,5,6,7\n",
    ],
)
def test_the_same_product_in_every_writing(tmp_path, text):
    (operator,) = read(tmp_path, text).workload.operators
    assert isinstance(operator, Gemm)
    assert (operator.name, sizes(operator), operator.batch) == ("g", (5, 6, 7), 1)
    assert operator.second_operand == "weights"


def test_two_strides(tmp_path):
    for text in (
        f"{CONV} Stride height, Stride width\nc,10,12,3,2,4,8,2,3\n",
        HEADER + "c,10,12,3,2,4,8,2,3,\n",
    ):
        (operator,) = read(tmp_path, text).workload.operators
        assert (operator.stride_h, operator.stride_w) == (2, 3)
    notes = read(tmp_path, HEADER + "c,10,12,3,2,4,8,2,3,\n").notes
    assert notes == (
        "net.csv: line 2: the value after the last column is read as the stride of the width",
    )


def test_batch_column_and_option(tmp_path):
    text = f"{CONV} Strides, Batch Size,\nc,10,12,3,2,4,8,2,5,\n"
    assert read(tmp_path, text).workload.operators[0].batch == 5
    assert read(tmp_path, text, batch=3).workload.operators[0].batch == 15
    gemm = read(tmp_path, "L,M,N,K\ng,5,6,7\n", batch=3).workload.operators[0]
    assert (gemm.m, gemm.n, gemm.k, gemm.batch) == (15, 6, 7, 1)


def test_layers_run_one_after_another_and_have_names_of_their_own(tmp_path):
    text = "L,M,N,K\na,1,1,1\na,2,2,2\n,3,3,3\na,4,4,4\n"
    found = read(tmp_path, text).workload.operators
    assert [each.name for each in found] == ["a", "a#2", "layer4", "a#3"]
    assert [each.inputs for each in found] == [(), ("a",), ("a#2",), ("layer4",)]


def test_titles_name_what_follows(tmp_path):
    text = HEADER + "\nOne net,\na,3,3,1,1,1,1,1,\nb,3,3,1,1,1,1,1,\n\nOther,\na,3,3,1,1,1,1,1,\n"
    workload, notes = read(tmp_path, text)
    assert [each.name for each in workload.operators] == ["One net/a", "One net/b", "Other/a"]
    assert [each.inputs for each in workload.operators] == [(), ("One net/a",), ()]
    assert "net.csv: line 3: 'One net' is read as the title of what follows" in notes


def test_a_second_header_begins_another_kind(tmp_path):
    text = HEADER + "c,10,12,3,2,4,8,2,\nLayer,M,N,K,\ng,5,6,7,\n"
    conv, gemm = read(tmp_path, text).workload.operators
    assert (sizes(conv), sizes(gemm)) == (CONV_1, (5, 6, 7))


def test_depthwise_mark(tmp_path):
    workload, notes = read(tmp_path, HEADER + "DP_1,10,10,3,3,6,2,1,\n")
    (operator,) = workload.operators
    # SCALE-Sim runs the row once a channel, each with the filters as given.
    assert (operator.groups, operator.channels, operator.filters) == (6, 6, 12)
    assert operator.macs == 6 * (8 * 8 * 9 * 2)
    assert notes == ("net.csv: DP_1: 'DP' marks a depthwise convolution",)


def test_comment_that_says_depthwise(tmp_path):
    notes = read(tmp_path, HEADER + "c,10,10,3,3,1,1,1,#dw\n").notes
    assert notes == (
        "net.csv: c: marked as depthwise, but stated with one channel; read as stated",
    )
    assert read(tmp_path, HEADER + "c,10,10,3,3,2,1,1,#dw\n").notes == ()


def test_sparsity_is_read_as_dense_and_said(tmp_path):
    text = f"{CONV} Strides, Sparsity,\na,5,5,3,3,2,6,1,2:4,\nb,5,5,3,3,2,6,1,4:4,\n"
    workload, notes = read(tmp_path, text)
    assert [each.macs for each in workload.operators] == [9 * 6 * 18] * 2
    assert len(notes) == 1
    assert "a: sparsity 2:4 is read as dense" in notes[0]


def test_template(tmp_path):
    text = HEADER + "gate,1,B,1,1,H,H,1,\npoint,1,B,1,B,H,1,1,\n"
    with pytest.raises(InputError, match=r"line 2: gate: IFMAP Width is 'B'; .*FILE\.csv:B=1"):
        read(tmp_path, text)
    path = tmp_path / "net.csv"
    gate, point = load(f"{path}:B=16,H=32").workload.operators
    assert sizes(gate) == (1, 16, 1, 1, 32, 32, 1, 1)
    assert sizes(point) == (1, 16, 1, 16, 32, 1, 1, 1)
    path.write_text("L,M,N,K\ng,B,H,B\n")
    assert sizes(load(f"{path}:B=16,H=32").workload.operators[0]) == (16, 32, 16)
    path.write_text(text)
    with pytest.raises(InputError, match="Channels is 'H'"):
        load(f"{path}:B=16")
    with pytest.raises(InputError, match="no cell of the file is D"):
        load(f"{path}:B=16,H=32,D=4")
    with pytest.raises(InputError, match=r"line 2: gate: IFMAP Width must be 1 to 2\^40"):
        load(f"{path}:B=0,H=32")


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)
)
def test_output_sizes(tmp_path_factory, height, width, filt_h, filt_w, stride):
    filt_h, filt_w = min(filt_h, height), min(filt_w, width)
    tmp_path = tmp_path_factory.mktemp("csv")
    text = HEADER + f"c,{height},{width},{filt_h},{filt_w},1,1,{stride},\n"
    (down,) = read(tmp_path, text).workload.operators
    (up,) = read(tmp_path, text, ceil_output=True).workload.operators
    rows = [first for first in range(0, height, stride) if first + filt_h <= height]
    cols = [first for first in range(0, width, stride) if first + filt_w <= width]
    assert (down.out_h, down.out_w) == (len(rows), len(cols))
    # SCALE-Sim: one more where the last window would hang over the edge.
    assert up.out_h == len(rows) + (rows[-1] + filt_h != height)
    assert up.out_w == len(cols) + (cols[-1] + filt_w != width)
    assert (up.pad_top, up.pad_left) == (0, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADER, "net.csv: holds no layer"),
        (HEADER + "One net,\n", "holds no layer"),
        ("words\nmore words\n", "holds no layer"),
        ("a,b,c\n1,2,3\n", "line 1: names no known column"),
        (HEADER.replace("Channels, ", "") + "c,1,1,1,1,1,1,1,\n", "line 1: has no column Channels"),
        ("L,M,N\ng,1,2\n", "line 1: has no column K"),
        ("L,M,N,K,N\ng,1,2,3,4\n", "line 1: names the column N twice"),
        (HEADER + "c,10,12,3,2,4,8,\n", "line 2: c: has no value for Strides"),
        (HEADER + "c,10,12\n", "has no value for Filter Height, Filter Width, Channels"),
        (HEADER + "c,10,12,3,,4,8,2,\n", "line 2: c: has no value for Filter Width"),
        (HEADER + "c,10,12,3,,4 5,8,2,\n", "line 2: c: has no value for Filter Width"),
        (HEADER + "c,10,12,3,2,4 5,8,2,\n", "line 2: c: Channels is '4 5'; a whole number"),
        (HEADER + "c,10,12,3,2.5,4,8,2,\n", r"line 2: c: Filter Width is '2\.5'"),
        (HEADER + "c,10,12,3,2,4,8,2x2,\n", "line 2: c: Strides is '2x2'"),
        (HEADER + "c,10,12,3,2,4,8,1_0,\n", "line 2: c: Strides is '1_0'"),
        (HEADER + "c,10,12,3,2,-4,8,2,\n", r"line 2: c: Channels must be 1 to 2\^40, not -4"),
        (HEADER + "\n\nc,10,12,3,2,4,8,0,\n", r"line 4: c: Strides must be 1 to 2\^40, not 0"),
        (HEADER + "c,10,12,11,2,4,8,1,\n", "line 2: c: .*filter of 11 x 2 .* is larger"),
        (HEADER + "c,10,12,11,2,4,8,2,\n", "line 2: c: .*filter of 11 x 2 .* is larger"),
        (HEADER + "c,10,12,3,2,4,8,2,9,9,\n", "more values than columns; 9, 9 cannot be placed"),
        (HEADER + "c,10,12,3,2,4,8,2,x,\n", "more values than columns; x cannot be placed"),
        ("L,M,N,K\ng,1,2,3,4\n", "more values than columns; 4 cannot be placed"),
        ("g,1,2\n", "line 1: has 2 values and there is no header"),
        ("c,1,2,3,4,5,6\n", "line 1: has 6 values and there is no header"),
        (f"{CONV} Strides, Sparsity\nc,5,5,3,3,2,6,1,5:4\n", "c: Sparsity must be N:M"),
        (f"{CONV} Strides, Sparsity\nc,5,5,3,3,2,6,1,half\n", "c: Sparsity must be N:M"),
        (f"L,M,N,K\ng,{2**40 + 1},2,3\n", r"line 2: g: M must be 1 to 2\^40, not 1099511627777"),
        (f"L,M,N,K\ng,{'9' * 5000},2,3\n", r"M must be 1 to 2\^40, not 9{40}$"),
        (f"L,M,N,K\ng,{2**30},{2**30},1\n", r"line 2: g: .*more than 2\^58"),
        (HEADER + f"c,{2**20},{2**20},1,1,{2**20},1,1,\n", r"line 2: c: .*more than 2\^58"),
        (HEADER + 'a "b,1,1,1,1,1,1,1\n"c,1\n', "line 3: not CSV"),
        (b"L,M,N,K\ng,1,2,\xff\n", "line 2: is not text in UTF-8"),
        (b"\x7fELF\0\0\1\0", "line 1: holds a zero byte"),
        (b"\x89PNG\r\n\x1a\n", "line 1: is not text in UTF-8"),
    ],
)
def test_what_cannot_be_read(tmp_path, text, reason):
    for ceil_output in (False, True):
        with pytest.raises(InputError, match=f"(?s)net.csv: .*{reason}|{reason}"):
            read(tmp_path, text, ceil_output=ceil_output)


def test_batch_that_overflows(tmp_path):
    with pytest.raises(InputError, match=r"net: batch 2: .*more than 2\^58"):
        read(tmp_path, "L,M,N,K\ng,1048576,1048576,262144\n", batch=2)


cells = st.one_of(
    st.integers(-3, 40).map(str),
    st.sampled_from(["", " ", "B", "2:4", "#", "x y", '"', "0", "1e3", "\u0661", "9" * 30, "\t"]),
    st.text(max_size=4),
)
rows = st.lists(cells, max_size=11).map(",".join)
headers = st.sampled_from(
    [HEADER, "L,M,N,K,\n", f"{CONV} Strides, Sparsity, Batch Size\n", "", "Layer,\n", "\ufeff"]
)


@given(headers, st.lists(rows, max_size=5), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_any_table_loads_or_is_refused(tmp_path_factory, header, lines, newline, ceil_output):
    text = header + newline.join(lines)
    folder = tmp_path_factory.mktemp("csv")
    said = "net.csv"
    try:
        found = read(folder, text.encode("utf-8", "replace"), ceil_output=ceil_output)
        assert all(each.macs >= 1 for each in found.workload.operators)
    except InputError as error:
        said = str(error)
    assert "net.csv" in said


@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(tmp_path_factory, data):
    said = "net.csv"
    try:
        read(tmp_path_factory.mktemp("csv"), data)
    except InputError as error:
        said = str(error)
    assert "net.csv" in said


@needs_reference
def test_products_are_those_of_the_reference_simulator():
    with (REFERENCE / "golden_compute.csv").open() as stream:
        golden = {
            (row["workload"], row["layer"]): tuple(int(row[name]) for name in "MNK")
            for row in csv.DictReader(stream)
        }
    read_layers = {
        (name, each.name): (each.m, each.n, each.k)
        for path in (REFERENCE / "topologies").glob("*.csv")
        for name in (path.stem, path.stem.removesuffix("_gemm"))
        for each in load(path, ceil_output=True).workload.operators
    }
    assert len(golden) > 100
    assert {name: read_layers.get(name) for name in golden} == golden
