"""What hardware says of parameters that it is not built for."""

from typing import NoReturn

from arch.errors import InputError


def refuse(field: str, needs: str, given: object, hint: str = "") -> NoReturn:
    """Raise InputError: what the hardware needs in place of what is given."""
    raise InputError(f"{field}: hardware needs {needs}, not {given}{hint}")


def check_most(field: str, given: int, most: int, owner: str = "") -> None:
    """Raise InputError, which says what to set, for more than the most that is built.

    ``owner``: whose field it is, for the message.
    """
    if given > most:
        where = f"{owner}: {field}" if owner else field
        refuse(where, f"{most} at most", given, f"; {field}={most} would do")
