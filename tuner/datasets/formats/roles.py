"""Which of several files of arrays holds which part, by their names."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tuner.datasets.formats.arrays import ArraySource
from tuner.datasets.formats.containers import CONTAINERS, FOREIGN
from tuner.datasets.formats.files import Entry, Listing, Reader, is_archive
from tuner.datasets.formats.split_words import siblings, split_of, stem, words
from tuner.datasets.reading import Left
from tuner.errors import DataError, UsageError

_LABELS = {"y", "label", "labels", "target", "targets", "lbls"}
_IMAGES = {"x", "image", "images", "img", "imgs", "data", "input", "inputs", "features", "pixels"}
SUFFIXES = (".csv", ".npz", ".npy", *FOREIGN)
KINDS = "a folder or archive of images in class folders, a .csv, .npz, .npy, .h5, .mat, .parquet or IDX files"


def by_roles(name: str, path: Path, listing: Listing, test: Path | None = None) -> ArraySource:
    """Which file is what, by the names that data sets of this kind have; the rest is named as left out.

    `test` is `--test`, which stands for whatever could be the test split.

    Raises:
        UsageError: two files could have one role.
        DataError: no file could be the training images.
    """
    entries = listing.entries
    data = [entry for entry in entries if is_data(entry)]
    data = [
        entry for entry in data if not entry.base.endswith(FOREIGN)
    ] or data  # weights of a model may be HDF5
    if not data and path.is_file() and not is_archive(path):
        data = [entry for entry in entries if entry.base.endswith((".tsv", ".txt"))]
    others = _beside(path) if path.is_file() and len(data) == 1 and not data[0].member else []
    like = [entry for entry in others if _is_like(entry, data[0])]
    found = _roles(path, [*data, *like], find_test=test is None)
    if others and (found is None or found["train"] != data[0]):
        found = {"train": data[0]}
    if found is None:
        what = (
            f"{len(data)} data files ({', '.join(entry.name for entry in data[:3])}, …)"
            if data
            else "nothing to read"
        )
        raise DataError(
            f"{path}: {what}; expected {KINDS}\nor train.csv beside test.csv, or input.csv beside labels.csv"
        )
    used = set(found.values())
    left: list[Left] = [*listing.left]
    left += [("files that are no part of this layout", entry.name) for entry in entries if entry not in used]
    left += [(BESIDE, entry.name) for entry in others if entry not in used and not _same(entry, test)]
    roles: dict[str, Entry] = {role: entry for role, entry in found.items() if role != "train"}
    return ArraySource(name, found["train"], left=tuple(left), root=path, **roles)  # type: ignore[arg-type]


BESIDE = "files beside it that are named like it or its splits (the folder, or --test, has them used)"


def is_data(entry: Entry) -> bool:
    """Whether a file holds arrays, by its name."""
    return entry.base.endswith(SUFFIXES) or "-ubyte" in entry.base


def _beside(path: Path) -> list[Entry]:
    """Files in the folder of the one that was named which may be its labels or other splits."""
    found = [(Entry(other, other.name), name) for other, name in siblings(path, _plain) if other.is_file()]
    return [
        entry
        for entry, name in found
        if is_data(entry) and (split_of(name) or not _LABELS.isdisjoint(words(name)))
    ]


def _is_like(entry: Entry, own: Entry) -> bool:
    """Whether two files have one format, so that they may be parts of one data set."""
    return Path(entry.base).suffix == Path(own.base).suffix or "-ubyte" in own.base


def _plain(name: str) -> str:
    """The name of a file of arrays without its folders and its suffix."""
    return re.sub(
        r"(?i)(\.(csv|npz|npy|h5|hdf5|mat)|[-.]idx\d-ubyte)?(\.gz)?$", "", PurePosixPath(name).name, count=1
    )


def _same(entry: Entry, path: Path | None) -> bool:
    return path is not None and entry.path.absolute() == path.absolute()


def _roles(path: Path, data: list[Entry], *, find_test: bool = True) -> dict[str, Entry] | None:
    """The files by the role that they have in an `ArraySource`; None where none is the training images."""
    if len(data) == 1:
        return {"train": data[0]}
    if pairs := _pairs(path, data):
        return pairs
    tables = [entry for entry in data if entry.base.endswith((".csv", *CONTAINERS))]
    return _by_words(path, tables, ("test", "valid") if find_test else ("valid",))


def _pairs(path: Path, data: Sequence[Entry]) -> dict[str, Entry]:
    """Images and labels in files of their own, by the words in their names; {} where no training images are.

    `x_train.npy` and `y_train.npy`, `input.csv` and `labels.csv`, `train-images-idx3-ubyte` and
    `train-labels-idx1-ubyte`, `csvTrainImages.csv` and `csvTrainLabel.csv`.

    Raises:
        UsageError: several such pairs for one split.
    """
    images: dict[str, list[Entry]] = {}
    labels: dict[str, list[Entry]] = {}
    for entry in data:
        told = {*words(_plain(entry.name))}
        split = split_of(_plain(entry.name)) or ""
        if told & _LABELS and "with" not in told:
            labels.setdefault(split, []).append(entry)
        elif told & _IMAGES:
            images.setdefault(split, []).append(entry)
    both = {split: (images[split], labels[split]) for split in images if split in labels}
    if "train" not in both:
        both = {"train" if split == "" else split: pair for split, pair in both.items()}
    roles: dict[str, Entry] = {}
    for split in ("train", "test", "valid"):
        for role, found in zip((split, f"{split}_labels"), both.get(split, ()), strict=False):
            if len(found) > 1:
                shown = ", ".join(entry.name for entry in found[:4])
                raise UsageError(
                    f"{path}: several files could be the {role.replace('_', ' ')}: {shown}\n"
                    "expected one of them as the data set, with --labels and --test for the others"
                )
            roles[role] = found[0]
        labels_role = f"{split}_labels"
        if labels_role in roles and not _fit(roles[split], roles[labels_role]):
            del roles[labels_role]  # names of the classes, say
    return roles if "train" in roles else {}


def _fit(images: Entry, labels: Entry) -> bool:
    """Whether a CSV found by its name can hold the labels of a CSV of images: as many rows, but one."""
    if not (images.base.endswith(".csv") and labels.base.endswith(".csv")):
        return True
    with Reader() as reader:
        return abs(_rows(reader, images) - _rows(reader, labels)) <= 1


def _rows(reader: Reader, entry: Entry) -> int:
    """Lines of a file, a last one without an end too."""
    count, last = 0, b"\n"
    with reader.open(entry) as file:
        while piece := file.read(1 << 22):
            count, last = count + piece.count(b"\n"), piece[-1:]
    return count + (last != b"\n")


def _by_words(path: Path, tables: list[Entry], roles: Sequence[str]) -> dict[str, Entry] | None:
    """CSV files or archives of arrays by the words in their names."""
    by_split: dict[str, list[Entry]] = {}
    for entry in tables:
        if role := split_of(_plain(entry.name)) or _ending(_plain(entry.name).lower()):
            by_split.setdefault(role, []).append(entry)
    trains = by_split.get("train", [])
    if len(trains) != 1:
        return None
    train = trains[0]
    ours, suffix = stem(_plain(train.name)), Path(train.base).suffix
    parts = {"train": train}
    for role in roles:
        found = [entry for entry in by_split.get(role, []) if Path(entry.base).suffix == suffix]
        same = [entry for entry in found if stem(_plain(entry.name)) == ours] or found
        if len(same) > 1:
            shown = ", ".join(entry.name for entry in same)
            raise UsageError(
                f"{path}: several files could be the {role} split: {shown}\nexpected --test with one of them"
            )
        if same:
            parts[role] = same[0]
    return parts


def _ending(name: str) -> str | None:
    """The split that a name ends with, without a word of its own ("mytrain")."""
    return next((split for split in ("train", "test", "valid") if name.endswith(split)), None)
