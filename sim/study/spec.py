"""A study: one machine, what varies in it, and what is asked of it.

Parameter objects, as those of ``arch``, in and out of YAML.
"""

from collections.abc import Sequence
from math import log
from typing import Any, Literal

from pydantic import Field, model_validator

from arch.spec import Name, Spec
from traces.mesh.traffic import Traffic

LEVELS_MAX = 10**6
"""Bound on the values of a parameter."""
POINTS_MAX = 10**7
"""Bound on the points of a study."""
LARGEST = 10**18
"""Bound on the ends of a range."""


class Parameter(Spec):
    """One thing that varies: given values, a range, or named choices that set several fields.

    In YAML a list stands for its ``values``.
    """

    values: tuple[Any, ...] | None = Field(default=None, min_length=1, max_length=LEVELS_MAX)
    """The values, in an order that has neighbours beside each other."""
    first: int | float | None = None
    """First value of a range."""
    last: int | float | None = None
    """Last value of a range, if the steps meet it."""
    step: int | float | None = None
    """From a value of a range to the next."""
    factor: int | float | None = None
    """The same, where each value is a multiple of the one before."""
    count: int | None = Field(default=None, ge=2, le=LEVELS_MAX)
    """Values of a range that are equally far apart."""
    choices: dict[str, dict[str, Any]] | None = Field(default=None, min_length=1)
    """By name, the fields that each choice sets."""
    fields: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Fields that take the value; by default the one that the parameter is named after."""
    when: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Values that other parameters must have for this one to count; else its fields stay as they
    are in the machine."""

    @model_validator(mode="before")
    @classmethod
    def _list_of_values(cls, given: Any) -> Any:
        return _tuples({"values": given} if isinstance(given, list) else given)

    @model_validator(mode="after")
    def _one_kind(self) -> "Parameter":
        kinds = {
            "values": self.values is not None,
            "first and last": self.first is not None or self.last is not None,
            "choices": self.choices is not None,
        }
        given = [name for name, there in kinds.items() if there]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"must have values, first and last, or choices, not {found}")
        if self.values is not None:
            _distinct(self.values)
        if self.choices is not None and self.fields is not None:
            raise ValueError("fields: must not be given with choices, which name their own")
        self._range()
        return self

    def _range(self) -> None:
        by = {name: getattr(self, name) for name in ("step", "factor", "count")}
        given = [name for name, value in by.items() if value is not None]
        if self.first is None and self.last is None:
            if given:
                raise ValueError(f"{given[0]}: must have first and last beside it")
            return
        if self.first is None or self.last is None:
            lacking = "first" if self.first is None else "last"
            raise ValueError(f"{lacking}: is missing; a range has first and last")
        if len(given) > 1:
            raise ValueError(f"{given[1]}: must not be given with {given[0]}")
        for name in ("first", "last", "step", "factor"):
            value = getattr(self, name)
            # Also false for what is not a number.
            if value is not None and not -LARGEST <= value <= LARGEST:
                raise ValueError(f"{name}: must be a number of at most {LARGEST:.0e}")
        if self.first > self.last:
            raise ValueError(
                f"last: given {self.last}, less than first, {self.first}: an empty range; "
                "exchange them"
            )
        if not given and not (isinstance(self.first, int) and isinstance(self.last, int)):
            raise ValueError("count: is missing; a range of fractions needs step, factor or count")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"step: given {self.step}; must be more than 0")
        if self.factor is not None and (self.factor <= 1 or self.first <= 0):
            raise ValueError(
                f"factor: given {self.factor} from {self.first}; must be more than 1, from more "
                "than 0"
            )
        if self._range_size() > LEVELS_MAX:
            raise ValueError(f"last: given {self.last}; must be {LEVELS_MAX} values at most")

    def _range_size(self) -> int:
        assert self.first is not None
        assert self.last is not None
        if self.count is not None:
            return self.count
        if self.factor is not None:
            steps = log(self.last / self.first) / log(self.factor)
        else:
            steps = (self.last - self.first) / (self.step or 1)
        return int(steps + 1e-9) + 1

    def levels(self) -> Sequence[Any]:
        """The values, or the names of the choices, in order."""
        if self.values is not None:
            return self.values
        if self.choices is not None:
            return tuple(self.choices)
        assert self.first is not None
        assert self.last is not None
        found: list[int | float] = []
        for at in range(self._range_size()):
            if self.factor is not None:
                value: int | float = self.first * self.factor**at
            elif self.count is not None:
                value = self.first + (self.last - self.first) * at / (self.count - 1)
            else:
                value = self.first + (self.step or 1) * at
            found.append(round(value) if self._is_whole else value)
        return tuple(dict.fromkeys(found))

    @property
    def _is_whole(self) -> bool:
        """Whether values are whole numbers, as the ends of their range."""
        given = (self.first, self.last, self.step)
        return all(isinstance(each, int) or each is None for each in given)


