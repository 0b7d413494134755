"""Images as vectors whose products are correlations: of all their pixels, or of their fine detail."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
Images = NDArray[np.uint8] | Floats

MAX_SIDE = 32
"""Longer images are averaged down to this many pixels a side before they are compared."""

BLUR = 1.5
"""Standard deviation, in pixels, of the Gaussian blur that fine detail is what is left of."""

_VALUES = 8_000_000


def unit_vectors(
    images: Images, max_side: int = MAX_SIDE, *, detail: bool = False, mirrored: bool = False
) -> Floats:
    """Images as mean-removed vectors of length 1, float32 (n, values); zero for constant images.

    The dot product of two is their correlation. Sides above `max_side` are first averaged over blocks of
    equal size, which leaves the correlation of copies and makes the work independent of resolution.

    Args:
        images: (n, height, width, channels).
        max_side: pixels.
        detail: of the averaged images, their channels added up, only what a blur takes away.
        mirrored: of the images left to right.
    """
    _, height, width, channels = images.shape
    step = (-(-height // max_side), -(-width // max_side))
    rows = max(1, _VALUES // (height * width * channels))
    parts = [images[i : i + rows] for i in range(0, len(images), rows)]
    return np.concatenate([_unit(part[:, :, ::-1] if mirrored else part, step, detail) for part in parts])


def block_means(values: Floats, step: tuple[int, int]) -> Floats:
    """Means over blocks of `step` pixels; what is left over at the far edges is cut equally from both."""
    n, height, width, channels = values.shape
    rows, columns = height // step[0], width // step[1]
    top, left = (height - rows * step[0]) // 2, (width - columns * step[1]) // 2
    bottom, right = top + rows * step[0], left + columns * step[1]
    down = np.zeros((n, rows, width, channels), np.float32)
    for i in range(step[0]):
        down += values[:, top + i : bottom : step[0]]
    means = np.zeros((n, rows, columns, channels), np.float32)
    for i in range(step[1]):  # many times as fast as a mean over two axes
        means += down[:, :, left + i : right : step[1]]
    means /= step[0] * step[1]
    return means


def exact_copies(splits: Sequence[NDArray[np.uint8]]) -> Ints:
    """int32 (n,): equal numbers for images with equal pixels."""
    seen: dict[bytes, int] = {}
    numbers = [
        seen.setdefault(blake2b(np.ascontiguousarray(image).data, digest_size=16).digest(), len(seen))
        for images in splits
        for image in images
    ]
    return np.array(numbers, np.int32)


def _unit(images: Images, step: tuple[int, int], detail: bool) -> Floats:
    values = images.astype(np.float32)
    if step != (1, 1):
        values = block_means(values, step)
    if detail:
        values = np.einsum("nhwc->nhw", values)
        down, across = (_blur(side) for side in values.shape[1:])
        values -= down @ values @ across.T
    flat = values.reshape(len(values), -1)
    flat -= flat.mean(1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    unit: Floats = np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-3)
    return unit


def _blur(side: int) -> Floats:
    """The Gaussian blur of lines of `side` pixels as a matrix, which is quicker for many small images."""
    from scipy.ndimage import gaussian_filter1d

    blur: Floats = gaussian_filter1d(np.eye(side, dtype=np.float32), BLUR, axis=0)
    return blur
