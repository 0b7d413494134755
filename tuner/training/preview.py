"""Some training images with their augmented versions, for the report to show."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.family import Family
from tuner.files import write_arrays
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training.data import TrainingData

IMAGES, VERSIONS = 10, 3


def augmented(
    spec: TrialSpec, context: WorkContext, family: Family, data: TrainingData, key: str
) -> TrialResult:
    """Writes `images` (10, height, width, channels) and `augmented` (3, 10, …), both uint8.

    Nothing is written for a family whose layers are not named `augment_…`.
    """
    import keras

    start = time.perf_counter()
    keras.utils.set_random_seed(spec.seed)
    shape = data.images.shape
    model = family.build(spec.params, (int(shape[1]), int(shape[2]), int(shape[3])), context.classes)
    layers = [layer for layer in model.layers if layer.name.startswith("augment_")]
    if not layers:
        return TrialResult("complete", time.perf_counter() - start)
    rows = np.random.default_rng(spec.seed).permutation(data.rows)[:IMAGES]
    images = np.asarray(data.images[np.sort(rows)])
    versions = np.stack([_applied(layers, images) for _ in range(VERSIONS)])
    run = RunDir(Path(context.run_dir))
    path = run.fits / f"{key}.npz"
    write_arrays(path, {"images": images, "augmented": versions})
    return TrialResult("complete", time.perf_counter() - start, output=str(path.relative_to(run.path)))


def _applied(layers: list[Any], images: Any) -> Any:
    import keras

    x = images.astype(np.float32) / 255
    for layer in layers:
        x = layer(x, training=True)
    pixels = keras.ops.convert_to_numpy(x)
    return np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
