"""IDX files, the format that MNIST was published in (yann.lecun.com/exdb/mnist)."""

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.formats.files import Entry, Reader
from tuner.errors import DataError

IDX_FILES = tuple(
    (f"{split}-{kind}-idx{rank}-ubyte", f"{split}-{kind}.idx{rank}-ubyte")
    for split in ("train", "t10k")
    for kind, rank in (("images", 3), ("labels", 1))
)
"""Names (and the other spelling of each) of training images and labels, test images and labels."""


def read_idx(reader: Reader, entry: Entry) -> NDArray[Any]:
    """The array of unsigned bytes in an IDX file.

    Raises:
        DataError: no IDX file of unsigned bytes, or of another length than its header says.
    """
    data = reader.read(entry)
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise DataError(
            f"{entry} starts with {data[:4].hex(' ') or 'nothing'}; expected 00 00 08 and 01 to 04 (IDX)"
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(f"{entry} ends in its header; expected an IDX file")
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    if len(data) - start != math.prod(shape):
        raise DataError(
            f"{entry} holds {len(data) - start} values; expected {math.prod(shape)}, as its header says"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
