"""From saved predictions and `final.json` to what the end of a run found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import calibration, class_rows, confusion_matrix, confusions, mistakes
from reports.facts.models import (
    Accuracy,
    Comparison,
    DataCurve,
    DataPoint,
    Final,
    Finalist,
    Model,
    Shift,
    Shipped,
)
from reports.statistics import intervals as stats
from reports.statistics import verdicts
from tuner.training.scores import score

Arrays = Mapping[str, NDArray[Any]]


def evaluate(final: Mapping[str, Any], arrays: Arrays, class_names: Sequence[str], held_out: float) -> Final:
    """Everything that the report says of the winner and the baselines.

    Args:
        final: what `final.json` holds.
        arrays: what `predictions.npz` holds; empty if it is missing.
        class_names: by label.
        held_out: validation images of a fold divided by its training images.
    """
    correct = {entry["name"]: _correct(entry, arrays) for entry in final["models"]}
    unleaked = {entry["name"]: _correct(entry, arrays, unleaked=True) for entry in final["models"]}
    tests, seeds = _accuracies(correct)
    models = tuple(
        _model(entry, arrays, correct[entry["name"]], tests, _accuracies(unleaked)[0])
        for entry in final["models"]
    )
    winner = models[0]
    itself = "default" if int(final["best_trial"]) == 0 else ""
    differences = _differences(models, seeds, itself)
    words = verdicts.verdicts([difference for _, difference in differences])
    others = [difference for name, difference in differences if name != itself]
    rows = seed_rows(winner.name, arrays)
    labels = arrays.get("test_labels")
    tested = labels is not None and len(rows) > 0
    shipped = _shipped(final, winner)
    matrix = confusion_matrix(rows, labels, len(class_names)) if tested and labels is not None else None
    return Final(
        best_trial=int(final["best_trial"]),
        finalists=tuple(
            Finalist(int(f["trial"]), f.get("search_score"), tuple(f["folds"]), float(f["mean"]))
            for f in final.get("finalists", ())
        ),
        models=models,
        comparisons=tuple(
            Comparison(name, difference.difference, difference.interval, verdict)
            for (name, difference), verdict in zip(differences, words, strict=True)
        ),
        better_than_every=verdicts.better_than_every(others),
        ensemble=_ensemble(rows, arrays),
        classes=class_rows(matrix, labels, arrays["test_groups"], class_names)
        if matrix is not None and labels is not None
        else (),
        confusion=matrix,
        pairs=confusions(matrix) if matrix is not None else (),
        mistakes=mistakes(said_by(shipped, rows), labels, arrays["test_groups"])
        if tested and labels is not None
        else (),
        calibration=calibration(rows, labels, arrays["test_groups"])
        if tested and labels is not None
        else None,
        shift=_shift(winner, held_out),
        test_readings=int(final.get("test_readings", 1)),
        cut=tuple(final.get("cut", ())),
        shipped=shipped,
        untested=tuple(final.get("untested", ())),
        data_curve=data_curve(final, held_out),
        test_label_conflicts=tuple((int(a), int(b)) for a, b in final.get("test_label_conflicts", ())),
    )


def seed_rows(model: str, arrays: Arrays) -> list[NDArray[Any]]:
    """The (images, classes) test probabilities of each seed of a model, by seed."""
    rows: list[NDArray[Any]] = []
    while f"test/{model}/{len(rows)}" in arrays:
        rows.append(arrays[f"test/{model}/{len(rows)}"])
    return rows


def said_by(shipped: Shipped, rows: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The test probabilities of the saved model, of those of the winner's seeds."""
    mean: NDArray[Any] = np.mean(rows[: shipped.seeds], axis=0)
    return mean


def _shipped(final: Mapping[str, Any], winner: Model) -> Shipped:
    """Of runs of earlier versions, the first seed's model."""
    found = final.get("shipped") or {}
    return Shipped(
        int(found.get("seeds", 1)),
        int(found.get("parameters", winner.parameters)),
        found.get("latency_ms", winner.latency_ms),
    )


