"""Folders (and archives) of images: one folder a class, or `train/`, `test/`, `valid/` with one each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.files import Entry, Reader, list_files
from tuner.datasets.formats.labels import groups_by_name, name_classes, number_groups
from tuner.datasets.formats.pictures import Pictures, decode, is_picture, merge_sizes
from tuner.errors import DataError, UsageError

_SPLITS = {
    **dict.fromkeys(("train", "training", "training_set", "train_set"), "train"),
    **dict.fromkeys(("test", "testing", "test_set"), "test"),
    **dict.fromkeys(("valid", "val", "validation", "valid_set", "validation_set"), "valid"),
}
_ADDED = "--test/"


@dataclass(frozen=True)
class Labelled:
    """An image file, the split it belongs to, and its class."""

    entry: Entry
    split: str
    label: str


@dataclass(frozen=True)
class FolderSource:
    """A folder or zip archive of images in class folders."""

    name: str
    root: Path
    summary: str = "your own folder of images"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """Every image in it, and in `--test`."""
        found = [entry for entry in list_files(self.root) if is_picture(entry)]
        if options.test is not None:
            more = [entry for entry in list_files(options.test) if is_picture(entry)]
            if not more:
                raise DataError(
                    f"no images in {options.test}; expected a folder with one folder for each class"
                )
            found += [replace(entry, name=_ADDED + entry.name) for entry in more]
        return found

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Decodes them."""
        main = [entry for entry in files if not entry.name.startswith(_ADDED)]
        labelled, notes = sort_out(main, self.root)
        if len(main) < len(files):
            added = [replace(entry, name=entry.name.removeprefix(_ADDED)) for entry in files[len(main) :]]
            if any(item.split == "test" for item in labelled):
                raise UsageError(
                    f"--test {options.test} is given, but {self.root} has a test folder of its own"
                )
            labelled += [
                replace(item, split="test") for item in sort_out(added, options.test or self.root)[0]
            ]
        return read_labelled_pictures(labelled, notes, options, progress)


def read_labelled_pictures(
    labelled: Sequence[Labelled], notes: Sequence[str], options: DataOptions, progress: Progress
) -> RawData:
    """Decodes labelled image files; those that cannot be read are left out and listed for the audit."""
    train = [item for item in labelled if item.split != "test"]
    test = [item for item in labelled if item.split == "test"]
    notes = list(notes)
    if any(item.split == "valid" for item in train):
        notes.append(
            "the validation images were joined to the training images; validation folds are drawn anew"
        )
    if not train:
        raise DataError(f"{len(test)} test images and no training images; expected some of each")
    with Reader() as reader:
        read = decode(reader, [item.entry for item in train], options.image_shape, progress)
        shape: tuple[int, int, int] = read.images.shape[1:]
        read_test = decode(reader, [item.entry for item in test], shape, progress) if test else None
    train = [train[i] for i in read.kept]
    test = [test[i] for i in read_test.kept] if read_test else []
    names, labels, test_labels = name_classes(
        [item.label for item in train],
        [item.label for item in test] if test else None,
        lambda i: str(train[i].entry),
        lambda i: str(test[i].entry),
    )
    groups, test_groups = _groups(train, test, options)
    parts = [read, read_test] if read_test else [read]
    return RawData(
        *(
            names,
            read.images,
            labels,
            read_test.images if read_test else None,
            test_labels,
            groups,
            test_groups,
        ),
        train_names=tuple(item.entry.name for item in train),
        test_names=tuple(item.entry.name for item in test) if test else None,
        notes=tuple(dict.fromkeys([*notes, *(note for part in parts for note in part.notes)])),
        audit=_facts(parts),
    )


def sort_out(entries: Sequence[Entry], root: Path) -> tuple[list[Labelled], list[str]]:
    """Split and class of each image by the folders it lies in.

    Folders that all images share are passed over, so that an archive may have a top folder of its own.

    Raises:
        DataError: no folders, or images beside them.
    """
    parts = [entry.name.split("/") for entry in entries]
    if not parts:
        raise DataError(
            f"no images in {root}\nexpected <class>/*.png (or .jpg, …), or train/<class>/… and test/<class>/…"
        )
    while all(len(p) > 2 for p in parts) and len({p[0] for p in parts}) == 1 and not _is_split(parts[0][0]):
        parts = [p[1:] for p in parts]
    by_split = any(_is_split(p[0]) for p in parts if len(p) > 2)
    notes: list[str] = []
    found: list[Labelled] = []
    unlabelled: Counter[str] = Counter()
    for entry, p in zip(entries, parts, strict=True):
        if by_split and len(p) == 2 and _SPLITS.get(p[0].lower()) == "test":
            unlabelled[p[0]] += 1
        elif len(p) < (3 if by_split else 2) or (by_split and not _is_split(p[0])):
            raise DataError(
                f"{entry} lies beside the class folders\nexpected "
                + (
                    "train/<class>/…, test/<class>/… or valid/<class>/…"
                    if by_split
                    else "<class>/… or --labels FILE"
                )
            )
        else:
            found.append(
                Labelled(entry, _SPLITS[p[0].lower()] if by_split else "train", p[1 if by_split else 0])
            )
    if unlabelled:
        notes.append(
            f"{unlabelled.total():,} test images lie in no class folder, have no labels and were left out"
        )
    return found, notes


def _is_split(folder: str) -> bool:
    return folder.lower() in _SPLITS


def _groups(
    train: Sequence[Labelled], test: Sequence[Labelled], options: DataOptions
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    if options.group_column is not None:
        raise UsageError("--group-column is for CSV files; for image folders, --group-regex reads file names")
    names = groups_by_name([item.entry for item in (*train, *test)], options)
    if names is None:
        return None, None
    return number_groups(names[: len(train)], names[len(train) :] if test else None)


def _facts(parts: Sequence[Pictures]) -> dict[str, object]:
    return {"original_sizes": merge_sizes(parts), "corrupt": [why for part in parts for why in part.corrupt]}