def _tuples(given: Any) -> Any:
    """Plain data with tuples for lists, as strict fields want them."""
    if isinstance(given, dict):
        return {key: _tuples(value) for key, value in given.items()}
    return tuple(map(_tuples, given)) if isinstance(given, list) else given


def _distinct(values: tuple[Any, ...]) -> None:
    for at, value in enumerate(values):
        for before in values[:at] if len(values) <= 1000 else ():
            if type(before) is type(value) and before == value:
                raise ValueError(f"values: {value!r} is given twice; remove one")


class Bounds(Spec):
    """What a metric must keep."""

    at_least: int | float | None = None
    """Smallest value allowed."""
    at_most: int | float | None = None
    """Largest value allowed."""

    @model_validator(mode="after")
    def _leave_something(self) -> "Bounds":
        if self.at_least is None and self.at_most is None:
            raise ValueError("at_most: is missing; give at_least, at_most or both")
        for name, value in (("at_least", self.at_least), ("at_most", self.at_most)):
            if value is not None and value != value:
                raise ValueError(f"{name}: must be a number, not {value}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"at_most: given {self.at_most}, less than at_least, {self.at_least}: nothing "
                "keeps both"
            )
        return self

    def keeps(self, value: float) -> bool:
        """Whether a value is allowed."""
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def text(self) -> str:
        """As in ``at_most 40``."""
        given = (("at_least", self.at_least), ("at_most", self.at_most))
        return ", ".join(f"{name} {value:g}" for name, value in given if value is not None)


class Counted(Spec):
    """Components whose sum counts, where others have no sourced figure. A sum without all of a
    machine's components is no lower bound of anything, as long as it is named for what it is."""

    area: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Components of ``area_mm2``."""
    energy: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Components of ``energy_pj``."""


class Refinement(Spec):
    """Looking again near the best points: at neighbours of the Pareto front."""

    rounds: int = Field(ge=1, le=1000)
    """Times that the front is looked at."""
    points: int = Field(ge=1, le=10**6)
    """New points in each, at most."""


class Sampling(Spec):
    """Which points are looked at."""

    method: Literal["grid", "random", "latin_hypercube"] = "grid"
    """All combinations; some, each as likely as any; or some in which each value of each parameter
    comes equally often."""
    points: int | None = Field(default=None, ge=1, le=POINTS_MAX)
    """How many, but for a grid."""
    seed: int = Field(default=1, ge=0, le=2**32)
    """Of random and latin_hypercube and of the refinement."""
    refine: Refinement | None = None
    """What follows."""

    @model_validator(mode="after")
    def _points_where_needed(self) -> "Sampling":
        if (self.points is None) != (self.method == "grid"):
            wrong = "is missing for" if self.points is None else "must not be given with"
            raise ValueError(f"points: {wrong} the method {self.method}")
        return self


class StudySpec(Spec):
    """What a study asks."""

    name: Name
    """Of its folder and figures."""
    source: str = Field(default="", max_length=10_000)
    """What it is for, and where its bounds come from."""
    machine: str
    """The base: a machine or a packet mesh by name, or a file beside the study's."""
    set: tuple[str, ...] = ()
    """Fields of it that are changed for the whole study, as ``--set`` takes them."""
    workloads: dict[Name, str] = Field(default_factory=dict)
    """What runs, by the name that metrics use: as ``--workload`` takes it."""
    traffic: Traffic | None = None
    """What a packet mesh carries, in place of workloads."""
    parameters: dict[str, Parameter] = Field(min_length=1)
    """What varies: by the path of a field, or by a name of one's own."""
    constraints: dict[str, Bounds] = Field(default_factory=dict)
    """Metrics that must keep bounds. Those that need no simulation are looked at before it."""
    counted: Counted = Counted()
    """Components that count, where not all have a figure."""
    objectives: dict[str, Literal["min", "max"]] = Field(min_length=1)
    """Metrics that the Pareto front is of, the first for the horizontal axis."""
    sampling: Sampling = Sampling()
    """Which points are looked at."""
