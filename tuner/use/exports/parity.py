"""Whether an export says what the Keras model says."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.use.exports.formats import Images, Predict

LEAST_AGREEMENT = 0.999
"""Share of images with the same class, below which an export is removed."""

BATCH = 64


@dataclass(frozen=True)
class Parity:
    """An export beside the Keras model.

    Attributes:
        format: its name.
        file: what was written, relative to `parity.json`.
        images: how many were compared.
        on: what images.
        largest_difference: of any probability.
        agreement: share of images with the same class.
        accuracy, keras_accuracy: of both on these images; None where their labels are not known.
        bytes: size of the file, or of all files of the folder.
    """

    format: str
    file: str
    images: int
    on: str
    largest_difference: float
    agreement: float
    accuracy: float | None
    keras_accuracy: float | None
    bytes: int

    @property
    def holds(self) -> bool:
        """Whether the export may be used in place of the Keras model."""
        return self.agreement >= LEAST_AGREEMENT

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


def predictions(predict: Predict, images: Images) -> NDArray[np.float64]:
    """Class probabilities (n, classes), in batches of two sizes, so that a fixed batch would show."""
    parts = [predict(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    raw = np.concatenate([np.asarray(part, np.float64) for part in parts])
    return np.concatenate([1 - raw, raw], axis=1) if raw.shape[1] == 1 else raw


def accuracy(probabilities: NDArray[Any], labels: NDArray[Any] | None) -> float | None:
    """Share of rows whose likeliest class is their label."""
    return None if labels is None else float((probabilities.argmax(axis=1) == labels).mean())
