"""Files of a data set: plain, gzipped, or inside a zip or tar archive; listed, found and opened alike."""

import gzip
import lzma
import os
import struct
import tarfile
import tokenize
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from threading import Lock
from types import TracebackType
from typing import IO, Self

from tuner.datasets.formats.archives import ARCHIVE, Archive, open_archive
from tuner.errors import DataError

MAX_ENTRY_BYTES = 8 << 30
"""More than this a single file may not unpack to in memory."""

_HIDDEN = "hidden files or files of the operating system"
_ODD = "files with control characters in their name"
_NEITHER = "neither files nor folders"
_SYSTEM = {"thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information"}

UNREADABLE = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, OverflowError, LookupError, SyntaxError),
    *(TypeError, zlib.error, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError),
    *(struct.error, tokenize.TokenError),
)
"""Exceptions that readers of gzip, zip, npy and image files raise at bytes that are no such file."""


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
        self._archives: dict[Path, Archive] = {}
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
                self._archives[entry.path] = open_archive(entry.path)
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


@dataclass(frozen=True)
class Listing:
    """Everything that lies at a path.

    Attributes:
        entries: files that may be used, those of archives last.
        left: files that are not looked at, each with the reason.
        empty: folders without any file.
    """

    entries: list[Entry]
    left: tuple[tuple[str, str], ...] = ()
    empty: tuple[str, ...] = ()


def list_files(root: Path) -> list[Entry]:
    """Every file at `root` that may be used, as `survey` lists them."""
    return survey(root).entries


def survey(root: Path, *, strict: bool = True) -> Listing:
    """Every file at `root`: a folder, walked; an archive's members; or one file. Sorted by name.

    Archives that lie directly in a folder are opened too. Hidden files, and names with control
    characters, are left out.

    Args:
        root: of all of them.
        strict: refuse a folder with links out of it or names that cannot be shown; False leaves those out,
            and folders that may not be read, for a list that names the files it means.

    Raises:
        DataError: a symbolic link leads out of the folder, or a name in an archive does.
    """
    if root.is_file():
        return survey_archive(root) if is_archive(root) else Listing([Entry(root, root.name)])
    left: list[tuple[str, str]] = []
    empty: list[str] = []
    entries = [
        Entry(Path(path), name) for path, name in _walk(root, root.resolve(), "", left, empty, strict=strict)
    ]
    archives = [entry for entry in entries if "/" not in entry.name and is_archive(entry.path)]
    inside = [_named_by(archive.path, len(archives)) for archive in archives]
    kept = sorted((entry for entry in entries if entry not in set(archives)), key=lambda entry: entry.name)
    return Listing(
        kept + [member for listing in inside for member in listing.entries],
        (*left, *(item for listing in inside for item in listing.left)),
        (*empty, *(name for listing in inside for name in listing.empty)),
    )


def _named_by(path: Path, archives: int) -> Listing:
    """An archive in a folder; its name stands before its members where it may be the name of a split."""
    found = survey_archive(path)
    if archives == 1:
        return found
    stem = ARCHIVE.sub("", path.name)
    return Listing(
        [replace(entry, name=f"{stem}/{entry.name}") for entry in found.entries],
        tuple((why, f"{stem}/{name}") for why, name in found.left),
        tuple(f"{stem}/{name}" for name in found.empty),
    )


def survey_archive(path: Path) -> Listing:
    """The files inside an archive, sorted by name.

    Raises:
        DataError: no archive, encrypted, or with a name or link that leads out of it.
    """
    with refusing(path):
        archive = open_archive(path)
        members = archive.members()
        archive.close()
    left: list[tuple[str, str]] = []
    names: list[str] = []
    for member in members:
        name = PurePosixPath(member.name.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in member.name.split("/")[0]:
            raise DataError(
                f"{path}: the archive has an entry named {member.name!r}\nexpected names inside the archive"
            )
        if member.kind == "link":
            raise DataError(f"{path}: the entry {member.name!r} is a symbolic link; expected plain files")
        if member.kind == "encrypted":
            raise DataError(f"{path}: the entry {member.name!r} is encrypted; expected plain files")
        if member.kind == "folder":
            continue
        if member.kind == "other":
            left.append((_NEITHER, member.name))
        elif not _showable(member.name):
            left.append((_ODD, _shown(member.name)))
        elif _hidden(member.name):
            left.append((_HIDDEN, member.name))
        else:
            names.append(member.name)
    folders = [member.name.rstrip("/") for member in members if member.kind == "folder"]
    empty = [folder for folder in folders if not any(name.startswith(f"{folder}/") for name in names)]
    return Listing([Entry(path, name, name) for name in sorted(names)], tuple(left), tuple(empty))


def is_archive(path: Path) -> bool:
    """Whether a file is an archive to look into, by its name."""
    return ARCHIVE.search(path.name) is not None


def find(entries: list[Entry], *names: str) -> Entry | None:
    """The first entry with one of these names (lower case), gzipped or not, in whatever folder."""
    for name in names:
        for entry in sorted(entries, key=lambda entry: (entry.member != "", entry.name.count("/"))):
            if entry.base == name:
                return entry
    return None


def _walk(
    folder: Path, root: Path, prefix: str, left: list[tuple[str, str]], empty: list[str], *, strict: bool
) -> Iterator[tuple[str, str]]:
    try:
        with refusing(folder):
            items = sorted(os.scandir(folder), key=lambda item: item.name)
    except DataError:
        if strict:
            raise
        left.append(("folders that may not be read", prefix.rstrip("/")))
        return
    if not items and prefix:
        empty.append(prefix.rstrip("/"))
    for item in items:
        name = prefix + item.name
        directory = item.is_dir(follow_symlinks=False)
        if _hidden(item.name) or not _showable(item.name):
            why, shown = (_HIDDEN, name) if _hidden(item.name) else (_ODD, _shown(name))
            inside = sum(len(files) for _, _, files in os.walk(item.path)) if directory else 1
            left += [(why, shown)] * inside
            continue
        if item.is_symlink() and not strict and not _leads_inside(item, root):
            left.append(("links out of the folder", name))
            continue
        if item.is_symlink():
            _check_link(Path(item.path), root)
        if directory:
            yield from _walk(Path(item.path), root, f"{name}/", left, empty, strict=strict)
        elif item.is_file():
            yield item.path, name
        else:
            left.append((_NEITHER, name))


def _leads_inside(item: "os.DirEntry[str]", root: Path) -> bool:
    """Whether a link would not be refused."""
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
    return any(part.startswith((".", "__MACOSX")) or part.lower() in _SYSTEM for part in name.split("/"))


def _showable(name: str) -> bool:
    """Whether a name can be shown and stored: no control characters, and no bytes that are no text."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def _shown(name: str) -> str:
    """A name with what cannot be shown as escapes."""
    return "".join(
        character if _showable(character) else character.encode("unicode_escape").decode()
        for character in name
    )
