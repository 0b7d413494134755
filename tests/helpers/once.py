"""Folders made once a session of tests, though several processes of pytest-xdist share the tests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock


@dataclass(frozen=True)
class Session:
    """A folder in common.

    Attributes:
        root: the folder.
    """

    root: Path

    def folder(self, name: str) -> Path:
        """A folder that any of the processes may fill."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """A folder that the first process to want it fills, while the others wait; to be read only.

        Args:
            name: of the folder.
            make: fills it. Where it fails, the next process tries again, in a folder that is not empty.
        """
        with FileLock(self.root / f"{name}.lock"):
            path, done = self.folder(name), self.root / f"{name}.done"
            if not done.exists():
                make(path)
                done.touch()
        return path
