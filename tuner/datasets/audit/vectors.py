"""Images as vectors whose products are correlations: of all their pixels, or of their fine detail."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

MAX_SIDE = 32
"""Longer images are averaged down to this many pixels a side before they are compared."""

BLUR = 1.5
"""Standard deviation, in pixels, of the Gaussian blur that fine detail is what is left of."""

_VALUES = 8_000_000


def unit_vectors(
    images: NDArray[np.uint8], max_side: int = MAX_SIDE, *, detail: bool = False, mirrored: bool = False
) -> Floats:
    """Images as mean-removed vectors of length 1, float32 (n, values); zero for constant images.

    The dot product of two is their correlation. Sides above `max_side` are first averaged over blocks of
    equal size, which leaves the correlation of copies and makes the work independent of resolution.

    Args:
        images: uint8 (n, height, width, channels).
        max_side: pixels.
        detail: of the averaged images, only what a blur takes away.
        mirrored: of the images left to right.
    """
    _, height, width, channels = images.shape
    step = (-(-height // max_side), -(-width // max_side))
    rows = max(1, _VALUES // (height * width * channels))
    parts = [images[i : i + rows] for i in range(0, len(images), rows)]
    return np.concatenate([_unit(part[:, :, ::-1] if mirrored else part, step, detail) for part in parts])


def exact_copies(splits: Sequence[NDArray[np.uint8]]) -> Ints:
    """int32 (n,): equal numbers for images with equal pixels."""
    seen: dict[bytes, int] = {}
    numbers = [
        seen.setdefault(blake2b(np.ascontiguousarray(image).data, digest_size=16).digest(), len(seen))
        for images in splits
        for image in images
    ]
    return np.array(numbers, np.int32)


def _unit(images: NDArray[np.uint8], step: tuple[int, int], detail: bool) -> Floats:
    values = images.astype(np.float32)
    if step != (1, 1):
        values = _block_means(values, step)
    if detail:
        from scipy.ndimage import gaussian_filter

        values -= gaussian_filter(values, (0, BLUR, BLUR, 0))
    flat = values.reshape(len(values), -1)
    flat -= flat.mean(1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    unit: Floats = np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-3)
    return unit


def _block_means(values: Floats, step: tuple[int, int]) -> Floats:
    """Means over blocks of `step` pixels; what is left over at the far edges is cut equally from both."""
    n, height, width, channels = values.shape
    rows, columns = height // step[0], width // step[1]
    top, left = (height - rows * step[0]) // 2, (width - columns * step[1]) // 2
    cut = values[:, top : top + rows * step[0], left : left + columns * step[1]]
    means: Floats = cut.reshape(n, rows, step[0], columns, step[1], channels).mean((2, 4), dtype=np.float32)
    return means
