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
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np

from rtl.lockstep.library import Library
from rtl.lockstep.mutation.judge import Judge, Verdict
from rtl.lockstep.packing import pack, word_count
from rtl.lockstep.run import BATCH_CYCLES
from sim.array import (
    registers_control,
    registers_engine,
    registers_grid,
    registers_run,
    registers_streams,
)
from sim.array.registers import Registers
from sim.mac import engine, quire


@dataclass(frozen=True)
class Kernels:
    """A model's kernels, and how they are run."""

    modules: tuple[ModuleType, ...]
    """Those of the copy; each needs those before it only."""
    mutated: tuple[ModuleType, ...]
    entry: str
    """The kernel that runs cycles; of the mutated modules, what it calls has mutants."""
    given: Callable[[Registers], tuple[Any, ...]]
    """Its arguments before stimuli, resets and trace."""
    scratch: Callable[[Registers], tuple[Any, ...]]
    """Those behind."""


_ARRAY = (registers_control, registers_streams, registers_grid, registers_run)
ARRAY = Kernels(
    _ARRAY,
    _ARRAY,
    "run",
    lambda model: (model.config,),
    lambda model: (model.reset, model.memory, model.beat, model.total),
)


def _engine_scratch(model: Registers) -> tuple[Any, ...]:
    assert model.work is not None
    return (model.reset, model.beat, model.total, *model.work.scratch)


def _engine_given(model: Registers) -> tuple[Any, ...]:
    assert model.work is not None
    return model.config, model.work.engine


ENGINES = Kernels(
    (quire, engine, *_ARRAY, registers_engine),
    (engine, registers_engine),
    "run_engine",
    _engine_given,
    _engine_scratch,
)
"""Of arrays of SIMD engines: their own kernels."""
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


def kernel_mutants(
    judges: list[Judge], count: int, seed: int, kernels: Kernels = ARRAY
) -> list[Verdict]:
    """Run a sample of ``count`` mutants against the hardware of every judge."""
    parsed = _parsed(kernels)
    places = list(_places(kernels, parsed))
    chosen = sorted(Random(seed).sample(range(len(places)), count))
    numbers = {id(places[at][1]): number for number, at in enumerate(chosen, 1)}
    names = [described(*places[at]) for at in chosen]
    run = _compiled(kernels, parsed, numbers)
    return [
        Verdict(name, _killed_at(judges, kernels, run, n), "") for n, name in enumerate(names, 1)
    ]


def unchanged_differs_at(judges: list[Judge], kernels: Kernels = ARRAY) -> int | None:
    """As of a mutant, of the copy without one."""
    return _killed_at(judges, kernels, _compiled(kernels, _parsed(kernels), {}), 0)


def _path(module: ModuleType) -> Path:
    return Path(module.__file__ or "")


def _parsed(kernels: Kernels) -> dict[Path, ast.Module]:
    return {_path(module): ast.parse(_path(module).read_text()) for module in kernels.modules}


def _is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and bool(node.decorator_list)


def _kernels_of(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_kernel(node):
            yield node


def _called(entry: str, parsed: dict[Path, ast.Module]) -> set[str]:
    """Names of the kernels that a kernel needs, and its own."""
    uses: dict[str, set[str]] = {}
    for node in (node for tree in parsed.values() for node in _kernels_of(tree)):
        names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        uses[node.name] = uses.get(node.name, set()) | names
    found, rest = {entry}, [entry]
    while rest:
        new = uses[rest.pop()] & uses.keys() - found
        rest += new
        found |= new
    return found


def _places(kernels: Kernels, parsed: dict[Path, ast.Module]) -> Iterator[tuple[Path, ast.AST]]:
    called = _called(kernels.entry, parsed)
    for path in map(_path, kernels.mutated):
        visitor = Places()
        for node in _kernels_of(parsed[path]):
            if node.name in called:
                visitor.visit(node)
        yield from ((path, node) for node in visitor.found)


def _compiled(
    kernels: Kernels, parsed: dict[Path, ast.Module], numbers: dict[int, int]
) -> Callable[..., None]:
    """The entry of the copy, with the number in front of its arguments."""
    schema = Schema({node.name for tree in parsed.values() for node in _kernels_of(tree)}, numbers)
    with tempfile.TemporaryDirectory() as folder:
        for original, tree in zip(kernels.modules, parsed.values(), strict=True):
            module = _module(original, schema, kernels, tree, Path(folder))
    return getattr(module, kernels.entry)  # type: ignore[no-any-return]


def _module(
    original: ModuleType, schema: Schema, kernels: Kernels, tree: ast.Module, folder: Path
) -> ModuleType:
    """A module of the copy, which imports from the copy what there is."""
    copied = {module.__name__: _name(module) for module in kernels.modules}
    body: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            node.module = copied.get(str(node.module), node.module)
            body += [node] * (node.module != "sim.jit")
        elif not isinstance(node, ast.FunctionDef):
            body.append(node)
        elif _is_kernel(node):
            body.append(schema.visit(node))
    path = folder / f"{_name(original)}.py"
    path.write_text(HEAD + ast.unparse(ast.fix_missing_locations(ast.Module(body, []))))
    spec = importlib.util.spec_from_file_location(_name(original), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _name(module: ModuleType) -> str:
    return "mutated_" + module.__name__.replace(".", "_")


def _killed_at(
    judges: list[Judge], kernels: Kernels, run: Callable[..., None], mutant: int
) -> int | None:
    """First cycle, of the first judge that finds one, in which the hardware differs."""
    for judge in judges:
        found = _first_difference(judge, kernels, run, mutant)
        if found is not None:
            return found
    return None


def _first_difference(
    judge: Judge, kernels: Kernels, run: Callable[..., None], mutant: int
) -> int | None:
    model = Registers(judge.twin.array, judge.twin.extent_bits)
    given, scratch = kernels.given(model), kernels.scratch(model)
    with Library(judge.hardware, word_count(judge.wrapper.resp_fields)) as library:
        for begin in range(0, len(judge.rst), BATCH_CYCLES):
            here = slice(begin, begin + BATCH_CYCLES)
            stimuli, resets = judge.batch.stim[here], judge.rst[here]
            trace = np.zeros((len(stimuli) + 1, len(model.row)), np.int64)
            trace[0] = model.row
            try:
                run(mutant, *given, stimuli, resets, trace, *scratch)
            except IndexError:
                return begin
            model.row = trace[-1].copy()
            resp = pack(trace[:-1], judge.wrapper.resp_fields)
            found = library.run(resets, judge.stim[here], resp)
            if found is not None:
                return begin + found[0]
    return None
