"""Which of several files of arrays holds which part, by their names."""

import re
from collections.abc import Sequence
from pathlib import Path

from tuner.datasets.formats.arrays import ArraySource
from tuner.datasets.formats.files import Entry, Listing, find
from tuner.datasets.formats.idx import IDX_FILES
from tuner.datasets.formats.split_words import split_of, stem
from tuner.datasets.reading import Left
from tuner.errors import DataError, UsageError

_PAIR = re.compile(r"((?:(?:train|test)_)?(?:x|y|images?|labels?|targets?|data)(?:_(?:train|test))?)\.npy")
KINDS = "a folder or .zip of images in class folders, a .csv, a .npz or IDX files (each may be gzipped)"


def by_roles(name: str, path: Path, listing: Listing) -> ArraySource:
    """Which file is what, by the names that data sets of this kind have; the rest is named as left out.

    Raises:
        UsageError: two files could have one role.
        DataError: no file could be the training images.
    """
    entries = listing.entries
    suffixes = (".csv", ".npz", ".npy")
    data = [entry for entry in entries if entry.base.endswith(suffixes) or "-ubyte" in entry.base]
    if not data and path.is_file() and path.suffix != ".zip":
        data = [entry for entry in entries if entry.base.endswith((".tsv", ".txt"))]
    found = _roles(path, data)
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
    return ArraySource(
        name,
        found["train"],
        found.get("train_labels"),
        found.get("test"),
        found.get("test_labels"),
        found.get("valid"),
        tuple(left),
    )


def _roles(path: Path, data: list[Entry]) -> dict[str, Entry] | None:
    """The files by the role that they have in an `ArraySource`; None where none is the training images."""
    if len(data) == 1:
        return {"train": data[0]}
    idx = [find(data, *names) for names in IDX_FILES]
    if not (idx[0] and idx[1]):
        idx = _idx_by_words(data)
    if idx[0] and idx[1]:
        both = bool(idx[2] and idx[3])
        return _present(
            train=idx[0], train_labels=idx[1], **({"test": idx[2], "test_labels": idx[3]} if both else {})
        )
    if pairs := _pairs(data):
        return pairs
    if (train := find(data, "input.csv")) and (labels := find(data, "labels.csv")):
        return _present(
            train=train,
            train_labels=labels,
            test=find(data, "input_test.csv"),
            test_labels=find(data, "labels_test.csv"),
        )
    return _by_words(path, [entry for entry in data if entry.base.endswith((".csv", ".npz"))])


def _pairs(data: Sequence[Entry]) -> dict[str, Entry]:
    """`.npy` files of images and labels by their names: x_train, train_images, X, images; y, labels."""
    found: dict[str, Entry] = {}
    for entry in data:
        match = _PAIR.fullmatch(entry.base)
        if match:
            split = split_of(entry.base.removesuffix(".npy")) or "train"
            kind = "_labels" if re.search(r"(^|_)(y|labels?|targets?)(_|$)", match[1]) else ""
            found.setdefault(f"{split}{kind}", entry)
    if "train" not in found or "train_labels" not in found:
        return {}
    both = "test" in found and "test_labels" in found
    roles = ("train", "train_labels", *(("test", "test_labels") if both else ()))
    return {role: found[role] for role in roles}


def _by_words(path: Path, tables: list[Entry]) -> dict[str, Entry] | None:
    """CSV files or archives of arrays by the words in their names."""
    by_split: dict[str, list[Entry]] = {}
    for entry in tables:
        if role := split_of(Path(entry.base).stem) or _ending(Path(entry.base).stem):
            by_split.setdefault(role, []).append(entry)
    trains = by_split.get("train", [])
    if len(trains) != 1:
        return None
    train = trains[0]
    ours, suffix = stem(Path(train.base).stem), Path(train.base).suffix
    parts = {"train": train}
    for role in ("test", "valid"):
        found = [entry for entry in by_split.get(role, []) if Path(entry.base).suffix == suffix]
        same = [entry for entry in found if stem(Path(entry.base).stem) == ours] or found
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


def _idx_by_words(data: Sequence[Entry]) -> list[Entry | None]:
    """IDX files of images and labels of both splits by the words in their names (EMNIST)."""
    found: list[Entry | None] = []
    for split in ("train", "test"):
        for kind in ("images-idx3", "labels-idx1"):
            named = [e for e in data if kind in e.base.replace(".idx", "-idx") and split_of(e.base) == split]
            found.append(named[0] if len(named) == 1 else None)
    return found


def _present(**roles: Entry | None) -> dict[str, Entry]:
    return {role: entry for role, entry in roles.items() if entry is not None}
