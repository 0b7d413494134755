"""What the end of a run found: models, how they were tested, what the winner gets right and wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports.statistics.intervals import Correct, Interval
from reports.statistics.verdicts import Verdict


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on test images.

    Attributes:
        mean: over the seeds, 0 to 1.
        std: from seed to seed; None with one seed.
        interval: 95 %, or None where there are too few groups.
        per_seed: of each seed.
        seed_noise: whether the interval holds the noise of the training seed (a model without
            such noise counts as held).
        seed_added: whether that noise made it wider: more than the test images alone explain.
    """

    mean: float
    std: float | None
    interval: Interval | None
    per_seed: tuple[float, ...]
    seed_noise: bool
    seed_added: bool = False


@dataclass(frozen=True)
class Model:
    """The winner or a baseline, retrained and tested.

    Attributes:
        published, changes: of a baseline: what was reported for it elsewhere, and what differs here.
        test: on all test images; None where its predictions are missing.
        unleaked: on the test images without a near-copy in training; None where there are none.
        scores: of the other choices of `--metric`, by their names there, mean over the seeds; empty where
            the predictions are missing.
        train_accuracy: of the last epoch of the retraining, mean over seeds.
        folds: validation accuracy on each fresh fold.
    """

    name: str
    kind: Literal["winner", "baseline"]
    source: str
    published: str
    changes: str
    neural: bool
    params: Mapping[str, Any]
    epochs: int
    parameters: int
    latency_ms: float | None
    seconds: float | None
    test_loss: float | None
    train_accuracy: float | None
    folds: tuple[float, ...]
    validation: float | None
    summary: str
    correct: Correct | None
    test: Accuracy | None
    unleaked: Accuracy | None
    scores: Mapping[str, float]

    @property
    def gap(self) -> float | None:
        """Training accuracy minus test accuracy."""
        if self.train_accuracy is None or self.test is None:
            return None
        return self.train_accuracy - self.test.mean


@dataclass(frozen=True)
class Comparison:
    """The winner against one baseline; `difference` is winner minus baseline."""

    baseline: str
    difference: float
    interval: Interval | None
    verdict: Verdict


@dataclass(frozen=True)
class Class:
    """One class in the test split, as the winner reads it, its seeds together.

    Attributes:
        precision: None where it never names the class.
        recall, f1: None where the test split has no image of it.
    """

    name: str
    images: int
    groups: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """`share` of the test images of class `true` are read as `said` (mean over seeds)."""

    true: int
    said: int
    images: float
    share: float


@dataclass(frozen=True)
class Reading:
    """What the saved model says of one test image of a group; probabilities are 0 to 1."""

    image: int
    group: int
    true: int
    said: int
    probability: float
    true_probability: float


@dataclass(frozen=True)
class Calibration:
    """Confidence against accuracy over all seeds, in bins of equal width.

    Attributes:
        error: expected calibration error, mean over seeds.
        chance: what it stays below in 95 % of cases with so many images, were every confidence exactly right.
        confidence, accuracy: mean over all images and seeds.
        bins: (mean confidence, accuracy, images a seed) of each bin that has any.
    """

    error: float
    chance: float
    confidence: float
    accuracy: float
    bins: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Finalist:
    """A good trial, trained again on fresh folds."""

    trial: int
    search_score: float | None
    folds: tuple[float, ...]
    mean: float


@dataclass(frozen=True)
class Shift:
    """The winner's test accuracy minus its validation accuracy over the fresh folds.

    Attributes:
        noise: half-width of what chance alone explains in 95 % of cases; None if unknown.
    """

    difference: float
    noise: float | None


@dataclass(frozen=True)
class DataPoint:
    """The winner's validation accuracy when trained on a share of the duplicate groups.

    Attributes:
        share: above 0 to 1.
        images, groups: trained on, mean over the folds.
        folds: accuracy on each fresh fold.
    """

    share: float
    images: int
    groups: int
    folds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the folds."""
        return float(np.mean(self.folds))


@dataclass(frozen=True)
class Shipped:
    """The model that is saved, and meant to be used.

    Attributes:
        seeds: of the winner, whose probabilities it averages; 1 for the first seed's model alone.
        parameters: weights.
        latency_ms: median time to predict one image, None if unknown.
    """

    seeds: int
    parameters: int
    latency_ms: float | None


@dataclass(frozen=True)
class DataCurve:
    """Whether the winner would gain from more data.

    Attributes:
        points: smallest share first, all of the data last.
        gain: in accuracy by the last step, mean over the folds that both have.
        noise: half-width of the 95 % interval of that; None where it is of one fold.
    """

    points: tuple[DataPoint, ...]
    gain: float
    noise: float | None

    @property
    def sure(self) -> bool:
        """Whether the gain is beyond its noise."""
        return self.noise is not None and abs(self.gain) > self.noise


@dataclass(frozen=True)
class Final:
    """What the end of the run found.

    Attributes:
        models: winner first.
        ensemble: of the winner's seeds, averaged; None with one seed.
        confusion: (classes, classes) images of a true class (row) read as a class, mean over seeds.
        pairs: most frequent confusions first.
        untested: models that were to be compared and were not retrained: no time, or a failure.
        data_curve: the winner on less data, and on all; None where that was not tried.
        test_label_conflicts: pairs of test images that are near-copies with different labels.
        mistakes: of the saved model, most confident first.
        shipped: the saved model.
    """

    best_trial: int
    finalists: tuple[Finalist, ...]
    models: tuple[Model, ...]
    comparisons: tuple[Comparison, ...]
    better_than_every: bool
    ensemble: Accuracy | None
    classes: tuple[Class, ...]
    confusion: NDArray[np.float64] | None
    pairs: tuple[Confusion, ...]
    mistakes: tuple[Reading, ...]
    calibration: Calibration | None
    shift: Shift | None
    test_readings: int
    cut: tuple[str, ...]
    shipped: Shipped
    untested: tuple[str, ...] = ()
    data_curve: DataCurve | None = None
    test_label_conflicts: tuple[tuple[int, int], ...] = ()

    @property
    def saved(self) -> Accuracy | None:
        """The saved model's own accuracy, without the noise of other seeds."""
        return self.ensemble if self.shipped.seeds > 1 else None

    @property
    def winner(self) -> Model:
        """The tuned model."""
        return self.models[0]

    @property
    def baselines(self) -> tuple[Model, ...]:
        """All but the winner."""
        return self.models[1:]


@dataclass(frozen=True)
class Shown:
    """A test image that the report can show, with what the saved model says of it."""

    pixels: NDArray[np.uint8]
    reading: Reading
