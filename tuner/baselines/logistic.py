"""Multinomial logistic regression on the pixels: how far a linear model gets."""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search_spaces.family import Task
from tuner.baselines.base import Baseline

ITERATIONS = 100
MOST_VALUES = 10**9
"""Pixel values in training, 4 bytes each, beyond which the solver's copies fill small machines."""


@dataclass
class BoundedLogistic:
    """Logistic regression that stops after `ITERATIONS` whether or not it has converged.

    Stopping is on purpose, so the warning about it is not shown: fitted to 50,000 digits of MNIST,
    100 iterations (7 s on one core) read 0.930 of 10,000 others, convergence (241) 0.928.
    """

    model: Any

    def fit(self, pixels: NDArray[np.float32], labels: NDArray[np.int32]) -> Self:
        """Fits to `pixels` (n, pixels) and `labels` (n,)."""
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(pixels, labels)
        return self

    def predict_proba(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes) in the order of `classes_`."""
        probabilities: NDArray[np.float64] = self.model.predict_proba(pixels)
        return probabilities

    def score(self, pixels: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
        """Accuracy."""
        return float(self.model.score(pixels, labels))

    @property
    def classes_(self) -> NDArray[np.int32]:
        """The labels seen in training, sorted."""
        labels: NDArray[np.int32] = self.model.classes_
        return labels


def estimator(seed: int) -> BoundedLogistic:
    """Scikit-learn's default solver and penalty."""
    from sklearn.linear_model import LogisticRegression

    return BoundedLogistic(LogisticRegression(max_iter=ITERATIONS, random_state=seed))


def fits(task: Task) -> bool:
    """Whether the pixels of all training images fit into memory as floats."""
    height, width, channels = task.image_shape
    return task.train_images * height * width * channels <= MOST_VALUES


BASELINE = Baseline(
    name="logistic",
    summary="logistic regression on the pixels",
    source="common practice (scikit-learn's LogisticRegression)",
    changes=f"no recipe was published, so scikit-learn's default penalty and solver, pixels from 0 to 1 and "
    f"at most {ITERATIONS} iterations are ours",
    estimator=estimator,
    fits=fits,
)
