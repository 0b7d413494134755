"""Leaderboard, trials and mistakes as CSV, for other programs. Accuracies are fractions of 1."""

import csv
import io
from collections.abc import Mapping, Sequence

from reports.facts.summary import RunSummary
from reports.figures.results import ENSEMBLE, ranked
from tuner.files import inert

LEADERBOARD = (
    "model", "kind", "test_accuracy", "ci95_low", "ci95_high", "std", "seeds", "difference", "difference_low",
    "difference_high", "verdict", "balanced_accuracy", "f1_macro", "auc", "validation_accuracy",
    "train_accuracy", "parameters", "epochs", "seconds", "latency_ms", "source",
)  # fmt: skip
TRIALS = ("trial", "state", "score", "epochs", "seconds", "parameters", "reason")
MISTAKES = ("test_image", "file", "group", "truth", "prediction", "probability", "probability_of_truth")


def leaderboard(summary: RunSummary) -> str:
    """The leaderboard as CSV, best first; only the header before models are tested."""
    return _csv(LEADERBOARD, _rows(summary))


def trials(summary: RunSummary) -> str:
    """Every trial by number, a column for each parameter; `score` is the last one where it was stopped."""
    params = list(dict.fromkeys(name for trial in summary.search.trials for name in trial.params))
    rows = [
        {
            "trial": trial.number,
            "state": trial.state,
            "score": trial.score,
            "epochs": trial.epochs,
            "seconds": trial.seconds,
            "parameters": trial.parameters,
            "reason": trial.reason,
            **{f"param_{name}": setting for name, setting in trial.params.items()},
        }
        for trial in summary.search.trials
    ]
    return _csv((*TRIALS, *(f"param_{name}" for name in params)), rows)


def mistakes(summary: RunSummary) -> str:
    """The saved model's mistakes, the most confident first.

    `test_image` counts the images of the test split from 0, `file` is the file or row that it came from;
    near-copies have one `group`.
    """
    names = summary.dataset.class_names
    rows = [
        {
            "test_image": item.image,
            "file": summary.test_name(item.image),
            "group": item.group,
            "truth": names[item.true],
            "prediction": names[item.said],
            "probability": round(item.probability, 6),
            "probability_of_truth": round(item.true_probability, 6),
        }
        for item in (summary.final.mistakes if summary.final is not None else ())
    ]
    return _csv(MISTAKES, rows)


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({column: "" if row.get(column) is None else inert(row[column]) for column in columns})
    return out.getvalue()


def _rows(summary: RunSummary) -> list[dict[str, object]]:
    if summary.final is None:
        return []
    models = {model.name: model for model in summary.final.models}
    compared = {item.baseline: item for item in summary.final.comparisons}
    rows: list[dict[str, object]] = []
    for name, accuracy in ranked(summary):
        row: dict[str, object] = {
            "model": name,
            "kind": "ensemble" if name == ENSEMBLE else models[name].kind,
        }
        row |= {"test_accuracy": accuracy.mean, "std": accuracy.std, "seeds": len(accuracy.per_seed)}
        if accuracy.interval:
            row |= {"ci95_low": accuracy.interval[0], "ci95_high": accuracy.interval[1]}
        if found := compared.get(name):
            row |= {"difference": found.difference, "verdict": found.verdict}
            if found.interval:
                row |= {"difference_low": found.interval[0], "difference_high": found.interval[1]}
        if model := models.get(name):
            row |= {metric.replace("-", "_"): found for metric, found in model.scores.items()}
            row |= {"validation_accuracy": model.validation, "train_accuracy": model.train_accuracy}
            row |= {"parameters": model.parameters, "epochs": model.epochs, "seconds": model.seconds}
            row |= {"latency_ms": model.latency_ms, "source": model.source}
        rows.append(row)
    return rows
