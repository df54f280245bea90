"""The base of every parameter object."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A frozen, strict parameter object; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )
