"""Labelled image files as raw data: decoded, their classes numbered, everything left out accounted for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Progress, RawData
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.labels import groups_by_name, name_classes, number_groups
from tuner.datasets.formats.pictures import Pictures, decode, merge_sizes
from tuner.datasets.reading import Left, Reading, counted
from tuner.errors import DataError, UsageError

DARK = 16
"""Image files of 8 bits whose values all are as small as this are told: as arrays they would be scaled."""

JOINED = "the validation images were joined to the training images; validation folds are drawn anew"


@dataclass(frozen=True)
class Labelled:
    """An image file, the split it belongs to, its class, and its name where that is not the entry's."""

    entry: Entry
    split: str
    label: str
    name: str = ""


def read_labelled_pictures(
    labelled: Sequence[Labelled],
    notes: Sequence[str],
    options: DataOptions,
    progress: Progress,
    left: Sequence[Left] = (),
) -> RawData:
    """Decodes labelled image files; those that cannot be read are left out and listed for the audit.

    Raises:
        DataError: no training images, too many that cannot be read, or a class that loses all of them.
    """
    train = [item for item in labelled if item.split != "test"]
    test = [item for item in labelled if item.split == "test"]
    notes = list(notes)
    if any(item.split == "valid" for item in train):
        notes.append(JOINED)
    if not train:
        raise DataError(f"{len(test)} test images and no training images with a label; expected some of each")
    with Reader() as reader:
        read = decode(reader, [item.entry for item in train], options.image_shape, progress)
        shape: tuple[int, int, int] = read.images.shape[1:]
        read_test = (
            decode(reader, [item.entry for item in test], shape, progress, read.scale) if test else None
        )
    _refuse_lost(train, read)
    if read.scale is None and (most := int(read.images.max())) <= DARK:
        notes.append(f"the brightest value in the image files is {most} of 255: they stay as dark as that")
    left = [*left, *_unread(train, read), *(_unread(test, read_test) if read_test else ())]
    train = [train[i] for i in read.kept]
    test = [test[i] for i in read_test.kept] if read_test else []
    classes = name_classes(
        [item.label for item in train],
        [item.label for item in test] if test else None,
        lambda i: str(train[i].entry),
        lambda i: str(test[i].entry),
        spellings=options.spellings,
        folders=True,
    )
    test_images = read_test.images if read_test else None
    if test_images is not None and len(classes.kept) < len(test):
        left += [
            ("test images of a class that no training image has", item.entry.name)
            for i, item in enumerate(test)
            if i not in set(classes.kept.tolist())
        ]
        test = [test[i] for i in classes.kept]
        test_images = test_images[classes.kept]
    groups, test_groups = _groups(train, test, options)
    parts = [read, read_test] if read_test else [read]
    return RawData(
        classes.names,
        read.images,
        classes.train,
        test_images if test else None,
        classes.test if test else None,
        groups,
        test_groups,
        train_names=tuple(item.name or item.entry.name for item in train),
        test_names=tuple(item.name or item.entry.name for item in test) if test else None,
        notes=tuple(
            dict.fromkeys([*notes, *classes.notes, *(note for part in parts for note in part.notes)])
        ),
        audit=_facts(parts),
        reading=Reading(unused=counted(left), used=len(train) + len(test), values=read.values),
    )


def _unread(items: Sequence[Labelled], read: Pictures) -> list[Left]:
    kept = set(read.kept.tolist())
    return [("images that cannot be read", item.entry.name) for i, item in enumerate(items) if i not in kept]


def _refuse_lost(train: Sequence[Labelled], read: Pictures) -> None:
    kept = {train[i].label for i in read.kept}
    counts = Counter(item.label for item in train)
    for label in counts:
        if label not in kept:
            raise DataError(
                f"class {label!r} loses all its {counts[label]} images: none can be read,"
                f" such as {read.corrupt[0] if read.corrupt else ''}\nexpected image files that are whole"
            )


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
    facts: dict[str, object] = {
        "original_sizes": merge_sizes(parts),
        "corrupt": [why for part in parts for why in part.corrupt],
    }
    if parts[0].scale is not None:
        facts["scale"] = parts[0].scale.as_json()
    return facts
