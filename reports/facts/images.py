"""The few images that a report shows, which the run directory keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import Reading, reading
from reports.facts.arrays import read_arrays, said_by, seed_rows
from reports.facts.final import Final


@dataclass(frozen=True)
class Shown:
    """A test image that the report can show, with what the saved model says of it."""

    pixels: NDArray[np.uint8]
    reading: Reading


@dataclass(frozen=True)
class Looked:
    """Where the saved model looks in a test image.

    Attributes:
        shown: the image.
        drops: (rows, columns): by how much the probability of its answer falls with the patch covered that
            reaches from part i to i + 2 of rows + 1 parts of the height, and of the width likewise.
    """

    shown: Shown
    drops: NDArray[np.float32]

    @property
    def least(self) -> float:
        """That probability with the most important place covered."""
        return max(0.0, self.shown.reading.probability - max(0.0, float(self.drops.max())))


def read_shown(path: Path, arrays: Mapping[str, NDArray[Any]], final: Final | None) -> tuple[Shown, ...]:
    """Test images with what the saved model says of them, random ones first; empty without predictions."""
    if final is None or not path.exists():
        return ()
    rows = seed_rows(final.winner.name, arrays)
    if not rows:
        return ()
    images, said = read_arrays(path), said_by(final.shipped.seeds, final.shipped.temperature, rows)
    return tuple(
        Shown(picture, reading(said, arrays["test_labels"], arrays["test_groups"], int(index)))
        for index, picture in zip(images["indices"], images["images"], strict=True)
    )


def read_looked(path: Path, shown: Sequence[Shown]) -> tuple[Looked, ...]:
    """Those of the shown images for which it was asked where the model looks; none in an earlier run."""
    arrays = read_arrays(path)
    if "drops" not in arrays:
        return ()
    known = {item.reading.image: item for item in shown}
    pairs = zip(arrays["looked_at"], arrays["drops"], strict=True)
    return tuple(Looked(known[int(index)], drops) for index, drops in pairs if int(index) in known)


def left_unlooked(path: Path) -> bool:
    """Whether it was to be asked where the model looks, and there is no answer."""
    arrays = read_arrays(path)
    return "looked_at" in arrays and "drops" not in arrays


def read_augmented(path: Path) -> NDArray[np.uint8] | None:
    """Training images as they are, then as augmentation changes them.

    Returns:
        (versions + 1, images, height, width, channels); None for a model without augmentation.
    """
    images = read_arrays(path)
    if "augmented" not in images:
        return None
    return np.concatenate([images["original"][None], images["augmented"]])


def read_doubtful(path: Path) -> NDArray[np.uint8] | None:
    """Training images whose label is hard or wrong, as `Final.doubtful_labels` has them; None without any."""
    images = read_arrays(path).get("doubtful")
    return images if images is not None and len(images) else None
