"""The facts of a run as `report.json`, schema version 1; more keys may be added, none is renamed.

The same run repeated gives the same file but for `seconds`, `latency_ms`, `images_per_second`, `cost` and
`environment`. Accuracies are fractions of 1.
"""

import math
from typing import Any

from reports.facts.answers import Calibration
from reports.facts.final import Final
from reports.facts.models import Accuracy, Model
from reports.facts.summary import RunSummary
from reports.markdown import METRICS
from reports.sections.importance import best_params
from reports.sections.search import saved_share

SCHEMA_VERSION = 1
ORIGIN = {"name", "source", "published", "changes"}
"""Keys of a baseline that the winner does not need."""


def as_json(summary: RunSummary) -> dict[str, Any]:
    """The content of `report.json`, without NaN."""
    final = summary.final
    facts = {
        "schema_version": SCHEMA_VERSION,
        "name": summary.name,
        "state": summary.state,
        "dataset": _dataset(summary),
        "search": _search(summary),
        "best": _best(summary),
        "final": _final(summary, final) if final is not None else None,
        "baselines": [_model(model) for model in final.baselines] if final is not None else [],
        "comparison": _comparison(final),
        "importance": [
            {"param": item.param, "importance": item.importance, "low": item.low, "high": item.high}
            for item in summary.search.importance
        ],
        "failures": [
            {"trial": trial.number, "reason": trial.reason, "message": trial.message}
            for trial in summary.search.of_state("failed")
        ],
        "missing": list(summary.missing),
        "cost": {
            "seconds": dict(summary.seconds),
            "device_seconds": summary.device_seconds,
            "devices": _contributions(summary),
            "disk_bytes": summary.disk_bytes,
        },
        "environment": {
            key: summary.environment.get(key)
            for key in ("python", "platform", "backend", "versions", "devices")
        },
        "command": summary.command,
    }
    finite: dict[str, Any] = _finite(facts)
    return finite


def _contributions(summary: RunSummary) -> list[dict[str, Any]]:
    """What each device has done: pieces of work of the search and trainings after it, and their seconds."""
    done: dict[str, list[float]] = {}
    for trial in summary.search.trials:
        for stint in trial.stints:
            done.setdefault(stint.device, []).append(stint.seconds)
    for curve in summary.curves:
        done.setdefault(curve.device, []).append(curve.seconds)
    return [
        {"name": name, "items": len(seconds), "seconds": sum(seconds)}
        for name, seconds in sorted(done.items())
        if name
    ]


def _dataset(summary: RunSummary) -> dict[str, Any]:
    data = summary.dataset
    return {
        "name": data.name,
        "fingerprint": data.fingerprint,
        "image_shape": list(data.image_shape),
        "classes": list(data.class_names),
        "n_train": data.n_train,
        "n_validation": data.n_validation,
        "n_test": data.n_test,
        "groups": dict(data.groups),
        "duplicate_groups": dict(data.duplicate_groups),
        "leaked_test_images": data.leaked_test_images,
        "test_readings": summary.final.test_readings if summary.final is not None else 0,
    }


def _search(summary: RunSummary) -> dict[str, Any]:
    search, config = summary.search, summary.config
    return {
        "engine": config.get("engine"),
        "algorithm": config.get("algorithm"),
        "pruner": config.get("pruner"),
        "space": summary.space,
        "seed": config.get("seed"),
        "metric": summary.metric,
        "trials": {state: search.count(state) for state in ("complete", "pruned", "failed", "unfinished")},
        "seconds": search.seconds,
        "epochs_trained": search.epochs_trained,
        "epochs_saved": saved_share(summary),
        "images_per_second": search.images_per_second,
        "stopped_by": search.stopped_by,
    }


def _best(summary: RunSummary) -> dict[str, Any] | None:
    final, best = summary.final, summary.search.best
    if final is None and best is None:
        return None
    number = final.best_trial if final is not None else best.number if best is not None else None
    score = next((trial.score for trial in summary.search.trials if trial.number == number), None)
    return {
        "trial": number,
        "params": best_params(summary),
        "validation_accuracy": final.winner.validation if final is not None else None,
        "validation_accuracy_per_fold": list(final.winner.folds) if final is not None else [],
        "search_score": score,
    }


