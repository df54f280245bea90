"""Tasks of a PE that follow each other, shared by all PEs in which they are alike."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cache

from arch.mesh.program import MeshProgram, PeProgram, Region, Task, TaskAction
from traces.mapping.mesh.assembly import Routes, assemble
from traces.mapping.mesh.tiles import Floats
from traces.mesh.commands import Command, act, halt, loop, mark, task


@dataclass
class Script:
    """Commands of a task so far."""

    commands: list[Command] = field(default_factory=list)

    def add(self, *commands: Command) -> None:
        """These, once."""
        self.commands += commands

    def repeat(self, turns: int, *commands: Command) -> None:
        """These, ``turns`` times; addresses go on by the first of their ``_turn`` distances."""
        if turns < 1:
            return
        at = len(self.commands)
        self.commands += commands
        if turns > 1:
            self.commands.append(loop(at, turns))

    def then(self, build: Callable[[int], Sequence[Command]]) -> None:
        """What depends on the number of its first command."""
        self.commands += build(len(self.commands))


Keys = Sequence[Hashable]


@dataclass
class Tasks:
    """Tasks so far; each is built once for a pair of keys, that of x and that of y."""

    name: str
    side: int
    tasks: list[tuple[Keys, Keys, Callable[[int, int, int], Task]]] = field(default_factory=list)

    def add(
        self, name: str, build: Callable[[int, int], list[Command]],
        keys_x: Keys | None = None, keys_y: Keys | None = None,
    ) -> None:  # fmt: skip
        """A task whose commands at (x, y) depend on these keys only."""
        along_x = list(keys_x) if keys_x is not None else [0] * self.side
        along_y = list(keys_y) if keys_y is not None else [0] * self.side
        first_x = {key: x for x, key in reversed(list(enumerate(along_x)))}
        first_y = {key: y for y, key in reversed(list(enumerate(along_y)))}

        @cache
        def built(key_x: Hashable, key_y: Hashable, number: int, last: bool) -> Task:
            commands = build(first_x[key_x], first_y[key_y])
            after = halt() if last else act(TaskAction.ACTIVATE, number + 1)
            return task(name, [*commands, mark(number), after], active=number == 0)

        def at(x: int, y: int, number: int) -> Task:
            return built(along_x[x], along_y[y], number, number == len(self.tasks) - 1)

        self.tasks.append((along_x, along_y, at))

    def program(
        self, routes: tuple[Sequence[Routes], Sequence[Routes]], regions: Sequence[Region],
        values: dict[str, Floats],
    ) -> MeshProgram:  # fmt: skip
        """The program of all of them."""

        def pe(x: int, y: int) -> PeProgram:
            tasks = (at(x, y, number) for number, (_, _, at) in enumerate(self.tasks))
            return PeProgram(self.name, tuple(tasks))

        return assemble(
            self.name,
            keys=(
                [tuple(each[0][x] for each in self.tasks) for x in range(self.side)],
                [tuple(each[1][y] for each in self.tasks) for y in range(self.side)],
            ),
            pe=pe,
            routes=routes,
            regions=regions,
            values=values,
        )
