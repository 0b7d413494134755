"""The arrays of one work item: which images it trains on, and which it predicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.records import TrialSpec, WorkContext


@dataclass(frozen=True)
class TrainingData:
    """Views on a prepared data set; no image is copied until its batch is drawn.

    Attributes:
        images: uint8 (n, height, width, channels), memory-mapped: all images to choose from.
        labels: int32 (n,).
        rows: int64 (m,): the images to train on.
        held_out: uint8 (k, height, width, channels): the images to predict: validation or test.
        held_out_labels: int32 (k,), or None for test images, whose labels no worker may read.
        classes: number of classes.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]
    rows: NDArray[np.int64]
    held_out: NDArray[np.uint8]
    held_out_labels: NDArray[np.int32] | None
    classes: int

    def batches(self, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[NDArray[np.uint8], Any]]:
        """One epoch in an order drawn from (seed, epoch), so that any epoch can be repeated.

        The images left over when `batch_size` does not divide their number sit out: another shape
        of batch would compile the model again.
        """
        order = np.random.default_rng([seed, epoch]).permutation(self.rows)
        for step in range(self.steps(batch_size)):
            rows = order[step * batch_size : (step + 1) * batch_size]
            yield self.images[rows], self.targets(self.labels[rows])

    def steps(self, batch_size: int) -> int:
        """Optimizer steps an epoch."""
        return len(self.rows) // batch_size

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """What the model is to output: one-hot (n, classes), or (n, 1) of 0 and 1 for two classes."""
        if self.classes == 2:
            return labels[:, None].astype(np.float32)
        return np.eye(self.classes, dtype=np.float32)[labels]

    def class_weights(self) -> dict[int, float]:
        """Inverse class frequencies, 1 on average over the training images."""
        counts = np.bincount(self.labels[self.rows], minlength=self.classes)
        return {c: float(len(self.rows) / (self.classes * max(1, n))) for c, n in enumerate(counts)}


def load(spec: TrialSpec, context: WorkContext) -> TrainingData:
    """The data of a work item."""
    directory = Path(context.dataset_dir)
    images = np.load(directory / "train_images.npy", mmap_mode="r")
    labels = np.load(directory / "train_labels.npy")
    if spec.split is None:
        test = np.load(directory / "test_images.npy", mmap_mode="r")
        return TrainingData(images, labels, np.arange(len(labels)), test, None, context.classes)
    with np.load(Path(context.run_dir) / "splits.npz") as splits:
        folds = splits[spec.split]
    held_out = np.flatnonzero(folds == spec.fold)
    rows = np.flatnonzero(folds != spec.fold)
    if spec.share < 1:
        rows = some_groups(rows, np.load(directory / "train_groups.npy"), spec.share, spec.fold)
    return TrainingData(images, labels, rows, images[held_out], labels[held_out], context.classes)


def some_groups(
    rows: NDArray[np.int64], groups: NDArray[np.int32], share: float, seed: int
) -> NDArray[np.int64]:
    """The rows whose duplicate groups are among a share of all groups, drawn by the seed.

    A larger share with the same seed contains the smaller one.
    """
    order = np.random.default_rng(seed).permutation(np.unique(groups[rows]))
    return rows[np.isin(groups[rows], order[: max(1, round(share * len(order)))])]
