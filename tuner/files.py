"""How files are written and read: whole or not at all, and what is said when the disk cannot take them."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tuner.errors import RunError, UsageError


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with an open temporary file, then renames it to `path`: all of it, or nothing.

    It is on the disk before it has its name, so that not even a loss of power leaves an empty one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def inert(cell: object) -> object:
    """A cell of a CSV file that no spreadsheet takes for a formula: such a text has an apostrophe before it.

    Numbers stay as they are. After OWASP, "CSV injection".
    """
    number = re.compile(r"[+-]?\d+(\.\d*)?")
    if (
        isinstance(cell, str)
        and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        and not number.fullmatch(cell)
    ):
        return f"'{cell}"
    return cell


DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
"""No space, over quota, over the size limit, read-only, broken."""


def is_disk_error(error: BaseException) -> bool:
    """Whether nothing more can be written, so that going on would only fail again."""
    return isinstance(error, OSError) and error.errno in DISK_ERRORS


@contextmanager
def telling_of_disk_errors(path: Path) -> Iterator[None]:
    """Turns what the system says when it cannot write into an error for the user.

    Raises:
        RunError: the disk is full, or cannot be written to.
        UsageError: the directory is not ours to write to.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or path
        if is_disk_error(error):
            raise RunError(
                f"{where} cannot be written: {error.strerror}\n"
                "finished work is kept; free some space, and run the same command again to continue"
            ) from error
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError):
            raise UsageError(
                f"{where} cannot be written: {error.strerror}\nexpected a directory to write to: see --out"
            ) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 atomically; a byte of a file name that is no UTF-8 stands as its number."""
    shown = re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)
    write_atomically(path, lambda file: file.write(shown.encode("utf-8", "backslashreplace")))


def write_json(path: Path, data: object) -> None:
    """Writes JSON atomically, two spaces of indent, keys in their order; NaN is refused."""
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes a compressed `.npz` atomically."""
    import numpy as np

    named = dict(arrays)
    write_atomically(path, lambda file: np.savez_compressed(file, **named))


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        RunError: it is not JSON, or not ours to read.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {error}") from error
    except PermissionError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error


def copy_file(source: Path, target: Path) -> None:
    """Copies a file atomically; one that is not there is left out."""
    if source.exists():
        with source.open("rb") as content:
            write_atomically(target, lambda file: shutil.copyfileobj(content, file))
