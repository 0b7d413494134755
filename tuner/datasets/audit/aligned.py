"""Fine detail of pairs of which one is of another scale, or turned: compared as it is brought over the other.

A crop or a turn moves detail by other amounts at every place, so that no shift of the whole brings two images
together. Only pairs that agree a little at some shift are looked at again, as most work is here.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.shifts import AGREES, Splits, agreement, images_at

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]

SCALES = (0.9, 0.95, 1.0, 1 / 0.95, 1 / 0.9)
TURNS = (-6.0, -3.0, 0.0, 3.0, 6.0)
"""Degrees."""

MOVES = [move for move in product(SCALES, TURNS) if move != (1.0, 0.0)]

PROMISING = 0.3
"""Agreement at some shift from which other scales and turns are tried: 98 of 100 crops of 10 % and turns of
6° reach it, and 1 of 50 pairs of nearest neighbours among different photographs."""

_VALUES = 8_000_000


def aligned_agreement(splits: Splits, a: Rows, b: Rows, *, mirrored: bool = False) -> Floats:
    """Agreement of the fine detail of each pair, at the scale, turn and shift of one where it is highest.

    Pairs that agree (`AGREES`) at some shift alone, or hardly at any, are not looked at again.

    Args:
        splits: the images, numbered over all splits.
        a: the first image of each pair.
        b: the second, which is moved.
        mirrored: the second of each is mirrored.
    """
    highest = agreement(splits, a, b, mirrored=mirrored)
    promising = np.flatnonzero((highest > PROMISING) & (highest <= AGREES))
    some = max(1, _VALUES // (len(MOVES) * splits[0][0].size))
    for rows in (promising[i : i + some] for i in range(0, len(promising), some)):
        first, second = images_at(splits, a[rows]), images_at(splits, b[rows])
        if mirrored:
            second = second[:, :, ::-1]
        moved = [_moved(second, *move) for move in MOVES]
        one = np.tile(np.arange(len(rows)), len(MOVES))
        found = agreement([first, *moved], one, len(rows) + np.arange(len(one)))
        highest[rows] = np.maximum(highest[rows], found.reshape(len(MOVES), -1).max(axis=0))
    return highest


def _moved(images: NDArray[np.uint8], scale: float, turn: float) -> NDArray[np.uint8]:
    """Images enlarged and turned about their middle, with their outermost pixels repeated outside."""
    from scipy.ndimage import affine_transform

    _, height, width, channels = images.shape
    angle = np.deg2rad(turn)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    middle = np.array([height - 1, width - 1]) / 2
    moved = np.empty_like(images)
    for image, result in zip(images, moved, strict=True):
        for channel in range(channels):
            affine_transform(
                image[..., channel],
                matrix,
                middle - matrix @ middle,
                output=result[..., channel],
                order=1,
                mode="nearest",
            )
    return moved
