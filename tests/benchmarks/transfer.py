"""What features of a network with ImageNet weights bring on photographs, and what they cost."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Params, Task
from tuner import datasets
from tuner.datasets.base import DataOptions, Dataset
from tuner.datasets.splits import group_folds
from tuner.records import EpochReport, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.training.perform import perform

FOLDS, EPOCHS = 5, 20
RESOLUTIONS = (96, 128, 160, 192, 224)


def run() -> dict[str, Any]:
    """Validation accuracy over five folds of the training images of cats and dogs, one thread."""
    import keras

    keras.utils.disable_interactive_logging()
    print("| model | validation accuracy | standard error | features, s | a training, s |")
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        # A cache of its own: what is measured is computed here.
        options = DataOptions(datasets.default_data_dir(), Path(scratch) / "cache", download=False)
        data = datasets.load("cats-dogs", options)
        folds = group_folds(data.train_labels, data.train_groups, FOLDS, 0).astype(np.int8)
        np.savez(Path(scratch) / "splits.npz", fresh=folds)
        rows = [_row(name, *what, data, Path(scratch)) for name, what in _models(data)]
    return {"folds": FOLDS, "epochs": EPOCHS, "rows": rows}


def _models(data: Dataset) -> Iterator[tuple[str, tuple[str, Params, int]]]:
    task = Task(data.image_shape, data.classes, len(data.train_labels), flips=data.traits.flips)
    pretrained, cnn = (SEARCH_SPACES[name] for name in ("pretrained", "cnn"))
    usual = _family(pretrained).space(task).default()
    for resolution in RESOLUTIONS:
        for views in (1, 2, 4):
            name = f"frozen, {resolution} pixels, {views} view{'s' if views > 1 else ''}"
            yield name, (pretrained, {**usual, "resolution": resolution, "views": views}, FOLDS)
    yield "cnn from scratch (one fold)", (cnn, _family(cnn).space(task).default(), 1)


def _family(reference: str) -> Family:
    found: Family = resolve(reference)
    return found


def _row(name: str, model: str, params: Params, folds: int, data: Dataset, scratch: Path) -> dict[str, Any]:
    context = WorkContext(str(scratch), str(data.directory), data.classes, "accuracy", False, "float32")
    spec = TrialSpec(0, "finalist", model, dict(params), 0, "fresh", 0, EPOCHS)
    features = _features(spec, context)
    scores, seconds = [], []
    for fold in range(folds):
        done = perform(replace(spec, fold=fold, seed=fold), context, "key", _go_on)
        assert done.score is not None, done.message
        scores.append(done.score)
        seconds.append(done.seconds)
    error = statistics.stdev(scores) / folds**0.5 if folds > 1 else None
    row = {
        "model": name,
        "accuracy": statistics.fmean(scores),
        "error": error,
        "features": features,
        "training": statistics.median(seconds),
    }
    told = "–" if error is None else f"{error:.3f}"
    print(f"| {name} | {row['accuracy']:.3f} | {told} | {features:.0f} | {row['training']:.1f} |", flush=True)
    return row


def _features(spec: TrialSpec, context: WorkContext) -> float:
    """Seconds of computing what is missing of the features, none for a model without."""
    if _family(spec.model).features is None:
        return 0.0
    start = time.perf_counter()
    perform(replace(spec, epochs=1), context, "key", _go_on)
    return time.perf_counter() - start


def _go_on(_: EpochReport) -> bool:
    return True
