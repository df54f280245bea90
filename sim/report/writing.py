"""Writing files whole or not at all."""

import errno
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from arch.errors import InputError

FOLDER_REMEDY = "give a folder that may be written, or one that does not exist yet"
FILE_REMEDY = "give the name of a file in a folder that exists and may be written"


def check_folder(folder: Path) -> None:
    """Raise InputError unless files can be written into ``folder``, which need not exist."""
    with _explained(folder, FOLDER_REMEDY):
        _refuse_file(folder)
        there = folder.absolute()
        while not there.exists():
            there = there.parent
        _scratch(there).rmdir()


def check_file(path: Path) -> None:
    """Raise InputError unless a file can be written at ``path``."""
    with _explained(path, FILE_REMEDY):
        _refuse_other(path)
        _scratch(path.absolute().parent).rmdir()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into ``folder``, in the order given; other files in it are left alone.

    A new folder appears with all of them; in one that is there, each file is replaced whole.
    Raises InputError where that cannot be done.
    """
    with _explained(folder, FOLDER_REMEDY):
        _refuse_file(folder)
        target = folder.absolute()
        there = target.is_dir()
        for name in files if there else ():
            _refuse_other(target / name)
        if not there:
            target.parent.mkdir(parents=True, exist_ok=True)
        made = _scratch(target if there else target.parent)
        try:
            for name, data in files.items():
                (made / name).write_bytes(data)
            if there:
                for name in files:
                    (made / name).replace(target / name)
            else:
                made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextmanager
def open_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which appears at ``path`` once all is written.

    Raises InputError where it cannot be written.
    """
    with _explained(path, FILE_REMEDY):
        _refuse_other(path)
        made = _scratch(path.absolute().parent)
        try:
            with (made / path.name).open("wb") as file:
                yield file
            (made / path.name).replace(path)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _scratch(beside: Path) -> Path:
    """A new folder in the one where the files will stand, so that a rename is atomic."""
    made = beside / f".lockstep-{secrets.token_hex(6)}.part"
    made.mkdir()
    return made


def _refuse_file(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file")


def _refuse_other(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a device or a pipe, and would be replaced")


@contextmanager
def _explained(path: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; {remedy}"
        ) from None
