"""Thresholds for what a model should not decide."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.errors import UsageError
from tuner.use.unsure import HeldOut, choose

Fold = tuple[NDArray[np.float64], NDArray[np.int64]]


def fold(count: int, seed: int) -> Fold:
    """Two classes; the likelier one is right exactly as often as its probability says."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.5, 1.0, count)
    said = rng.integers(0, 2, count)
    right = rng.random(count) < sure
    probabilities = np.where(np.arange(2)[None] == said[:, None], sure[:, None], 1 - sure[:, None])
    return probabilities, np.where(right, said, 1 - said)


def test_what_is_decided_is_as_accurate_as_wanted_also_on_new_images() -> None:
    held_out = HeldOut.from_json(HeldOut.of([fold(4000, seed) for seed in range(3)]).to_json())
    found = choose(held_out, 0.9)
    assert found.confidence == pytest.approx(0.8, abs=0.03)  # of 0.8 to 1 the mean is 0.9
    assert found.share == pytest.approx(0.4, abs=0.06)
    probabilities, labels = fold(20_000, 9)
    decided = probabilities.max(axis=1) >= found.confidence
    accuracy = (probabilities.argmax(axis=1) == labels)[decided].mean()
    assert accuracy == pytest.approx(0.9, abs=0.02)
    assert accuracy == pytest.approx(found.accuracy, abs=0.02)


def test_what_is_said_of_it_does_not_flatter() -> None:
    """On small folds the threshold that looks best there is not so good elsewhere."""
    said, true = [], []
    for trial in range(60):
        folds = [fold(60, 100 * trial + i) for i in range(3)]
        try:
            found = choose(HeldOut.of(folds), 0.95)
        except UsageError:
            continue
        probabilities, labels = fold(5000, 100 * trial + 99)
        decided = probabilities.max(axis=1) >= found.confidence
        said.append(found.accuracy)
        true.append((probabilities.argmax(axis=1) == labels)[decided].mean())
    assert len(said) > 30
    assert np.mean(true) - 0.05 < np.mean(said) < np.mean(true) + 0.005 < 0.95


def test_a_model_that_is_always_right_decides_everything() -> None:
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7]] * 10)
    found = choose(HeldOut.of([(probabilities, probabilities.argmax(axis=1))]), 0.99)
    assert (found.confidence, found.share, found.accuracy) == (0.0, 1.0, 1.0)


def test_an_accuracy_that_no_threshold_reaches_is_refused_with_the_most() -> None:
    probabilities, labels = fold(1000, 0)
    labels[probabilities.max(axis=1) > 0.95] = (
        1 - probabilities.argmax(axis=1)[probabilities.max(axis=1) > 0.95]
    )
    with pytest.raises(UsageError, match=r"no threshold reaches that .*\nthe most is 0\.\d+, with \d+%"):
        choose(HeldOut.of([(probabilities, labels)]), 0.99)
