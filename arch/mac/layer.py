"""Number formats of the layers of a workload, for arrays of SIMD engines."""

from fnmatch import fnmatchcase

from pydantic import Field, model_validator

from arch.errors import InputError
from arch.mac.formats import scalar_named
from arch.spec import Spec


class Formats(Spec):
    """Number formats of one layer."""

    input: str
    """Of what it reads (activations)."""
    weight: str | None = None
    """Of the weights, or of the second activation of a product; by default that of the input."""
    output: str | None = None
    """Of its results; by default the widest that the layers read which use them."""

    @model_validator(mode="after")
    def _exist(self) -> "Formats":
        for name in (self.input, self.weight, self.output):
            if name is not None:
                try:
                    scalar_named(name)
                except InputError as error:
                    raise ValueError(str(error)) from None
        return self


class LayerFormats(Formats):
    """Number formats of all layers whose names match."""

    layers: str = Field(default="*", min_length=1)
    """Name of a layer; ``*`` stands for any letters, ``?`` for one."""

    def match(self, name: str) -> bool:
        """Whether they are those of a layer."""
        return fnmatchcase(name, self.layers)

    def __str__(self) -> str:
        given = [f"{name} {getattr(self, name)}" for name in ("weight", "output")]
        return " ".join([f"{self.layers}:", self.input, *(g for g in given if "None" not in g)])
