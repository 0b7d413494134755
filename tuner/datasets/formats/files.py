"""Files of a data set: plain, gzipped, or inside a zip archive; listed, found and opened alike."""

import gzip
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from types import TracebackType
from typing import IO, Self

from tuner.errors import DataError

MAX_ENTRY_BYTES = 8 << 30
"""More than this a single file may not unpack to in memory."""

UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, OverflowError, LookupError, SyntaxError),
    *(TypeError, zlib.error, zipfile.BadZipFile, struct.error, tokenize.TokenError),
)
"""What the readers of gzip, zip, npy and image files raise at bytes that are not what they claim."""


@dataclass(frozen=True, order=True)
class Entry:
    """One file of a data set.

    Attributes:
        path: the file on disk.
        name: its name inside the data set, with forward slashes ("train/cats/1.jpg").
        member: its name inside the archive `path`, "" where `path` is no archive.
    """

    path: Path
    name: str
    member: str = ""

    def __str__(self) -> str:
        """As an error names it."""
        return f"{self.path} ({self.member})" if self.member else str(self.path)

    @property
    def base(self) -> str:
        """Last part of the name, lower case, without .gz."""
        return PurePosixPath(self.name).name.lower().removesuffix(".gz")


class Reader:
    """Opens entries; keeps archives open so that 25,000 members do not read 25,000 directories.

    May be used from several threads.
    """

    def __init__(self) -> None:
        self._archives: dict[Path, zipfile.ZipFile] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for archive in self._archives.values():
            archive.close()

    @contextmanager
    def open(self, entry: Entry) -> Iterator[IO[bytes]]:
        """The bytes of `entry`, unpacked if they are gzipped; what cannot be read is a `DataError`."""
        with refusing(entry), self._raw(entry) as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked  # type: ignore[misc]  # a binary stream in all but name

    def read(self, entry: Entry, limit: int = MAX_ENTRY_BYTES) -> bytes:
        """All bytes of `entry`, unpacked.

        Raises:
            DataError: unreadable, or more than `limit` bytes.
        """
        with self.open(entry) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise DataError(f"{entry} unpacks to more than {limit >> 20} MiB; expected less")
        return data

    def _raw(self, entry: Entry) -> IO[bytes]:
        if not entry.member:
            return entry.path.open("rb")
        with self._lock:
            if entry.path not in self._archives:
                self._archives[entry.path] = zipfile.ZipFile(entry.path)
        return self._archives[entry.path].open(entry.member)


@contextmanager
def refusing(what: object) -> Iterator[None]:
    """Turns whatever a reader raises at bad bytes into a `DataError` that names the file."""
    try:
        yield
    except EOFError:
        raise DataError(f"{what} ends too early; expected a whole file (was its download cut off?)") from None
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{what} cannot be read: {why}") from error


def list_files(root: Path, *, strict: bool = True) -> list[Entry]:
    """Every file at `root`: a folder, walked; an archive's members; or one file. Sorted by name.

    Archives that lie directly in a folder are opened too. Hidden files are left out.

    Args:
        root: of all of them.
        strict: refuse a folder with links out of it or names that cannot be shown; False leaves those out,
            and folders that may not be read, for a list that names the files it means.

    Raises:
        DataError: a symbolic link leads out of the folder, or a name in an archive does.
    """
    if root.is_file():
        return list_archive(root) if is_archive(root) else [Entry(root, root.name)]
    entries = [Entry(Path(path), name) for path, name in _walk(root, root.resolve(), "", strict)]
    archives = [entry for entry in entries if "/" not in entry.name and is_archive(entry.path)]
    members = [member for archive in archives for member in list_archive(archive.path)]
    kept = [entry for entry in entries if entry not in set(archives)]
    return sorted(kept, key=lambda entry: entry.name) + members


def list_archive(path: Path) -> list[Entry]:
    """The files inside a zip archive, sorted by name.

    Raises:
        DataError: no zip archive, encrypted, or with a name or link that leads out of it.
    """
    with refusing(path), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in member.filename.split("/")[0]:
            raise DataError(
                f"{path}: the archive has an entry named {member.filename!r}\n"
                "expected names inside the archive"
            )
        if not member.filename.isprintable():
            raise DataError(
                f"{path}: the archive has an entry named {member.filename!r}; expected printable names"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"{path}: the entry {member.filename!r} is a symbolic link; expected plain files")
        if member.flag_bits & 1:
            raise DataError(f"{path}: the entry {member.filename!r} is encrypted; expected plain files")
    names = [member.filename for member in members if not member.is_dir()]
    return [Entry(path, name, name) for name in sorted(names) if not _hidden(name)]


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive to look into, by its name."""
    return path.suffix.lower() == ".zip"


def find(entries: list[Entry], *names: str) -> Entry | None:
    """The first entry with one of these names (lower case), gzipped or not, in whatever folder."""
    for name in names:
        for entry in sorted(entries, key=lambda entry: (entry.member != "", entry.name.count("/"))):
            if entry.base == name:
                return entry
    return None


def _walk(folder: Path, root: Path, prefix: str, strict: bool) -> Iterator[tuple[str, str]]:
    try:
        with refusing(folder):
            items = sorted(os.scandir(folder), key=lambda item: item.name)
    except DataError:
        if strict:
            raise
        return
    for item in items:
        if _hidden(item.name) or (not strict and not _is_plain(item, root)):
            continue
        if not item.name.isprintable():  # also bytes that are no text, which could not be shown or stored
            raise DataError(f"{folder} has a file named {item.name!r}; expected printable names")
        name = prefix + item.name
        if item.is_symlink():
            _check_link(Path(item.path), root)
        if item.is_dir(follow_symlinks=False):
            yield from _walk(Path(item.path), root, f"{name}/", strict)
        elif item.is_file():
            yield item.path, name


def _is_plain(item: "os.DirEntry[str]", root: Path) -> bool:
    """Whether a file or folder would not be refused."""
    if not item.name.isprintable():
        return False
    if not item.is_symlink():
        return True
    try:
        target = Path(item.path).resolve()
    except (OSError, RuntimeError):  # a circle
        return False
    return target.is_relative_to(root) and not target.is_dir()


def _check_link(link: Path, root: Path) -> None:
    with refusing(link):
        target = link.resolve()
    if not target.is_relative_to(root):
        raise DataError(
            f"{link} is a symbolic link out of the folder, to {target}\n"
            "expected files that lie in the folder itself; copy them there"
        )
    if target.is_dir():
        raise DataError(f"{link} is a symbolic link to a folder; expected the folder itself")


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
