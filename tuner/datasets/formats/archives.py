"""Files that hold files: zip and tar archives, and the images in the rows of a Parquet file."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Any, Protocol

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
"""How the name of an archive ends that is looked into."""

MAX_UNPACKED = 64 << 30
"""Bytes; a packed tar archive may not unpack to more."""

_UNPACKERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
"""By the first two bytes of a file."""


@dataclass(frozen=True)
class Member:
    """One item of an archive: `kind` is "file", "folder", "link", "encrypted" or "other"."""

    name: str
    kind: str = "file"


class Archive(Protocol):
    """An open archive. `open` may be called from several threads."""

    def members(self) -> list[Member]:
        """Everything in it."""
        ...

    def open(self, member: str) -> IO[bytes]:
        """The bytes of a member."""
        ...

    def close(self) -> None:
        """Closes it."""
        ...


def open_archive(path: Path) -> Archive:
    """An archive by its name; raises what `tuner.datasets.formats.files.UNREADABLE` lists."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        return ParquetRows(path)
    if name.endswith(".zip"):
        return Zip(path)
    facts = path.stat()
    return _tar(path, facts.st_size, facts.st_mtime_ns)


class Zip:
    """A zip archive."""

    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path)

    def members(self) -> list[Member]:
        """Everything in it."""
        return [Member(item.filename, self._kind(item)) for item in self._file.infolist()]

    def open(self, member: str) -> IO[bytes]:
        """The bytes of a member."""
        return self._file.open(member)

    def close(self) -> None:
        """Closes it."""
        self._file.close()

    @staticmethod
    def _kind(item: zipfile.ZipInfo) -> str:
        if stat.S_ISLNK(item.external_attr >> 16):
            return "link"
        return "encrypted" if item.flag_bits & 1 else "folder" if item.is_dir() else "file"


class Tar:
    """A tar archive; a packed one is unpacked once, into a temporary file without a name."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        with ExitStack() as opened:
            self._file = opened.enter_context(_unpacked(path))
            with tarfile.open(fileobj=self._file, mode="r:") as archive:
                self._items = {re.sub(r"^(\./)+", "", item.name): item for item in archive.getmembers()}
            self._close = opened.pop_all().close

    def __del__(self) -> None:
        """Readers leave it open; it goes when another archive takes its place."""
        getattr(self, "_close", lambda: None)()

    def members(self) -> list[Member]:
        """Everything in it."""
        return [Member(name, self._kind(item)) for name, item in self._items.items() if name != "."]

    def open(self, member: str) -> IO[bytes]:
        """The bytes of a member."""
        item = self._items[member]
        with self._lock:
            self._file.seek(item.offset_data)
            return io.BytesIO(self._file.read(item.size))

    def close(self) -> None:
        """Stays open for the next reader: unpacking takes long."""

    @staticmethod
    def _kind(item: tarfile.TarInfo) -> str:
        if item.issym() or item.islnk():
            return "link"
        if item.isdir():
            return "folder"
        return "file" if item.isfile() and not item.issparse() else "other"


class ParquetRows:
    """The images in the rows of a Parquet file; a member is the name of a column, a colon and a row."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._file = pyarrow.parquet.ParquetFile(path)
        self._columns: dict[str, Any] = {}
        self._lock = Lock()

    def members(self) -> list[Member]:
        """None: which column holds images is for the reader to say."""
        return []

    def open(self, member: str) -> IO[bytes]:
        """The bytes of a row, plain or as `datasets` has them: `{"bytes": …, "path": …}`."""
        column, _, row = member.rpartition(":")
        with self._lock:
            if column not in self._columns:
                self._columns[column] = self._file.read([column]).column(column)
        value = self._columns[column][int(row)].as_py()
        return io.BytesIO(value["bytes"] if isinstance(value, dict) else value)

    def close(self) -> None:
        """Closes it."""
        self._file.close()


@lru_cache(maxsize=4)
def _tar(path: Path, size: int, changed: int) -> Tar:  # noqa: ARG001  # another file of that name is another key
    return Tar(path)


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        unpacker = _UNPACKERS.get(file.read(2))
    if unpacker is None:
        return path.open("rb")
    with ExitStack() as opened:
        plain = opened.enter_context(tempfile.TemporaryFile())
        with unpacker(path) as packed:
            while piece := packed.read(1 << 22):
                plain.write(piece)
                if plain.tell() > MAX_UNPACKED:
                    raise ValueError(f"it unpacks to more than {MAX_UNPACKED >> 30} GiB")
        plain.seek(0)
        opened.pop_all()
        return plain
