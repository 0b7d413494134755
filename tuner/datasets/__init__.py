"""Data sets: those with a name, and whatever a path holds; prepared once, then mapped by every worker."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tuner.datasets.base import DataOptions, Dataset, Progress, Source

DATASETS: dict[str, str] = {
    "digits": "tuner.datasets.named.digits:SOURCE",
    "mnist": "tuner.datasets.named.mnist:SOURCE",
    "fashion-mnist": "tuner.datasets.named.fashion_mnist:SOURCE",
    "asl": "tuner.datasets.named.asl:SOURCE",
    "cats-dogs": "tuner.datasets.named.cats_dogs:SOURCE",
}


PATH_OPTIONS = (
    *("labels", "label_column", "group_column", "group_regex", "test", "image_shape"),
    *("label_regex", "folders", "label_level", "spellings", "pixel_order"),
)
"""Options that are for paths: data sets with a name know their own layout."""


def quiet(message: str) -> None:
    """Progress that nobody wants to see."""


def load(name_or_path: str, options: "DataOptions", progress: "Progress" = quiet) -> "Dataset":
    """A data set, prepared: read, checked, audited and cached the first time, mapped afterwards.

    Args:
        name_or_path: a registered name, or the path of a folder or file.
        options: where data and cache lie, and what the command line says about a path.
        progress: called with a few words on the work under way.

    Raises:
        UsageError: there is no such name or path, or an option does not fit.
        DataError: files are missing, unreadable or not what they should be.
    """
    from tuner.datasets.prepare import prepared

    return prepared(source(name_or_path, options), options, progress)


def source(name_or_path: str, options: "DataOptions") -> "Source":
    """The source of a registered name, or of a path.

    Raises:
        UsageError: there is no such name or path, or an option does not fit.
    """
    from tuner.errors import UsageError
    from tuner.registry import resolve, unknown

    if name_or_path in DATASETS:
        _refuse_path_options(name_or_path, options)
        found: Source = resolve(DATASETS[name_or_path])
        return found
    if Path(name_or_path).exists():
        from tuner.datasets.formats.own import own_source

        return own_source(Path(name_or_path), options)
    if os.sep in name_or_path or Path(name_or_path).suffix:
        raise UsageError(f"no file or folder {name_or_path!r}, and no data set of that name")
    message = unknown("data set", name_or_path, DATASETS)
    raise UsageError(f"{message}, or the path of a folder or file")


@dataclass(frozen=True)
class Status:
    """A registered data set as `tune datasets` lists it.

    Attributes:
        present: whether its files are on disk (no network is touched to find out).
        detail: where they are; or which are missing, where they belong and how to get them, in up to
            three lines.
    """

    name: str
    summary: str
    present: bool
    detail: str


def statuses(options: "DataOptions") -> list[Status]:
    """Every registered data set, and whether it is on disk."""
    from dataclasses import replace

    return [_status(name, replace(options, download=False)) for name in DATASETS]


def default_data_dir() -> Path:
    """`$TUNE_DATA_DIR`, else the user's data directory."""
    if given := os.environ.get("TUNE_DATA_DIR"):
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("tune-images")


def default_cache_dir() -> Path:
    """`$TUNE_CACHE_DIR`, else the user's cache directory; a temporary one where that cannot be written."""
    wanted = wanted_cache_dir()
    if _is_writable(wanted):
        return wanted
    import getpass
    import tempfile

    own = Path(tempfile.gettempdir()) / f"tune-images-{getpass.getuser()}"
    with suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        if own.stat().st_uid == getattr(os, "getuid", lambda: own.stat().st_uid)():
            return own
    return wanted


def wanted_cache_dir() -> Path:
    """`$TUNE_CACHE_DIR`, else the user's cache directory, whether or not it can be written."""
    if given := os.environ.get("TUNE_CACHE_DIR"):
        return Path(given)
    from platformdirs import user_cache_path

    return user_cache_path("tune-images")


def _is_writable(directory: Path) -> bool:
    """Whether a directory, or the nearest one above it that there is, takes new files."""
    there = next((path for path in (directory, *directory.absolute().parents) if os.path.lexists(path)), None)
    return there is not None and there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _status(name: str, options: "DataOptions") -> Status:
    from tuner.errors import DataError
    from tuner.registry import resolve

    found: Source = resolve(DATASETS[name])
    try:
        files = found.files(options, quiet)
    except DataError as error:
        detail = str(error).removeprefix(f"the data set {name!r} ")
        return Status(name, found.summary, present=False, detail=detail)
    where = str(files[0].path.parent) if files and name != "digits" else "comes with scikit-learn"
    return Status(name, found.summary, present=True, detail=where)


def _refuse_path_options(name: str, options: "DataOptions") -> None:
    from tuner.errors import UsageError

    for option in PATH_OPTIONS:
        if getattr(options, option) is not None:
            flag = "--" + option.replace("_", "-")
            raise UsageError(f"{flag} is for a path; the data set {name!r} knows its own layout")
