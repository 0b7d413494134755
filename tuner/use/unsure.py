"""Which images a model should not decide, chosen on training images that it had not seen.

Of each fold that was held out: how many images the model would decide at each threshold of its
confidence, and how many of them rightly. The threshold for a wanted accuracy is chosen on these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tuner.errors import UsageError

POINTS = 100


@dataclass(frozen=True)
class HeldOut:
    """Predictions of models of the winner's configuration for training images that were held out.

    Attributes:
        thresholds: of the probability of the likeliest class, rising from 0.
        decided: by fold and threshold, images of at least that probability.
        right: those of them that were right.
    """

    thresholds: tuple[float, ...]
    decided: tuple[tuple[int, ...], ...]
    right: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, folds: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> Self:
        """Of probabilities (n, classes) and labels (n,) of each fold."""
        sure = [probabilities.max(axis=1) for probabilities, _ in folds]
        good = [probabilities.argmax(axis=1) == labels for probabilities, labels in folds]
        steps = np.quantile(np.concatenate(sure), np.linspace(0, 1, POINTS, endpoint=False))
        # Rounded down: an image that sets a threshold is to pass it.
        thresholds = np.unique(np.concatenate([[0.0], np.floor(steps * 1e6) / 1e6]))
        passed = [values[:, None] >= thresholds for values in sure]
        return cls(
            tuple(float(t) for t in thresholds),
            tuple(tuple(int(n) for n in mask.sum(axis=0)) for mask in passed),
            tuple(
                tuple(int(n) for n in (mask & ok[:, None]).sum(axis=0))
                for mask, ok in zip(passed, good, strict=True)
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"thresholds": self.thresholds, "decided": self.decided, "right": self.right}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        rows = {name: tuple(tuple(row) for row in data[name]) for name in ("decided", "right")}
        return cls(tuple(data["thresholds"]), **rows)


@dataclass(frozen=True)
class Threshold:
    """From which confidence on a model decides.

    Attributes:
        confidence: probability of the likeliest class.
        share: of the held-out images that it decides.
        accuracy: on those. Where there are several folds, both are measured on folds that had no part in
            choosing the threshold that was used there.
    """

    confidence: float
    share: float
    accuracy: float


def choose(held_out: HeldOut, wanted: float) -> Threshold:
    """The lowest threshold with which what is decided is as accurate as wanted on held-out images.

    Raises:
        UsageError: no threshold reaches that.
    """
    decided, right = np.array(held_out.decided), np.array(held_out.right)
    best = _lowest(decided.sum(axis=0), right.sum(axis=0), wanted)
    if best is None:
        reached = right.sum(axis=0) / np.maximum(1, decided.sum(axis=0))
        at = int(reached.argmax())
        share = decided.sum(axis=0)[at] / decided.sum(axis=0)[0]
        raise UsageError(
            f"--unsure {wanted:g}: no threshold reaches that accuracy on held-out training images\n"
            f"the most is {reached[at]:.4f}, with {share:.0%} of the images decided"
        )
    n, k, of = _tested_on_others(decided, right, wanted, best)
    return Threshold(held_out.thresholds[best], n / max(1, of), k / max(1, n))


def _tested_on_others(
    decided: NDArray[Any], right: NDArray[Any], wanted: float, best: int
) -> tuple[int, int, int]:
    """Images decided, right, and in all, each fold with the threshold that the other folds choose."""
    n = k = 0
    for fold in range(len(decided)):
        others = np.arange(len(decided)) != fold
        chosen: int | None = best
        if others.any():
            chosen = _lowest(decided[others].sum(axis=0), right[others].sum(axis=0), wanted)
        if chosen is not None:
            n, k = n + int(decided[fold, chosen]), k + int(right[fold, chosen])
    return n, k, int(decided[:, 0].sum())


def _lowest(decided: NDArray[Any], right: NDArray[Any], wanted: float) -> int | None:
    enough = np.flatnonzero((decided > 0) & (right >= wanted * decided))
    return int(enough[0]) if len(enough) else None
