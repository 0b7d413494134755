"""Features of each image by a fixed network: computed in pieces, and given to heads to train on."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.augmentation import augmented
from search_spaces.family import Family, Features, Params
from tuner import seeds
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.training.data import Inputs
from tuner.training.feature_files import Facts, Piece, Store, store

BATCH = 32
"""Images at a time: larger batches are no faster on a CPU."""


def store_of(features: Features, params: Params, dataset_dir: Path, shape: tuple[int, int, int]) -> Store:
    """Where the features are that a configuration is trained on."""
    return store(dataset_dir, features.identity(params, shape), features.views(params))


def compute(spec: TrialSpec, context: WorkContext, features: Features) -> TrialResult:
    """Does the work item "features": one piece, by its number among those of a configuration."""
    start = time.perf_counter()
    pixels = Inputs.pixels_of(Path(context.dataset_dir))
    there = store_of(features, spec.params, Path(context.dataset_dir), pixels.shape)
    _do(there, there.pieces()[spec.number], features, spec.params, pixels)
    return TrialResult("complete", time.perf_counter() - start)


def inputs(spec: TrialSpec, context: WorkContext, family: Family) -> Inputs:
    """The input that a work item is trained on: pixels, or the features that its family wants.

    Those that are not there are computed first. A probe, which only measures, gets zeros.
    """
    pixels = Inputs.pixels_of(Path(context.dataset_dir))
    features = family.fixed(spec.params)
    if features is None or spec.purpose == "preview":
        return pixels
    there = store_of(features, spec.params, Path(context.dataset_dir), pixels.shape)
    facts = there.facts()
    if spec.purpose == "probe" and facts is not None and there.missing():
        empty = {part: np.zeros((count, facts.width), np.float16) for part, count in there.counts.items()}
        return Inputs(empty["train"], empty["test"], pixels=pixels.train)
    for number in there.missing():
        piece = there.pieces()[number]
        if not piece.done:  # by another worker meanwhile
            _do(there, piece, features, spec.params, pixels)
    more = tuple(there.load(view, "train") for view in range(1, len(there.directories)))
    return Inputs(there.load(0, "train"), there.load(0, "test"), more, pixels.train)


def parameters(spec: TrialSpec, context: WorkContext, family: Family, shape: tuple[int, int, int]) -> int:
    """Weights of the network that gives the features; 0 where a model is trained on images."""
    fixed = family.fixed(spec.params)
    if fixed is None:
        return 0
    facts = store_of(fixed, spec.params, Path(context.dataset_dir), shape).facts()
    return 0 if facts is None else facts.parameters


def _do(there: Store, piece: Piece, features: Features, params: Params, pixels: Inputs) -> None:
    network = features.extractor(params, pixels.shape)
    view = features.views(params)[piece.view]
    source = pixels.train if piece.part == "train" else pixels.test
    images = np.asarray(source[piece.start : piece.stop])
    seen = _seen(images, view, seeds.derive(0, "view", piece.view, piece.start))
    found = np.concatenate([_batch(network, seen[i : i + BATCH]) for i in range(0, len(seen), BATCH)])
    if there.facts() is None:  # before the piece, as a run that is killed after the last one tells no more
        there.tell(Facts(found.shape[1], int(network.count_params()), _pace(network, seen)))
    piece.write(found)


def _pace(network: Any, images: NDArray[np.uint8]) -> float:
    """Seconds an image, once all is compiled."""
    start = time.perf_counter()
    batch = images[:BATCH]
    _batch(network, batch)
    return (time.perf_counter() - start) / BATCH


def _batch(network: Any, images: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Features of up to `BATCH` images; fewer are filled up, as another shape would compile again."""
    missing = BATCH - len(images)
    full = np.concatenate([images, np.repeat(images[:1], missing, axis=0)]) if missing else images
    return np.asarray(network.predict_on_batch(full), np.float16)[: len(images)]


def _seen(images: NDArray[np.uint8], view: Mapping[str, Any], seed: int) -> NDArray[np.uint8]:
    """Images as one view shows them."""
    if not view:
        return images
    if view.get("mirror"):
        return images[:, :, ::-1]
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.Input(images.shape[1:])
    layers = keras.Model(inputs, augmented(inputs, view)).layers[1:]
    x = images.astype(np.float32) / 255
    for layer in layers:
        x = layer(x, training=True)
    pixels = keras.ops.convert_to_numpy(x)
    changed: NDArray[np.uint8] = np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    return changed
