"""Image files that a CSV lists, with their labels: `path,label` or any columns like it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.columns import (
    label_column,
    name_column,
    named,
    one_hot_columns,
    path_column,
    split_column,
)
from tuner.datasets.formats.csv_layout import Layout, look, without_header
from tuner.datasets.formats.csvs import read_table
from tuner.datasets.formats.files import Entry, Reader, survey
from tuner.datasets.formats.folders import images_of
from tuner.datasets.formats.labelled import Labelled, read_labelled_pictures
from tuner.datasets.formats.labels import number_groups
from tuner.datasets.formats.one_hot import one_hot_labels
from tuner.datasets.formats.pictures import SUFFIXES
from tuner.datasets.formats.split_words import split_of
from tuner.errors import DataError, UsageError

_LIST, _TEST, _VALID = "--list/", "--test/", "--valid/"


@dataclass(frozen=True)
class ListedSource:
    """Images in a folder or archive, and a CSV that names and labels them.

    Attributes:
        root: the folder or archive; nothing outside it is read.
        table: the CSV.
        test, valid: other CSVs, of test and validation images in the same folder.
    """

    name: str
    root: Path
    table: Entry
    test: Entry | None = None
    valid: Entry | None = None
    summary: str = "your own list of images"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The CSV files, and the images that they list."""
        more = [(self.test, _TEST), (self.valid, _VALID)]
        tables = [(self.table, _LIST), *((table, prefix) for table, prefix in more if table)]
        there = {entry.name: entry for entry in images_of(survey(self.root, strict=False))[0]}
        with Reader() as reader:
            listed = [
                row for table, _ in tables for row in _rows(reader, table, self.root, there, options).rows
            ]
        images = {row.entry.name: row.entry for row in listed}
        return [replace(table, name=prefix + table.name) for table, prefix in tables] + list(images.values())

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Decodes them."""
        there = {entry.name: entry for entry in files if not entry.name.startswith((_LIST, _TEST, _VALID))}
        with Reader() as reader:
            table = _rows(reader, self.table, self.root, there, options)
            others = [
                replace(row, split=split)
                for split, more in (("test", self.test), ("valid", self.valid))
                for row in (_rows(reader, more, self.root, there, options).rows if more else ())
            ]
        rows = table.rows + others
        if repeated := len(rows) - len({row.entry.name for row in rows}):
            raise DataError(f"{self.table} lists {repeated} images more than once; expected one row an image")
        images, left = images_of(survey(self.root, strict=False))
        tables = {table.path for table in (self.table, self.test, self.valid) if table}
        left = [(why, name) for why, name in left if self.root / name not in tables]
        listed = {row.entry.name for row in rows}
        unlisted = [
            (f"images that {self.table.name} does not list", e.name) for e in images if e.name not in listed
        ]
        plain = replace(options, group_column=None)
        raw = read_labelled_pictures(
            [Labelled(row.entry, row.split, row.label) for row in rows],
            (),
            plain,
            progress,
            [*left, *unlisted, *((f"columns of {self.table.name}", name) for name in table.unused)],
        )
        test_from = self.test.name if self.test else f"a column of {self.table.name}"
        reading = replace(
            raw.reading,
            images=f"files in {self.root} that {self.table.name} lists",
            labels=table.labels,
            test=test_from if raw.test_images is not None else "",
            used=raw.reading.used + len(tables),
        )
        return self._grouped(replace(raw, reading=reading), rows, options)

    def _grouped(self, raw: RawData, rows: Sequence["_Row"], options: DataOptions) -> RawData:
        if options.group_column is None:
            return raw
        group = {row.entry.name: row.group for row in rows}
        groups, test_groups = number_groups(
            [group[name] for name in raw.train_names or ()],
            None if raw.test_names is None else [group[name] for name in raw.test_names],
        )
        return replace(raw, train_groups=groups, test_groups=test_groups)


@dataclass(frozen=True)
class _Row:
    entry: Entry
    label: str
    group: str
    split: str = "train"


@dataclass(frozen=True)
class _Table:
    """The rows of a list of images, where in it their labels are, and the columns that are not used."""

    rows: list[_Row]
    labels: str
    unused: list[str]


def lists_images(layout: Layout) -> bool:
    """Whether a CSV lists image files."""
    return path_column(layout, SUFFIXES) is not None


def listed_share(reader: Reader, table: Entry, images: Sequence[Entry]) -> float:
    """The share of a CSV's rows whose first plausible column names an image among `images`.

    Names may lack their suffix, their folder, or leading zeros.
    """
    layout = look(reader, table)
    if any(name.lower().endswith(SUFFIXES) for name in layout.header or ()):
        layout = without_header(layout)
    column = path_column(layout, SUFFIXES)
    column = column if column is not None else name_column(layout, -1)
    names = read_table(reader, layout, [], [column]).texts[column]
    known = _Known({entry.name: entry for entry in images}, split_of(PurePosixPath(table.base).stem))
    return sum(known.find(name) is not None for name in names) / max(1, len(names))


def _rows(reader: Reader, table: Entry, root: Path, there: dict[str, Entry], options: DataOptions) -> _Table:
    layout = look(reader, table)
    if any(name.lower().endswith(SUFFIXES) for name in layout.header or ()):
        layout = without_header(layout)
    if layout.columns < 2:
        raise DataError(f"{table} has one column; expected image files and their labels")
    paths = path_column(layout, SUFFIXES)
    split = split_column(reader, layout)
    one_hot = () if options.label_column is not None else one_hot_columns(layout, {paths, split})
    label = None if one_hot else _label(layout, paths, split, options)
    paths = name_column(layout, -1 if label is None else label) if paths is None else paths
    group = None if options.group_column is None else named(layout, options.group_column, "--group-column")
    wanted = [column for column in (paths, label, group, split, *one_hot) if column is not None]
    texts = read_table(reader, layout, [], list(dict.fromkeys(wanted))).texts
    if label is None:
        names = [layout.header[c] for c in one_hot] if layout.header else []
        labels = one_hot_labels([texts[c] for c in one_hot], names, str(table))
        where = f"columns {names[0]!r} to {names[-1]!r} of {table.name}, one of which is 1"
    else:
        labels, where = texts[label], f"{layout.name(label)} of {table.name}"
    known = _Known(there, split_of(PurePosixPath(table.base).stem))
    rows = [
        _Row(
            _find(name, layout.row(i), root, known),
            labels[i],
            "" if group is None else texts[group][i],
            "train" if split is None else split_of(texts[split][i]) or "train",
        )
        for i, name in enumerate(texts[paths])
    ]
    return _Table(rows, where, [layout.name(c) for c in range(layout.columns) if c not in wanted])


def _label(layout: Layout, paths: int | None, split: int | None, options: DataOptions) -> int:
    if paths is not None and layout.columns == 2 and options.label_column is None:
        return 1 - paths
    label = label_column(layout, options, without={paths, split})
    if label == paths:
        raise UsageError(
            f"--label-column names the column of image files in {layout.entry}; expected another"
        )
    return label


def _find(name: str, row: str, root: Path, known: "_Known") -> Entry:
    """The listed image, which may be written without its suffix but not lie outside the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute():
        absolute = Path(path)
        path = (
            PurePosixPath(absolute.relative_to(root.absolute()))
            if absolute.is_relative_to(root.absolute())
            else path
        )
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"{row}: {name[:80]!r} lies outside {root}\nexpected image files inside that folder")
    if found := known.find(str(path)):
        return found
    raise DataError(
        f"{row}: no image {name[:80]!r} in {root}; expected the name of a PNG, JPEG, … file there"
    )


