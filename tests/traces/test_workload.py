"""Names, options, files of our own, and what is said when they are wrong."""

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arch.errors import InputError
from traces import workload as workload_module
from traces.batch import scaled
from traces.operators import (
    Conv2d,
    Elementwise,
    Gemm,
    Move,
    Norm,
    Pool,
    Softmax,
    Workload,
)
from traces.workload import LIGHT_ONNX, load, names, save


def work(*operators, name="w", source="a test"):
    return Workload(name=name, source=source, operators=operators)


GEMM = Gemm(name="g", m=2, n=3, k=5)


# MobileNet V1, arXiv:1704.04861, table 1 as printed: kernel, stride, channels in, out, input size.
MOBILENET_TABLE = [
    ("conv", 2, 3, 32, 224),
    ("dw", 1, 32, 32, 112),
    ("pw", 1, 32, 64, 112),
    ("dw", 2, 64, 64, 112),
    ("pw", 1, 64, 128, 56),
    ("dw", 1, 128, 128, 56),
    ("pw", 1, 128, 128, 56),
    ("dw", 2, 128, 128, 56),
    ("pw", 1, 128, 256, 28),
    ("dw", 1, 256, 256, 28),
    ("pw", 1, 256, 256, 28),
    ("dw", 2, 256, 256, 28),
    ("pw", 1, 256, 512, 14),
    *[("dw", 1, 512, 512, 14), ("pw", 1, 512, 512, 14)] * 5,
    ("dw", 2, 512, 512, 14),
    ("pw", 1, 512, 1024, 7),
    ("dw", 1, 1024, 1024, 7),
    ("pw", 1, 1024, 1024, 7),
]


def test_mobilenet_is_the_table_of_the_paper():
    found = load("mobilenet_v1").workload
    layers = [each for each in found.operators if isinstance(each, Conv2d)]
    rows = []
    for each in layers:
        kind = "dw" if each.groups == each.channels else "pw" if each.filt_h == 1 else "conv"
        rows.append((kind, each.stride_h, each.channels, each.filters, each.in_h))
    assert rows == MOBILENET_TABLE
    sizes = [each.in_h for each in layers[1:]] + [7]
    assert [each.out_h for each in layers] == [each.out_w for each in layers] == sizes


def test_mobilenet_has_the_published_totals():
    found = load("mobilenet_v1").workload
    products = [each for each in found.operators if isinstance(each, Conv2d | Gemm)]
    weights = sum(
        each.k * (each.filters if isinstance(each, Conv2d) else each.n) for each in products
    )
    # Table 8: 569 million multiply-adds, 4.2 million parameters.
    assert sum(each.macs for each in products) == 568_740_352
    assert round(weights / 1e6, 1) == 4.2


def test_all_names_load():
    assert {"resnet50", "mobilenet_v1", "gpt2", "llama3_70b"} < set(names())
    assert set(LIGHT_ONNX) < set(names())
    for name in names():
        assert load(name).workload.operators


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("resnet5", "resnet50"), ("ResNet50", "resnet50"), ("gpt-2", "gpt2"), ("vgg16", "vgg19")],
)
def test_unknown_name_lists_near_matches(wrong, near):
    with pytest.raises(InputError, match=f"'{wrong}' is no workload; did you mean .*{near}"):
        load(wrong)


@pytest.mark.parametrize("text", ["x" * 5000, "x" * 5000 + ".csv", "a\0b", "a\0b.csv", ":", ""])
def test_what_cannot_be_a_file_name(text):
    with pytest.raises(InputError):
        load(text)


def test_name_unlike_any_lists_all():
    with pytest.raises(InputError, match=r"known are alexnet, .*zfnet512\."):
        load("qqqqqqqq")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gpt2:batch", "must be name=integer"),
        ("gpt2:batch=two", "must be name=integer"),
        ("gpt2:batch=-1", "must be name=integer"),
        ("gpt2:batch=1,batch=2", "batch is given twice"),
        ("gpt2:batch=0", "batch must be at least 1, not 0"),
        ("gpt2:", "must be name=integer"),
        ("mobilenet_v1:prefill=3", "takes the option batch only, not 'prefill'"),
        ("resnet50:sequence=3", "no symbolic dimension sequence"),
        ("gpt2:batch=" + "9" * 30, "must be name=integer"),
        ("gpt2:batch=" + "9" * 18, "less than or equal to"),
    ],
)
def test_wrong_options(text, reason):
    with pytest.raises(InputError, match=reason) as caught:
        load(text)
    assert text.split(":")[0] in str(caught.value)


def test_batch_given_twice():
    with pytest.raises(InputError, match="batch is given twice, as 2 and 3"):
        load("gpt2:batch=2", batch=3)
    assert load("gpt2:batch=2", batch=2) == load("gpt2", batch=2)


@pytest.mark.parametrize("suffix", ["txt", "onn", ""])
def test_file_of_another_kind(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    path.write_text("x")
    with pytest.raises(InputError, match=r"nor a file that ends in \.onnx, \.csv"):
        load(path)


@pytest.mark.parametrize("suffix", [".onnx", ".csv", ".yaml", ".json"])
def test_missing_empty_and_folder(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    with pytest.raises(InputError, match="there is no such file"):
        load(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        load(path)
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        load(folder)
    with pytest.raises(InputError, match="is a folder"):
        load(tmp_path)


def test_unreadable(tmp_path, monkeypatch):
    path = tmp_path / "net.csv"
    path.write_text("x")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"net\.csv: cannot be read: Permission denied"):
        load(path)


def test_onnx_missing_says_what_to_install(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        workload_module, "find_spec", lambda name: None if name == "onnx" else real(name)
    )
    for wanted in ("resnet50", "some/file.onnx"):
        with pytest.raises(InputError, match=r"pip install 'lockstep-sim\[onnx\]'"):
            load(wanted)
    assert load("gpt2").workload.operators


# Saving and reading back.

extents = st.integers(1, 9)
texts = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())


@st.composite
def operators(draw, name, before):
    common = {"name": name}
    common["inputs"] = tuple(draw(st.lists(st.sampled_from(before), unique=True)) if before else ())
    window = {
        "batch": draw(extents),
        "in_h": draw(st.integers(5, 20)),
        "in_w": draw(st.integers(5, 20)),
        "filt_h": draw(st.integers(1, 3)),
        "filt_w": draw(st.integers(1, 3)),
        "stride_h": draw(extents),
        "pad_left": draw(st.integers(0, 3)),
        "dilation_w": draw(st.integers(1, 2)),
    }
    kind = draw(st.sampled_from([Gemm, Conv2d, Pool, Elementwise, Softmax, Norm, Move]))
    if kind is Gemm:
        second = draw(st.sampled_from(["weights", "activations"]))
        sizes = {name: draw(extents) for name in ("m", "n", "k", "batch")}
        return Gemm(**common, **sizes, second_operand=second)
    if kind is Conv2d:
        groups = draw(extents)
        channels, filters = groups * draw(extents), groups * draw(extents)
        return Conv2d(**common, **window, channels=channels, filters=filters, groups=groups)
    if kind is Pool:
        op = draw(st.sampled_from(["max", "average"]))
        return Pool(**common, **window, channels=draw(extents), op=op)
    if kind is Elementwise:
        return Elementwise(**common, op="add", elements=draw(extents), operands=draw(extents))
    if kind is Softmax:
        return Softmax(**common, rows=draw(extents), cols=draw(extents))
    if kind is Norm:
        op = draw(st.sampled_from(["layer", "rms", "batch", "local_response"]))
        rows, cols, size = draw(extents), draw(extents), draw(extents)
        return Norm(**common, op=op, rows=rows, cols=cols, window=size)
    return Move(**common, elements=draw(extents))


@st.composite
def workloads(draw):
    titles = draw(st.lists(texts, min_size=1, max_size=6, unique=True))
    made = [draw(operators(title, titles[:index])) for index, title in enumerate(titles)]
    return Workload(name=draw(texts), source=draw(texts), operators=tuple(made))


@given(workloads(), st.sampled_from([".yaml", ".yml", ".json"]))
def test_saved_and_read_back_is_the_same(tmp_path_factory, workload, suffix):
    path = tmp_path_factory.mktemp("saved") / f"w{suffix}"
    save(workload, path)
    assert load(path).workload == workload
    first = path.read_bytes()
    save(workload, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["shufflenet", "mixtral_8x7b:decode=5", "mobilenet_v1"])
def test_real_workloads_survive_saving(tmp_path, name):
    workload = load(name).workload
    save(workload, tmp_path / "w.yaml")
    assert load(tmp_path / "w.yaml").workload == workload


def test_save_refuses_other_suffixes(tmp_path):
    with pytest.raises(InputError, match=r"saved as \.yaml or \.json, not '\.txt'"):
        save(work(GEMM), tmp_path / "w.txt")
    assert list(tmp_path.iterdir()) == []


def test_save_to_where_nothing_can_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save(work(GEMM), tmp_path / "missing" / "w.yaml")


def test_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "w.yaml"
    save(work(GEMM), path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="No space left on device"):
        save(work(GEMM, name="other"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


GOOD = """\
name: two
source: a test
operators:
- {kind: Gemm, name: a, m: 2, n: 3, k: 4}
- kind: Conv2d
  name: b
  inputs: [a]
  in_h: 5
  in_w: 5
  channels: 4
  filt_h: 3
  filt_w: 3
  filters: 8
"""


def test_hand_written_yaml(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text(GOOD)
    loaded = load(path)
    assert loaded.notes == ()
    assert [each.macs for each in loaded.workload.operators] == [24, 9 * 8 * 36]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("m: 2", "m: 0", 4, r"operators\[0\]\.m: .*greater than or equal to 1, not 0"),
        ("m: 2", "m: 2.5", 4, r"operators\[0\]\.m: .*integer, not 2\.5"),
        ("m: 2", "m: true", 4, r"operators\[0\]\.m: .*integer, not True"),
        ("in_h: 5", "in_h: five", 8, r"operators\[1\]\.in_h: .*integer, not 'five'"),
        ("in_h: 5", "in_height: 5", 5, r"operators\[1\]\.in_h: is missing"),
        ("filters: 8", "filters: 8\n  fliters: 9", 14, r"\.fliters: is not a known key"),
        ("kind: Gemm", "kind: Gem", 4, r"operators\[0\]: .*'Gem'"),
        ("filt_h: 3", "filt_h: 6", 5, r"operators\[1\]: b: a filter of 6 x 3 .* larger"),
        ("inputs: [a]", "inputs: [z]", 1, "reads 'z', which does not come before it"),
        ("name: b", "name: a", 1, "two operators are called 'a'|reads 'a'"),
        ("name: two", "name: ''", 1, "name: .*at least 1 character"),
        ("m: 2", "m: 1099511627776, batch: 1099511627776", 4, r"more than 2\^58"),
    ],
)
def test_wrong_yaml_names_line_and_place(tmp_path, old, new, line, reason):
    path = tmp_path / "w.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"w\.yaml: line {line}: .*{reason}"):
        load(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: [", "line 2: not YAML"),
        ("- 1\n- 2\n", "must be keys and values"),
        ("just words", "must be keys and values"),
        ("name: w\nsource: s\noperators: []\n", "line 3: operators: .*at least 1 item"),
        ("name: w\nsource: s\n", "operators: is missing"),
        ("\ttab: x", "line 1: not YAML"),
        ("name: \0", "zero byte"),
        ("a: &x [*x]", "Circular|cannot be parsed"),
    ],
)
def test_broken_yaml(tmp_path, text, reason):
    path = tmp_path / "w.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load(path)


def test_broken_json_names_the_line(tmp_path):
    path = tmp_path / "w.json"
    path.write_text('{"name": "w",\n "source": }')
    with pytest.raises(InputError, match=r"w\.json: line 2: not JSON"):
        load(path)
    data = {"name": "w", "source": "s", "operators": [{"kind": "Move", "name": "a"}]}
    path.write_text(json.dumps(data, indent=1))
    with pytest.raises(InputError, match=r"line 5: operators\[0\]\.elements: is missing"):
        load(path)


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_no_workload(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("random") / "w.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError):
        load(path)


# Batches.


@given(workloads(), st.integers(1, 5))
def test_copies_multiply_work_and_share_weights(workload, copies):
    after = scaled(workload, copies).operators
    for one, many in zip(workload.operators, after, strict=True):
        if isinstance(one, Gemm | Conv2d):
            assert many.macs == copies * one.macs
            assert (many.n, many.k) == (one.n, one.k)
        else:
            assert many.elements == copies * one.elements
        if isinstance(one, Norm | Softmax):
            assert many.cols == one.cols
        if isinstance(one, Gemm) and one.second_operand == "weights":
            assert many.batch == one.batch


def test_copies_that_overflow():
    big = work(Gemm(name="g", m=2**40, n=2**10, k=1))
    with pytest.raises(InputError, match=r"w: batch 1024: .*2\^58|less than or equal"):
        scaled(big, 1024)


def test_batch_of_a_saved_workload(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text(GOOD)
    found = load(f"{path}:batch=3").workload.operators
    assert (found[0].m, found[1].batch) == (6, 3)
    assert found == load(path, batch=3).workload.operators
