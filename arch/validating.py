"""Plain data to parameter objects; faults in the user's words."""

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from arch.errors import InputError
from arch.faults import explain
from arch.overrides import Override, apply
from arch.paths import Path
from arch.spec import Spec

AnySpec = TypeVar("AnySpec", bound=Spec)


def validated(
    model: type[AnySpec], data: dict[str, Any], places: dict[Path, str], given: list[Override]
) -> AnySpec:
    """A parameter object of plain data and overrides.

    ``places`` are file and line of each path. Raises InputError with a line for each fault.
    """
    for override in given:
        path = apply(override, data)
        places = {key: place for key, place in places.items() if key[: len(path)] != path}
        places[path] = override.place

    def where(path: Path, inside: bool) -> str:
        found = path
        while found not in places:
            found = found[:-1]
        place = places[found]
        blamed = [each.place for each in given if inside and each.path[: len(found)] == found]
        return place if place in blamed else " with ".join([place, *blamed])

    try:
        # Strict validation takes a list for a tuple from JSON only.
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise InputError("\n".join(explain(error, model, where))) from None
