"""Which columns of a user's own CSV are labels, groups and pixels."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tuner.datasets.base import DataOptions
from tuner.datasets.formats.csv_layout import Layout, is_number
from tuner.datasets.formats.csvs import square_shape
from tuner.datasets.formats.files import Reader, refusing
from tuner.errors import UsageError
from tuner.registry import unknown

_LABELS = ("label", "labels", "class", "target", "category", "y", "digit", "letter")
_INDEX = ("", "id", "index", "unnamed: 0", "imageid", "image_id", "rowid", "row_id")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img", "image_id", "id")
_PIXEL = re.compile(r"(pixel|pix|px|p|x|v|f|feature|attr|column|col)?[ _.-]?\d+([x_. -]\d+)*", re.IGNORECASE)
_SAMPLE = 500


@dataclass(frozen=True)
class Columns:
    """Columns of a CSV of pixels, by number from 0.

    Attributes:
        label, group: None where there is none.
        pixels: in their order.
        dropped: names of columns that are neither (row numbers).
    """

    label: int | None
    group: int | None
    pixels: tuple[int, ...]
    dropped: tuple[str, ...] = ()


def pixel_columns(reader: Reader, layout: Layout, options: DataOptions, *, labelled: bool) -> Columns:
    """Tells apart the columns of a CSV of pixels.

    Args:
        reader: opens the file.
        layout: of the file.
        options: `--label-column` and `--group-column` decide; a column without a header is named by its
            number from 1, or "first" or "last".
        labelled: whether the labels are in this file.

    Raises:
        UsageError: a named column does not exist, or the column of labels must be asked for.
    """
    group = None if options.group_column is None else named(layout, options.group_column, "--group-column")
    label = None
    if labelled:
        given = options.label_column
        label = (
            named(layout, given, "--label-column")
            if given is not None
            else _guess_label(reader, layout, group)
        )
    rest = [c for c in range(layout.columns) if c not in {label, group}]
    index = [c for c in rest if layout.header and layout.header[c].lower() in _INDEX]
    dropped = [] if square_shape(len(rest)) and len(rest) > 1 else index
    pixels = tuple(c for c in rest if c not in dropped)
    return Columns(label, group, pixels, tuple(layout.name(c) for c in dropped))


def named(layout: Layout, name: str, option: str) -> int:
    """The column that an option names.

    Raises:
        UsageError: there is none.
    """
    ends = {"first": 0, "last": layout.columns - 1}
    if layout.header:
        for column, known in enumerate(layout.header):
            if known == name:
                return column
        lower = [known.lower() for known in layout.header]
        if name.lower() in lower:
            return lower.index(name.lower())
        few = [known for known in layout.header if not _PIXEL.fullmatch(known)] or list(layout.header)
        raise UsageError(f"{option}: {unknown('column', name, few[:20])} (in {layout.entry})")
    if name in ends:
        return ends[name]
    if name.isdecimal() and 1 <= int(name) <= layout.columns:
        return int(name) - 1
    raise UsageError(
        f"{option} {name!r}: {layout.entry} has no header\n"
        f"expected first, last or a number from 1 to {layout.columns}"
    )


def label_column(layout: Layout, options: DataOptions) -> int:
    """The column of labels in a CSV that has no pixels.

    Raises:
        UsageError: it must be asked for.
    """
    if options.label_column is not None and (layout.columns > 1 or layout.header):
        return named(layout, options.label_column, "--label-column")
    if layout.columns == 1:
        return 0
    lower = [name.lower() for name in layout.header or ()]
    for name in _LABELS:
        if name in lower:
            return lower.index(name)
    rest = [c for c, name in enumerate(lower) if name not in {*_INDEX, *_PATHS}]
    if len(rest) == 1:
        return rest[0]
    raise _ask(layout)


def path_column(layout: Layout, suffixes: Sequence[str]) -> int | None:
    """The column whose first value is the name of an image file, or None."""
    for column, value in enumerate(layout.first):
        if value.lower().endswith(tuple(suffixes)):
            return column
    return None


def name_column(layout: Layout, label: int) -> int:
    """The column that names image files, with or without their suffix, in a list of files and labels."""
    lower = [name.lower() for name in layout.header or ()]
    for name in _PATHS:
        if name in lower and lower.index(name) != label:
            return lower.index(name)
    return next(c for c in range(layout.columns) if c != label or layout.columns == 1)


def _guess_label(reader: Reader, layout: Layout, group: int | None) -> int:
    if layout.header:
        lower = [name.lower() for name in layout.header]
        for name in _LABELS:
            if name in lower and lower.index(name) != group:
                return lower.index(name)
        odd = [
            c
            for c, name in enumerate(lower)
            if c != group and name not in _INDEX and not _PIXEL.fullmatch(name)
        ]
        if len(odd) == 1:
            return odd[0]
        raise _ask(layout)
    return _guess_end(reader, layout)


def _guess_end(reader: Reader, layout: Layout) -> int:
    """The first or last column of a CSV without a header, whichever looks like labels and the other not.

    Labels repeat: far fewer different values than a pixel has, or names; a pixel at the border is often
    the same everywhere.
    """
    last = layout.columns - 1
    ends = [{row[c] for row in _sample(reader, layout)} for c in (0, last)]
    names = [any(not is_number(value) for value in values) for values in ends]
    if names[0] != names[1]:
        return last if names[1] else 0
    few, many = sorted((0, 1), key=lambda end: len(ends[end]))
    if len(ends[few]) == 1:
        few, many = many, few
    elif 2 * len(ends[few]) > len(ends[many]):
        raise _ask(layout)
    return last if few else 0


def _sample(reader: Reader, layout: Layout) -> list[list[str]]:
    with reader.open(layout.entry) as file, refusing(layout.entry):
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        try:
            rows = list(
                islice(csv.reader(text, delimiter=layout.delimiter), layout.skip, layout.skip + _SAMPLE)
            )
        except csv.Error as error:
            raise ValueError(str(error)) from None
    return [[field.strip() for field in row] for row in rows if len(row) == layout.columns]


def _ask(layout: Layout) -> UsageError:
    what = "its name" if layout.header else "first, last or its number from 1"
    return UsageError(
        f"{layout.entry}: cannot tell which column holds the labels\nexpected --label-column with {what}"
    )
