"""Packages that only some outputs need."""

from importlib.util import find_spec

from arch.errors import InputError


def require(package: str, what: str, extra: str = "report") -> None:
    """Raise InputError, with the remedy, unless ``package`` is installed."""
    if find_spec(package) is None:
        raise InputError(f"{what} needs the package {package}: pip install 'lockstep-sim[{extra}]'")
