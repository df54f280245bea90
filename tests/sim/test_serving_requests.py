"""Requests from files and from distributions."""

from itertools import islice
from pathlib import Path
from statistics import fmean, median

import pytest

from arch.errors import InputError
from sim.serving.requests import DATA_SETS, LogNormal, Request, drawn, read_lengths, requests_of


@pytest.mark.parametrize(("name", "inputs", "outputs"), [("sharegpt", 80, 296), ("alpaca", 12, 56)])
def test_drawn_lengths_have_the_means_of_the_paper(name: str, inputs: int, outputs: int) -> None:
    found = list(drawn(name, 1, 2**20, 20_000))
    # Four standard errors: the deviation over the mean, over the root of 20,000.
    lengths = DATA_SETS[name]
    for values, mean, deviation in (
        ([each.input_tokens for each in found], inputs, lengths.inputs.deviation),
        ([each.output_tokens for each in found], outputs, lengths.outputs.deviation),
    ):
        assert abs(fmean(values) / mean - 1) < 4 * deviation / 20_000**0.5 + 0.5 / mean


def test_half_of_the_drawn_lengths_are_below_the_median() -> None:
    values = [each.output_tokens for each in drawn("alpaca", 3, 2**20, 20_000)]
    assert median(values) == pytest.approx(LogNormal(56, 0.985).median, rel=0.05)


def test_a_request_depends_on_its_seed_and_number_alone() -> None:
    long = list(islice(drawn("sharegpt", 7, 2048), 50))
    assert list(drawn("sharegpt", 7, 2048, 10)) == long[:10]
    assert list(drawn("sharegpt", 8, 2048, 10)) != long[:10]
    assert [each.number for each in long] == list(range(50))


def test_drawn_requests_have_room_in_the_positions() -> None:
    found = list(drawn("sharegpt", 1, 64, 500))
    assert all(each.input_tokens >= 1 and each.output_tokens >= 1 for each in found)
    assert max(each.final_tokens for each in found) == 64


def test_a_file_of_lengths(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    path.write_text("x,output_tokens, input_tokens\na,3,0\n\nb,5,12\n")
    assert read_lengths(path) == [Request(0, 0, 3), Request(1, 12, 5)]
    assert list(requests_of(str(path), 1, 2048, 1)) == [Request(0, 0, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input_tokens\n1\n", "line 1: must have the column output_tokens once"),
        (
            "input_tokens,output_tokens\n1,0\n",
            "line 2: output_tokens: must be a whole number from 1",
        ),
        ("input_tokens,output_tokens\n4\n", "line 2: output_tokens: must be"),
        ("input_tokens,output_tokens\n-4,1\n", "line 2: input_tokens: must be"),
        ("input_tokens,output_tokens\n", "holds no request"),
        (f"input_tokens,output_tokens\n{'9' * 5000},1\n", "line 2: input_tokens: must be a whole"),
        (f"input_tokens,output_tokens\n1,1\n{'9' * 200000},1\n", "line 3: is no line of CSV: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "lengths.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_lengths(path)


def test_an_unknown_data_set_is_refused() -> None:
    with pytest.raises(InputError, match="must be a file or one of sharegpt, alpaca"):
        requests_of("sharegtp", 1, 2048)
