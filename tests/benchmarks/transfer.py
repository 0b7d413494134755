"""Gain and cost of features of a network with ImageNet weights, on photographs."""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Params, Task
from tuner import datasets
from tuner.datasets.base import DataOptions, Dataset
from tuner.datasets.splits import group_folds
from tuner.ending import fine_tuning
from tuner.records import EpochReport, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.training.feature_files import PIECE
from tuner.training.perform import perform

FOLDS, EPOCHS = 5, 20
RESOLUTIONS = (96, 128, 160, 224)
VIEWS = {1: "", 2: ", with mirror images", 4: ", with mirror images and two draws of augmentation"}
SMALL, SMALL_SIDE, SETTLED = 10_000, 32, 2_000
"""A folder of so many small images, and the number of them after which memory is to grow no further."""


def run(*, quick: bool = False) -> dict[str, Any]:
    """Validation accuracy over folds of the training images of cats and dogs, one thread.

    Five of them; with `quick` two, and one of what is trained on images.
    """
    import keras

    keras.utils.disable_interactive_logging()
    # First, as memory that earlier work has left would hide what this takes.
    with tempfile.TemporaryDirectory() as scratch:
        small = _small(Path(scratch) / "cache" / "datasets" / "small")
    print("| model | folds | validation accuracy | standard error | features, CPU s | a training, CPU s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        # A cache of its own: what is measured is computed here.
        options = DataOptions(datasets.default_data_dir(), Path(scratch) / "cache", download=False)
        data = datasets.load("cats-dogs", options)
        folds = group_folds(data.train_labels, data.train_groups, FOLDS, 0).astype(np.int8)
        np.savez(Path(scratch) / "splits.npz", fresh=folds)
        rows = [_row(name, *what, data, Path(scratch)) for name, what in _models(data, quick=quick)]
    return {"quick": quick, "epochs": EPOCHS, "rows": rows, "small": small}


def _small(place: Path, count: int = SMALL) -> dict[str, float]:
    """CPU seconds of one view of many small images in colour, and the memory that they take on the way."""
    place.mkdir(parents=True)
    (place / "dataset.json").write_text(json.dumps({"fingerprint": "small", "format": 1}))
    shape = (count, SMALL_SIDE, SMALL_SIDE, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(place / "train_images.npy", images)
    np.save(place / "test_images.npy", images[:1])
    family, model = _family(SEARCH_SPACES["pretrained"]), SEARCH_SPACES["pretrained"]
    params = family.space(Task(shape[1:], 10, count)).default()
    context = WorkContext(str(place), str(place), 10, "accuracy", False, "float32")
    start, settled = time.process_time(), 0
    for number in range(-(-count // PIECE)):
        done = perform(TrialSpec(number, "features", model, params, 0, None, -1, 0), context, "key", _go_on)
        assert done.state == "complete", done.message
        if (number + 1) * PIECE <= SETTLED:
            settled = psutil.Process().memory_info().rss
    seconds, last = time.process_time() - start, psutil.Process().memory_info().rss
    print(
        f"{count:,} images of {SMALL_SIDE}×{SMALL_SIDE} pixels in colour, one view at "
        f"{params['resolution']} pixels: {seconds:.0f} CPU seconds; {settled / 1e6:.0f} MB resident after "
        f"{SETTLED:,} of them, {last / 1e6:.0f} MB after all\n",
        flush=True,
    )
    return {"seconds": seconds, "settled_mb": settled / 1e6, "last_mb": last / 1e6}


def _models(data: Dataset, *, quick: bool) -> Iterator[tuple[str, tuple[str, Params, int, int]]]:
    images, traits = len(data.train_labels), data.traits
    task = Task(data.image_shape, data.classes, images, traits.augmentation, traits.flips)
    pretrained, cnn = (SEARCH_SPACES[name] for name in ("pretrained", "cnn"))
    usual = _family(pretrained).space(task).default()
    for resolution in RESOLUTIONS:
        for views, seen in VIEWS.items():
            params = {**usual, "resolution": resolution, "views": views}
            yield f"frozen, {resolution} pixels{seen}", (pretrained, params, 2 if quick else FOLDS, EPOCHS)
    further, few = {**usual, "unfrozen": 1}, 1 if quick else FOLDS
    yield "fine-tuned, 224 pixels", (pretrained, further, few, fine_tuning.EPOCHS)
    yield "`cnn` from scratch", (cnn, _family(cnn).space(task).default(), 1, EPOCHS)


def _family(reference: str) -> Family:
    found: Family = resolve(reference)
    return found


def _row(
    name: str, model: str, params: Params, folds: int, epochs: int, data: Dataset, scratch: Path
) -> dict[str, Any]:
    context = WorkContext(str(scratch), str(data.directory), data.classes, "accuracy", False, "float32")
    spec = TrialSpec(0, "finalist", model, dict(params), 0, "fresh", 0, epochs)
    features = _features(spec, context)
    scores, seconds = [], []
    for fold in range(folds):
        start = time.process_time()
        done = perform(replace(spec, fold=fold, seed=fold), context, "key", _go_on)
        assert done.score is not None, done.message
        scores.append(done.score)
        seconds.append(time.process_time() - start)
    error = statistics.stdev(scores) / folds**0.5 if folds > 1 else None
    row = {
        "model": name,
        "folds": folds,
        "accuracy": statistics.fmean(scores),
        "error": error,
        "features": features,
        "training": statistics.median(seconds),
    }
    told = "–" if error is None else f"{error:.3f}"
    figures = f"{folds} | {row['accuracy']:.3f} | {told} | {features:.0f} | {row['training']:.1f}"
    print(f"| {name} | {figures} |", flush=True)
    return row


def _features(spec: TrialSpec, context: WorkContext) -> float:
    """CPU seconds of computing what is missing of the features, none for what is trained on images."""
    if _family(spec.model).fixed(spec.params) is None:
        return 0.0
    start = time.process_time()
    perform(replace(spec, epochs=1), context, "key", _go_on)
    return time.process_time() - start


def _go_on(_: EpochReport) -> bool:
    return True
