"""Image files as arrays of one shape: PNG, JPEG and their like, of any size and colour mode."""

import io
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images, Progress
from tuner.datasets.formats.files import UNREADABLE, Entry, Reader
from tuner.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
"""By these names a file is taken for an image."""

MAX_PIXELS = 64_000_000
"""An image that claims more is refused: unpacking it could fill the memory."""

MAX_BYTES = 256 << 20
"""Likewise for the file itself."""

KEPT_SIDE = 256
"""Images that all have one size up to this are kept as they are."""

SHRUNK_SIDE = 128
"""Other images are brought to their median size, with at most this many pixels on the longer side."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "MPO")
_ORIENTATION = 274
_CORRUPT_SHARE = 0.1


@dataclass(frozen=True)
class Pictures:
    """Decoded images.

    Attributes:
        images: uint8 (k, height, width, channels).
        kept: int (k,), which of the files they are; the others could not be read.
        sizes: (height, width, number of images), most frequent first.
        corrupt: "file: why" of each that could not be read.
        notes: what was done to them, a sentence each.
    """

    images: Images
    kept: NDArray[np.intp]
    sizes: tuple[tuple[int, int, int], ...]
    corrupt: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]  # height, width, the right way up
    grey: bool
    odd: str  # what the mode needs: "alpha", "16 bit", "palette", ""
    turned: bool


def is_picture(entry: Entry) -> bool:
    """Whether a file is an image by its name."""
    return entry.name.lower().endswith(SUFFIXES)


def decode(
    reader: Reader, entries: Sequence[Entry], shape: tuple[int, int, int] | None, progress: Progress
) -> Pictures:
    """Decodes images to one shape.

    The shape is `shape`; else that of the images where all have one size up to 256 pixels; else their
    median height and width, scaled down to 128 pixels on the longer side. An image of another size is
    scaled until it covers the shape, and what hangs over is cut equally from both sides. Colour is kept
    unless all images are grey. Images are turned as their EXIF orientation says; transparent parts
    become white; 16 bits become 8 by leaving out the lower ones.

    Raises:
        DataError: an image claims more than 64 million pixels, or more than a tenth cannot be read.
    """
    workers = min(8, os.cpu_count() or 1)
    with _quiet_pillow(), ThreadPoolExecutor(workers) as pool:
        headers = list(pool.map(lambda entry: _try(_header, reader, entry), entries))
        good = [i for i, header in enumerate(headers) if isinstance(header, _Header)]
        _refuse_many([*zip(entries, headers, strict=True)])
        known = [header for header in headers if isinstance(header, _Header)]
        target = shape or _target(known)
        images = np.empty((len(good), *target), np.uint8)
        failures: list[str | None] = []
        decoded = pool.map(lambda i: _try(_decode, reader, entries[i], target), good)
        for place, result in enumerate(decoded):
            failures.append(result if isinstance(result, str) else None)
            if not isinstance(result, str):
                images[place] = result
            if len(good) >= 1000 and place % (len(good) // 10) == 0:
                progress(f"decoding images: {round(100 * place / len(good))} %")
    results = dict(zip(good, failures, strict=True))
    outcome: list[object] = [results.get(i, header) for i, header in enumerate(headers)]
    _refuse_many([*zip(entries, outcome, strict=True)])
    kept = [place for place, why in enumerate(failures) if why is None]
    if len(kept) < len(good):
        images = images[kept]
    corrupt = tuple(
        f"{entry.name}: {why}" for entry, why in zip(entries, outcome, strict=True) if isinstance(why, str)
    )
    sizes = Counter(header.size for header in known)
    counted = tuple((h, w, n) for (h, w), n in sizes.most_common())
    return Pictures(images, np.array(good, np.intp)[kept], counted[:50], corrupt, _notes(known, target))


def merge_sizes(parts: Sequence[Pictures]) -> list[list[int]]:
    """Sizes over several splits, most frequent first."""
    total: Counter[tuple[int, int]] = Counter()
    for part in parts:
        total.update({(h, w): n for h, w, n in part.sizes})
    return [[h, w, n] for (h, w), n in total.most_common(50)]


def _target(headers: Sequence[_Header]) -> tuple[int, int, int]:
    sizes = np.array([header.size for header in headers])
    channels = 1 if all(header.grey for header in headers) else 3
    height, width = np.median(sizes, axis=0)
    if (sizes == sizes[0]).all() and max(sizes[0]) <= KEPT_SIDE:
        return (int(sizes[0][0]), int(sizes[0][1]), channels)
    scale = min(1.0, SHRUNK_SIDE / max(height, width))
    return (max(1, round(height * scale)), max(1, round(width * scale)), channels)


def _header(reader: Reader, entry: Entry) -> _Header:
    with _opened(reader, entry) as image:
        turned = _orientation(image) >= 5
        width, height = image.size
        deep = image.mode.startswith("I")
        alpha = image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info
        odd = "16 bit" if deep else "alpha" if alpha else "palette" if image.mode == "P" else ""
        grey = image.mode in {"1", "L", "LA", "La"} or deep
        return _Header((width, height) if turned else (height, width), grey, odd, _orientation(image) > 1)


def _decode(reader: Reader, entry: Entry, target: tuple[int, int, int]) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    height, width, channels = target
    with _opened(reader, entry) as opened:
        if opened.format == "JPEG" and _orientation(opened) < 5:
            opened.draft(None, (2 * width, 2 * height))  # large photographs decode at a fraction of the work
        image = ImageOps.exif_transpose(opened)
        image = _eight_bits(image).convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        pixels: NDArray[np.uint8] = np.asarray(image, np.uint8).reshape(height, width, channels)
        return pixels


def _eight_bits(image: "Image") -> "Image":
    """Grey or colour of 8 bits, on white where transparent."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("values of more than 16 bits")
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("values are floating-point numbers")
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image