class _Known:
    """Image files by every way that a list may write them, where that is but one file.

    Of several, that in a folder named like the split of the list is meant: `train/1.png` by `train.csv`.
    """

    def __init__(self, there: dict[str, Entry], split: str | None) -> None:
        self._exact = there
        own = {name: entry for name, entry in there.items() if split and _split_of_folders(name) == split}
        self._own, self._loose = self._ways(own), self._ways(there)

    @staticmethod
    def _ways(there: dict[str, Entry]) -> dict[str, Entry | None]:
        loose: dict[str, Entry | None] = {}
        for name, entry in there.items():
            path = PurePosixPath(name)
            plain = path.stem.lstrip("0") or "0"
            ways = {str(path.with_suffix("")), path.name, path.stem}
            if path.stem.isdecimal():
                ways.add(plain)
            for way in ways - {name}:
                loose[way] = None if way in loose else entry
        return loose

    def find(self, name: str) -> Entry | None:
        """The file that a list names so; None where there is none, or several."""
        name = str(PurePosixPath(name.replace("\\", "/")))
        for way in (name, name.removesuffix(".0"), name.lstrip("0") if name.isdecimal() else name):
            if found := self._exact.get(way) or self._own.get(way) or self._loose.get(way):
                return found
        return None


def _split_of_folders(name: str) -> str | None:
    """The split that the folders of a file are named like."""
    found = {split_of(part) for part in PurePosixPath(name).parts[:-1]} - {None}
    return found.pop() if len(found) == 1 else None
