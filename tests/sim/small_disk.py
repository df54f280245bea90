"""A disk with little room: a mounted one, or, where that is not allowed, a bound on files."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = "(No space left on device|File too large)"
"""What writing says."""


class SmallDisk:
    """``folder`` holds some KiB, until there is more room."""

    def __init__(self, folder: Path, size_kib: int) -> None:
        self.folder = folder
        folder.mkdir()
        self._mounted = self._mount(f"size={size_kib}k")
        self._bound(size_kib)

    def _mount(self, options: str) -> bool:
        given = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        try:
            return subprocess.run(given, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False

    def _bound(self, kib: int | None) -> None:
        """Bound the files of this process, where nothing is mounted."""
        if not self._mounted:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard if kib is None else kib * 1024, hard))

    def fill(self) -> None:
        """Leave no room at all."""
        self._bound(0)
        if self._mounted:
            with (self.folder / "rubbish").open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass

    def make_room(self) -> None:
        """Enough for all."""
        self._bound(None)
        if self._mounted:
            options = "remount,size=4m"
            subprocess.run(["mount", "-o", options, str(self.folder)], check=True)

    def close(self) -> None:
        """Take it away."""
        self._bound(None)
        if self._mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[SmallDisk]:
    """A small disk, for a while."""
    made = SmallDisk(folder, size_kib)
    try:
        yield made
    finally:
        made.close()
