"""Fine detail of pairs of which one is of another scale, or turned: compared as it is brought over the other.

A crop or a turn moves detail by other amounts at every place, so that no shift of the whole brings two images
together. Only pairs that agree a little at some shift are looked at again, as most work is here.
"""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.shifts import Splits, agreement, images_at
from tuner.datasets.audit.vectors import MAX_SIDE, block_means

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]

SCALES = (0.9, 0.95, 1.0, 1 / 0.95, 1 / 0.9)
TURNS = (-6.0, -3.0, 0.0, 3.0, 6.0)
"""Degrees."""

MOVES = [move for move in product(SCALES, TURNS) if move != (1.0, 0.0)]

PROMISING = 0.25
"""Agreement at some shift from which other scales and turns are tried: 98 of 100 crops of 10 % and turns of
6° reach it, and 1 of 15 pairs of nearest neighbours among different photographs."""

_PAIRS = 2048
_VALUES = 8_000_000


def aligned_agreement(splits: Splits, a: Rows, b: Rows, enough: float, *, mirrored: bool = False) -> Floats:
    """Agreement of the fine detail of each pair, at the scale, turn and shift of one where it is highest.

    Pairs that agree enough at some shift alone, or hardly at any, are not looked at again.

    Args:
        splits: the images, numbered over all splits.
        a: the first image of each pair.
        b: the second, which is moved.
        enough: agreement above which a higher one is of no interest.
        mirrored: the second of each is mirrored.
    """
    highest = np.empty(len(a), np.float32)
    for i in range(0, len(a), _PAIRS):
        part = slice(i, i + _PAIRS)
        highest[part] = agreement(splits, a[part], b[part], mirrored=mirrored)
    promising = np.flatnonzero((highest > PROMISING) & (highest <= enough))
    some = max(1, _VALUES // (len(MOVES) * splits[0][0].size))
    for rows in (promising[i : i + some] for i in range(0, len(promising), some)):
        first, second = _reduced(splits, a[rows]), _reduced(splits, b[rows])
        if mirrored:
            second = second[:, :, ::-1]
        moved = [_moved(second, *move) for move in MOVES]
        one = np.tile(np.arange(len(rows)), len(MOVES))
        found = agreement([first, *moved], one, len(rows) + np.arange(len(one)))
        highest[rows] = np.maximum(highest[rows], found.reshape(len(MOVES), -1).max(axis=0))
    return highest


def _reduced(splits: Splits, rows: Rows) -> Floats:
    """Images in grey (one channel), at most twice as large as they are compared: more would not show."""
    _, height, width, _ = splits[0].shape
    step = (-(-height // (2 * MAX_SIDE)), -(-width // (2 * MAX_SIDE)))
    return block_means(images_at(splits, rows).sum(3, keepdims=True, dtype=np.float32), step)


def _moved(images: Floats, scale: float, turn: float) -> Floats:
    """Images enlarged and turned about their middle, with their outermost pixels repeated outside."""
    _, height, width, _ = images.shape
    moved: Floats = images.reshape(len(images), -1) @ _interpolation(height, width, scale, turn)
    return moved.reshape(images.shape)


def _interpolation(height: int, width: int, scale: float, turn: float) -> "csr_array":
    """What each pixel of an image gives to those of a moved one: (pixels, pixels), columns of sum 1."""
    from scipy.sparse import csr_array

    angle = np.deg2rad(turn)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    last = np.array([[height - 1], [width - 1]])
    places = np.clip(matrix @ (np.indices((height, width)).reshape(2, -1) - last / 2) + last / 2, 0, last)
    before = places.astype(int)
    after, part = np.minimum(before + 1, last), places - before
    ends = [[(before[axis], 1 - part[axis]), (after[axis], part[axis])] for axis in (0, 1)]
    corners = list(product(*ends))
    values = np.concatenate([down * across for (_, down), (_, across) in corners]).astype(np.float32)
    giving = np.concatenate([row * width + column for (row, _), (column, _) in corners])
    taking = np.tile(np.arange(height * width), len(corners))
    return csr_array((values, (giving, taking)), shape=(height * width, height * width))
