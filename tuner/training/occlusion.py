"""Where a saved model looks: how much less sure it is of its answer with one place after another covered.

Occlusion (Zeiler and Fergus 2014, arXiv:1311.2901) asks the very model that is used, be it one network, the
average of several, or a head on fixed features, with every backend alike. Grad-CAM (Selvaraju et al. 2017)
was not chosen: it needs gradients, for each backend and each seed of an average in its own way, and where a
dense layer follows the feature maps, as in most models here, it can mark places that the model does not use
(Draelos and Carin 2020, arXiv:2011.08891).
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.files import write_arrays
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training import models
from tuner.training.data import Inputs

CELLS = 8
"""Parts that a side is divided into, at most; what covers is two of them wide and high, and moves by one."""

AVERAGED = 2_000
"""Training images whose mean covers a place, at most."""

BATCH = 64
"""Images at a time: little memory, whatever their size."""

Floats = NDArray[np.float32]


def look(spec: TrialSpec, context: WorkContext, key: str) -> TrialResult:
    """Writes `drops` (images, rows, columns), float32: see `drops`; of the test images of `spec.images`."""
    import keras

    start = time.perf_counter()
    run = RunDir(Path(context.run_dir))
    pixels = Inputs.pixels_of(Path(context.dataset_dir))
    model = keras.saving.load_model(run.fitted_model(spec.members[0]), compile=False)
    cover = np.mean(pixels.train[:: 1 + len(pixels.train) // AVERAGED], axis=0).round().astype(np.uint8)
    found = [
        drops(lambda images: models.predict(model, images, BATCH), np.asarray(pixels.test[image]), cover)
        for image in spec.images
    ]
    path = run.fits / f"{key}.npz"
    write_arrays(path, {"drops": np.stack(found)})
    return TrialResult("complete", time.perf_counter() - start, output=str(path.relative_to(run.path)))


def drops(
    predict: Callable[[NDArray[np.uint8]], Floats], image: NDArray[np.uint8], cover: NDArray[np.uint8]
) -> Floats:
    """By how much the probability of the model's answer falls with each place covered.

    Args:
        predict: from images (n, height, width, channels) to probabilities (n, classes).
        image: (height, width, channels).
        cover: like `image`; what a place is covered with.

    Returns:
        (rows, columns): element (i, j) of a patch from part i to i + 2 of the height and j to j + 2 of the
        width, 7 by 7 of them in an image of 8 pixels or more; from -1 to 1, negative where covering helps.
    """
    tops, lefts = _spans(image.shape[0]), _spans(image.shape[1])
    covered = np.repeat(image[None], 1 + len(tops) * len(lefts), axis=0)
    places = [(rows, columns) for rows in tops for columns in lefts]
    for changed, place in zip(covered[1:], places, strict=True):
        changed[place] = cover[place]
    probabilities = predict(covered)
    said = probabilities[:, probabilities[0].argmax()]
    found: Floats = (said[0] - said[1:]).reshape(len(tops), len(lefts)).astype(np.float32)
    return found


def _spans(side: int) -> list[slice]:
    """The parts of a side that are covered, one after the other."""
    parts = max(2, min(CELLS, side))
    edges = np.linspace(0, side, parts + 1).round().astype(int)
    return [slice(int(edges[i]), int(edges[i + 2])) for i in range(parts - 1)]
