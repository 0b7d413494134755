"""How a CSV file is laid out: its delimiter, its header or none, its columns."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tuner.datasets.formats.encodings import encoding_of
from tuner.datasets.formats.files import Entry, Reader, refusing
from tuner.errors import DataError

_MAX_LINE = 1 << 24


@dataclass(frozen=True)
class Layout:
    """How a CSV is laid out, from its first lines.

    Attributes:
        header: names of the columns, or None.
        skip: physical lines before the first row of data.
        first: the first row of data.
        encoding: of the file.
    """

    entry: Entry
    delimiter: str
    header: tuple[str, ...] | None
    skip: int
    first: tuple[str, ...]
    encoding: str = "utf-8-sig"

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.first)

    def name(self, column: int) -> str:
        """A column as an error names it."""
        return f"column {self.header[column]!r}" if self.header else f"column {column + 1}"

    def row(self, row: int) -> str:
        """A row of data (from 0) as an error names it."""
        return f"{self.entry}, data row {row + 1} (from 1, header not counted)"


def look(reader: Reader, entry: Entry) -> Layout:
    """The layout of a CSV: delimiter, header or none, number of columns.

    The first line is a header where most of its fields are no numbers, or where those that are count up
    by one (names of pixels) as no row of pixel values does.

    Raises:
        DataError: the file is empty, has a header only, or its first row is not as long as the header.
    """
    encoding = encoding_of(reader, entry)
    with reader.open(entry) as file:
        text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
        lines = [(number, line) for number, line in _head(text, entry) if line.strip()][:2]
        text.detach()
    if not lines:
        raise DataError(f"{entry} is empty; expected rows of values separated by commas")
    delimiter = max(",;\t|", key=lines[0][1].count)
    if delimiter not in lines[0][1] and " " in lines[0][1].strip() and _by_spaces(lines[-1][1]):
        delimiter = " "
    rows = [
        tuple(field.strip() for field in fields)
        for fields in _fields([line for _, line in lines], delimiter, entry)
    ]
    if not _is_header(rows[0]):
        return Layout(entry, delimiter, None, lines[0][0] - 1, rows[0], encoding)
    if len(rows) < 2:
        raise DataError(f"{entry} has a header and no row of data; expected one row an image")
    layout = Layout(entry, delimiter, rows[0], lines[0][0], rows[1], encoding)
    if len(rows[1]) != len(rows[0]):
        raise DataError(f"{layout.row(0)}: {len(rows[1])} values; expected {len(rows[0])}, as the header has")
    return layout


def _by_spaces(line: str) -> bool:
    """Whether spaces separate values: several numbers, or a file name and a label."""
    fields = line.split()
    numbers = sum(is_number(field) for field in fields)
    return numbers * 2 >= len(fields) or (len(fields) == 2 and "." in fields[0])


def without_header(layout: Layout) -> Layout:
    """The same file, its first line taken for a row after all."""
    if layout.header is None:
        return layout
    return replace(layout, header=None, skip=layout.skip - 1, first=layout.header)


def _head(text: io.TextIOWrapper, entry: Entry) -> Iterator[tuple[int, str]]:
    number = 0
    while number < 100 and (line := text.readline(_MAX_LINE)):
        number += 1
        if len(line) >= _MAX_LINE:
            raise DataError(
                f"{entry} has a first line of more than 16 million characters; expected rows of values"
            )
        yield number, line


def _fields(lines: Sequence[str], delimiter: str, entry: Entry) -> list[list[str]]:
    with refusing(entry):
        try:
            return list(csv.reader(lines, delimiter=delimiter))
        except csv.Error as error:
            raise ValueError(str(error)) from None


def _is_header(fields: Sequence[str]) -> bool:
    numbers = [float(field) for field in fields if is_number(field)]
    if len(numbers) * 2 < len(fields) or not numbers:
        return True
    run = [numbers[0] + i for i in range(len(numbers))]
    return len(numbers) >= 4 and numbers == run and numbers[0] in {0, 1}


def is_number(field: str) -> bool:
    """Whether a field is a number, whole or not."""
    try:
        float(field)
    except ValueError:
        return False
    return True
