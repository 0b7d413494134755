"""Fine detail of pairs of images, compared where they agree most: one may be shifted a little."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit.vectors import MAX_SIDE, Images, unit_vectors

Floats = NDArray[np.float32]
Splits = Sequence[Images]

AGREES = 0.6
"""Correlation of fine detail above which two images are of one photograph, where detail tells them apart."""

SHIFT = 0.125
"""Share of the side by which two images may be shifted against each other."""

SHOWN = 0.5
"""Share of the detail of both (of its squares) that has to lie in what both show, at least."""

_PAIRS = 512


def agreement(splits: Splits, a: NDArray[np.intp], b: NDArray[np.intp], *, mirrored: bool = False) -> Floats:
    """Correlation of the fine detail of each pair at the shift where it is highest, over what both show.

    Args:
        splits: the images, numbered over all splits.
        a: the first image of each pair.
        b: the second.
        mirrored: the second of each is mirrored.
    """
    left, of_a = np.unique(a, return_inverse=True)
    right, of_b = np.unique(b, return_inverse=True)
    first = _Maps.of(_maps(splits, left, mirrored=False))
    second = _Maps.of(_maps(splits, right, mirrored=mirrored))
    parts = [
        first.agreement(second, of_a[k : k + _PAIRS], of_b[k : k + _PAIRS]) for k in range(0, len(a), _PAIRS)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def seen_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Sides and channels of images (n, height, width, channels) as their vectors hold them."""
    _, height, width, channels = shape
    return height // -(-height // MAX_SIDE), width // -(-width // MAX_SIDE), channels


def images_at(splits: Splits, rows: NDArray[np.intp]) -> Images:
    """Images by their number over all splits."""
    result = np.empty((len(rows), *splits[0].shape[1:]), splits[0].dtype)
    start = 0
    for images in splits:
        here = (rows >= start) & (rows < start + len(images))
        result[here] = images[rows[here] - start]
        start += len(images)
    return result


def _maps(splits: Splits, rows: NDArray[np.intp], *, mirrored: bool) -> Floats:
    """The fine detail of some images, of length 1 each: float32 (n, rows, columns)."""
    vectors = unit_vectors(images_at(splits, rows), detail=True, mirrored=mirrored)
    return vectors.reshape(len(rows), *seen_shape(splits[0].shape)[:2])


@dataclass(frozen=True)
class _Maps:
    """Maps of fine detail, prepared to be compared at all shifts.

    Attributes:
        spectra: of the maps, with room around them: complex64 (n, …, …).
        energies: what of a map's squares lies within the window that a shift leaves: (n, shifts, shifts).
        room: sides of the maps with it.
    """

    spectra: NDArray[np.complex64]
    energies: Floats
    room: tuple[int, int]

    @classmethod
    def of(cls, maps: Floats) -> Self:
        """Prepares maps (n, rows, columns)."""
        from scipy.fft import next_fast_len, rfft2

        _, height, width = maps.shape
        shift = max(1, round(SHIFT * max(height, width)))
        room = (next_fast_len(height + shift, real=True), next_fast_len(width + shift, real=True))
        down, across = _kept(height, shift), _kept(width, shift)
        energies: Floats = down @ np.square(maps) @ across.T
        return cls(rfft2(maps, room, (1, 2)), energies, room)

    def agreement(self, other: Self, mine: NDArray[np.intp], theirs: NDArray[np.intp]) -> Floats:
        """The highest correlation over all shifts, of each pair of a map here and one there."""
        from scipy.fft import irfft2

        both = self.spectra[mine] * other.spectra[theirs].conj()
        shift = self.energies.shape[1] // 2
        steps = np.arange(-shift, shift + 1)
        product = irfft2(both, self.room, (1, 2))[:, steps][:, :, steps]
        shown = self.energies[mine] * other.energies[theirs][:, ::-1, ::-1]
        found = np.where(shown > SHOWN**2, product / np.sqrt(np.maximum(shown, SHOWN**2)), 0)
        highest: Floats = found.max(axis=(1, 2))
        return highest


def _kept(side: int, shift: int) -> Floats:
    """1 where one of `side` pixels lies within the window that a shift leaves, else 0: (shifts, side)."""
    there = np.arange(side) - np.arange(-shift, shift + 1)[:, None]
    return ((there >= 0) & (there < side)).astype(np.float32)
