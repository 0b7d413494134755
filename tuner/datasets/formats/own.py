"""Finds out what a user's own path holds."""

import re
from pathlib import Path

from tuner.datasets.base import DataOptions, Source
from tuner.datasets.formats.arrays import ArraySource
from tuner.datasets.formats.csv_layout import look
from tuner.datasets.formats.files import Entry, Reader, find, list_files
from tuner.datasets.formats.folders import FolderSource
from tuner.datasets.formats.idx import IDX_FILES
from tuner.datasets.formats.listed import ListedSource, lists_images
from tuner.datasets.formats.pictures import is_picture
from tuner.errors import DataError, UsageError

_KINDS = "a folder or .zip of images in class folders, a .csv, a .npz or IDX files (each may be gzipped)"


def own_source(path: Path, options: DataOptions) -> Source:
    """The source of what lies at `path`: images in folders, a list of images, or arrays.

    Raises:
        UsageError: an option does not fit what is there.
        DataError: nothing that could be read is there.
    """
    entries = list_files(path)
    name = re.sub(r"\.(gz|zip|csv|npz)$", "", re.sub(r"\.gz$", "", path.resolve().name)) or "data"
    for option in (options.labels, options.test):
        if option is not None and not option.exists():
            raise UsageError(f"no file or folder {str(option)!r}")
    if any(is_picture(entry) for entry in entries):
        return _pictures(name, path, options)
    return _arrays(name, path, entries, options)


def _pictures(name: str, path: Path, options: DataOptions) -> Source:
    if options.label_column is not None and options.labels is None:
        raise UsageError("--label-column is for CSV files; in image folders the folders name the classes")
    if options.labels is None:
        return FolderSource(name, path)
    return ListedSource(name, path, _only(options.labels), _only(options.test) if options.test else None)


def _arrays(name: str, path: Path, entries: list[Entry], options: DataOptions) -> Source:
    source = _by_roles(name, path, entries)
    if options.labels is not None:
        source = ArraySource(name, source.train, _only(options.labels), source.test, source.test_labels)
    if options.test is not None:
        test = _only(options.test)
        labels = _labels_beside(options.test, options.labels) if options.labels else None
        source = ArraySource(name, source.train, source.train_labels, test, labels)
    if options.group_regex is not None and not _lists(source.train, options):
        raise UsageError("--group-regex reads names of image files; for arrays there is --group-column")
    if _lists(source.train, options):
        return ListedSource(name, path.parent, source.train, source.test)
    return source


def _by_roles(name: str, path: Path, entries: list[Entry]) -> ArraySource:
    """Which file is what, by the names that data sets of this kind have."""
    data = [entry for entry in entries if entry.base.endswith((".csv", ".npz")) or "-ubyte" in entry.base]
    if not data and path.is_file() and path.suffix != ".zip":
        data = [entry for entry in entries if entry.base.endswith((".tsv", ".txt"))]
    if len(data) == 1:
        return ArraySource(name, data[0])
    idx = [find(data, *names) for names in IDX_FILES]
    if idx[0] and idx[1]:
        return ArraySource(name, idx[0], idx[1], idx[2] if idx[3] else None, idx[3])
    if (train := find(data, "input.csv")) and (labels := find(data, "labels.csv")):
        return ArraySource(name, train, labels, find(data, "input_test.csv"), find(data, "labels_test.csv"))
    for entry in data:
        if match := re.fullmatch(r"(.*)train(\.csv|\.npz)", entry.base):
            stem, suffix = match.groups()
            valid = find(data, f"{stem}valid{suffix}", f"{stem}val{suffix}") if suffix == ".csv" else None
            return ArraySource(name, entry, test=find(data, f"{stem}test{suffix}"), valid=valid)
    what = (
        f"{len(data)} data files ({', '.join(entry.name for entry in data[:3])}, …)"
        if data
        else "nothing to read"
    )
    raise DataError(
        f"{path}: {what}; expected {_KINDS}\nor train.csv beside test.csv, or input.csv beside labels.csv"
    )


def _only(path: Path) -> Entry:
    """The one data file at a path that an option names."""
    entries = [entry for entry in list_files(path) if not is_picture(entry)]
    if len(entries) != 1:
        raise UsageError(f"{path} holds {len(entries)} files; expected one data file")
    return entries[0]


def _labels_beside(test: Path, labels: Path) -> Entry:
    """The labels of the test images: named like those of the training images, with "test"."""
    suffixes = "".join(labels.suffixes)
    stem = labels.name.removesuffix(suffixes)
    names = [f"{stem}_test", f"test_{stem}", re.sub("train", "test", stem), stem.replace("train", "t10k")]
    for folder in (labels.parent, test.parent):
        for name in dict.fromkeys(names):
            candidate = folder / f"{name}{suffixes}"
            if name != stem and candidate.is_file():
                return _only(candidate)
    raise UsageError(f"no labels for --test {test}\nexpected {names[0]}{suffixes} beside {labels}")


def _lists(entry: Entry, options: DataOptions) -> bool:
    if options.labels is not None or not entry.base.endswith((".csv", ".tsv", ".txt")):
        return False
    with Reader() as reader:
        return lists_images(look(reader, entry))
