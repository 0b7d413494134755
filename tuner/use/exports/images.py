"""The images on which exports are compared: the test images of the run, from where they still are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import datasets
from tuner.datasets import cache
from tuner.datasets.base import Dataset
from tuner.run_dir import RunDir
from tuner.use.description import Description, Place

MOST = 5_000
MADE_UP = 200


@dataclass(frozen=True)
class Reference:
    """The images that exports are compared on.

    Attributes:
        images: uint8 (n, height, width, channels).
        labels: int (n,), as the run has stored them; None where they are not known.
        what: the images in a few words.
        training: training images, to measure ranges on; None where they are not on this machine.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any] | None
    what: str
    training: NDArray[np.uint8] | None


def find(place: Place, description: Description) -> Reference:
    """The test images of the run in the data cache; else those its report shows; else random images."""
    run = None if place.run is None else RunDir(place.run)
    dataset = None if run is None else cached(run)
    if run is not None and dataset is not None and dataset.image_shape == description.image_shape:
        images = np.asarray(dataset.test_images[:MOST])
        return Reference(images, labels_of_test(run, len(images)), "test images", dataset.train_images)
    if run is not None and run.images.exists():
        with np.load(run.images) as saved, np.load(run.predictions) as said:
            shown, labels = saved["images"], said["test_labels"][saved["indices"]]
        return Reference(shown, labels, "test images of the report", None)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (MADE_UP, *description.image_shape), dtype=np.uint8)
    scale = rng.uniform(0, 1, (MADE_UP, 1, 1, 1))
    return Reference((noise * scale).astype(np.uint8), None, "random images, as there is no run here", None)


def cached(run: RunDir) -> Dataset | None:
    """The run's data set, None if it is not in the cache of this machine."""
    facts = json.loads(run.run.read_text())["dataset"]
    directory = cache.directory_of(datasets.default_cache_dir(), facts["name"], facts["fingerprint"])
    return Dataset.open(directory) if cache.is_complete(directory) else None


def labels_of_test(run: RunDir, count: int | None = None) -> NDArray[Any] | None:
    """The first test labels, as the run has stored them with its predictions: nothing is tested again."""
    if not Path(run.predictions).exists():
        return None
    with np.load(run.predictions) as saved:
        labels: NDArray[Any] = saved["test_labels"][:count]
    return labels
