"""Numbers of HBM-PIM: every bit of PIMSimulator's, and of a plain matrix product."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hbm_values import with_data

from arch.pim.hbm import load_hbm_pim
from sim.pim.hbm.values import Numbers, run_with_numbers
from traces.pim.hbm_pim import hbm_in

pytestmark = pytest.mark.compiled

GOLDEN = pd.read_parquet(Path(__file__).parents[1] / "golden" / "pim_hbm_values.parquet")
Halves = npt.NDArray[np.float16]


def run(
    kernel: str, outputs: int, inputs: int, channels: int, name: str
) -> tuple[int, Numbers, Halves]:
    pim = load_hbm_pim(name, [f"channels={channels}"])
    text, end = with_data(pim, kernel, outputs, inputs)
    done, numbers = run_with_numbers(pim, hbm_in(text.encode(), pim))
    lines = range(end + 1, text.count("\n") + 1)
    read = [numbers.read[line, channel, 0] for line in lines for channel in range(channels)]
    return done.cycles, numbers, np.array(read)


@pytest.mark.parametrize("case", range(len(GOLDEN)))
@pytest.mark.parametrize("name", ["hbm_pim", "hbm_pim_as_simulated"])
def test_every_bit_is_the_simulators(case: int, name: str) -> None:
    one = GOLDEN.iloc[case]
    cycles, _, mine = run(one.kernel, one.outputs, one.inputs, one.channels, name)
    halves = mine.view(np.uint16).astype("<u2")
    assert np.count_nonzero(halves) > halves.size / 3
    assert len(halves) == one["columns"]
    assert hashlib.sha256(halves.tobytes()).hexdigest() == one.sha256
    if name == "hbm_pim_as_simulated":
        assert cycles == one.total


def test_a_gemv_is_a_plain_product_in_that_order() -> None:
    """Products are added lane by lane, input column by input column: even tiles, then odd ones."""
    channels, tiles = 2, 4
    pim = load_hbm_pim("hbm_pim", [f"channels={channels}"])
    text, end = with_data(pim, "gemv", 128, tiles * 128)
    _, numbers = run_with_numbers(pim, hbm_in(text.encode(), pim))
    uploads = [
        np.frombuffer(bytes.fromhex(field[5:]), np.float16).reshape(8, 16)
        for line in text.splitlines()
        if line.startswith("W * 0 1 16383 8 ")
        for field in line.split()
        if field.startswith("data=")
    ]
    order = [0, 2, 1, 3]
    lines = text.splitlines()[end:]
    for channel in range(channels):
        for block in range(8):
            for output in range(8):
                sums = np.zeros(16, np.float16)
                for upload, tile in zip(uploads, order, strict=True):
                    for column in range(8):
                        place = 64 * (tile // 2) + 8 * column + output
                        weight = numbers.cells[
                            channel, 2 * block + tile % 2, place // 32, place % 32
                        ]
                        for lane in range(16):
                            product = np.float16(weight[lane] * upload[column][lane])
                            sums[lane] = np.float16(sums[lane] + product)
                # All results are read, eight columns of each odd bank.
                wanted = f"R * {block // 2} {1 + 2 * (block % 2)} "
                read = [end + 1 + i for i, line in enumerate(lines) if line.startswith(wanted)]
                found = numbers.read[read[output], channel, 0]
                np.testing.assert_array_equal(found.view(np.uint16), sums.view(np.uint16))
