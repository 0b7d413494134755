"""A user's own arrays: CSV files of pixels, NumPy archives, IDX files."""

import math
import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.columns import label_column, pixel_columns
from tuner.datasets.formats.csv_layout import Layout, look, without_header
from tuner.datasets.formats.csvs import as_images, read_table, square_shape
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.idx import read_idx
from tuner.datasets.formats.labels import name_classes, number_groups
from tuner.datasets.formats.npz import to_images, to_label_texts
from tuner.datasets.formats.parts import Part, npz_parts
from tuner.errors import DataError, UsageError


@dataclass(frozen=True)
class ArraySource:
    """Files of arrays; the entries of each role, in the order that `files` gives them.

    Attributes:
        train, test, valid: images and, unless there is a file for them, labels.
        train_labels, test_labels: labels in files of their own.
    """

    name: str
    train: Entry
    train_labels: Entry | None = None
    test: Entry | None = None
    test_labels: Entry | None = None
    valid: Entry | None = None
    summary: str = "your own arrays"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """All files, each with its role in front of its name, so that exchanging two is a change."""
        roles = ("train", "train_labels", "test", "test_labels", "valid")
        entries = [(role, getattr(self, role)) for role in roles]
        return [replace(entry, name=f"{role}/{entry.name}") for role, entry in entries if entry]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads whatever the files are."""
        with Reader() as reader:
            parts = _read_parts(reader, self, options)
        return assemble(parts)


def assemble(parts: dict[str, Part]) -> RawData:
    """Joins training and validation images, and numbers classes and groups over all splits."""
    notes = [note for part in parts.values() for note in part.notes]
    train, test = parts["train"], parts.get("test")
    if "valid" in parts:
        train = _join(train, parts["valid"])
        notes.append(
            "the validation images were joined to the training images; validation folds are drawn anew"
        )
    if test is not None and test.labels is None:
        notes.append(f"{test.what} has no labels and was left out")
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
    names, labels, test_labels = name_classes(
        train.labels, test.labels if test else None, train.where, test.where if test else train.where
    )
    groups, test_groups = (
        number_groups(train.groups, test.groups if test else None) if train.groups else (None, None)
    )
    return RawData(
        names,
        train.images,
        labels,
        test.images if test else None,
        test_labels,
        groups,
        test_groups,
        notes=tuple(dict.fromkeys(notes)),
    )


def read_csv_part(reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions) -> Part:
    """A CSV of pixels, with labels in it or in another CSV.

    Raises:
        DataError, UsageError: as `read_table` and `pixel_columns`; a shape that must be asked for.
    """
    layout = look(reader, entry)
    columns = pixel_columns(reader, layout, options, labelled=labels is None)
    shape = image_shape(len(columns.pixels), options, layout)
    texts = [column for column in (columns.label, columns.group) if column is not None]
    table = read_table(reader, layout, columns.pixels, texts)
    notes = [f"{name} of {entry.name} was taken for a row number" for name in columns.dropped]
    if columns.label is not None and options.label_column is None:
        notes.append(f"{layout.name(columns.label)} of {entry.name} was taken for the labels")
    found = table.texts[columns.label] if columns.label is not None else None
    if labels is not None:
        found = read_labels(reader, labels, options)
    groups = table.texts[columns.group] if columns.group is not None else None
    return Part(as_images(table.pixels, shape), found, groups, str(entry), tuple(notes))


def read_labels(reader: Reader, entry: Entry, options: DataOptions) -> list[str]:
    """Labels from a file of their own: CSV, or IDX.

    Raises:
        DataError: unreadable or empty.
    """
    if "idx1" in entry.base:
        return to_label_texts(read_idx(reader, entry), str(entry))
    layout = look(reader, entry)
    column = label_column(layout, options)
    if layout.header is not None and layout.columns == 1 and not _names_labels(layout):
        layout = without_header(layout)
    return read_table(reader, layout, [], [column]).texts[column]


def image_shape(values: int, options: DataOptions, layout: Layout) -> tuple[int, int, int]:
    """The shape of images of that many values.

    Raises:
        UsageError: `--image-shape` disagrees, or is needed.
    """
    if options.image_shape is not None:
        if math.prod(options.image_shape) != values:
            given = "x".join(map(str, options.image_shape))
            raise UsageError(
                f"--image-shape {given} is {math.prod(options.image_shape)} values,"
                f" but {layout.entry} has {values} pixel values a row"
            )
        return options.image_shape
    found = square_shape(values) if values else None
    if found is None:
        raise UsageError(
            f"{layout.entry} has {values} pixel values a row, which is no square image, grey or colour\n"
            "expected --image-shape HEIGHTxWIDTHxCHANNELS, or --label-column if a column is not pixels"
        )
    return found


def _read_parts(reader: Reader, source: ArraySource, options: DataOptions) -> dict[str, Part]:
    if source.train.base.endswith(".npz"):
        parts = npz_parts(reader, source.train, options)
        if source.test is not None:
            parts["test"] = replace(npz_parts(reader, source.test, options)["train"], what=str(source.test))
        return parts
    parts = {"train": _read_part(reader, source.train, source.train_labels, options)}
    if source.valid is not None:
        parts["valid"] = _read_part(reader, source.valid, None, options)
    if source.test is not None:
        if source.test_labels is None and source.train_labels is None and _unlabelled(reader, source):
            names = f"{source.test.name} has one column less than {source.train.name}"
            note = f"{names}: it has no labels and was left out"
            parts["train"] = replace(parts["train"], notes=(*parts["train"].notes, note))
        else:
            parts["test"] = _read_part(reader, source.test, source.test_labels, options)
    return parts


def _read_part(reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions) -> Part:
    if re.search(r"idx\d-ubyte", entry.base):
        images = to_images(read_idx(reader, entry), str(entry))
        return Part(images, read_labels(reader, labels, options) if labels else None, None, str(entry))
    return read_csv_part(reader, entry, labels, options)


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
    labels = None if first.labels is None or second.labels is None else first.labels + second.labels
    groups = None if first.groups is None else first.groups + (second.groups or [""] * len(second.images))
    images: NDArray[np.uint8] = np.concatenate([first.images, second.images])
    return Part(images, labels, groups, first.what)


def _names_labels(layout: Layout) -> bool:
    """Whether the one field of the first line is a header: it says so, or the others are numbers."""
    assert layout.header is not None
    return layout.header[0].lower() in {
        "",
        "0",
        "label",
        "labels",
        "class",
        "target",
        "category",
        "y",
        "digit",
    } or (layout.first[0].replace(".", "", 1).isdecimal())
