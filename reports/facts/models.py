"""The models that a run trained at its end, and how often each is right on the test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports.facts.arrays import Arrays, seed_rows
from reports.statistics import intervals as stats
from reports.statistics.intervals import Correct, Interval
from tuner.training.scores import score


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
        early_stopping: whether its epochs were chosen on the fresh folds.
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
    early_stopping: bool
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
class Shipped:
    """The model that is saved, and meant to be used.

    Attributes:
        seeds: of the winner, whose probabilities it averages; 1 for the first seed's model alone.
        parameters: weights.
        latency_ms: median time to predict one image, None if unknown.
        temperature: of its probabilities; 1 where they are as they were trained.
    """

    seeds: int
    parameters: int
    latency_ms: float | None
    temperature: float = 1.0


def correct_counts(
    entry: Mapping[str, Any], arrays: Arrays, *, unleaked: bool = False
) -> stats.Correct | None:
    """Counts over all test images, or over those without a near-copy in training."""
    rows = seed_rows(entry["name"], arrays)
    if not rows:
        return None
    labels, groups = arrays["test_labels"], arrays["test_groups"]
    keep = ~arrays["test_leaked"].astype(bool) if unleaked else np.ones(len(labels), dtype=bool)
    if not keep.any():
        return None
    right = np.array([row.argmax(axis=1) == labels for row in rows])[:, keep]
    return stats.count_correct(right, groups[keep], seeded=bool(entry["neural"]))


def accuracies(
    correct: Mapping[str, stats.Correct | None],
) -> tuple[dict[str, Accuracy], dict[str, stats.SeedVariance | None]]:
    """Accuracy and seed variance of each model, by name; those without predictions are left out."""
    known = {name: counts for name, counts in correct.items() if counts is not None}
    seeds = dict(zip(known, stats.seed_variances(list(known.values())), strict=True))
    return {name: as_accuracy(counts, seeds[name]) for name, counts in known.items()}, seeds


def as_accuracy(counts: stats.Correct, seeds: stats.SeedVariance | None) -> Accuracy:
    """The accuracy of one model."""
    per_seed = tuple(float(p) for p in counts.per_seed)
    return Accuracy(
        mean=counts.mean,
        std=float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else None,
        interval=stats.accuracy_interval(counts, seeds),
        per_seed=per_seed,
        seed_noise=seeds is not None or not counts.seeded,
        seed_added=seeds is not None and seeds.variance > 0,
    )


def as_model(
    entry: Mapping[str, Any],
    arrays: Arrays,
    correct: stats.Correct | None,
    tests: Mapping[str, Accuracy],
    unleaked: Mapping[str, Accuracy],
) -> Model:
    """A model of `final.json` with its counts and accuracies."""
    validation = entry.get("validation") or {}
    seeds = entry.get("seeds", ())
    return Model(
        name=entry["name"],
        kind=entry["kind"],
        source=entry.get("source", ""),
        published=entry.get("published", ""),
        changes=entry.get("changes", ""),
        neural=bool(entry["neural"]),
        early_stopping=bool(entry.get("early_stopping", entry["neural"])),
        params=dict(entry.get("params") or {}),
        epochs=int(entry.get("epochs") or 0),
        parameters=int(entry.get("parameters") or 0),
        latency_ms=entry.get("latency_ms"),
        seconds=entry.get("seconds"),
        test_loss=_mean(seed.get("test_loss") for seed in seeds),
        train_accuracy=_mean(seed.get("train_accuracy") for seed in seeds),
        folds=tuple(validation.get("accuracy_per_fold", ())),
        validation=validation.get("mean"),
        summary=entry.get("summary") or "",
        correct=correct,
        test=tests.get(entry["name"]),
        unleaked=unleaked.get(entry["name"]),
        scores=other_scores(seed_rows(entry["name"], arrays), arrays),
    )


def other_scores(rows: Sequence[NDArray[Any]], arrays: Arrays) -> dict[str, float]:
    """Balanced accuracy, macro F1 and one-against-the-rest AUC on the test images, mean over seeds."""
    if not rows:
        return {}
    return {
        metric: float(np.mean([score(metric, row, arrays["test_labels"]) for row in rows]))
        for metric in ("balanced-accuracy", "f1-macro", "auc")
    }


def _mean(values: Any) -> float | None:
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else None