def _correct(entry: Mapping[str, Any], arrays: Arrays, *, unleaked: bool = False) -> stats.Correct | None:
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


def _accuracies(
    correct: Mapping[str, stats.Correct | None],
) -> tuple[dict[str, Accuracy], dict[str, stats.SeedVariance | None]]:
    known = {name: counts for name, counts in correct.items() if counts is not None}
    seeds = dict(zip(known, stats.seed_variances(list(known.values())), strict=True))
    return {name: _accuracy(counts, seeds[name]) for name, counts in known.items()}, seeds


def _accuracy(counts: stats.Correct, seeds: stats.SeedVariance | None) -> Accuracy:
    per_seed = tuple(float(p) for p in counts.per_seed)
    return Accuracy(
        mean=counts.mean,
        std=float(np.std(per_seed, ddof=1)) if len(per_seed) > 1 else None,
        interval=stats.accuracy_interval(counts, seeds),
        per_seed=per_seed,
        seed_noise=seeds is not None or not counts.seeded,
        seed_added=seeds is not None and seeds.variance > 0,
    )


def _model(
    entry: Mapping[str, Any],
    arrays: Arrays,
    correct: stats.Correct | None,
    tests: Mapping[str, Accuracy],
    unleaked: Mapping[str, Accuracy],
) -> Model:
    validation = entry.get("validation") or {}
    seeds = entry.get("seeds", ())
    return Model(
        name=entry["name"],
        kind=entry["kind"],
        source=entry.get("source", ""),
        published=entry.get("published", ""),
        changes=entry.get("changes", ""),
        neural=bool(entry["neural"]),
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


def _differences(
    models: Sequence[Model], seeds: Mapping[str, stats.SeedVariance | None], itself: str
) -> list[tuple[str, verdicts.Difference]]:
    """The winner against each baseline; `itself` is the baseline that it is, if any."""
    winner = models[0]
    if winner.correct is None:
        return []
    first = (winner.correct, seeds[winner.name])
    return [
        (model.name, verdicts.Difference(0.0, None, None))
        if model.name == itself
        else (model.name, verdicts.difference(first, (model.correct, seeds[model.name])))
        for model in models[1:]
        if model.correct is not None
    ]


def _ensemble(rows: Sequence[NDArray[Any]], arrays: Arrays) -> Accuracy | None:
    """The seeds' averaged probabilities as one model, whose interval is over groups only."""
    if len(rows) < 2:
        return None
    right = np.mean(rows, axis=0).argmax(axis=1) == arrays["test_labels"]
    return _accuracy(stats.count_correct(right[None], arrays["test_groups"], seeded=False), None)


def _shift(winner: Model, held_out: float) -> Shift | None:
    """Test against validation: both are noisy, and the squares of their half-widths add.

    The test side is the half of its interval that points to the validation accuracy, the other one
    the t interval of a mean of folds, each fold with a split and a seed of its own.
    """
    if winner.test is None or winner.validation is None:
        return None
    moved = winner.test.mean - winner.validation
    if winner.test.interval is None or len(winner.folds) < 2:
        return Shift(moved, None)
    low, high = winner.test.interval
    tested = winner.test.mean - low if moved > 0 else high - winner.test.mean
    return Shift(moved, float(np.hypot(tested, stats.fold_half_width(winner.folds, held_out))))


def data_curve(final: Mapping[str, Any], held_out: float) -> DataCurve | None:
    """The winner on less data and on all; None where that was not tried."""
    points = tuple(
        DataPoint(float(p["share"]), int(p["images"]), int(p["groups"]), tuple(p["accuracy_per_fold"]))
        for p in final.get("data_curve", ())
    )
    if len(points) < 2:
        return None
    half, whole = points[-2:]
    gains = [after - before for before, after in zip(half.folds, whole.folds, strict=False)]
    gain = float(np.mean(gains))
    noise = stats.fold_half_width(gains, held_out) if len(gains) > 1 else None
    return DataCurve(points, gain, noise)
