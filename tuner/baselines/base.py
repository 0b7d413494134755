"""The baselines' type: a fixed network with its recipe, or a scikit-learn estimator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.family import Family, Recipe, Task
from search_spaces.space import SearchSpace

COURSE = "NVIDIA Deep Learning Institute, Fundamentals of Deep Learning (course)"


def every_task(task: Task) -> bool:  # noqa: ARG001 - the signature of `Baseline.fits`
    """For baselines that fit any images."""
    return True


@dataclass(frozen=True)
class Baseline:
    """A model to compare with; exactly one of `family` and `estimator` is set.

    Attributes:
        name: as in `--baselines NAME`.
        summary: the model in one line.
        source: where the recipe comes from, in one line.
        published: what was reported for it, and on which data; "" where nothing was.
        changes: what differs here from the recipe as published, and what it leaves open.
        published_epochs: the recipe's number of epochs, 0 where it has none.
        family: the network, with an empty space, and its recipe as published.
        estimator: `estimator(seed)` returns an unfitted classifier with `fit(pixels, labels)`,
            `predict_proba(pixels)`, `score` and `classes_`; pixels are as `flatten` gives them.
        fits: whether the baseline makes sense for a task.
    """

    name: str
    summary: str
    source: str
    published: str = ""
    changes: str = ""
    published_epochs: int = 0
    family: Family | None = None
    estimator: Callable[[int], Any] | None = None
    fits: Callable[[Task], bool] = every_task

    def __post_init__(self) -> None:
        if (self.family is None) == (self.estimator is None):
            raise ValueError(f"baseline {self.name!r}: expected either a family or an estimator")


def fixed_family(
    name: str,
    summary: str,
    layers: Callable[[Any, int], Any],
    recipe: Recipe,
) -> Family:
    """A family without parameters.

    Args:
        name: of the baseline.
        summary: the network in one line.
        layers: from images scaled to 0..1 and the number of classes to class probabilities.
        recipe: as published.
    """

    def build(_: Any, image_shape: tuple[int, int, int], classes: int) -> Any:
        import keras

        from search_spaces.layers import image_input

        inputs, x = image_input(image_shape)
        return keras.Model(inputs, layers(x, classes), name=name.replace("-", "_"))

    return Family(name, summary, lambda _: SearchSpace(name, {}), build, lambda _: recipe)


def flatten(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images (n, height, width, channels) as rows (n, pixels) of float32 from 0 to 1."""
    rows = np.asarray(images).reshape(len(images), -1)
    return np.multiply(rows, np.float32(1 / 255), dtype=np.float32)
