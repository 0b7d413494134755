"""New pictures, one after the other, whatever they come in: files, folders, archives, arrays, a list."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions
from tuner.datasets.formats.columns import path_column, pixel_columns
from tuner.datasets.formats.csv_layout import Layout, look
from tuner.datasets.formats.csvs import read_pieces
from tuner.datasets.formats.files import Entry, Reader, is_archive, list_files
from tuner.datasets.formats.npz import names_in, read_arrays, to_images
from tuner.datasets.formats.picture import attempt, fitted, quiet_pillow, read_picture
from tuner.datasets.formats.pictures import SUFFIXES, is_picture
from tuner.datasets.formats.values import Scale
from tuner.errors import DataError, UsageError

Shape = tuple[int, int, int]

AT_A_TIME = 256
"""Image files that are decoded side by side, and so are in memory at once."""

PIECE = 2_000_000
"""Values of a CSV that are read at a time."""

ROW = 7
"""Letters of ":123456", a row in a name."""

ARRAYS = ("x_test", "test_images", "x", "images", "image", "data", "arr_0")
"""Names of the array of a NumPy archive that holds the images, those preferred first."""


@dataclass(frozen=True)
class Picture:
    """One new picture, brought to the shape that a model takes.

    Attributes:
        name: of its file, or of its file and row.
        pixels: uint8 (height, width, channels); None where it could not be read.
        size: (height, width) of the original.
        colour: mean distance of the original's largest from its smallest colour channel, 0 to 255.
        identity: what a table of answers calls it: its file's name without the ending, or its row.
        error: why it could not be read.
    """

    name: str
    pixels: NDArray[np.uint8] | None
    size: tuple[int, int]
    identity: str
    colour: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Source:
    """Some of the pictures.

    Attributes:
        count: how many; None where only reading tells.
        longest: letters of the longest of their names.
        read: reads them, a few at a time; values of arrays become 0 to 255 as those of training did.
    """

    count: int | None
    longest: int
    read: Callable[[Reader, Shape, Scale | None], Iterator[Picture]]


def sources(names: Sequence[str], lines: Iterable[str]) -> list[Source]:
    """The pictures that the words of a command line stand for.

    Args:
        names: files, folders and archives; "-" for the list in `lines`.
        lines: names of files, one a line, as standard input gives them.

    Raises:
        UsageError: no such file, or nothing named.
        DataError: nothing in it that could be read.
    """
    found: list[Source] = []
    for name in names:
        if name == "-":
            listed = [line.rstrip("\r\n") for line in lines]
            found += sources([line for line in listed if line.strip() and line != "-"], ())
        else:
            found += _sources_of(Path(name))
    return _joined(found)


@dataclass(frozen=True)
class _Files(Source):
    """Image files; neighbours are joined, so that a list of them is decoded side by side."""

    entries: tuple[tuple[Entry, str], ...] = ()


def _files(entries: Sequence[tuple[Entry, str]]) -> _Files:
    longest = max((len(name) for _, name in entries), default=0)
    return _Files(
        len(entries), longest, lambda reader, shape, _: _read_files(reader, shape, entries), tuple(entries)
    )


def _joined(found: Sequence[Source]) -> list[Source]:
    """The same with neighbouring image files in one source."""
    joined: list[Source] = []
    run: list[tuple[Entry, str]] = []
    for source in found:
        if isinstance(source, _Files):
            run += source.entries
            continue
        joined += [_files(run)] if run else []
        run = []
        joined.append(source)
    return joined + ([_files(run)] if run else [])


def _sources_of(path: Path) -> list[Source]:
    if not path.exists():
        raise UsageError(f"no file or folder {str(path)!r}")
    if path.is_file() and not is_archive(path):
        return [_source(Entry(path, path.name), str(path))]
    entries = list_files(path)
    named = [
        (entry, f"{entry.path}/{entry.member}" if entry.member else str(entry.path)) for entry in entries
    ]
    if pictures := [(entry, name) for entry, name in named if is_picture(entry)]:
        return [_files(pictures)]
    arrays = [(entry, name) for entry, name in named if entry.base.endswith((".csv", ".npz"))]
    if not arrays:
        raise DataError(f"no pictures in {path}; expected files such as .png or .jpg, or .csv or .npz")
    return [_source(entry, name) for entry, name in arrays]


def _source(entry: Entry, name: str) -> Source:
    if entry.base.endswith((".csv", ".tsv", ".txt")):
        with Reader() as reader:
            layout = look(reader, entry)
        if path_column(layout, SUFFIXES) is not None:
            return _listed(layout)
        return Source(
            None,
            len(name) + ROW,
            lambda reader, shape, scale: _read_csv(reader, shape, layout, name, scale),
        )
    if entry.base.endswith(".npz"):
        return Source(
            None, len(name) + ROW, lambda reader, shape, scale: _read_npz(reader, shape, entry, name, scale)
        )
    return _files([(entry, name)])  # whatever it is called


def _listed(layout: Layout) -> Source:
    """The image files that a CSV names, beside it."""
    column = path_column(layout, SUFFIXES)
    assert column is not None
    with Reader() as reader:
        names = [text for _, texts in read_pieces(reader, layout, (), (column,)) for text in texts[column]]
    if layout.header and layout.header[column].lower().endswith(SUFFIXES):
        names = [layout.header[column], *names]
    folder = layout.entry.path.parent
    return _files([(Entry(folder / name, name), str(folder / name)) for name in names])


def _read_files(reader: Reader, shape: Shape, entries: Sequence[tuple[Entry, str]]) -> Iterator[Picture]:
    def read(item: tuple[Entry, str]) -> Picture:
        entry, name = item
        identity = Path(entry.name).stem
        try:
            found = attempt(read_picture, reader, entry, shape)
        except DataError as error:  # refused, but the others may be read
            found = str(error).splitlines()[0]
        if isinstance(found, str):
            return Picture(name, None, (0, 0), identity, error=found)
        return Picture(name, found.pixels, found.header.size, identity, found.colour)

    left = iter(entries)
    with quiet_pillow(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        while some := list(islice(left, AT_A_TIME)):
            yield from pool.map(read, some)


def _read_csv(
    reader: Reader, shape: Shape, layout: Layout, name: str, scale: Scale | None
) -> Iterator[Picture]:
    height, width, channels = shape
    columns, identity = _pixels_in(reader, layout, height * width * channels)
    number = 0
    wanted = () if identity is None else (identity,)
    for pixels, texts in read_pieces(reader, layout, columns, wanted, PIECE, fractions=scale is not None):
        scaled = pixels if scale is None else scale.apply(pixels, name)
        for row, values in enumerate(scaled):
            number += 1
            known = str(number) if identity is None else texts[identity][row]
            image = values.reshape(shape)
            yield Picture(f"{name}:{number}", image, (height, width), known, spread(image))


def _pixels_in(reader: Reader, layout: Layout, values: int) -> tuple[tuple[int, ...], int | None]:
    """The columns of pixels, and the one that names a row: labels and the like are passed over.

    Raises:
        UsageError: there are not as many as the model takes.
    """
    if layout.columns == values:
        return tuple(range(values)), None
    options = DataOptions(Path(), Path())
    for labelled in (False, True):
        try:
            found = pixel_columns(reader, layout, options, labelled=labelled)
        except UsageError:
            continue
        if len(found.pixels) == values:
            used = {*found.pixels, found.label}
            rest = [column for column in range(layout.columns) if column not in used]
            return found.pixels, rest[0] if rest else None
    raise UsageError(
        f"{layout.entry} has {layout.columns} columns\n"
        f"expected {values} pixel values a row, as the model takes, with or without labels or row numbers"
    )


def _read_npz(
    reader: Reader, shape: Shape, entry: Entry, name: str, scale: Scale | None
) -> Iterator[Picture]:
    names = {key.lower(): key for key in names_in(reader, entry)}
    key = next((key for key in ARRAYS if key in names), next(iter(names)) if len(names) == 1 else None)
    if key is None:
        raise UsageError(
            f"{entry} has the arrays {', '.join(sorted(names)[:10]) or 'none'}\n"
            f"expected one of {', '.join(ARRAYS)}, or a single array"
        )
    images = to_images(read_arrays(reader, entry, [key])[key], f"{entry}, {names[key]}", shape, scale)
    for row, pixels in enumerate(images, 1):
        yield Picture(f"{name}:{row}", as_shape(pixels, shape), pixels.shape[:2], str(row), spread(pixels))


def as_shape(pixels: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """One image (height, width, channels) scaled, cut and coloured as an image file would be."""
    from PIL import Image

    if pixels.shape == shape:
        return pixels
    return fitted(Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), shape)


def spread(pixels: NDArray[np.uint8]) -> float:
    """Mean distance of the largest from the smallest colour channel, 0 to 255."""
    return float((pixels.max(axis=-1).astype(int) - pixels.min(axis=-1)).mean())


def inverted(picture: Picture) -> Picture:
    """The negative of a picture that could be read."""
    assert picture.pixels is not None
    return replace(picture, pixels=255 - picture.pixels)
