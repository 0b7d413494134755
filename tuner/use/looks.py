"""How training images look, so that a picture of another kind is noticed, and one that is inverted put right.

A model that has only seen white digits on black reads black ones on white as anything at all.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

SAMPLE = 5_000
"""Training images that are looked at, at most."""

QUANTILES = (0.01, 0.05, 0.5, 0.95, 0.99)
BINS = 16

DARK, MIDDLE, LIGHT = 96.0, 128.0, 160.0
"""Borders from 0 to 255: training images that are nearly all darker than the first or lighter than the last
have a ground; a picture on the other side of the middle has another."""

GREY = 24.0
"""Mean distance of the largest from the smallest colour channel below which an image counts as grey."""

SIZES_APART = 4
"""A picture so many times larger or smaller than any training image was is of another kind."""


@dataclass(frozen=True)
class Measures:
    """Of each of some images, in grey levels from 0 to 255, all (n,) but the histogram.

    Attributes:
        border: mean of the outermost pixels.
        mean: of all pixels.
        colour: mean distance of the largest from the smallest channel; 0 for grey.
        histogram: (n, 16), shares of the pixels by their brightness.
    """

    border: NDArray[np.float64]
    mean: NDArray[np.float64]
    colour: NDArray[np.float64]
    histogram: NDArray[np.float64]


def measure(images: NDArray[np.uint8]) -> Measures:
    """Looks at images, uint8 (n, height, width, channels)."""
    grey = images.mean(axis=3)
    edges = [grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]]
    spread = images.max(axis=3).astype(np.float64) - images.min(axis=3)
    bins = np.minimum(grey.reshape(len(grey), -1) * BINS // 256, BINS - 1).astype(np.intp)
    histogram = np.stack([np.bincount(row, minlength=BINS) / bins.shape[1] for row in bins])
    border = np.concatenate(edges, axis=1).mean(axis=1)
    return Measures(border, grey.mean(axis=(1, 2)), spread.mean(axis=(1, 2)), histogram)


@dataclass(frozen=True)
class Looks:
    """How training images look: quantiles at `QUANTILES` over them, and sizes before any scaling.

    Attributes:
        border, mean, colour: as in `Measures`.
        histogram: mean over the images.
        sides: the shortest and the longest side of an original image, pixels.
    """

    border: tuple[float, ...]
    mean: tuple[float, ...]
    colour: tuple[float, ...]
    histogram: tuple[float, ...]
    sides: tuple[int, int]

    @classmethod
    def of(cls, images: NDArray[np.uint8], sizes: list[list[int]] | None) -> Self:
        """Of training images, uint8 (n, height, width, channels).

        Args:
            images: all of them; a sample is looked at.
            sizes: (height, width, count) of the files they were read from; None for arrays.
        """
        chosen = np.sort(np.random.default_rng(0).permutation(len(images))[:SAMPLE])
        found = measure(np.asarray(images[chosen]))
        sides = [side for row in sizes or [list(images.shape[1:3])] for side in row[:2]]
        return cls(
            border=_quantiles(found.border),
            mean=_quantiles(found.mean),
            colour=_quantiles(found.colour),
            histogram=tuple(round(float(share), 5) for share in found.histogram.mean(axis=0)),
            sides=(min(sides), max(sides)),
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        return cls(**{name: tuple(values) for name, values in data.items()})

    @property
    def ground(self) -> str:
        """The ground that nearly all training images have: "dark", "light", or "" where it differs."""
        _, low, _, high, _ = self.border
        return "dark" if high < DARK else "light" if low > LIGHT else ""

    def inverted(self, images: NDArray[np.uint8], colours: Sequence[float]) -> NDArray[np.bool_]:
        """Which images are light where those of training are dark, or dark where they are light.

        Both must say so: the border, against that of nearly all training images, and the histogram, which
        is nearer to that of training once the image is inverted. Coloured images never count.

        Args:
            images: uint8 (n, height, width, channels), as the model takes them.
            colours: of the originals, as `Measures.colour`.
        """
        found = measure(images)
        if not self.ground or self.colour[2] > GREY:
            return np.zeros(len(images), bool)
        away = found.border > MIDDLE if self.ground == "dark" else found.border < MIDDLE
        as_it_is, turned = self._apart(found.histogram), self._apart(found.histogram[:, ::-1])
        answer: NDArray[np.bool_] = away & (np.asarray(colours) <= GREY) & (turned < as_it_is)
        return answer

    def _apart(self, histograms: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far brightness would have to be moved to have the histogram of training, in bins."""
        moved = np.cumsum(histograms - np.asarray(self.histogram), axis=1)
        apart: NDArray[np.float64] = np.abs(moved).sum(axis=1)
        return apart

    def notes(self, images: NDArray[np.uint8], colours: Sequence[float]) -> list[list[str]]:
        """Of each image, as the model sees it, in what it is unlike nearly all training images."""
        found = measure(images)
        return [
            [
                *_unlike("its border is", border, self.border),
                *_unlike("it is", mean, self.mean),
                *_colour(colour, self.colour),
            ]
            for border, mean, colour in zip(found.border, found.mean, colours, strict=True)
        ]

    def size_note(self, height: int, width: int) -> str:
        """In what an original of that size is unlike those of the training images; "" for nothing."""
        low, high = self.sides
        if min(height, width) * SIZES_APART <= low or max(height, width) >= high * SIZES_APART:
            usual = f"{low}" if low == high else f"{low} to {high}"
            return f"it has {width}×{height} pixels, training images had sides of {usual}"
        return ""


def _quantiles(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 2) for value in np.quantile(values, QUANTILES))


def _unlike(what: str, value: float, usual: tuple[float, ...]) -> list[str]:
    """A brightness beyond what 98 % of the training images have, and 16 grey levels more."""
    low, *_, high = usual
    if low - 16 <= value <= high + 16:
        return []
    word = "darker" if value < low else "lighter"
    return [f"{what} {word} than in training ({value:.0f}; there {low:.0f} to {high:.0f} of 255)"]


def _colour(value: float, usual: tuple[float, ...]) -> list[str]:
    if usual[0] > GREY > value:
        return ["it is grey, training images were coloured"]
    if usual[-1] < GREY < value:
        return ["it is coloured, training images were grey"]
    return []
