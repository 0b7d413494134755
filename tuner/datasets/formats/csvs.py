"""CSV files of pixel values and labels: how they are laid out, and the numbers in them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images
from tuner.datasets.formats.csv_layout import Layout
from tuner.datasets.formats.files import Reader
from tuner.datasets.formats.values import scale_of
from tuner.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_VALUES = 16_000_000
_PIXEL = "a whole number from 0 to 255"


@dataclass(frozen=True)
class Table:
    """The content of a CSV.

    Attributes:
        pixels: uint8 (rows, pixel columns), or float32 where these were allowed and are needed.
        texts: by column, the text of each row, stripped.
    """

    layout: Layout
    pixels: NDArray[Any]
    texts: dict[int, list[str]]


class PixelValueError(DataError):
    """A value that is no whole number from 0 to 255."""


def read_table(
    reader: Reader,
    layout: Layout,
    pixels: Sequence[int],
    texts: Sequence[int] = (),
    *,
    fractions: bool = False,
) -> Table:
    """Reads a CSV in pieces, so that memory holds little more than the pixels as bytes.

    Args:
        reader: opens the file.
        layout: of the file, from `look`.
        pixels: columns of pixel values, in the order wanted.
        texts: columns to be read as text (labels, groups, paths).
        fractions: whether other values will do that all are of one scale; pixels are then float32.

    Raises:
        DataError: a row of another length, a value that is no whole number from 0 to 255, an empty or
            truncated file.
    """
    try:
        return _collect(read_pieces(reader, layout, pixels, texts), layout, texts)
    except PixelValueError as error:
        if not fractions:
            raise
        pieces = read_pieces(reader, layout, pixels, texts, fractions=True)
        try:
            table = _collect(pieces, layout, texts)
            scale_of(table.pixels, str(layout.entry))
        except DataError:
            raise error from None
        return table


def _collect(
    pieces: Iterable[tuple[NDArray[Any], dict[int, list[str]]]], layout: Layout, texts: Sequence[int]
) -> Table:
    parts: list[NDArray[Any]] = []
    found: dict[int, list[str]] = {column: [] for column in texts}
    for values, some in pieces:
        parts.append(values)
        for column in texts:
            found[column] += some[column]
    return Table(layout, np.concatenate(parts), found)


def read_pieces(
    reader: Reader,
    layout: Layout,
    pixels: Sequence[int],
    texts: Sequence[int] = (),
    most: int = _CHUNK_VALUES,
    *,
    fractions: bool = False,
) -> Iterator[tuple[NDArray[Any], dict[int, list[str]]]]:
    """The same piece by piece, of some `most` values each: pixels, and texts by column.

    Where `fractions`, pixels are float32, and any number will do.

    Raises:
        DataError: as `read_table`.
    """
    done = 0
    for frame in _frames(reader, layout, texts, most):
        if frame.shape[1] != layout.columns:
            _refuse_length(reader, layout, done + len(frame))
        values, bad = (
            _to_pixels(
                frame if [*pixels] == [*range(layout.columns)] else frame[list(pixels)], fractions=fractions
            )
            if pixels
            else (np.empty((len(frame), 0), np.uint8), None)
        )
        if bad is not None:
            row, column = bad[0], pixels[bad[1]]
            _refuse_length(reader, layout, done + row + 1)
            got = str(frame.iloc[row, column])[:40]
            raise PixelValueError(
                f"{layout.row(done + row)}: {got!r} in {layout.name(column)}; expected {_PIXEL}"
            )
        found = {column: [str(text).strip() for text in frame[column].tolist()] for column in texts}
        for column, values_of in found.items():
            if "" in values_of:
                row = done + values_of.index("")
                _refuse_length(reader, layout, row + 1)
                raise DataError(f"{layout.row(row)}: nothing in {layout.name(column)}; expected a value")
        yield values, found
        done += len(frame)
    if not done:
        raise DataError(f"{layout.entry} has no row of data; expected one row an image")


def whole_numbers(texts: Sequence[str], layout: Layout, column: int) -> NDArray[np.int64]:
    """Labels that must be whole numbers ("3" or "3.0").

    Raises:
        DataError: naming the first row whose label is none.
    """
    numbers = np.empty(len(texts), np.int64)
    for row, text in enumerate(texts):
        value = whole_number(text)
        if value is None:
            raise DataError(
                f"{layout.row(row)}: label {text[:40]!r} in {layout.name(column)}; expected a whole number"
            )
        numbers[row] = value
    return numbers


def whole_number(text: str) -> int | None:
    """The whole number that a text is ("3", "3.0"), if it is one and not beyond a million million."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and abs(value) <= 1e12 and "_" not in text else None


