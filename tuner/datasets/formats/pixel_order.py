"""Rows of pixel values as images: colours of each pixel together, or one plane of each colour."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Images

_ROWS = 500
_CLEAR = 0.9
"""Neighbours must differ by less than this share of what they differ by in the other order."""


@dataclass(frozen=True)
class ColourOrder:
    """How rows of values hold colours, and how that is known. As a text, a sentence."""

    name: Literal["pixels", "planes"]
    why: str = "as --pixel-order or the training images say"

    def __str__(self) -> str:
        if self.name == "planes":
            return f"colours are stored one plane after the other, {self.why}"
        return f"the colours of each pixel are stored together, {self.why}"


def arranged(
    pixels: NDArray[np.uint8], shape: tuple[int, int, int], order: str | None
) -> tuple[Images, ColourOrder | None]:
    """Rows as uint8 (n, height, width, channels), and the order that they were taken to have.

    Args:
        pixels: uint8 (n, values).
        shape: (height, width, channels).
        order: "pixels", "planes", or None: that in which neighbouring pixels are more alike.

    Returns:
        The images, and the order (None where there is one channel).
    """
    height, width, channels = shape
    together = pixels.reshape(-1, *shape)
    if channels == 1:
        return together, None
    planes = pixels.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    if order is not None:
        found = ColourOrder("planes" if order == "planes" else "pixels")
    else:
        a, b = _roughness(together[:_ROWS]), _roughness(planes[:_ROWS])
        found = ColourOrder(
            "planes" if b < _CLEAR * a else "pixels",
            f"neighbouring pixels differ by {min(a, b):.1f} so, by {max(a, b):.1f} otherwise"
            if min(a, b) < _CLEAR * max(a, b)
            else "which could not be told from the pixels (--pixel-order planes is the other order)",
        )
    return (np.ascontiguousarray(planes) if found.name == "planes" else together), found


def _roughness(images: Images) -> float:
    """Mean difference of neighbouring pixels of one colour."""
    values = images.astype(np.int16)
    across, down = np.diff(values, axis=2), np.diff(values, axis=1)
    parts = [float(np.abs(part).mean()) for part in (across, down) if part.size]
    return sum(parts) / max(1, len(parts))
