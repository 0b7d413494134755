"""A user's own arrays: CSV files of pixels, files of named arrays, IDX files."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.containers import CONTAINERS
from tuner.datasets.formats.csv_layout import look
from tuner.datasets.formats.csv_part import by_split, read_csv_part, read_labels
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.idx import read_idx
from tuner.datasets.formats.labels import name_classes, number_groups
from tuner.datasets.formats.npz import read_npy, to_images, to_images_in_order, to_label_texts
from tuner.datasets.formats.parts import Part, labels_in, npz_parts
from tuner.datasets.formats.values import Scale, scale_of
from tuner.datasets.reading import Left, Reading, counted
from tuner.errors import DataError, UsageError


@dataclass(frozen=True)
class ArraySource:
    """Files of arrays; the entries of each role, in the order that `files` gives them.

    Attributes:
        train, test, valid: images and, unless there is a file for them, labels.
        train_labels, test_labels, valid_labels: labels in files of their own.
        left: files beside them that are not used.
        root: where all of them were found.
    """

    name: str
    train: Entry
    train_labels: Entry | None = None
    test: Entry | None = None
    test_labels: Entry | None = None
    valid: Entry | None = None
    valid_labels: Entry | None = None
    left: tuple[Left, ...] = ()
    root: Path | None = None
    summary: str = "your own arrays"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """All files, each with its role in front of its name, so that exchanging two is a change."""
        roles = ("train", "train_labels", "test", "test_labels", "valid", "valid_labels")
        entries = [(role, getattr(self, role)) for role in roles]
        return [replace(entry, name=f"{role}/{entry.name}") for role, entry in entries if entry]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads whatever the files are."""
        with Reader() as reader:
            parts = _read_parts(reader, self, options)
        raw = assemble(parts, options)
        reading = replace(raw.reading, unused=(*counted(self.left), *raw.reading.unused), used=len(files))
        return replace(raw, reading=reading)


def assemble(parts: dict[str, Part], options: DataOptions) -> RawData:
    """Joins training and validation images, and numbers classes and groups over all splits."""
    notes = [note for part in parts.values() for note in part.told]
    left = [item for part in parts.values() for item in part.left]
    train, test = parts["train"], parts.get("test")
    if "valid" in parts:
        train = _join(train, parts["valid"])
        notes.append(
            "the validation images were joined to the training images; validation folds are drawn anew"
        )
    if test is not None and test.labels is None:
        notes.append(f"{test.what} has no labels and was left out")
        left.append(("test images without labels", test.what))
        test = None
    if train.labels is None:
        raise UsageError(
            f"{train.what} has no labels\nexpected --labels with a file of them, or a column of labels"
        )
    for part in (train, test):
        if part and part.labels is not None and len(part.labels) != len(part.images):
            raise DataError(
                f"{part.what}: {len(part.images)} images and {len(part.labels)} labels; expected as many"
            )
    classes = name_classes(
        *(train.labels, test.labels if test else None, train.where, test.where if test else train.where),
        spellings=options.spellings,
    )
    notes += classes.notes
    test_images, test_names = (test.images, test.names or test.numbered()) if test else (None, None)
    if test is not None and len(classes.kept) < len(test.images):
        assert test_names is not None
        lost = sorted({*range(len(test.images))} - {*classes.kept.tolist()})
        left += [("test images of a class that no training image has", test_names[i]) for i in lost]
        test_images, test_names = test.images[classes.kept], tuple(test_names[i] for i in classes.kept)
        test = replace(test, groups=test.groups and [test.groups[i] for i in classes.kept])
    groups, test_groups = (
        number_groups(train.groups, test.groups if test else None) if train.groups else (None, None)
    )
    return RawData(
        classes.names,
        train.images,
        classes.train,
        test_images,
        classes.test if test else None,
        groups,
        test_groups,
        train_names=train.names or train.numbered(),
        test_names=test_names,
        notes=tuple(dict.fromkeys(notes)),
        audit={} if train.scale.same else {"scale": train.scale.as_json()},
        reading=Reading(
            images=train.what,
            labels=train.labels_from,
            test=test.what if test else "",
            values=str(train.scale),
            unused=counted(left),
        ),
    )


