"""The records that a report is written from: facts of one run, nothing formatted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports.stats import Correct, Interval, Verdict
from tuner.constraints import REFUSED

TrialState = Literal["complete", "pruned", "failed", "unfinished"]


@dataclass(frozen=True)
class Trial:
    """One trial of the search.

    Attributes:
        number: from 0; 0 is the default of the space.
        state: unfinished if the run was interrupted in it.
        params: the searched parameters.
        curve: (epoch, score) pairs, in order.
        score: at the end of the schedule, or the last one before it was stopped; None without any.
        started: seconds since the search began.
        seconds: it took on its worker.
        worker: its slot.
        epochs: it trained.
        reason, message: of a failure, or of a trial that was refused before it was trained.
        parameters: weights of its model.
        warm_start: the earlier run whose winner it tried, "" for none.
        feasible: whether its model holds the limits of the run; only such a trial can win.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    curve: tuple[tuple[int, float], ...]
    score: float | None
    started: float | None
    seconds: float | None
    worker: int
    epochs: int
    reason: str
    message: str
    parameters: int | None
    feasible: bool = True
    warm_start: str = ""

    @property
    def refused(self) -> bool:
        """Whether it was not trained, as its model breaks a limit of the run."""
        return self.reason == REFUSED


@dataclass(frozen=True)
class Importance:
    """Share of a parameter in what separates good trials from the rest, all shares adding up to 1.

    Attributes:
        low, high: the middle 80 % over random halves of the trials; None with fewer than 20.
    """

    param: str
    importance: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Parameter:
    """One parameter of the search space, with what the run's files say of it."""

    name: str
    kind: str
    low: float | None
    high: float | None
    log: bool
    choices: tuple[Any, ...] | None
    default: Any
    searched: bool
    summary: str


@dataclass(frozen=True)
class Search:
    """The search as a whole.

    Attributes:
        importance: most important first; empty where the trials do not allow any.
        seconds, epochs_trained, images_per_second, stopped_by: None where the run did not get there.
    """

    trials: tuple[Trial, ...]
    importance: tuple[Importance, ...]
    seconds: float | None
    epochs_trained: int
    images_per_second: float | None
    stopped_by: str | None

    def count(self, state: TrialState) -> int:
        """Number of trials in that state."""
        return sum(trial.state == state for trial in self.trials)

    def of_state(self, state: TrialState) -> tuple[Trial, ...]:
        """Trials in that state, by number."""
        return tuple(trial for trial in self.trials if trial.state == state)

    @property
    def best(self) -> Trial | None:
        """The complete trial with the highest score among those that can win."""
        complete = [t for t in self.of_state("complete") if t.score is not None and t.feasible]
        return max(complete, key=lambda trial: (trial.score or 0.0, -trial.number), default=None)


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
    """

    mean: float
    std: float | None
    interval: Interval | None
    per_seed: tuple[float, ...]
    seed_noise: bool


@dataclass(frozen=True)
class Model:
    """The winner or a baseline, retrained and tested.

    Attributes:
        test: on all test images; None where its predictions are missing.
        unleaked: on the test images without a near-copy in training; None where there are none.
        train_accuracy: of the last epoch of the retraining, mean over seeds.
        folds: validation accuracy on each fresh fold.
    """

    name: str
    kind: Literal["winner", "baseline"]
    source: str
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
        confidence, accuracy: mean over all images and seeds.
        bins: (mean confidence, accuracy, images a seed) of each bin that has any.
    """

    error: float
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
class Final:
    """What the end of the run found.

    Attributes:
        models: winner first.
        ensemble: of the winner's seeds, averaged; None with one seed.
        confusion: (classes, classes) images of a true class (row) read as a class, mean over seeds.
        pairs: most frequent confusions first.
        data_curve: the winner on less data, and on all; smallest share first, or empty.
        test_label_conflicts: pairs of test images that are near-copies with different labels.
        mistakes: of the saved model, most confident first.
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
    data_curve: tuple[DataPoint, ...] = ()
    test_label_conflicts: tuple[tuple[int, int], ...] = ()

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that the test split has images of."""
        return float(np.mean([item.recall for item in self.classes if item.recall is not None]))

    @property
    def f1_macro(self) -> float:
        """Mean F1 of the classes that the test split has images of."""
        return float(np.mean([item.f1 for item in self.classes if item.f1 is not None]))

    @property
    def winner(self) -> Model:
        """The tuned model."""
        return self.models[0]

    @property
    def baselines(self) -> tuple[Model, ...]:
        """All but the winner."""
        return self.models[1:]


@dataclass(frozen=True)
class Curve:
    """One training after the search; accuracies are fractions of 1, by epoch.

    Attributes:
        validation: empty where it was trained on train + validation.
    """

    model: str
    purpose: str
    trial: int | None
    train: tuple[float, ...]
    validation: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Shown:
    """A test image that the report can show, with what the saved model says of it."""

    pixels: NDArray[np.uint8]
    reading: Reading


@dataclass(frozen=True)
class DatasetFacts:
    """What was trained and tested on."""

    name: str
    fingerprint: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    n_train: int
    n_validation: int
    n_test: int
    noun: str
    duplicate_groups: Mapping[str, int]
    leaked_test_images: int

    @property
    def grouped(self) -> bool:
        """Whether test images share groups, so that a group and an image are different things."""
        return self.duplicate_groups.get("test", self.n_test) < self.n_test
