"""Which columns of a user's own CSV are labels, groups and pixels."""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass

from tuner.datasets.base import DataOptions
from tuner.datasets.formats.csv_layout import Layout, is_number
from tuner.datasets.formats.csvs import square_shape, whole_number
from tuner.datasets.formats.files import Reader, refusing
from tuner.datasets.formats.split_words import split_of, words
from tuner.errors import UsageError
from tuner.registry import unknown

_LABELS = ("label", "labels", "class", "target", "category", "y", "digit", "letter")
_INDEX = ("", "id", "index", "unnamed: 0", "imageid", "image_id", "rowid", "row_id")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img", "image_id", "id")
_PIXEL = re.compile(r"(pixel|pix|px|p|x|v|f|feature|attr|column|col)?[ _.-]?\d+([x_. -]\d+)*", re.IGNORECASE)
_NUMBERED = re.compile(r"([^\d]*)(\d+(?:[x_. ,-]+\d+)*)")
_SPLITS = {"split", "usage", "set", "subset", "dataset", "partition", "fold", "phase", "splits"}


GREY_VALUES = 100
"""A column of so many whole numbers beside one of a fifth of them at most: a pixel, and the labels."""


@dataclass(frozen=True)
class Columns:
    """Columns of a CSV of pixels, by number from 0.

    Attributes:
        label, group, split, id, packed: None where there is none; a packed column holds all pixels of an
            image, separated by spaces.
        pixels: in the order of the image.
        one_hot: one for each class, of which one is 1.
        dropped: names of columns that are none of these (row numbers).
        sorted: whether the pixels stand in another order in the file.
    """

    label: int | None
    group: int | None
    pixels: tuple[int, ...]
    dropped: tuple[str, ...] = ()
    split: int | None = None
    id: int | None = None
    packed: int | None = None
    one_hot: tuple[int, ...] = ()
    sorted: bool = False


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
    split, packed = split_column(reader, layout), _packed(layout)
    taken = {group, split, packed}
    label: int | None = None
    one_hot: tuple[int, ...] = ()
    if labelled and options.label_column is not None:
        label = named(layout, options.label_column, "--label-column")
    elif labelled and not (one_hot := one_hot_columns(layout, taken)):
        label = _guess_label(reader, layout, taken)
    taken |= {label, *one_hot}
    rest = [c for c in range(layout.columns) if c not in taken]
    if packed is not None:
        return Columns(label, group, (), (), split, id_column(layout), packed, one_hot)
    index = [c for c in rest if layout.header and layout.header[c].lower() in _INDEX]
    odd = [c for c in rest if layout.header and not _PIXEL.fullmatch(layout.header[c])]
    own = [layout.name(c) for c in odd if layout.header and layout.header[c].lower() in _LABELS]
    if own and options.labels is None:  # found by its name, the other file may hold names of classes
        raise UsageError(
            f"{layout.entry} has labels, {own[0]}, and the file of labels beside it has as many\n"
            "expected --labels with that file, or no such file beside it"
        )
    if (labelled or own) and _odd_one(layout, rest, odd):
        index = odd
    dropped = [] if square_shape(len(rest)) and len(rest) > 1 and not _odd_one(layout, rest, index) else index
    pixels = tuple(c for c in rest if c not in dropped)
    ordered = _by_number(layout, pixels)
    names = tuple(layout.name(c) for c in dropped)
    key = next((c for c in dropped if c == id_column(layout)), None)
    return Columns(label, group, ordered, names, split, key, None, one_hot, ordered != pixels)


def split_column(reader: Reader, layout: Layout) -> int | None:
    """The column that says which split a row belongs to: so named, and with no value that is no split."""
    if not layout.header:
        return None
    for column, name in enumerate(layout.header):
        if "".join(words(name)) in _SPLITS and split_of(layout.first[column]):
            values = set(columns_texts(reader, layout, [column])[0])
            if all(split_of(value) for value in values):
                return column
    return None


def id_column(layout: Layout) -> int | None:
    """The column of ids, by its name; or None."""
    lower = [name.lower() for name in layout.header or ()]
    return next((c for c, name in enumerate(lower) if name in _INDEX), None)


def one_hot_columns(layout: Layout, taken: Container[int | None]) -> tuple[int, ...]:
    """Columns that are 0 or 1 in the first row and are named like neither pixels, labels nor ids."""
    if not layout.header:
        return ()
    lower = [name.lower() for name in layout.header]
    odd = [
        c
        for c, name in enumerate(lower)
        if c not in taken and name not in {*_INDEX, *_PATHS} and not _PIXEL.fullmatch(name)
    ]
    if len(odd) < 2 or any(lower[c] in _LABELS for c in odd):
        return ()
    binary = all(layout.first[c].removesuffix(".0") in {"0", "1"} for c in odd)
    return tuple(odd) if binary else ()


