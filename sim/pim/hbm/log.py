"""The command log of an HBM-PIM run, as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from arch.pim.hbm import HbmPim
from sim.dram.commands_file import check_suffix
from sim.pim.hbm.tables import MORE, build
from sim.report.writing import open_whole
from traces.pim.hbm_isa import disassemble

Records = npt.NDArray[np.void]
LEFT_OUT = ("JUMP", "ZERO_GRF_A", "ZERO_GRF_B")
"""What is no command of the bus and no change of mode."""
SCHEMA = pa.schema(
    [
        ("cycle", pa.int64()), ("cmd", pa.string()), ("channel", pa.int64()),
        ("rank", pa.int64()), ("bg", pa.int64()), ("bank", pa.int64()), ("row", pa.int64()),
        ("col", pa.int64()), ("detail", pa.string()),
    ]
)  # fmt: skip


@contextmanager
def commands_file(path: Path, pim: HbmPim, tags: list[str]) -> Iterator[Callable[[Records], None]]:
    """Takes chunks of a log (``sim.pim.hbm.state.LOG``); the file is there once all are.

    Columns: cycle, cmd, channel, rank, bg, bank, row and col, empty where a command has none, and
    detail: the instruction that it triggers with its entry, else the tag of its transaction.
    Raises InputError.
    """
    check_suffix(path)
    names = np.array(build(pim).names)
    group_banks = pim.device().sizes[-1]
    codes = {code: name for name, code in pim.command_set().opcodes.items()}
    texts: dict[tuple[int, int], str] = {}

    def detail(pc: int, word: int, tag: int) -> str:
        if pc < 0:
            return tags[tag] if tag >= 0 else ""
        if (pc, word) not in texts:
            texts[pc, word] = f"[{pc}] {disassemble(word, codes)}"
        return texts[pc, word]

    with open_whole(path) as file:
        writer: Any
        if path.suffix == ".csv":
            options = pyarrow.csv.WriteOptions(quoting_style="needed")
            writer = pyarrow.csv.CSVWriter(file, SCHEMA, write_options=options)
        else:
            writer = pyarrow.parquet.ParquetWriter(file, SCHEMA, compression="zstd")

        def write(log: Records) -> None:
            kept = log[~np.isin(names[log["command"]], LEFT_OUT)]
            bank, modes = kept["bank"], np.isin(names[kept["command"]], MORE)
            columns = {
                "cycle": kept["cycle"],
                "cmd": names[kept["command"]],
                "channel": kept["channel"],
                "rank": kept["rank"],
                "bg": _where(bank // group_banks, bank >= 0),
                "bank": _where(bank % group_banks, bank >= 0),
                "row": _where(kept["row"], kept["row"] >= 0),
                "col": _where(kept["column"], (kept["column"] >= 0) & ~modes),
                "detail": [
                    detail(int(one["pc"]), int(one["word"]), int(one["tag"])) for one in kept
                ],
            }
            writer.write_table(pa.table(columns, schema=SCHEMA))

        try:
            yield write
        finally:
            writer.close()


def _where(values: npt.NDArray[np.int64], given: npt.NDArray[np.bool_]) -> Any:
    return pa.array(values, pa.int64(), mask=~given)