def _read_parts(reader: Reader, source: ArraySource, options: DataOptions) -> dict[str, Part]:
    parts = _splits_in(reader, source.train, source.train_labels, options)
    if "train" not in parts:
        raise DataError(
            f"{source.train} holds a test or validation split alone\nexpected x_train and y_train, or x and y"
        )
    first = parts["train"]
    if source.valid is not None:
        valid = _split_in(reader, source.valid, source.valid_labels, options, first, "valid")
        parts["valid"] = _join(parts["valid"], valid) if "valid" in parts else valid
    if source.test is not None:
        if "test" in parts:
            raise UsageError(
                f"{source.test} is a test split, but {source.train} has one of its own\nexpected one of them"
            )
        if source.test_labels is None and source.train_labels is None and _unlabelled(reader, source):
            names = f"{source.test.name} has one column less than {source.train.name}"
            note = f"{names}: it has no labels and was left out"
            left = (*parts["train"].left, ("test images without labels", source.test.name))
            parts["train"] = replace(parts["train"], notes=(*parts["train"].notes, note), left=left)
        else:
            parts["test"] = _split_in(reader, source.test, source.test_labels, options, first, "test")
    return parts


def _splits_in(
    reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions, first: Part | None = None
) -> dict[str, Part]:
    """The splits that one file holds, read like `first`, the training images of another."""
    scale = first.scale if first else None
    if first and first.order and options.pixel_order is None:
        options = replace(options, pixel_order=first.order.name)
    if not entry.base.endswith(CONTAINERS):
        return by_split(_read_part(reader, entry, labels, options, scale))
    parts = npz_parts(reader, entry, options, scale, last=first is not None and first.last_axis)
    if labels is None:
        return parts
    split = "train" if "train" in parts else next(iter(parts))
    texts, where = _read_labels(reader, labels, options)
    left = ((f"labels in {entry.name}, as --labels has others", parts[split].labels_from),)
    more = left if parts[split].labels is not None else ()
    parts[split] = replace(parts[split], labels=texts, labels_from=where, left=(*parts[split].left, *more))
    return parts


def _split_in(
    reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions, first: Part, split: str
) -> Part:
    """The one split that is wanted of a file: that which is so named in it, or all of it."""
    parts = _splits_in(reader, entry, labels, options, first)
    chosen = split if split in parts else next(iter(parts))
    others = [
        (f"images of another split in {entry.name}", name)
        for other, part in parts.items()
        if other != chosen
        for name in part.names or part.numbered()
    ]
    return replace(parts[chosen], what=str(entry), left=(*parts[chosen].left, *others))


def _read_part(
    reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions, scale: Scale | None = None
) -> Part:
    if re.search(r"idx\d-ubyte", entry.base):
        values = read_idx(reader, entry)
        scale = scale or scale_of(values, str(entry))
        images = to_images(values, str(entry), None, scale)
        found, labels_from = _read_labels(reader, labels, options) if labels else (None, "")
        return Part(images, found, None, str(entry), scale=scale, labels_from=labels_from)
    if entry.base.endswith(".npy"):
        array = read_npy(reader, entry)
        scale = scale or scale_of(array, str(entry))
        images, order = to_images_in_order(array, str(entry), options.image_shape, scale, options.pixel_order)
        texts, where = _read_labels(reader, labels, options) if labels else (None, "")
        return Part(images, texts, None, str(entry), scale=scale, labels_from=where, order=order)
    return read_csv_part(reader, entry, labels, options, scale)


def _read_labels(reader: Reader, entry: Entry, options: DataOptions) -> tuple[list[str], str]:
    if entry.base.endswith(".npy"):
        return to_label_texts(read_npy(reader, entry), str(entry)), entry.name
    if entry.base.endswith(CONTAINERS):
        return labels_in(reader, entry)
    return read_labels(reader, entry, options)


def _unlabelled(reader: Reader, source: ArraySource) -> bool:
    """Whether a test file is like its training file, without the labels."""
    if source.test is None or not source.test.base.endswith(".csv"):
        return False
    return look(reader, source.test).columns == look(reader, source.train).columns - 1


def _join(first: Part, second: Part) -> Part:
    if first.images.shape[1:] != second.images.shape[1:]:
        raise DataError(
            f"{second.what}: images {second.images.shape[1:]}\n"
            f"expected {first.images.shape[1:]}, as in {first.what}"
        )
    if first.labels is None or second.labels is None:
        raise DataError(f"{second.what} has no labels; expected those of {first.what} and of it")
    labels = first.labels + second.labels
    groups = None if first.groups is None else first.groups + (second.groups or [""] * len(second.images))
    images: NDArray[np.uint8] = np.concatenate([first.images, second.images])
    names = (*(first.names or first.numbered()), *(second.names or second.numbered()))
    what = f"{first.what} and {second.what}"
    return replace(first, images=images, labels=labels, groups=groups, what=what, names=names)
