"""Whether one network that learns what several seeds say together is better than one that learns the labels.

On fresh folds some seeds of the default configuration are trained (the teachers), then one student of the
same configuration, for as many epochs, on the mean of their probabilities. Teachers know their own training
images nearly by heart, where what they say would be the labels again: so both are shown each image as
augmentation changes it that time, and the teachers have learnt with smoothed labels. No test split is read.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces import SEARCH_SPACES
from search_spaces.augmentation import augmented
from search_spaces.family import Family, Params, Task
from tests.benchmarks.replay import data_dir, some_of_mnist
from tuner import datasets, registry, seeds
from tuner.datasets.base import DataOptions, Dataset
from tuner.files import write_arrays
from tuner.records import TrialSpec, WorkContext
from tuner.run.resume import splits
from tuner.training import data as training_data
from tuner.training import features, models
from tuner.training.data import TrainingData
from tuner.training.fit import Fit
from tuner.training.scores import accuracy

TEACHERS = 3
SETTINGS = {
    "digits": ("cnn", 12, 3),
    "cats-dogs": ("pretrained", 20, 3),
    "mnist": ("cnn", 12, 3),
    "asl": ("cnn", 12, 2),
}
"""Space, epochs and folds of each data set; of `mnist` some images."""

See = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Taught(TrainingData):
    """Training data whose targets are what teachers say.

    Attributes:
        teachers: trained models.
        see: makes of a batch what teachers and student are shown.
    """

    teachers: tuple[Any, ...] = ()
    see: See = np.asarray

    def batches(self, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[NDArray[Any], Any]]:
        """As those of `TrainingData`, with other targets."""
        for images, _ in super().batches(batch_size, seed, epoch):
            seen = self.see(images)
            yield seen, np.mean([teacher.predict_on_batch(seen) for teacher in self.teachers], axis=0)


def trained(spec: TrialSpec, context: WorkContext, family: Family, data: TrainingData) -> Any:
    """A model at the end of its training, with its averaged weights."""
    fit = Fit(spec, context, family, data)
    for epoch in range(1, spec.epochs + 1):
        fit.epoch(epoch)
    models.take_averaged_weights(fit.model)
    return fit.model


def augmenting(params: Params, shape: tuple[int, int, int]) -> See:
    """Raw images to raw images, changed as the layers in the network would."""
    import keras

    inputs = keras.Input(shape)
    layers = keras.Model(inputs, augmented(inputs, params)).layers[1:]

    def see(images: NDArray[Any]) -> NDArray[Any]:
        x = images.astype(np.float32) / 255
        for layer in layers:
            x = layer(x, training=True)
        pixels = np.rint(255 * keras.ops.convert_to_numpy(x))
        changed: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
        return changed

    return see


def compare(dataset: Dataset, space: str, epochs: int, folds: int, scratch: Path) -> dict[str, Any]:
    """Accuracies on each fold: of each seed, of their mean, and of the student."""
    run = scratch / dataset.name
    run.mkdir()
    write_arrays(run / "splits.npz", splits(dataset, 0))
    family: Family = registry.resolve(SEARCH_SPACES[space])
    traits, images = dataset.traits, len(dataset.train_labels)
    task = Task(dataset.image_shape, dataset.classes, images, traits.augmentation, traits.flips)
    params = family.space(task).default()
    context = WorkContext(str(run), str(dataset.directory), dataset.classes, "accuracy", False, "float32")
    found: dict[str, Any] = {"seeds": [], "together": [], "student": []}
    for fold in range(folds):
        spec = TrialSpec(1, "trial", SEARCH_SPACES[space], params, 0, "fresh", fold, epochs)
        data = training_data.load(spec, context, features.inputs(spec, context, family))
        assert data.held_out_labels is not None
        drawn = [seeds.derive(0, "fold", fold, seed) for seed in range(TEACHERS)]
        teachers = [trained(replace(spec, seed=seed), context, family, data) for seed in drawn]
        said = [models.predict(teacher, data.held_out) for teacher in teachers]
        # Features are of fixed versions of each image, of which every batch draws.
        see = augmenting(params, dataset.image_shape) if family.features is None else np.asarray
        given = {each.name: getattr(data, each.name) for each in fields(data)}
        taught = Taught(**given, teachers=tuple(teachers), see=see)
        plain = {**params, "augmentation": 0.0, "label_smoothing": 0.0}  # both are in what is taught
        student = trained(replace(spec, seed=drawn[0], params=plain), context, family, taught)
        found["seeds"].append([accuracy(each, data.held_out_labels) for each in said])
        found["together"].append(accuracy(np.mean(said, axis=0), data.held_out_labels))
        found["student"].append(accuracy(models.predict(student, data.held_out), data.held_out_labels))
    return found


def run() -> dict[str, Any]:
    """Trains and prints."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stdout.write(f"| data | one of {TEACHERS} seeds | their mean | student | by fold, less one seed |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, (space, epochs, folds) in SETTINGS.items():
            where = some_of_mnist(data_dir(), Path(scratch)) if name == "mnist" else data_dir()
            options = DataOptions(where, datasets.default_cache_dir(), download=False)
            row = compare(datasets.load(name, options), space, epochs, folds, Path(scratch))
            gains = [s - statistics.fmean(o) for s, o in zip(row["student"], row["seeds"], strict=True)]
            one, together = np.mean(row["seeds"]), statistics.fmean(row["together"])
            cells = [f"{one:.3f}", f"{together:.3f}", f"{statistics.fmean(row['student']):.3f}"]
            told = ", ".join(f"{gain:+.3f}" for gain in gains).replace("-", "−")
            sys.stdout.write(f"| {name} | {' | '.join(cells)} | {told} |\n")
            sys.stdout.flush()
            found[name] = {**row, "gain": statistics.fmean(gains)}
    gain = statistics.fmean(row["gain"] for row in found.values())
    sys.stdout.write(f"\nThe student is {100 * gain:+.1f} points from one seed on average.\n")
    return {"data": found, "gain": gain}