@contextmanager
def _opened(reader: Reader, entry: Entry) -> Iterator["Image"]:
    from PIL import Image, UnidentifiedImageError

    with reader.open(entry) as file:
        # Members of archives are read whole: their streams seek backwards by unpacking from the start.
        stream = io.BytesIO(reader.read(entry, MAX_BYTES)) if entry.member else file
        try:
            with Image.open(stream, formats=_FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise _bomb(entry, f"{width}×{height}")
                yield image
        except Image.DecompressionBombError as error:
            raise _bomb(entry, " ".join(re.findall(r"\d+", str(error))[:1])) from error
        except UnidentifiedImageError:
            raise ValueError("no image data of a known format") from None


def _bomb(entry: Entry, size: str) -> DataError:
    return _RefusedError(
        f"{entry} claims {size} pixels\nexpected at most {MAX_PIXELS // 10**6} million pixels an image"
    )


class _RefusedError(DataError):
    """An image that must not be skipped over as merely damaged."""


def _try(read, reader: Reader, entry: Entry, *args):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN202
    """What `read` returns, or why it could not."""
    try:
        return read(reader, entry, *args)
    except _RefusedError:
        raise
    except (DataError, *UNREADABLE, SystemError) as error:
        why = str(error).replace(f"{entry} cannot be read: ", "")
        return " ".join(why.split())[:150] or type(error).__name__


def _orientation(image: "Image") -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except UNREADABLE:
        return 1


def _refuse_many(outcomes: Sequence[tuple[Entry, object]]) -> None:
    bad = [(entry, why) for entry, why in outcomes if isinstance(why, str)]
    if len(bad) > _CORRUPT_SHARE * len(outcomes):
        entry, why = bad[0]
        raise DataError(
            f"{len(bad)} of {len(outcomes)} images cannot be read, the first is {entry}: {why}\n"
            "expected PNG, JPEG, BMP, GIF, WebP, TIFF or PPM files"
        )


def _notes(headers: Sequence[_Header], target: tuple[int, int, int]) -> tuple[str, ...]:
    notes = []
    other = sum(header.size != target[:2] for header in headers)
    if other:
        notes.append(
            f"{other:,} images of another size were scaled to cover {target[0]}×{target[1]} pixels,"
            " and what hung over was cut equally from both sides"
        )
    odd = Counter(header.odd for header in headers)
    if odd["alpha"]:
        notes.append(f"{odd['alpha']:,} images have transparent parts, which became white")
    if odd["16 bit"]:
        notes.append(f"{odd['16 bit']:,} images of 16 bits were cut to their upper 8")
    if turned := sum(header.turned for header in headers):
        notes.append(f"{turned:,} images were turned or mirrored as their EXIF orientation says")
    if target[2] == 3 and (grey := sum(header.grey for header in headers)):
        notes.append(f"{grey:,} grey images became colour images")
    if target[2] == 1 and (coloured := sum(not header.grey for header in headers)):
        notes.append(f"{coloured:,} colour images became grey")
    return tuple(notes)


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow warns of much that is handled here: sizes, EXIF, palettes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