def accuracy_json(accuracy: Accuracy | None) -> dict[str, Any] | None:
    """Mean, standard deviation, interval and seeds of one accuracy."""
    if accuracy is None:
        return None
    return {
        "mean": accuracy.mean,
        "std": accuracy.std,
        "ci95": list(accuracy.interval) if accuracy.interval else None,
        "per_seed": list(accuracy.per_seed),
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "source": model.source,
        "published": model.published,
        "changes": model.changes,
        "test_accuracy": accuracy_json(model.test),
        "test_accuracy_unleaked": model.unleaked.mean if model.unleaked else None,
        "validation_accuracy": model.validation,
        "train_accuracy": model.train_accuracy,
        **{metric.replace("-", "_"): model.scores.get(metric) for metric in METRICS if metric != "accuracy"},
        "test_loss": model.test_loss,
        "parameters": model.parameters,
        "epochs": model.epochs,
        "seconds": model.seconds,
        "latency_ms": model.latency_ms,
    }


def _final(summary: RunSummary, final: Final) -> dict[str, Any]:
    calibration, shift, ensemble = final.calibration, final.shift, final.ensemble
    names = summary.dataset.class_names
    return {
        **{key: entry for key, entry in _model(final.winner).items() if key not in ORIGIN},
        "ensemble_test_accuracy": ensemble.mean if ensemble else None,
        "shipped": {
            "seeds": final.shipped.seeds,
            "parameters": final.shipped.parameters,
            "latency_ms": final.shipped.latency_ms,
            "temperature": final.shipped.temperature,
            "test_accuracy": final.saved.mean if final.saved else None,
            "ci95": list(final.saved.interval) if final.saved and final.saved.interval else None,
        },
        "ensemble_ci95": list(ensemble.interval) if ensemble and ensemble.interval else None,
        "better_than_every_baseline": final.better_than_every,
        "per_class": [
            {
                "name": item.name,
                "images": item.images,
                "groups": item.groups,
                "precision": item.precision,
                "recall": item.recall,
                "f1": item.f1,
            }
            for item in final.classes
        ],
        "confusions": [
            {"true": names[pair.true], "said": names[pair.said], "images": pair.images, "share": pair.share}
            for pair in final.pairs
        ],
        "calibration_error": calibration.error if calibration else None,
        "calibration": _calibration(calibration) if calibration else None,
        "confidence": calibration.confidence if calibration else None,
        "test_minus_validation": {"difference": shift.difference, "noise": shift.noise} if shift else None,
        "finalists": [
            {
                "trial": f.trial,
                "fine_tuned": f.fine_tuned,
                "search_score": f.search_score,
                "folds": list(f.folds),
                "mean": f.mean,
            }
            for f in final.finalists
        ],
        "cut": list(final.cut),
    }


def _calibration(found: Calibration) -> dict[str, float]:
    """Of the saved model; `before` is without its temperature."""
    return {
        "temperature": found.temperature,
        "error": found.error,
        "error_before": found.raw_error,
        "error_by_chance_95": found.chance,
        "log_loss": found.loss,
        "log_loss_before": found.raw_loss,
    }


def _comparison(final: Final | None) -> list[dict[str, Any]]:
    return [
        {
            "baseline": item.baseline,
            "difference": item.difference,
            "ci95": list(item.interval) if item.interval else None,
            "verdict": item.verdict,
        }
        for item in (final.comparisons if final is not None else ())
    ]


def _finite(item: Any) -> Any:
    """The same with None for NaN and infinities, which JSON does not know."""
    if isinstance(item, dict):
        return {str(key): _finite(entry) for key, entry in item.items()}
    if isinstance(item, list | tuple):
        return [_finite(entry) for entry in item]
    if isinstance(item, float):
        return float(item) if math.isfinite(item) else None
    return item
