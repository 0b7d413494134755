"""Parts that the registered data sets share: where their files are, and labels that are known beforehand."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Images, Labels
from tuner.datasets.formats.csv_layout import Layout, look
from tuner.datasets.formats.csvs import as_images, read_table, whole_numbers
from tuner.datasets.formats.files import Entry, Reader, list_files
from tuner.errors import DataError


def folder_of(name: str, options: DataOptions) -> Path:
    """Where the files of a registered data set belong."""
    return options.data_dir / name


def entries_of(name: str, options: DataOptions) -> list[Entry]:
    """The files there; none where there is no such folder."""
    folder = folder_of(name, options)
    return list_files(folder) if folder.is_dir() else []


def missing(name: str, options: DataOptions, files: str, how: str) -> DataError:
    """The error that says which files, where they belong and how to get them."""
    return DataError(f"the data set {name!r} needs {files}\nexpected in {folder_of(name, options)}\n{how}")


def read_labelled(
    reader: Reader, entry: Entry, values: int
) -> tuple[NDArray[np.uint8], list[str], Layout, int]:
    """Pixels and labels of a CSV with a column "label" (or, without a header, a first column of labels).

    Returns:
        uint8 (n, values), the labels as texts, the layout, and the column of the labels.

    Raises:
        DataError: as `read_table`, or not `values` columns of pixels.
    """
    layout = look(reader, entry)
    lower = [name.lower() for name in layout.header or ()]
    column = lower.index("label") if "label" in lower else 0
    if layout.columns != values + 1:
        raise DataError(
            f"{entry} has {layout.columns} columns; expected {values + 1}: a label and {values} pixel values"
        )
    pixels = [c for c in range(layout.columns) if c != column]
    table = read_table(reader, layout, pixels, [column])
    return table.pixels, table.texts[column], layout, column


def read_numbered(
    reader: Reader, entry: Entry, shape: tuple[int, int, int], highest: int
) -> tuple[Images, Labels]:
    """Images and labels 0 to `highest` of a CSV with a label column and pixels.

    Raises:
        DataError: as `read_labelled`; labels that are no whole numbers or beyond `highest`.
    """
    pixels, texts, layout, column = read_labelled(reader, entry, int(np.prod(shape)))
    numbers = whole_numbers(texts, layout, column)
    check_range(numbers, highest, layout.row)
    return as_images(pixels, shape), numbers.astype(np.int32)


def data_row(entry: Entry) -> Callable[[int], str]:
    """Names a row of data (from 0) of a CSV in an error."""
    return lambda row: f"{entry}, data row {row + 1} (from 1, header not counted)"


def check_range(
    numbers: NDArray[np.integer], highest: int, row: Callable[[int], str], allowed: Sequence[int] = ()
) -> None:
    """Refuses labels outside 0 to `highest`; of those, outside `allowed` where given.

    Raises:
        DataError: naming the first such row.
    """
    good = (numbers >= 0) & (numbers <= highest)
    expected = f"0 to {highest}"
    if allowed:
        good = np.isin(numbers, allowed)
        expected += " without " + ", ".join(str(n) for n in range(highest + 1) if n not in allowed)
    if not good.all():
        first = int((~good).argmax())
        raise DataError(f"{row(first)}: label {numbers[first]}; expected {expected}")
