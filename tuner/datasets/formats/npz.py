"""NumPy archives, read without ever unpickling."""

import io
import math
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images
from tuner.datasets.formats.csvs import square_shape
from tuner.datasets.formats.files import MAX_ENTRY_BYTES, Entry, Reader, refusing
from tuner.datasets.formats.pixel_order import ColourOrder, arranged
from tuner.datasets.formats.values import Scale, scale_of
from tuner.errors import DataError, UsageError


def read_arrays(reader: Reader, entry: Entry, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Those of the `wanted` arrays (names in lower case) that the archive has.

    Raises:
        DataError: no archive, an array of Python objects (which only unpickling could read), or one
            whose header claims another size than the archive holds.
    """
    data = io.BytesIO(reader.read(entry))
    found: dict[str, NDArray[Any]] = {}
    with refusing(entry), zipfile.ZipFile(data) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy").lower()
            if name in wanted:
                found[name] = _read_array(archive, member, entry)
    return found


def read_npy(reader: Reader, entry: Entry) -> NDArray[Any]:
    """The array of a `.npy` file.

    Raises:
        DataError: no such file, Python objects, or a header that claims another size.
    """
    data = reader.read(entry)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("array.npy", data)
    with refusing(entry), zipfile.ZipFile(buffer) as archive:
        return _read_array(archive, archive.infolist()[0], entry)


def names_in(reader: Reader, entry: Entry) -> list[str]:
    """Names of the arrays in an archive."""
    with refusing(entry), zipfile.ZipFile(io.BytesIO(reader.read(entry))) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def to_images(
    values: NDArray[Any], what: str, shape: tuple[int, int, int] | None = None, scale: Scale | None = None
) -> Images:
    """Any array of images as uint8 (n, height, width, channels), as `to_images_in_order` takes them."""
    return to_images_in_order(values, what, shape, scale)[0]


def to_images_in_order(
    values: NDArray[Any],
    what: str,
    shape: tuple[int, int, int] | None = None,
    scale: Scale | None = None,
    order: str | None = None,
) -> tuple[Images, ColourOrder | None]:
    """Any array of images as uint8 (n, height, width, channels), and how rows hold colours.

    Takes (n, height, width), (n, height, width, channels), (n, channels, height, width) where that
    cannot be meant otherwise, and (n, values) where `shape` or a square says what they are. Of four
    channels the last is transparency, which is put on white. Values become 0 to 255 by `scale`, or by
    `scale_of` these images; the order of colours in rows is `order`, or that which `arranged` finds.

    Raises:
        DataError: values that no scale holds, or dimensions that are no images.
        UsageError: rows of values whose shape must be asked for.
    """
    values, told = (scale or scale_of(values, what)).apply(values, what), None
    if values.ndim == 3:
        values = values[..., None]
    elif values.ndim == 4 and values.shape[-1] > 4 and values.shape[1] in {1, 3}:
        values = values.transpose(0, 2, 3, 1)
    elif values.ndim == 2:
        found = shape or square_shape(values.shape[1])
        if not found or math.prod(found) != values.shape[1]:
            raise UsageError(
                f"{what}: {values.shape[1]} values an image\n"
                "expected --image-shape HEIGHTxWIDTHxCHANNELS to say which shape they have"
            )
        values, told = arranged(values, found, order)
    if values.ndim == 4 and values.shape[-1] == 4:
        alpha = values[..., 3:].astype(np.uint16)
        values = ((values[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if values.ndim != 4 or values.shape[-1] not in {1, 3}:
        raise DataError(
            f"{what}: shape {values.shape}; expected (images, height, width) or that and 1, 3 or 4 channels"
        )
    images: Images = np.ascontiguousarray(values)
    return images, told


def to_label_texts(values: NDArray[Any], what: str) -> list[str]:
    """Labels of an archive as texts: (n,), (n, 1), (1, n) or one-hot (n, classes).

    Raises:
        DataError: other dimensions, or numbers that are not whole.
    """
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)
    if values.ndim == 2 and values.dtype.kind in "iufb" and _one_hot(values):
        values = values.argmax(1)
    if values.ndim != 1:
        raise DataError(f"{what}: shape {values.shape}; expected one label an image")
    if values.dtype.kind in "US":
        return [
            text.decode(errors="replace") if isinstance(text, bytes) else str(text)
            for text in values.tolist()
        ]
    if values.dtype.kind not in "iufb":
        raise DataError(f"{what}: labels of type {values.dtype}; expected whole numbers or texts")
    numbers = values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.rint(numbers)) & (np.abs(numbers) < 1e12)))
    if len(bad):
        raise DataError(
            f"{what}, item {bad[0] + 1} (from 1): label {values[bad[0]]}; expected a whole number"
        )
    return [str(int(number)) for number in numbers]


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, entry: Entry) -> NDArray[Any]:
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
        header = file.tell()
    if dtype.hasobject:
        raise DataError(
            f"{entry}: array {member.filename!r} holds pickled Python objects,"
            " which could run code when read\n"
            "expected plain numbers or texts; save it again with allow_pickle=False"
        )
    size = header + math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != member.file_size or size > MAX_ENTRY_BYTES:
        raise DataError(
            f"{entry}: array {member.filename!r} claims shape {shape}, which does not match its size"
        )
    with archive.open(member) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _one_hot(values: NDArray[Any]) -> bool:
    return bool(np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all())
