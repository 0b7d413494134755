"""Labels that are hard or wrong: found where they were made wrong, and none where they were not."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.ending.suspects import among_training_images, suspected


@dataclass
class Labelled:
    """As much of a data set as is looked at."""

    train_labels: NDArray[np.int32]
    class_names: tuple[str, ...]
    train_groups: NDArray[np.int64] = field(default_factory=lambda: np.arange(1000))


def made_wrong(labels: NDArray[np.int32], share: float) -> NDArray[np.int32]:
    """The same labels, some changed to another class drawn at random."""
    rng = np.random.default_rng(1)
    wrong = rng.random(len(labels)) < share
    return np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels).astype(np.int32)


def out_of_fold(images: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    model, vectors = KNeighborsClassifier(15), images.reshape(len(images), -1)
    folds = KFold(5, shuffle=True, random_state=0)
    result: NDArray[np.float64] = cross_val_predict(model, vectors, labels, cv=folds, method="predict_proba")
    return result


@pytest.mark.parametrize("share", [0.0, 0.15, 0.3])
def test_wrong_labels_among_digits_are_found(share: float) -> None:
    """Of the wrong labels three quarters are named, and 95 of 100 that are named are wrong; none at 0 %."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    true = digits.target.astype(np.int32)
    labels = made_wrong(true, share)
    named = [each.row for each in suspected(out_of_fold(digits.images / 16, labels), labels)]
    wrong = labels != true
    assert wrong[named].sum() >= 0.75 * wrong.sum()
    assert len(named) - wrong[named].sum() <= 0.05 * len(named)


def test_only_the_folds_that_were_predicted_are_looked_at() -> None:
    """Rows are those of the training images, and each has its name."""
    labels = np.array([0, 1] * 10, np.int32)
    folds = np.arange(20) % 4
    right = np.where(np.arange(20)[:, None] % 2 == np.arange(2), 0.9, 0.1)
    right[13] = [0.95, 0.05]  # in fold 1; its label is 1
    right[14] = [0.05, 0.95]  # in fold 2, which nobody predicted
    arrays = {f"validation/tuned/{fold}": right[folds == fold] for fold in (0, 1)}
    names = [f"{row}.png" for row in range(20)]
    told = among_training_images(arrays, folds, Labelled(labels, ("cat", "dog")), names)  # type: ignore[arg-type]
    assert (told["looked_at"], told["of"], told["found"]) == (10, 20, 1)
    item = told["items"][0]
    assert (item["image"], item["name"], item["label"], item["predicted"]) == (13, "13.png", "dog", "cat")


def test_without_predictions_nobody_is_suspected() -> None:
    labels = np.zeros(8, np.int32)
    told = among_training_images({}, np.arange(8), Labelled(labels, ("cat", "dog")), [""] * 8)  # type: ignore[arg-type]
    assert told == {"looked_at": 0, "of": 8, "found": 0, "apart": 0, "items": []}


def test_of_near_copies_the_most_doubtful_comes_first_and_the_others_last() -> None:
    labels, groups = np.array([0, 1] * 10, np.int32), np.arange(20)
    groups[[1, 3, 5]] = 1
    right = np.where(np.arange(20)[:, None] % 2 == np.arange(2), 0.9, 0.1)
    right[[1, 3, 5, 7]] = [[0.96, 0.04], [0.98, 0.02], [0.97, 0.03], [0.95, 0.05]]
    data = Labelled(labels, ("cat", "dog"), groups)
    told = among_training_images({"validation/tuned/0": right}, np.zeros(20, int), data, [""] * 20)  # type: ignore[arg-type]
    assert (told["found"], told["apart"]) == (4, 2)
    assert [item["image"] for item in told["items"]] == [3, 7, 5, 1]
