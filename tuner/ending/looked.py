"""Where the winner looks: asked of a worker once it is known which test images it misreads."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.files import write_arrays
from tuner.run_dir import RunDir

LOOKED_AT, OF_MISTAKES = 12, 8


def images_to_look_into(
    shown: NDArray[np.int64], probabilities: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]
) -> NDArray[np.int64]:
    """Of the test images that a report shows, those for which it shows where the model looks.

    The surest mistake of each pair of classes comes first, then the surest others; images that are read
    right fill up to a dozen. Of a group of near-copies there is one.

    Args:
        shown: their indices.
        probabilities: (test images, classes), of the model that is saved.
        labels: (test images,), their classes.
        groups: (test images,); near-copies have one.
    """
    said = probabilities.argmax(axis=1)
    sure = shown[np.argsort(-probabilities[shown, said[shown]], kind="stable")]
    wrong = _firsts(sure[said[sure] != labels[sure]], groups)
    of_pairs = _firsts(wrong, labels * probabilities.shape[1] + said)
    mistakes = [*of_pairs, *(image for image in wrong if image not in of_pairs)][:OF_MISTAKES]
    right = _firsts(shown[said[shown] == labels[shown]], groups)
    return np.array([*mistakes, *right][:LOOKED_AT], np.int64)


def _firsts(images: NDArray[np.int64], kinds: NDArray[Any]) -> NDArray[np.int64]:
    """The first image of each kind, in their order."""
    _, first = np.unique(kinds[images], return_index=True)
    return images[np.sort(first)]


def to_look_into(run: RunDir) -> tuple[int, ...]:
    """Images still to be examined; none where the run shows none, or has the answer."""
    with np.load(run.images) as images:
        known = "looked_at" not in images or "drops" in images
        return () if known else tuple(int(image) for image in images["looked_at"])


def keep(run: RunDir, output: str) -> None:
    """Puts what a worker found beside the images that the report shows."""
    with np.load(run.images) as images, np.load(run.path / output) as found:
        arrays = {name: images[name] for name in images.files} | {"drops": found["drops"]}
    write_arrays(run.images, arrays)
