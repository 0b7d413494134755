"""A user's own CSV of pixels: its labels, groups and splits, in it or in another CSV."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions
from tuner.datasets.formats.columns import Columns, id_column, label_column, pixel_columns
from tuner.datasets.formats.csv_layout import Layout, look, without_header
from tuner.datasets.formats.csvs import Table, read_table, square_shape, whole_number
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.idx import read_idx
from tuner.datasets.formats.npz import to_label_texts
from tuner.datasets.formats.one_hot import one_hot_labels
from tuner.datasets.formats.parts import Part
from tuner.datasets.formats.pixel_order import arranged
from tuner.datasets.formats.split_words import split_of
from tuner.datasets.formats.values import Scale, scale_of
from tuner.errors import DataError, UsageError


def read_csv_part(
    reader: Reader, entry: Entry, labels: Entry | None, options: DataOptions, scale: Scale | None = None
) -> Part:
    """A CSV of pixels, with labels in it or in another CSV.

    Args:
        reader: opens the files.
        entry: the CSV.
        labels: a file of labels, or None.
        options: the command line's.
        scale: of the training images, where these are others.

    Raises:
        DataError, UsageError: as `read_table` and `pixel_columns`; a shape that must be asked for.
    """
    layout = look(reader, entry)
    columns = pixel_columns(reader, layout, options, labelled=labels is None)
    wanted = [columns.label, columns.group, columns.split, columns.packed, columns.id, *columns.one_hot]
    texts = list(dict.fromkeys(column for column in wanted if column is not None))
    table = read_table(reader, layout, columns.pixels, texts, fractions=True)
    values = table.pixels if columns.packed is None else _unpacked(table, columns.packed)
    shape = image_shape(values.shape[1], options, layout)
    scale = scale or scale_of(values, str(entry))
    images, order = arranged(scale.apply(values, str(entry)), shape, options.pixel_order)
    found, labels_from = _labels(reader, table, columns, labels, options)
    return Part(
        images,
        found,
        table.texts[columns.group] if columns.group is not None else None,
        str(entry),
        tuple(_notes(columns, layout, options)),
        scale=scale,
        labels_from=labels_from,
        names=tuple(f"{entry.name} row {i + 1}" for i in range(len(images))),
        splits=None if columns.split is None else _splits(table, columns.split),
        order=order,
        left=tuple((f"columns of {entry.name} that are no pixels", name) for name in columns.dropped),
    )


def by_split(part: Part) -> dict[str, Part]:
    """The parts of a CSV that has a column of splits; it alone, as training images, where it has none."""
    if part.splits is None:
        return {"train": part}
    found: dict[str, Part] = {}
    for split in ("train", "valid", "test"):
        rows = [i for i, told in enumerate(part.splits) if told == split]
        if rows:
            found[split] = replace(
                part,
                images=part.images[rows],
                labels=part.labels and [part.labels[i] for i in rows],
                groups=part.groups and [part.groups[i] for i in rows],
                names=part.names and tuple(part.names[i] for i in rows),
                splits=None,
                left=part.left if split == "train" else (),
                what=part.what if split == "train" else f"{part.what}, rows of its column of splits",
            )
    if "train" not in found:
        raise DataError(f"{part.what}: no row is of the training split; expected some")
    return found


def read_labels(reader: Reader, entry: Entry, options: DataOptions) -> tuple[list[str], str]:
    """Labels from a file of their own, CSV or IDX, and where in it they were found.

    Raises:
        DataError: unreadable, empty, or with ids that are not in order.
    """
    if "idx1" in entry.base:
        return to_label_texts(read_idx(reader, entry), str(entry)), entry.name
    layout = look(reader, entry)
    column = label_column(layout, options)
    if layout.header is not None and layout.columns == 1 and not _names_labels(layout):
        layout = without_header(layout)
    key = id_column(layout)
    ids = [] if key is None or key == column else [key]
    texts = read_table(reader, layout, [], [column, *ids]).texts
    for each in ids:
        _check_order(texts[each], layout, each)
    return texts[column], f"{layout.name(column)} of {entry.name}"


def _check_order(ids: Sequence[str], layout: Layout, key: int) -> None:
    """Raises where labels are not in the order of their ids, while the images have none to join them by."""
    numbers = [whole_number(text) for text in ids]
    known = [number for number in numbers if number is not None]
    if len(known) < len(ids) or known == sorted(known):
        return
    raise DataError(
        f"{layout.entry}: {layout.name(key)} is not in order, and the images have no such column to join by\n"
        "expected labels in the order of the images, or that column in both files"
    )


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


def _labels(
    reader: Reader, table: Table, columns: Columns, labels: Entry | None, options: DataOptions
) -> tuple[list[str] | None, str]:
    layout = table.layout
    if labels is not None:
        ids = None if columns.id is None else table.texts[columns.id]
        if joined := _joined(reader, layout, ids, labels, options):
            return joined
        return read_labels(reader, labels, options)
    if columns.one_hot:
        names = [layout.header[c] for c in columns.one_hot] if layout.header else []
        found = one_hot_labels([table.texts[c] for c in columns.one_hot], names, str(layout.entry))
        return found, f"columns {names[0]!r} to {names[-1]!r} of {layout.entry.name}, one of which is 1"
    if columns.label is None:
        return None, ""
    return table.texts[columns.label], f"{layout.name(columns.label)} of {layout.entry.name}"


def _joined(
    reader: Reader, layout: Layout, ids: Sequence[str] | None, labels: Entry, options: DataOptions
) -> tuple[list[str], str] | None:
    """Labels of another CSV by the column of ids that both have; None where not both have one."""
    if ids is None or "idx1" in labels.base:
        return None
    other = look(reader, labels)
    key = id_column(other)
    column = label_column(other, options)
    if key is None or key == column:
        return None
    texts = read_table(reader, other, [], [key, column]).texts
    by_id = dict(zip(texts[key], texts[column], strict=True))
    if len(by_id) < len(texts[key]):
        raise DataError(f"{labels}: {other.name(key)} has values twice; expected one row an image")
    lost = next((i for i, name in enumerate(ids) if name not in by_id), None)
    if lost is not None:
        raise DataError(
            f"{layout.row(lost)}: no label with the id {ids[lost][:40]!r} in {labels}; expected one"
        )
    if len(by_id) > len(ids):
        raise DataError(
            f"{len(ids)} images in {layout.entry} and {len(by_id)} labels in {labels}; expected as many"
        )
    return [
        by_id[name] for name in ids
    ], f"{other.name(column)} of {labels.name}, joined by {other.name(key)}"


def _unpacked(table: Table, column: int) -> NDArray[np.float32]:
    """Pixel values that stand in one column, separated by spaces."""
    rows = [np.array(text.replace(",", " ").split()) for text in table.texts[column]]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise DataError(f"{table.layout.row(i)}: {len(row)} pixel values; expected {len(rows[0])}")
    try:
        return np.array(rows).astype(np.float32)
    except ValueError as error:
        raise DataError(
            f"{table.layout.entry}: {str(error)[:100]}; expected numbers separated by spaces"
        ) from None


def _splits(table: Table, column: int) -> list[str]:
    return [split_of(text) or "train" for text in table.texts[column]]


def _notes(columns: Columns, layout: Layout, options: DataOptions) -> list[str]:
    notes = [
        f"{name} of {layout.entry.name} is none of the pixels and was left out" for name in columns.dropped
    ]
    if columns.label is not None and options.label_column is None:
        notes.append(f"{layout.name(columns.label)} of {layout.entry.name} was taken for the labels")
    if columns.split is not None:
        notes.append(f"{layout.name(columns.split)} of {layout.entry.name} says which split a row belongs to")
    if columns.sorted:
        notes.append(f"pixel columns of {layout.entry.name} were put into the order of their numbers")
    return notes


def _names_labels(layout: Layout) -> bool:
    """Whether the one field of the first line is a header: it says so, or the others are numbers."""
    assert layout.header is not None
    known = {"", "0", "label", "labels", "class", "target", "category", "y", "digit"}
    return layout.header[0].lower() in known or layout.first[0].replace(".", "", 1).isdecimal()
