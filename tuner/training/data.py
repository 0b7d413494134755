"""The arrays of one work item: which images it trains on, and which it predicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tuner.records import TrialSpec, WorkContext


@dataclass(frozen=True)
class Inputs:
    """The input of models for each image: its pixels, or features of it.

    Attributes:
        train, test: uint8 (n, height, width, channels), or float16 (n, width), memory-mapped.
        more: features of the training images seen otherwise, like `train`, which a training may use too.
        pixels: uint8 (n, height, width, channels): the training images where `train` holds features.
    """

    train: NDArray[Any]
    test: NDArray[Any]
    more: tuple[NDArray[Any], ...] = ()
    pixels: NDArray[np.uint8] | None = None

    @classmethod
    def pixels_of(cls, directory: Path) -> Self:
        """The images of a prepared data set."""
        return cls(
            np.load(directory / "train_images.npy", mmap_mode="r"),
            np.load(directory / "test_images.npy", mmap_mode="r"),
        )

    @property
    def raw(self) -> NDArray[np.uint8]:
        """The training images."""
        return self.train if self.pixels is None else self.pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of an image."""
        _, height, width, channels = self.raw.shape
        return (height, width, channels)


@dataclass(frozen=True)
class TrainingData:
    """Views on a prepared data set; no image is copied until its batch is drawn.

    Attributes:
        images: uint8 (n, height, width, channels), memory-mapped: all images to choose from; or
            features of them, float16 (n, width).
        labels: int32 (n,).
        rows: int64 (m,): the images to train on.
        held_out: like `images` (k, …): the images to predict: validation or test.
        held_out_labels: int32 (k,), or None for test images, whose labels no worker may read.
        classes: number of classes.
        shape: (height, width, channels) of an image, also where `images` holds features.
        one: uint8 (1, height, width, channels): an image, to measure with.
        more: other versions of all `images`, of which each batch draws too.
    """

    images: NDArray[Any]
    labels: NDArray[np.int32]
    rows: NDArray[np.int64]
    held_out: NDArray[Any]
    held_out_labels: NDArray[np.int32] | None
    classes: int
    shape: tuple[int, int, int]
    one: NDArray[np.uint8]
    more: tuple[NDArray[Any], ...] = ()

    def batches(self, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[NDArray[Any], Any]]:
        """One epoch in an order drawn from (seed, epoch), so that any epoch can be repeated.

        The images left over when `batch_size` does not divide their number sit out: another shape
        of batch would compile the model again.
        """
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(self.rows)
        for step in range(self.steps(batch_size)):
            rows = order[step * batch_size : (step + 1) * batch_size]
            yield self._drawn(rows, rng), self.targets(self.labels[rows])

    def _drawn(self, rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        """Each of the images in one of its versions."""
        drawn: NDArray[Any] = self.images[rows]
        if self.more:
            versions = rng.integers(0, 1 + len(self.more), len(rows))
            for number, other in enumerate(self.more, start=1):
                drawn[versions == number] = other[rows[versions == number]]
        return drawn

    def steps(self, batch_size: int) -> int:
        """Optimizer steps an epoch."""
        return len(self.rows) // batch_size

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """The targets of the model's output: one-hot (n, classes), or (n, 1) of 0 and 1 for two classes."""
        if self.classes == 2:
            return labels[:, None].astype(np.float32)
        return np.eye(self.classes, dtype=np.float32)[labels]

    def class_weights(self) -> dict[int, float]:
        """Inverse class frequencies, 1 on average over the training images."""
        counts = np.bincount(self.labels[self.rows], minlength=self.classes)
        return {c: float(len(self.rows) / (self.classes * max(1, n))) for c, n in enumerate(counts)}


def load(spec: TrialSpec, context: WorkContext, given: Inputs | None = None) -> TrainingData:
    """The data of a work item.

    Args:
        spec: the work item.
        context: of the run.
        given: what models get of the images; None for their pixels.
    """
    directory = Path(context.dataset_dir)
    inputs = given or Inputs.pixels_of(directory)
    images, labels = inputs.train, np.load(directory / "train_labels.npy")
    facts: tuple[Any, ...] = (context.classes, inputs.shape, np.asarray(inputs.raw[:1]), inputs.more)
    if spec.split is None:
        return TrainingData(images, labels, np.arange(len(labels)), inputs.test, None, *facts)
    with np.load(Path(context.run_dir) / "splits.npz") as splits:
        folds = splits[spec.split]
    held_out = np.flatnonzero(folds == spec.fold)
    rows = np.flatnonzero(folds != spec.fold)
    if spec.share < 1:
        rows = some_groups(rows, np.load(directory / "train_groups.npy"), spec.share, spec.fold)
    return TrainingData(images, labels, rows, images[held_out], labels[held_out], *facts)


def some_groups(
    rows: NDArray[np.int64], groups: NDArray[np.int32], share: float, seed: int
) -> NDArray[np.int64]:
    """The rows whose duplicate groups are among a share of all groups, drawn by the seed.

    A larger share with the same seed contains the smaller one.
    """
    order = np.random.default_rng(seed).permutation(np.unique(groups[rows]))
    return rows[np.isin(groups[rows], order[: max(1, round(share * len(order)))])]
