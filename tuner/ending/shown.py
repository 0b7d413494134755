"""The images that a report shows, kept in the run directory, as a report has no access to the data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Dataset
from tuner.ending import suspects
from tuner.ending.looked import images_to_look_into
from tuner.ending.results import Results
from tuner.files import write_arrays
from tuner.run_dir import RunDir

SHOWN_AT_RANDOM, SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_A_PAIR = 16, 24, 3, 8


def write(
    results: Results,
    run: RunDir,
    dataset: Dataset,
    predictions: Mapping[str, NDArray[Any]],
    doubtful: Mapping[str, Any],
) -> None:
    """Writes them, with what the winner's augmentation does."""
    seeds = [predictions[f"test/tuned/{i}"] for i in range(results.shipped_facts()["seeds"])]
    said, labels, groups = np.mean(seeds, axis=0), predictions["test_labels"], dataset.test_groups
    shown = images_to_show(said, labels, groups)
    arrays: dict[str, NDArray[Any]] = {"indices": shown, "images": dataset.test_images[shown]}
    arrays["looked_at"] = images_to_look_into(shown, said, labels, groups)
    for done in results.preview:
        if done.result.output:
            with np.load(run.path / done.result.output) as preview:
                arrays |= {"original": preview["images"], "augmented": preview["augmented"]}
    write_arrays(run.images, arrays | {"doubtful": suspects.pictures(doubtful, dataset)})


def images_to_show(
    probabilities: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]
) -> NDArray[np.int64]:
    """Indices of the test images that a report may show.

    Some at random, then the mistakes the model was surest of, then mistakes between the most
    confused pairs of classes. Of a group of near-copies that are read alike, one mistake is shown.
    """
    predicted = probabilities.argmax(axis=1)
    rng = np.random.default_rng(0)
    random = rng.permutation(len(labels))[:SHOWN_AT_RANDOM]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    alike = np.stack([groups[worst], labels[worst], predicted[worst]])
    worst = worst[np.sort(np.unique(alike, axis=1, return_index=True)[1])]
    pairs, counts = np.unique(np.stack([labels[wrong], predicted[wrong]]), axis=1, return_counts=True)
    confused = []
    for column in np.argsort(-counts, kind="stable")[:SHOWN_PAIRS]:
        of_pair = (labels[worst] == pairs[0, column]) & (predicted[worst] == pairs[1, column])
        confused.append(worst[of_pair][:SHOWN_A_PAIR])
    chosen = np.concatenate([random, worst[:SHOWN_MISTAKES], *confused])
    _, first = np.unique(chosen, return_index=True)
    return chosen[np.sort(first)].astype(np.int64)
