"""Mutants of the model: its kernels with one operator, constant or statement changed.

All are in one copy of the kernels, compiled once: each chosen place becomes a choice by the number
``mutant``, which goes through all calls as the first argument. The copy checks array bounds.
"""

import ast
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from rtl.lockstep.library import Library
from rtl.lockstep.mutation.judge import Judge, Verdict
from rtl.lockstep.packing import pack, word_count
from rtl.lockstep.run import BATCH_CYCLES
from sim.array import registers_control, registers_grid, registers_run, registers_streams
from sim.array.registers import Registers

MODULES = (registers_control, registers_streams, registers_grid, registers_run)
"""Each needs those before it only."""
HEAD = """
import numba
def njit(function):
    return numba.njit(boundscheck=True)(function)
"""
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
CALLS = {"min": "max", "max": "min"}


def changed(node: ast.AST) -> ast.expr | None:
    """The expression that a mutant has in place of ``node``; None where it has none."""
    new: Any = deepcopy(node)
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            new.ops = [COMPARISONS[type(operator)]()]
        case ast.BinOp(op=operator) if type(operator) in OPERATORS:
            new.op = OPERATORS[type(operator)]()
        case ast.BoolOp(op=operator):
            new.op = ast.Or() if isinstance(operator, ast.And) else ast.And()
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            new = ast.Compare(operand, [ast.NotEq()], [ast.Constant(0)])
        case ast.IfExp(body=body, orelse=orelse):
            new.body, new.orelse = orelse, body
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            new.value = value + 1
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            new.func.id = CALLS[name]
        case _:
            return None
    return new  # type: ignore[no-any-return]


class Places(ast.NodeVisitor):
    """All places of a kernel module that have mutants: expressions, and stores to arrays."""

    def __init__(self) -> None:
        self.found: list[ast.AST] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Bodies only: not decorators."""
        for statement in node.body:
            self.visit(statement)

    def generic_visit(self, node: ast.AST) -> None:
        if changed(node) is not None or _is_store(node):
            self.found.append(node)
        super().generic_visit(node)


def _is_store(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign | ast.AugAssign) and isinstance(
        node.targets[0] if isinstance(node, ast.Assign) else node.target, ast.Subscript
    )


class Schema(ast.NodeTransformer):
    """Gives every kernel and every call of one the number, and each chosen place its choice."""

    def __init__(self, kernels: set[str], numbers: dict[int, int]) -> None:
        self.kernels, self.numbers = kernels, numbers

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.args.args.insert(0, ast.arg("mutant"))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        choice = self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self.kernels:
            node.args.insert(0, ast.Name("mutant", ast.Load()))
        return choice

    def generic_visit(self, node: ast.AST) -> Any:
        number = self.numbers.get(id(node))
        new = changed(node) if number else None
        plain: Any = super().generic_visit(node)
        if number is None:
            return plain
        test = ast.Compare(ast.Name("mutant", ast.Load()), [ast.Eq()], [ast.Constant(number)])
        if new is not None:
            other: Any = super().generic_visit(new)
            return ast.IfExp(test, other, plain)
        test.ops = [ast.NotEq()]
        return ast.If(test, [plain], [])


def described(path: Path, node: Any) -> str:
    """A mutant in words: file, line as it is, place in it, change. Line numbers would not last."""
    new = changed(node)
    text = ast.unparse(node)
    line = path.read_text().splitlines()[node.lineno - 1]
    place = node.col_offset - (len(line) - len(line.lstrip()))
    change = "left out" if new is None else f"{text} -> {ast.unparse(new)}"
    return f"{path.name}: {line.strip()} (at {place}): {change}"


def kernel_mutants(judges: list[Judge], count: int, seed: int) -> list[Verdict]:
    """Run a sample of ``count`` mutants against the hardware of every judge."""
    paths = [Path(module.__file__ or "") for module in MODULES]
    parsed = {path: ast.parse(path.read_text()) for path in paths}
    places = list(_places(parsed))
    chosen = sorted(Random(seed).sample(range(len(places)), count))
    numbers = {id(places[at][1]): number for number, at in enumerate(chosen, 1)}
    names = [described(*places[at]) for at in chosen]
    run = _compiled(parsed, numbers)
    return [Verdict(name, _killed_at(judges, run, n), "") for n, name in enumerate(names, 1)]


def _places(parsed: dict[Path, ast.Module]) -> Iterator[tuple[Path, ast.AST]]:
    for path, tree in parsed.items():
        visitor = Places()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                visitor.visit(node)
        yield from ((path, node) for node in visitor.found)


def _compiled(parsed: dict[Path, ast.Module], numbers: dict[int, int]) -> Callable[..., None]:
    """``registers_run.run`` of the copy, with the number in front of its arguments."""
    kernels = {
        node.name
        for tree in parsed.values()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    schema = Schema(kernels, numbers)
    texts = [HEAD]
    for tree in parsed.values():
        body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
        functions = [schema.visit(n) if isinstance(n, ast.FunctionDef) else n for n in body]
        texts.append(ast.unparse(ast.fix_missing_locations(ast.Module(functions, []))))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutated_kernels.py"
        path.write_text("\n".join(texts))
        spec = importlib.util.spec_from_file_location("mutated_kernels", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module.run  # type: ignore[no-any-return]


def _killed_at(judges: list[Judge], run: Callable[..., None], mutant: int) -> int | None:
    """First cycle, of the first judge that finds one, in which the hardware differs."""
    for judge in judges:
        found = _first_difference(judge, run, mutant)
        if found is not None:
            return found
    return None


def _first_difference(judge: Judge, run: Callable[..., None], mutant: int) -> int | None:
    model = Registers(judge.twin.array, judge.twin.extent_bits)
    scratch = (model.reset, model.memory, model.beat, model.total)
    with Library(judge.hardware, word_count(judge.wrapper.resp_fields)) as library:
        for begin in range(0, len(judge.rst), BATCH_CYCLES):
            here = slice(begin, begin + BATCH_CYCLES)
            stimuli, resets = judge.batch.stim[here], judge.rst[here]
            trace = np.zeros((len(stimuli) + 1, len(model.row)), np.int64)
            trace[0] = model.row
            try:
                run(mutant, model.config, stimuli, resets, trace, *scratch)
            except IndexError:
                return begin
            model.row = trace[-1].copy()
            resp = pack(trace[:-1], judge.wrapper.resp_fields)
            found = library.run(resets, judge.stim[here], resp)
            if found is not None:
                return begin + found[0]
    return None
