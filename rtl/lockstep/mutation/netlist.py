"""Mutants of the netlist: a bit of a cell's port stuck, inverted, or made to depend on another.

Yosys's ``mutate`` chooses them so that they spread over sources, wires and bits, and puts all of
an array into one netlist, behind a number that picks one.
"""

import re
import tempfile
from pathlib import Path

from rtl.lockstep.library import build
from rtl.lockstep.mutation.judge import Judge, Verdict
from rtl.verilog import CLEAN
from rtl.yosys import run_yosys

READ = "read_rtlil flat.il"
CELLS = "t:* t:$meminit_v2 %d a:src=*invariants.py* %d"
"""All but what a memory starts with, which must be a constant, and what only proofs need."""
NUMBER_BITS = 16
SOURCE = re.compile(r"-src \S*?(rtl/\S+)")
CELL = re.compile(r"-mode (\S+) .*-cell (\S+) -port (\S+) -portbit (\d+)(?: -ctrlbit (\d+))?")


def netlist_mutants(judge: Judge, count: int, seed: int) -> list[Verdict]:
    """Run ``count`` mutants of one array's netlist; those that live are sent to the prover.

    Raises SimulationError where the unchanged netlist already differs.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "flat.il").write_text(judge.flat)
        control = f"-ctrl mutant {NUMBER_BITS} 1"
        listing = f"mutate -list {count} -seed {seed} {control} -o mutants.ys {CELLS}"
        run_yosys([READ, listing], place)
        commands = (place / "mutants.ys").read_text().splitlines()
        write = "write_verilog -noattr -norename design.v"
        run_yosys([READ, *commands, *CLEAN, write], place)
        verilog = (place / "design.v").read_text()
    wrapper = judge.wrapper
    path = build(verilog, len(wrapper.stim), len(wrapper.resp), mutants=True)
    judge.require_equal(path)
    return [
        Verdict(described(command), judge.first_difference(path, number), command)
        for number, command in enumerate(commands, 1)
    ]


def changed_cell(command: str) -> str:
    """Name of the cell that a mutant changes."""
    found = CELL.search(command)
    assert found is not None, command
    return found.group(2)


def described(command: str) -> str:
    """A mutant in words: mode, cell, port, bit and the lines that it comes from."""
    found = CELL.search(command)
    assert found is not None, command
    mode, cell, port, bit, control = found.groups()
    by = f" by bit {control}" if control else ""
    sources = ", ".join(SOURCE.findall(command))
    return f"{mode}{by}: {cell.replace(chr(92), '')} {port}[{bit}] ({sources})"
