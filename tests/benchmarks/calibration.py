"""Which temperature suits the mean of several seeds: that of one seed, on predictions out of fold.

Some seeds of one configuration are trained on the same fresh folds, once a data set; what is trained stays in
`bench/calibration`. Log loss and calibration error of the mean of all seeds are printed as they are, at the
temperature of one seed, at the one that is used, and at the mean's own. No test split is read.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import expected_calibration_error
from search_spaces import SEARCH_SPACES
from search_spaces.family import Task
from search_spaces.space import ParamValue
from tests.benchmarks.replay import data_dir, some_of_mnist
from tuner import datasets, registry, seeds
from tuner.datasets.base import DataOptions, Dataset
from tuner.files import write_arrays
from tuner.records import TrialSpec, WorkContext
from tuner.run.resume import splits
from tuner.training import temperature
from tuner.training.scores import log_loss

FOLDER = Path("bench/calibration").absolute()
SEEDS = 5
SMALL: Mapping[str, ParamValue] = {"filters": 16}
SURE: Mapping[str, ParamValue] = {"label_smoothing": 0.0, "augmentation": 0.0, "dropout": 0.0}
"""Without what keeps a model from being too sure."""


@dataclass(frozen=True)
class Setting:
    """A training: a data set, a space, parameters beside its default, epochs, folds."""

    dataset: str
    space: str
    params: Mapping[str, ParamValue]
    epochs: int
    folds: int = 3


SETTINGS = {
    "digits": Setting("digits", "cnn", SMALL, 10),
    "mnist": Setting("mnist", "cnn", SMALL, 10),
    "cats-dogs": Setting("cats-dogs", "pretrained", {}, 20),
    "asl": Setting("asl", "cnn", SMALL, 12, 2),
    "digits, too sure": Setting("digits", "cnn", {**SMALL, **SURE}, 20),
    "mnist, too sure": Setting("mnist", "cnn", {**SMALL, **SURE}, 15),
    "cats-dogs, too sure": Setting(
        "cats-dogs", "pretrained", {"label_smoothing": 0.0, "dropout": 0.0, "head": "hidden"}, 30
    ),
}


@dataclass(frozen=True)
class Seen:
    """Predictions out of fold: (seeds, images, classes), labels and groups of the images."""

    said: NDArray[np.float32]
    labels: NDArray[np.int32]
    groups: NDArray[np.int32]


def trained(name: str, setting: Setting, dataset: Dataset) -> Seen:
    """All seeds on all folds; what is done already stays.

    Raises:
        RuntimeError: a training failed.
    """
    from tuner.training.perform import perform

    run = FOLDER / name.replace(", ", "-").replace(" ", "-")
    run.joinpath("fits").mkdir(parents=True, exist_ok=True)
    folds = splits(dataset, 0)
    write_arrays(run / "splits.npz", folds)
    traits, family = dataset.traits, SEARCH_SPACES[setting.space]
    images = len(dataset.train_labels)
    task = Task(dataset.image_shape, dataset.classes, images, traits.augmentation, traits.flips)
    params = {**registry.resolve(family).space(task).default(), **setting.params}
    context = WorkContext(str(run), str(dataset.directory), dataset.classes, "accuracy", False, "float32")
    said = []
    for fold in range(setting.folds):
        for seed in range(SEEDS):
            path = run / "fits" / f"{fold}-{seed}.npz"
            if not path.exists():
                drawn = seeds.derive(0, "fold", fold, seed)
                spec = TrialSpec(1, "finalist", family, params, drawn, "fresh", fold, setting.epochs)
                result = perform(spec, context, path.stem, lambda _: True)
                if result.state != "complete":
                    raise RuntimeError(f"{name}: {result.message}")
            with np.load(path) as saved:
                said.append(saved["probabilities"])
    rows = np.concatenate([np.flatnonzero(folds["fresh"] == fold) for fold in range(setting.folds)])
    by_seed = [np.concatenate(said[seed::SEEDS]) for seed in range(SEEDS)]
    return Seen(np.stack(by_seed), dataset.train_labels[rows], dataset.train_groups[rows])


def row(name: str, seen: Seen) -> dict[str, float]:
    """One line of the table."""
    mean = seen.said.mean(axis=0)
    one = temperature.fitted(seen.said[0], seen.labels, seen.groups)
    own = temperature.fitted(mean, seen.labels, seen.groups)
    degrees = {"raw": 1.0, "one": one, "used": temperature.of_mean(one), "own": own}
    found: dict[str, float] = {}
    for kind, degree in degrees.items():
        at = temperature.scaled(mean, degree)
        found |= {
            f"{kind} temperature": degree,
            f"{kind} log loss": log_loss(at, seen.labels),
            f"{kind} error": expected_calibration_error(at, seen.labels),
        }
    cells = [
        f"{found[f'{kind} temperature']:.2f}: {found[f'{kind} log loss']:.4f}, {found[f'{kind} error']:.3f}"
        for kind in degrees
    ]
    sys.stdout.write(f"| {name} | {' | '.join(cells)} |\n")
    return found


def run() -> dict[str, object]:
    """Trains what is not there, and prints."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stdout.write("Temperature: log loss and calibration error of the mean of five seeds.\n\n")
    sys.stdout.write("| data | as it is | one seed's | used | its own |\n|---|---|---|---|---|\n")
    found: dict[str, object] = {}
    for name, setting in SETTINGS.items():
        where = some_of_mnist(data_dir(), FOLDER) if setting.dataset == "mnist" else data_dir()
        options = DataOptions(where, datasets.default_cache_dir(), download=False)
        dataset = datasets.load(setting.dataset, options)
        found[name] = row(name, trained(name, setting, dataset))
    return found
