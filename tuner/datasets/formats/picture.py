"""One image file as an array: the same for training, for prediction, and for the code in a report."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.formats.files import UNREADABLE, Entry, Reader
from tuner.datasets.formats.values import Scale
from tuner.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

P = ParamSpec("P")
T = TypeVar("T")

MAX_PIXELS = 64_000_000
"""An image that claims more is refused: unpacking it could fill the memory."""

MAX_JPEG_PIXELS = 170_000_000
"""Likewise for a JPEG, which is reduced while it is decoded."""

MAX_BYTES = 256 << 20
"""Likewise for the file itself."""

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000", "TGA", "HEIF")
"""As Pillow registers them; its JPEG reader also takes what several cameras write, MPO."""

_ORIENTATION = 274


@dataclass(frozen=True)
class Header:
    """An image file's header.

    Attributes:
        size: (height, width) in pixels, the right way up.
        grey: whether it has no colour.
        odd: what its mode needs: "alpha", "16 bit", "palette", or "".
        turned: whether its EXIF orientation turns or mirrors it.
    """

    size: tuple[int, int]
    grey: bool
    odd: str
    turned: bool


@dataclass(frozen=True)
class Read:
    """An image file that was read.

    Attributes:
        pixels: uint8 (height, width, channels) of the wanted shape.
        header: what the file says of itself.
        colour: mean distance of the largest from the smallest colour channel, 0 to 255.
    """

    pixels: NDArray[np.uint8]
    header: Header
    colour: float


def read_header(reader: Reader, entry: Entry) -> Header:
    """The header of an image file.

    Raises:
        DataError: it claims more than 64 million pixels; also what `attempt` catches.
    """
    with _opened(reader, entry) as image:
        return _header(image)


def read_pixels(
    reader: Reader, entry: Entry, shape: tuple[int, int, int], scale: Scale | None = None
) -> NDArray[np.uint8]:
    """An image file as uint8 (height, width, channels) of that shape.

    It is turned as its EXIF orientation says, put on white where it is transparent, cut to the upper 8
    of 16 bits (or scaled by `scale`), made grey or coloured, scaled until it covers the shape, and what
    hangs over is cut equally from both sides. `reports.sections.usage` writes the same steps down.

    Raises:
        DataError: it claims more than 64 million pixels; also what `attempt` catches.
    """
    with _opened(reader, entry) as opened:
        return fitted(_upright(opened, shape, scale), shape)


def read_picture(reader: Reader, entry: Entry, shape: tuple[int, int, int]) -> Read:
    """The same with what else can be told of the file, which is opened once.

    Raises:
        DataError: as `read_pixels`.
    """
    with _opened(reader, entry) as opened:
        header = _header(opened)
        image = _upright(opened, shape)
        pixels = fitted(image, shape)
        coloured = pixels if shape[2] == 3 else fitted(image, (*shape[:2], 3))
        spread = coloured.max(axis=2).astype(int) - coloured.min(axis=2)
        return Read(pixels, header, float(spread.mean()))


def _header(image: "Image") -> Header:
    turned = _orientation(image) >= 5
    width, height = image.size
    deep = image.mode.startswith("I") or image.mode == "F"
    alpha = image.has_transparency_data
    odd = "16 bit" if deep else "alpha" if alpha else "palette" if image.mode == "P" else ""
    grey = image.mode in {"1", "L", "LA", "La"} or deep
    return Header((width, height) if turned else (height, width), grey, odd, _orientation(image) > 1)


def deep_range(reader: Reader, entry: Entry) -> tuple[float, float]:
    """The least and largest value of an image of more than 8 bits.

    Raises:
        DataError: as `read_pixels`.
    """
    with _opened(reader, entry) as image:
        least, most = image.getextrema()
        assert not isinstance(least, tuple)
        assert not isinstance(most, tuple)
        return float(least), float(most)


def _upright(opened: "Image", shape: tuple[int, int, int], scale: Scale | None = None) -> "Image":
    """The image that is open, the right way up, of 8 bits."""
    from PIL import ImageOps

    height, width, _ = shape
    if opened.format == "JPEG":  # large photographs decode at a fraction of the work
        lying = _orientation(opened) >= 5
        opened.draft(None, (2 * height, 2 * width) if lying else (2 * width, 2 * height))
    return _eight_bits(ImageOps.exif_transpose(opened), scale)


def fitted(image: "Image", shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A Pillow image of 8 bits, the right way up, as uint8 (height, width, channels) of that shape."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    pixels: NDArray[np.uint8] = np.asarray(image, np.uint8).reshape(height, width, channels)
    return pixels


def _eight_bits(image: "Image", scale: Scale | None) -> "Image":
    """Grey or colour of 8 bits, on white where transparent."""
    from PIL import Image

    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if scale is not None and scale.high < 65535:
            return Image.fromarray(scale.apply(values, "its pixels"))
        if values.min() < 0 or values.max() > 65535:
            raise ValueError("values of more than 16 bits")
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode == "F":
        if scale is not None:
            return Image.fromarray(scale.apply(np.asarray(image), "its pixels"))
        raise ValueError("values are floating-point numbers")
    if image.has_transparency_data:
        return _opaque(image.convert("RGBA"))
    return image


def _opaque(image: "Image") -> "Image":
    """On white; on black if that leaves nothing to see; without its transparency if that does not either."""
    from PIL import Image

    plain = image.convert("RGB")
    for colour in ("white", "black"):
        found = Image.alpha_composite(Image.new("RGBA", image.size, colour), image).convert("RGB")
        if any(low != high for low, high in found.getextrema()):  # type: ignore[misc]
            return found
    if any(low != high for low, high in plain.getextrema()):  # type: ignore[misc]
        return plain
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


@contextmanager
def _opened(reader: Reader, entry: Entry) -> Iterator["Image"]:
    from PIL import Image, UnidentifiedImageError

    with reader.open(entry) as file:
        # Members of archives are read whole: their streams seek backwards by unpacking from the start.
        stream = io.BytesIO(reader.read(entry, MAX_BYTES)) if entry.member else file
        try:
            with Image.open(stream, formats=_formats()) as image:
                width, height = image.size
                if width * height > (MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS):
                    raise _bomb(entry, f"{width}×{height}")
                yield image
        except Image.DecompressionBombError as error:
            raise _bomb(entry, " ".join(re.findall(r"\d+", str(error))[:1])) from error
        except UnidentifiedImageError:
            raise ValueError("no image data of a known format") from None


def _formats() -> tuple[str, ...]:
    """Those of the formats that this Pillow can read by now; it fails at names that it does not know."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _bomb(entry: Entry, size: str) -> DataError:
    return DataError(
        f"{entry} claims {size} pixels\nexpected at most {MAX_PIXELS // 10**6} million pixels an image"
    )


def attempt(
    read: Callable[Concatenate[Reader, Entry, P], T],
    reader: Reader,
    entry: Entry,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T | str:
    """The result of `read(reader, entry, …)`, or in a few words why it failed."""
    try:
        return read(reader, entry, *args, **kwargs)
    except (DataError, *UNREADABLE, SystemError) as error:
        why = str(error).replace(f"{entry} cannot be read: ", "").removeprefix(f"{entry} ")
        return " ".join(why.split())[:150] or type(error).__name__


def _orientation(image: "Image") -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except UNREADABLE:
        return 1


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Pillow warns of much that is handled here: sizes, EXIF, palettes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
