"""Prepared data sets on disk: each in a directory of its own, complete or not there at all.

    <cache>/datasets/<name>-<fingerprint>-v<format>/   dataset.json, audit.json, *.npy
    <cache>/fingerprints/<stat key>                    content digests of files that have not changed since

A directory is written under a temporary name and renamed when all of it is on disk, so a half-written
one is never read. Two processes that prepare the same data wait for each other.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Dataset, Progress, Traits
from tuner.datasets.formats.files import Entry, refusing
from tuner.errors import DataError

FORMAT = 4
"""Counts up when the same files would be prepared differently; older directories are then left alone."""

_SETTLED = 2.0
"""Seconds after its last change from which a file's size and time are trusted to tell its content."""


def fingerprint(entries: list[Entry], options: Mapping[str, object], cache_dir: Path) -> str:
    """The fingerprint of the files' content and the options: 32 hexadecimal digits, the same anywhere.

    Content is read once; afterwards a file of the same path, size and time of change is taken to be the
    same, unless it changed in the last two seconds before it was read.

    Args:
        entries: files on disk; of an archive, only the archive itself is read.
        options: what else decides the arrays; JSON values.
        cache_dir: where digests are remembered.
    """
    names = sorted({(entry.path, entry.path.name if entry.member else entry.name) for entry in entries})
    key, changed = _stat_key([path for path, _ in names])
    remembered = cache_dir / "fingerprints" / key
    try:
        content = remembered.read_text()
    except OSError:
        content = ""
    if len(content) != 64:
        content = _content([(name, path) for path, name in names])
        if time.time() - changed > _SETTLED:
            with writing(cache_dir):
                _write_text(remembered, content)
    told = json.dumps(options, sort_keys=True)
    return hashlib.sha256(f"{content}\n{told}".encode(errors="surrogateescape")).hexdigest()[:32]


def stat_key(entries: list[Entry]) -> str:
    """Changes when a file is written to; costs no reading."""
    return _stat_key(sorted({entry.path for entry in entries}))[0]


def directory_of(cache_dir: Path, name: str, digest: str) -> Path:
    """Where the data set of that fingerprint is, or will be."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:40].strip(".-") or "data"
    return cache_dir.resolve() / "datasets" / f"{safe}-{digest}-v{FORMAT}"


def is_complete(directory: Path, listing: str | None = None) -> bool:
    """Whether a directory holds all that `store` wrote, by the sizes of its files.

    Where `listing` is given, also whether the same lay beside the files that were read: only then is the
    audit's table of files that are not used still right.
    """
    try:
        facts = json.loads((directory / "dataset.json").read_text())
        if listing is not None and facts["listing"] != listing:
            return False
        sizes = facts["files"]
        return all((directory / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def exclusive(directory: Path, progress: Progress) -> Iterator[None]:
    """Held by the one process that prepares `directory`; clears away what a killed one left there."""
    from filelock import FileLock, Timeout

    with writing(directory.parent):
        directory.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory.with_name(f".{directory.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress("another process is preparing this data set; waiting for it")
            lock.acquire()
    try:
        for left in directory.parent.glob(f".{directory.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()


def store(
    directory: Path,
    arrays: Mapping[str, NDArray[Any]],
    audit: Mapping[str, Any],
    name: str,
    class_names: tuple[str, ...],
    digest: str,
    traits: Traits,
    names: Mapping[str, Sequence[str]],
    listing: str = "",
) -> Dataset:
    """Writes a prepared data set, all of it or nothing.

    `names` are the file or row of each image by split; `listing` tells apart what lay beside the files.

    Raises:
        DataError: the cache directory cannot be written to, or the disk is full.
    """
    temporary = directory.with_name(f".{directory.name}.{os.getpid()}.tmp")
    try:
        with writing(directory.parent):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for array, values in arrays.items():
                _write(temporary / f"{array}.npy", lambda path, values=values: np.save(path, values))  # type: ignore[misc]
            _write_json(temporary / "audit.json", audit)
            for split, told in names.items():
                _write_json(temporary / f"{split}_names.json", told)
            sizes = {path.name: path.stat().st_size for path in sorted(temporary.iterdir())}
            facts = {
                "name": name,
                "fingerprint": digest,
                "class_names": class_names,
                "traits": asdict(traits),
                "format": FORMAT,
                "files": sizes,
                "listing": listing,
            }
            _write_json(temporary / "dataset.json", facts)
            shutil.rmtree(directory, ignore_errors=True)  # incomplete, or we would not be here
            temporary.replace(directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Dataset(directory, name, class_names, digest, traits)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Says which option helps when the cache cannot be written."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write to the cache {place}: {error.strerror or error}\n"
            "expected a writable directory with free space; TUNE_CACHE_DIR names another"
        ) from error


def _stat_key(paths: list[Path]) -> tuple[str, float]:
    """A digest of path, size and times of every file, and the latest of the times."""
    digest, latest = hashlib.sha256(), 0.0
    for path in paths:
        with refusing(path):
            facts = path.stat()
        digest.update(
            f"{path.absolute()}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ctime_ns}\n".encode(
                errors="surrogateescape"
            )
        )
        latest = max(latest, facts.st_mtime, facts.st_ctime)
    return digest.hexdigest(), latest


def _content(files: list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files):
        with refusing(path), path.open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\0{inner}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _write(path: Path, write: Callable[[Any], object]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _write_json(path: Path, data: Mapping[str, Any] | Sequence[str]) -> None:
    text = json.dumps(data, allow_nan=False, default=_plain)
    _write(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value")
