"""Image files that a CSV lists, with their labels: `path,label` or any columns like it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.columns import label_column, name_column, named, path_column
from tuner.datasets.formats.csv_layout import Layout, look, without_header
from tuner.datasets.formats.csvs import read_table
from tuner.datasets.formats.files import Entry, Reader, list_files
from tuner.datasets.formats.folders import Labelled, read_labelled_pictures
from tuner.datasets.formats.labels import number_groups
from tuner.datasets.formats.pictures import SUFFIXES, is_picture
from tuner.errors import DataError, UsageError

_LIST, _TEST = "--list/", "--test/"


@dataclass(frozen=True)
class ListedSource:
    """Images in a folder or archive, and a CSV that names and labels them.

    Attributes:
        root: the folder or archive; nothing outside it is read.
        table: the CSV.
        test: another CSV, of test images in the same folder.
    """

    name: str
    root: Path
    table: Entry
    test: Entry | None = None
    summary: str = "your own list of images"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The CSV files, and the images that they list."""
        tables = [(self.table, _LIST)] + ([(self.test, _TEST)] if self.test else [])
        with Reader() as reader:
            there = {entry.name: entry for entry in list_files(self.root, strict=False) if is_picture(entry)}
            listed = [row for table, _ in tables for row in _rows(reader, table, self.root, there, options)]
        images = {row.entry.name: row.entry for row in listed}
        return [replace(table, name=prefix + table.name) for table, prefix in tables] + list(images.values())

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Decodes them."""
        there = {entry.name: entry for entry in files if not entry.name.startswith((_LIST, _TEST))}
        with Reader() as reader:
            train = _rows(reader, self.table, self.root, there, options)
            test = _rows(reader, self.test, self.root, there, options) if self.test else []
        rows = train + [replace(row, split="test") for row in test]
        if repeated := len(rows) - len({row.entry.name for row in rows}):
            raise DataError(f"{self.table} lists {repeated} images more than once; expected one row an image")
        plain = replace(options, group_column=None)
        raw = read_labelled_pictures(
            [Labelled(row.entry, row.split, row.label) for row in rows], (), plain, progress
        )
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


def lists_images(layout: Layout) -> bool:
    """Whether a CSV lists image files."""
    return path_column(layout, SUFFIXES) is not None


def _rows(
    reader: Reader, table: Entry, root: Path, there: dict[str, Entry], options: DataOptions
) -> list[_Row]:
    layout = look(reader, table)
    if any(name.lower().endswith(SUFFIXES) for name in layout.header or ()):
        layout = without_header(layout)
    if layout.columns < 2:
        raise DataError(f"{table} has one column; expected image files and their labels")
    paths = path_column(layout, SUFFIXES)
    label = _label(layout, paths, options)
    paths = name_column(layout, label) if paths is None else paths
    group = None if options.group_column is None else named(layout, options.group_column, "--group-column")
    wanted = [paths, label] + ([] if group is None else [group])
    texts = read_table(reader, layout, [], list(dict.fromkeys(wanted))).texts
    return [
        _Row(
            _find(name, layout.row(i), root, there), texts[label][i], "" if group is None else texts[group][i]
        )
        for i, name in enumerate(texts[paths])
    ]


def _label(layout: Layout, paths: int | None, options: DataOptions) -> int:
    if paths is not None and layout.columns == 2 and options.label_column is None:
        return 1 - paths
    label = label_column(layout, options)
    if label == paths:
        raise UsageError(
            f"--label-column names the column of image files in {layout.entry}; expected another"
        )
    return label


def _find(name: str, row: str, root: Path, there: dict[str, Entry]) -> Entry:
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
    if found := _known(str(path), there):
        return found
    raise DataError(
        f"{row}: no image {name[:80]!r} in {root}; expected the name of a PNG, JPEG, … file there"
    )


def _known(name: str, there: dict[str, Entry]) -> Entry | None:
    candidates: Sequence[str] = (name, *(name + suffix for suffix in SUFFIXES))
    return next((there[candidate] for candidate in candidates if candidate in there), None)
