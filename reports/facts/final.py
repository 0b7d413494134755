"""From saved predictions and `final.json` to what the end of a run found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import (
    Calibration,
    Class,
    Confusion,
    Reading,
    calibration,
    class_rows,
    confusion_matrix,
    confusions,
    mistakes,
)
from reports.facts.arrays import Arrays, said_by, seed_rows
from reports.facts.comparisons import Comparison, differences
from reports.facts.models import Accuracy, Model, Shipped, accuracies, as_accuracy, as_model, correct_counts
from reports.facts.more_data import DataCurve, data_curve
from reports.facts.shift import Shift, shift
from reports.statistics import intervals as stats
from reports.statistics import verdicts


@dataclass(frozen=True)
class Finalist:
    """A good trial, trained again on fresh folds; the best one also fine-tuned, where there was time."""

    trial: int
    search_score: float | None
    folds: tuple[float, ...]
    mean: float
    fine_tuned: bool = False

    @property
    def named(self) -> str:
        """Such as "7", or "7, fine-tuned"."""
        return f"{self.trial}, fine-tuned" if self.fine_tuned else str(self.trial)


@dataclass(frozen=True)
class Final:
    """The results of the end of the run.

    Attributes:
        models: winner first.
        ensemble: of the winner's seeds, averaged; None with one seed.
        first: of the model of the winner's first seed, by itself: its interval is over groups only.
        confusion: (classes, classes) images of a true class (row) read as a class, mean over seeds.
        pairs: most frequent confusions first.
        untested: models that were to be compared and were not retrained: no time, or a failure.
        data_curve: the winner on less data, and on all; None where that was not tried.
        test_label_conflicts: pairs of test images that are near-copies with different labels.
        mistakes: of the saved model, most confident first.
        shipped: the saved model.
        other_test_readings: readings of the same test labels by other runs, as far as that is known.
        doubtful_labels: training labels that are hard or wrong, as `tuner.ending.suspects` tells of them;
            empty where nobody looked.
    """

    best_trial: int
    finalists: tuple[Finalist, ...]
    models: tuple[Model, ...]
    comparisons: tuple[Comparison, ...]
    better_than_every: bool
    ensemble: Accuracy | None
    first: Accuracy | None
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
    other_test_readings: int = 0
    doubtful_labels: Mapping[str, Any] = field(default_factory=dict)

    @property
    def saved(self) -> Accuracy | None:
        """The saved model's own accuracy, without the noise of other seeds; None without predictions."""
        return self.ensemble if self.shipped.seeds > 1 else self.first

    @property
    def short_of_time(self) -> bool:
        """Whether something was left out or shortened to hold a budget, as the sentences on that begin."""
        return any(text.startswith("to hold the budget") for text in self.cut)

    @property
    def fine_tuned(self) -> bool:
        """Whether the winner is a head that was then trained further with some of the network."""
        return bool(self.finalists) and self.finalists[0].fine_tuned

    @property
    def is_default(self) -> bool:
        """Whether the winner is the default configuration."""
        return self.best_trial == 0 and not self.fine_tuned

    @property
    def distinct(self) -> tuple[Model, ...]:
        """All models, the default left out where it is the winner itself."""
        return tuple(model for model in self.models if not self.is_default or model.name != "default")

    @property
    def winner(self) -> Model:
        """The tuned model."""
        return self.models[0]

    @property
    def baselines(self) -> tuple[Model, ...]:
        """All but the winner."""
        return self.models[1:]


def evaluate(final: Mapping[str, Any], arrays: Arrays, class_names: Sequence[str], held_out: float) -> Final:
    """Everything that the report says of the winner and the baselines.

    Args:
        final: what `final.json` holds.
        arrays: what `predictions.npz` holds; empty if it is missing.
        class_names: by label.
        held_out: validation images of a fold divided by its training images.
    """
    correct = {entry["name"]: correct_counts(entry, arrays) for entry in final["models"]}
    unleaked = {entry["name"]: correct_counts(entry, arrays, unleaked=True) for entry in final["models"]}
    tests, seeds = accuracies(correct)
    models = tuple(
        as_model(entry, arrays, correct[entry["name"]], tests, accuracies(unleaked)[0])
        for entry in final["models"]
    )
    winner = models[0]
    finalists = tuple(_finalist(found) for found in final.get("finalists", ()))
    tuned_further = bool(finalists) and finalists[0].fine_tuned
    itself = "default" if int(final["best_trial"]) == 0 and not tuned_further else ""
    found = differences(models, seeds, itself)
    words = verdicts.verdicts([difference for _, difference in found])
    others = [difference for name, difference in found if name != itself]
    rows = seed_rows(winner.name, arrays)
    labels = arrays.get("test_labels")
    tested = labels is not None and len(rows) > 0
    shipped = _shipped(final, winner)
    said = said_by(shipped.seeds, shipped.temperature, rows) if tested else None
    matrix = confusion_matrix(rows, labels, len(class_names)) if tested and labels is not None else None
    return Final(
        best_trial=int(final["best_trial"]),
        finalists=finalists,
        models=models,
        comparisons=tuple(
            Comparison(name, difference.difference, difference.interval, verdict)
            for (name, difference), verdict in zip(found, words, strict=True)
        ),
        better_than_every=verdicts.better_than_every(others),
        ensemble=_ensemble(rows, arrays),
        first=_by_itself(rows[0], arrays) if rows else None,
        classes=class_rows(matrix, labels, arrays["test_groups"], class_names)
        if matrix is not None and labels is not None
        else (),
        confusion=matrix,
        pairs=confusions(matrix) if matrix is not None else (),
        mistakes=mistakes(said, labels, arrays["test_groups"])
        if said is not None and labels is not None
        else (),
        calibration=calibration(
            said, said_by(shipped.seeds, 1.0, rows), labels, arrays["test_groups"], shipped.temperature
        )
        if said is not None and labels is not None
        else None,
        shift=shift(winner, held_out),
        test_readings=int(final.get("test_readings", 1)),
        cut=tuple(final.get("cut", ())),
        shipped=shipped,
        untested=tuple(final.get("untested", ())),
        data_curve=data_curve(final, held_out),
        other_test_readings=int(final.get("other_test_readings", 0)),
        doubtful_labels=dict(final.get("doubtful_labels") or {}),
        test_label_conflicts=tuple((int(a), int(b)) for a, b in final.get("test_label_conflicts", ())),
    )


def _finalist(found: Mapping[str, Any]) -> Finalist:
    folds, score = tuple(found["folds"]), found.get("search_score")
    return Finalist(int(found["trial"]), score, folds, float(found["mean"]), bool(found.get("fine_tuned")))


def _shipped(final: Mapping[str, Any], winner: Model) -> Shipped:
    """Of runs of earlier versions, the first seed's model."""
    found = final.get("shipped") or {}
    return Shipped(
        int(found.get("seeds", 1)),
        int(found.get("parameters", winner.parameters)),
        found.get("latency_ms", winner.latency_ms),
        float(found.get("temperature", 1.0)),
    )


def _ensemble(rows: Sequence[NDArray[Any]], arrays: Arrays) -> Accuracy | None:
    """The seeds' averaged probabilities as one model."""
    return _by_itself(np.mean(rows, axis=0), arrays) if len(rows) > 1 else None


def _by_itself(probabilities: NDArray[Any], arrays: Arrays) -> Accuracy:
    """One trained model as it is, whose interval is over groups only."""
    right = probabilities.argmax(axis=1) == arrays["test_labels"]
    return as_accuracy(stats.count_correct(right[None], arrays["test_groups"], seeded=False), None)