def square_shape(values: int) -> tuple[int, int, int] | None:
    """(height, width, channels) of a square image of that many values: grey first, else colour; or None."""
    for channels in (1, 3):
        side = round((values / channels) ** 0.5)
        if side * side * channels == values:
            return (side, side, channels)
    return None


def as_images(pixels: NDArray[np.uint8], shape: tuple[int, int, int]) -> Images:
    """Rows of pixel values, colours interleaved, as uint8 (n, height, width, channels)."""
    return pixels.reshape(len(pixels), *shape)


def _frames(
    reader: Reader, layout: Layout, texts: Sequence[int], most: int = _CHUNK_VALUES
) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    # An empty dtype costs pandas a second look at each of 30,000 columns.
    options: dict[str, Any] = {"dtype": dict.fromkeys(texts, str)} if texts else {}
    with reader.open(layout.entry) as file, _readable(reader, layout):
        chunks = pd.read_csv(
            file,
            sep=layout.delimiter,
            header=None,
            skiprows=layout.skip,
            na_filter=False,
            low_memory=False,
            encoding=layout.encoding,
            encoding_errors="replace",
            chunksize=max(1, most // layout.columns),
            **options,
        )
        with chunks:
            yield from chunks


class _readable:  # noqa: N801  # reads as a statement
    """Names the row of a CSV at which pandas gave up."""

    def __init__(self, reader: Reader, layout: Layout) -> None:
        self.reader, self.layout = reader, layout

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pandas as pd

        if isinstance(error, pd.errors.ParserError):
            _refuse_length(self.reader, self.layout, None)
            why = " ".join(str(error).split())[:200]
            raise DataError(f"{self.layout.entry} is no readable CSV: {why}") from error


def _to_pixels(
    frame: "pd.DataFrame", *, fractions: bool = False
) -> tuple[NDArray[Any], tuple[int, int] | None]:
    """The values as bytes (or float32), or the row and column of the first that is no pixel value."""
    import pandas as pd

    values = frame.to_numpy()
    if values.dtype.kind not in "iuf":
        plain = [frame[c] if frame[c].dtype.kind in "iuf" else frame[c].astype(str) for c in frame.columns]
        values = np.stack([pd.to_numeric(c, errors="coerce").to_numpy(np.float64) for c in plain], 1)
    with np.errstate(invalid="ignore"):
        good = np.abs(values) < 1e9 if fractions else (values >= 0) & (values <= 255)
        if values.dtype.kind == "f" and not fractions:
            good &= values == np.rint(values)
        if not good.all():
            row = int((~good).any(1).argmax())
            return np.empty((0, 0), np.uint8), (row, int((~good[row]).argmax()))
    return values.astype(np.float32 if fractions else np.uint8), None


def _refuse_length(reader: Reader, layout: Layout, rows: int | None) -> None:
    """Raises if one of the first `rows` rows (None: any) has not as many values as the first."""
    with reader.open(layout.entry) as file:
        text = io.TextIOWrapper(file, encoding=layout.encoding, errors="replace", newline="")
        for _ in range(layout.skip):
            text.readline()
        try:
            row = 0
            for fields in csv.reader(text, delimiter=layout.delimiter):
                if not fields or (not any(field.strip() for field in fields[:1]) and len(fields) == 1):
                    continue
                if len(fields) != layout.columns:
                    raise DataError(f"{layout.row(row)}: {len(fields)} values; expected {layout.columns}")
                row += 1
                if rows is not None and row >= rows:
                    break
        except csv.Error:
            return  # pandas' own message is as good
    return
