"""Rows of pixel values as images: colours of each pixel together, or one plane of each colour."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images

PLANES = "colours are stored one plane after the other"
PIXELS = "the colours of each pixel are stored together"
ASKED = "as --pixel-order or the training images say"
_ROWS = 500
_CLEAR = 0.9
"""Neighbours must differ by less than this share of what they differ by in the other order."""


def arranged(pixels: NDArray[np.uint8], shape: tuple[int, int, int], order: str | None) -> tuple[Images, str]:
    """Rows as uint8 (n, height, width, channels), and the order that they were taken to have.

    Args:
        pixels: uint8 (n, values).
        shape: (height, width, channels).
        order: "pixels", "planes", or None: that in which neighbouring pixels are more alike.

    Returns:
        The images, and a sentence on the order ("" where there is one channel).
    """
    height, width, channels = shape
    together = pixels.reshape(-1, *shape)
    if channels == 1:
        return together, ""
    planes = pixels.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    said = ASKED
    if order is None:
        a, b = _roughness(together[:_ROWS]), _roughness(planes[:_ROWS])
        order = "planes" if b < _CLEAR * a else "pixels"
        said = (
            f"neighbouring pixels differ by {min(a, b):.1f} so, by {max(a, b):.1f} otherwise"
            if min(a, b) < _CLEAR * max(a, b)
            else "which could not be told from the pixels (--pixel-order planes is the other order)"
        )
    if order == "planes":
        return np.ascontiguousarray(planes), f"{PLANES}, {said}"
    return together, f"{PIXELS}, {said}"


def order_told(notes: Iterable[str]) -> str | None:
    """The order that one of these sentences tells; None where none does."""
    told = {"planes": PLANES, "pixels": PIXELS}
    return next((order for note in notes for order, text in told.items() if note.startswith(text)), None)


def _roughness(images: Images) -> float:
    """Mean difference of neighbouring pixels of one colour."""
    values = images.astype(np.int16)
    across, down = np.diff(values, axis=2), np.diff(values, axis=1)
    parts = [float(np.abs(part).mean()) for part in (across, down) if part.size]
    return sum(parts) / max(1, len(parts))
