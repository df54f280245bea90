"""Cases that PIMSimulator has run, and runs of ours told in its words.

Its licence does not say that what it prints may be passed on: tests/golden/pim_hbm_cases.parquet
has our inputs, and of its logs the number of events, the cycles and a digest. ../shared has nine of
the logs.
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from arch.pim.hbm import HbmPim, load_hbm_pim
from sim.pim.hbm.run import HbmRun, run_trace
from sim.pim.hbm.state import LOG
from traces.mapping.hbm_pim import kernel_lines
from traces.pim.hbm_isa import disassemble
from traces.pim.hbm_pim import hbm_in

GOLDEN = Path(__file__).parents[1] / "golden"
SHARED = Path(__file__).parents[3] / "shared" / "reference" / "dram" / "hbm_pim"
COLUMNS = ["channel", "cycle", "event", "bg", "bank", "row", "col", "tag", "detail"]
Records = npt.NDArray[np.void]
ROWS_OF_REGISTERS = 1 << 12
WORDS = {"ACT": "ACTIVATE", "PRE": "PRECHARGE", "RD": "READ", "WR": "WRITE"}
BY_BLOCKS = ("RD8", "WR8", "JUMP", "ZERO_GRF_A", "ZERO_GRF_B", "HAB_PIM")
"""What its PIM blocks log, whose clock is one cycle ahead of the rest."""


@cache
def cases() -> pd.DataFrame:
    """Kernel, shape, channels, total, number of events and their digest by case; ``text`` of those
    made from seeds."""
    return pd.read_parquet(GOLDEN / "pim_hbm_cases.parquet").set_index("case")


def digest(events: pd.DataFrame) -> str:
    """SHA-256 of events as CSV."""
    return hashlib.sha256(events.to_csv(index=False, lineterminator="\n").encode()).hexdigest()


def shared_log(case: str) -> pd.DataFrame:
    """Events of channel 0 of a case in ../shared, as text; it has no ranks of refreshes, and not
    the lines of its PIM blocks on the way back to SB."""
    (path,) = SHARED.glob(f"{case}.csv*")
    return pd.read_csv(path, keep_default_na=False, dtype=str)


def as_shared(events: pd.DataFrame) -> pd.DataFrame:
    """Events of ours in the same form."""
    kept = events[~events.event.str.endswith(" mode")].drop(columns="channel")
    text = kept.astype(str).replace("-1", "")
    text.loc[text.event == "REF", "detail"] = ""
    return text.reset_index(drop=True)


def trace_of(case: str) -> str:
    """The trace: kept, or made anew by our own generator."""
    one = cases().loc[case]
    if one.text:
        return str(one.text)
    pim = load_hbm_pim("hbm_pim_as_simulated", [f"channels={one.channels}"])
    lines = kernel_lines(pim, one.kernel, int(one.outputs), int(one.inputs), int(one.batch))
    return "\n".join(lines) + "\n"


def run(
    text: str,
    pim: str | HbmPim,
    *changes: str,
    every: bool = False,
    block_bytes: int = 1 << 20,
) -> tuple[HbmRun, Records, list[str]]:
    """A run of a trace, its log, and the tags that it names."""
    loaded = load_hbm_pim(pim, changes) if isinstance(pim, str) else pim
    trace = hbm_in(text.encode(), loaded, block_bytes=block_bytes)
    chunks: list[Records] = []
    done = run_trace(loaded, trace, every=every, log=lambda chunk: chunks.append(chunk.copy()))
    return done, np.concatenate([np.zeros(0, LOG), *chunks]), trace.tags


def told(done: HbmRun, log: Records, tags: list[str]) -> pd.DataFrame:
    """A log in the words of PIMSimulator, channel by channel."""
    rows = []
    for channel in sorted(set(log["channel"].tolist())):
        rows += _channel(done, log[log["channel"] == channel], tags)
    return pd.DataFrame(rows, columns=COLUMNS)


def _channel(done: HbmRun, log: Records, tags: list[str]) -> list[tuple[object, ...]]:
    names = [done.tables.names[code] for code in log["command"]]
    codes = {code: name for name, code in done.pim.command_set().opcodes.items()}
    shown_row = [0] * 16
    found = []
    for i, (name, one) in enumerate(zip(names, log, strict=True)):
        bank, row, column = int(one["bank"]), int(one["row"]), int(one["column"])
        tag = tags[one["tag"]] if one["tag"] >= 0 else ""
        tag += "BAR" if one["barrier"] else ""
        by_blocks = name in BY_BLOCKS or (one["mode"] > 0 and name in ("RD", "WR"))
        cycle = int(one["cycle"]) + by_blocks
        place = (bank // 4, bank)
        detail = f"bg{bank // 4} b{bank} r{row} c{column}"
        event: tuple[object, ...]
        if name.startswith("ACT"):
            if not row & ROWS_OF_REGISTERS:
                # It tells at a precharge what row of cells was opened last, registers or not.
                for other in range(16):
                    if other == bank or (one["mode"] and other % 2 == bank):
                        shown_row[other] = row
            event = ("ACTIVATE", *place, row, column, tag, detail)
        elif name.startswith("PRE"):
            detail = f"bg{bank // 4} b{bank} r{shown_row[bank]}"
            event = ("PRECHARGE", *place, shown_row[bank], -1, "", detail)
        elif name == "REFab":
            event = ("REF", -1, -1, -1, -1, "", f"ra{one['rank']}")
        elif name in ("HAB", "SB"):
            # Its PIM block logs the way back from HAB_PIM, its rank the way from SB.
            entered = name == "HAB" and one["tag"] >= 0 and tags[one["tag"]] == "END_SB_TO_HAB_"
            back = name == "HAB" and not entered
            cycle += back
            event = (f"{name} mode" if back or name == "SB" else name, -1, -1, -1, -1,
                     tag if entered else "", "")  # fmt: skip
        elif name == "HAB_PIM":
            event = (name, -1, -1, -1, -1, "", "")
        elif name.startswith("ZERO"):
            event = (f"{name[5:]}_ZEROIZE", -1, -1, -1, -1, "", "")
        else:
            moved = next(each for each in names[i:] if each != "JUMP")[:2]
            kind = WORDS[moved]
            register = _register(row, column) if one["mode"] > 0 and moved == "WR" else None
            if register is not None:
                if register[0] == "control":
                    continue
                event = (f"BWRITE_{register[0]}", -1, -1, -1, -1, "", register[1])
            elif one["mode"] == 0 and moved == "RD" and _register(row, column):
                grf, which = _register(row, column) or ("", "")
                if not grf.startswith("GRF"):
                    event = (kind, *place, row, column, "", detail)
                else:
                    event = (f"READ_{grf}", -1, -1, -1, -1, "", f"pb{bank // 2} {which}")
            else:
                if one["pc"] >= 0:
                    text = disassemble(int(one["word"]), codes)
                    detail += f"|| [{one['pc']}] {text}"
                elif one["mode"] > 0 and not row & ROWS_OF_REGISTERS:
                    kind = "BANK_TO_PIM" if kind == "READ" else "PIM_TO_BANK"
                event = (kind, *place, row, column, "", detail)
        found.append((int(one["channel"]), cycle, *event))
    return found


def _register(row: int, column: int) -> tuple[str, str] | None:
    if row != 0x3FFF:
        return None
    if column == 0:
        return "control", ""
    if column == 1:
        return "SRF", ""
    for name, first, size in (("CRF", 4, 4), ("GRF_A", 8, 8), ("GRF_B", 24, 8)):
        if first <= column < first + size:
            return name, f"{'idx' if name == 'CRF' else 'reg'}{column - first}"
    return None
