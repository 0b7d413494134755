"""Image files as arrays of one shape: PNG, JPEG and their like, of any size and colour mode."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images, Progress
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.picture import (
    Header,
    attempt,
    deep_range,
    quiet_pillow,
    read_header,
    read_pixels,
)
from tuner.datasets.formats.values import Scale, scale_of
from tuner.errors import DataError

SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".jfif",
    ".avif",
    ".jp2",
    ".j2k",
    ".jpf",
    ".tga",
)
"""By these names a file is taken for an image."""

KEPT_SIDE = 256
"""Images that all have one size up to this are kept as they are."""

SHRUNK_SIDE = 128
PHOTOGRAPH_SIDE = 224
"""Other images are brought to their median size, with at most this many pixels on the longer side: grey ones,
and those in colour, which networks with ImageNet weights read best at that size."""

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
        scale: what became 0 to 255 in images of more than 8 bits, or None where there are none.
    """

    images: Images
    kept: NDArray[np.intp]
    sizes: tuple[tuple[int, int, int], ...]
    corrupt: tuple[str, ...]
    notes: tuple[str, ...]
    scale: Scale | None = None

    @property
    def values(self) -> str:
        """The range of the stored values, for the table of the reading; "" for plain 8 bits."""
        return "" if self.scale is None else f"deep images: {self.scale}"


def is_picture(entry: Entry) -> bool:
    """Whether a file is an image by its name."""
    return entry.name.lower().endswith(SUFFIXES)


def decode(
    reader: Reader,
    entries: Sequence[Entry],
    shape: tuple[int, int, int] | None,
    progress: Progress,
    scale: Scale | None = None,
) -> Pictures:
    """Decodes images to one shape.

    The shape is `shape`; else that of the images where all have one size up to 256 pixels; else their
    median height and width, scaled down to 128 pixels on the longer side, in colour to 224. An image of
    another size is scaled until it covers the shape, and what hangs over is cut equally from both sides.
    Colour is kept unless all images are grey. Images are turned as their EXIF orientation says;
    transparent parts become white; 16 bits become 8 by one scale, `scale` or that of all these images.

    Raises:
        DataError: an image claims more than 64 million pixels, or more than a tenth cannot be read.
    """
    workers = min(8, os.cpu_count() or 1)
    with quiet_pillow(), ThreadPoolExecutor(workers) as pool:
        headers = list(pool.map(lambda entry: attempt(read_header, reader, entry), entries))
        good = [i for i, header in enumerate(headers) if isinstance(header, Header)]
        _refuse_many([*zip(entries, headers, strict=True)])
        known = [header for header in headers if isinstance(header, Header)]
        target = shape or _target(known)
        deep = [i for i in good if isinstance(header := headers[i], Header) and header.odd == "16 bit"]
        scale = scale or _deep_scale(
            [*pool.map(lambda i: attempt(deep_range, reader, entries[i]), deep)],
            entries[deep[0]] if deep else None,
        )
        images = np.empty((len(good), *target), np.uint8)
        failures: list[str | None] = []
        decoded = pool.map(lambda i: attempt(read_pixels, reader, entries[i], target, scale), good)
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
    return Pictures(
        images, np.array(good, np.intp)[kept], counted[:50], corrupt, _notes(known, target, scale), scale
    )


def merge_sizes(parts: Sequence[Pictures]) -> list[list[int]]:
    """Sizes over several splits, most frequent first."""
    total: Counter[tuple[int, int]] = Counter()
    for part in parts:
        total.update({(h, w): n for h, w, n in part.sizes})
    return [[h, w, n] for (h, w), n in total.most_common(50)]


def _target(headers: Sequence[Header]) -> tuple[int, int, int]:
    sizes = np.array([header.size for header in headers])
    channels = 1 if all(header.grey for header in headers) else 3
    height, width = np.median(sizes, axis=0)
    if (sizes == sizes[0]).all() and max(sizes[0]) <= KEPT_SIDE:
        return (int(sizes[0][0]), int(sizes[0][1]), channels)
    scale = min(1.0, (SHRUNK_SIDE if channels == 1 else PHOTOGRAPH_SIDE) / max(height, width))
    return (max(1, round(height * scale)), max(1, round(width * scale)), channels)


def _refuse_many(outcomes: Sequence[tuple[Entry, object]]) -> None:
    bad = [(entry, why) for entry, why in outcomes if isinstance(why, str)]
    if len(bad) > _CORRUPT_SHARE * len(outcomes):
        entry, why = bad[0]
        raise DataError(
            f"{len(bad)} of {len(outcomes)} images cannot be read, the first is {entry}: {why}\n"
            "expected PNG, JPEG, BMP, GIF, WebP, TIFF or PPM files"
        )


def _deep_scale(ranges: Sequence[tuple[float, float] | str], first: Entry | None) -> Scale | None:
    """The scale of images of more than 8 bits by the values in all of them; None where there are none."""
    known = [found for found in ranges if not isinstance(found, str)]
    if not known:
        return None
    ends = np.array([min(low for low, _ in known), max(high for _, high in known)])
    return scale_of(ends if (ends % 1).any() else ends.astype(np.int64), str(first))


def _notes(headers: Sequence[Header], target: tuple[int, int, int], scale: Scale | None) -> tuple[str, ...]:
    notes = []
    other = sum(header.size != target[:2] for header in headers)
    if other:
        notes.append(
            f"{other:,} images of another size were scaled to cover {target[0]}×{target[1]} pixels,"
            " and the excess was cut equally from both sides"
        )
    odd = Counter(header.odd for header in headers)
    if odd["alpha"]:
        notes.append(f"{odd['alpha']:,} images have transparent parts, which became white")
    if odd["16 bit"]:
        high = 65535 if scale is None else scale.high
        how = "were cut to their upper 8" if high == 65535 else f"became 8 bits: 0 to {high:g} is 0 to 255"
        notes.append(f"{odd['16 bit']:,} images of 16 bits {how}")
    if turned := sum(header.turned for header in headers):
        notes.append(f"{turned:,} images were turned or mirrored as their EXIF orientation says")
    if target[2] == 3 and (grey := sum(header.grey for header in headers)):
        notes.append(f"{grey:,} grey images became colour images")
    if target[2] == 1 and (coloured := sum(not header.grey for header in headers)):
        notes.append(f"{coloured:,} colour images became grey")
    return tuple(notes)