def _packed(layout: Layout) -> int | None:
    """The column that holds all pixels of an image as numbers with spaces between."""
    for column, text in enumerate(layout.first):
        values = text.split()
        if layout.columns < 8 and len(values) >= 16 and all(is_number(value) for value in values):
            return column
    return None


def _odd_one(layout: Layout, rest: Sequence[int], index: Sequence[int]) -> bool:
    """Whether an id stands among columns that are all named with numbers, so that it is no pixel."""
    if not layout.header or not index:
        return False
    others = [layout.header[c] for c in rest if c not in index]
    return square_shape(len(others)) is not None and all(_PIXEL.fullmatch(name) for name in others)


def _by_number(layout: Layout, pixels: tuple[int, ...]) -> tuple[int, ...]:
    """Pixel columns in the order of the numbers in their names, where all have one name but for these."""
    if not layout.header or not pixels:
        return pixels
    found = [_NUMBERED.fullmatch(layout.header[c]) for c in pixels]
    if not all(found):
        return pixels
    keys = [(match[1].lower(), tuple(map(int, re.findall(r"\d+", match[2])))) for match in found if match]
    if len({(prefix, len(numbers)) for prefix, numbers in keys}) > 1 or len(set(keys)) < len(keys):
        return pixels
    return tuple(c for _, c in sorted(zip(keys, pixels, strict=True)))


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


def label_column(layout: Layout, options: DataOptions, without: Container[int | None] = ()) -> int:
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
    rest = [c for c, name in enumerate(lower) if name not in {*_INDEX, *_PATHS} and c not in without]
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


def _guess_label(reader: Reader, layout: Layout, taken: set[int | None]) -> int:
    if layout.header:
        lower = [name.lower() for name in layout.header]
        for name in _LABELS:
            if name in lower and lower.index(name) not in taken:
                return lower.index(name)
        odd = [
            c
            for c, name in enumerate(lower)
            if c not in taken and name not in _INDEX and not _PIXEL.fullmatch(name)
        ]
        if len(odd) == 1:
            return odd[0]
        raise _ask(layout)
    return _guess_end(reader, layout)


def _guess_end(reader: Reader, layout: Layout) -> int:
    """The first or last column of a CSV without a header: the one that looks like labels.

    Labels are names, or whole numbers without gaps that each stand in several rows; a pixel has gaps
    (0 and 255), one value, or far more values.
    """
    last = layout.columns - 1
    texts = columns_texts(reader, layout, [0, last])
    ends = [Counter(values) for values in texts]
    names = [any(not is_number(value) for value in values) for values in ends]
    if names[0] != names[1]:
        return last if names[1] else 0
    for test in (_like_labels, lambda end: 1 < len(end) <= max(2, end.total() // 5)):
        good = [test(end) for end in ends]
        if good[0] != good[1]:
            return last if good[1] else 0
        if all(good):
            break
    few, many = sorted((0, 1), key=lambda end: len(ends[end]))
    if len(ends[few]) > 1 and len(ends[many]) >= max(GREY_VALUES, 5 * len(ends[few])):
        return last if few else 0
    told = " and ".join(
        f"{layout.name(c)} has {len(end):,} values ({', '.join(sorted(end, key=_number)[:3])}, …)"
        for c, end in zip((0, last), ends, strict=True)
    )
    raise UsageError(
        f"{layout.entry}: cannot tell which column holds the labels: {told}\n"
        "expected --label-column first, or --label-column last"
    )


def _like_labels(values: Counter[str]) -> bool:
    """Whether values are whole numbers from 0 or 1 on with few gaps, each in several rows."""
    numbers = [whole_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) < max(2, len(numbers)) or min(known) not in {0, 1} or min(values.values()) < 2:
        return False
    return len(known) >= 0.8 * (max(known) - min(known) + 1)


def _number(text: str) -> tuple[float, str]:
    return (float(text) if is_number(text) else 0.0, text)


def columns_texts(reader: Reader, layout: Layout, columns: Sequence[int]) -> list[list[str]]:
    """All values of some columns, stripped.

    Raises:
        DataError: no readable CSV.
    """
    import pandas as pd

    with reader.open(layout.entry) as file, refusing(layout.entry):
        found = pd.read_csv(
            file,
            sep=layout.delimiter,
            header=None,
            skiprows=layout.skip,
            usecols=list(columns),
            dtype=str,
            na_filter=False,
            encoding=layout.encoding,
            encoding_errors="replace",
        )
    return [[str(text).strip() for text in found[column].tolist()] for column in columns]


def _ask(layout: Layout) -> UsageError:
    what = "its name" if layout.header else "first, last or its number from 1"
    return UsageError(
        f"{layout.entry}: cannot tell which column holds the labels\nexpected --label-column with {what}"
    )
