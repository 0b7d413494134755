"""Writes the results of the end of a run: the files that the report is made from."""

import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit import conflicts
from tuner.datasets.base import Dataset
from tuner.ending import sealed_labels, shipped, shown, suspects
from tuner.ending.results import Results, probabilities
from tuner.files import read_json, write_arrays, write_json
from tuner.records import TrialResult
from tuner.run_dir import RunDir
from tuner.training.data import some_groups
from tuner.training.scores import log_loss
from tuner.use import description


def write(results: Results, run: RunDir, dataset: Dataset) -> None:
    """Writes them all, `final.json` last. Reads the test labels, unless nothing new was trained."""
    keys = [done.key for fits in results.retrainings.values() for done in fits]
    if run.final.exists() and read_json(run.final)["fits"] == keys:
        _ship_another(results, run, dataset)
        return
    arrays = _predictions(results, run)
    labels = sealed_labels.read_test_labels(dataset, run.path, "final comparison", len(keys))
    rows = [_row(name, results) for name in results.contenders if results.retrainings[name]]
    for row in rows:
        for i, seed in enumerate(row["seeds"]):
            seed["test_loss"] = log_loss(arrays[f"test/{row['name']}/{i}"], labels)
    leaked = np.isin(dataset.test_groups, dataset.train_groups)
    arrays |= {"test_labels": labels, "test_groups": dataset.test_groups, "test_leaked": leaked}
    arrays |= _validation_labels(results, run, dataset)
    write_arrays(run.predictions, arrays)
    doubtful = _doubtful_labels(run, dataset, arrays)
    shown.write(results, run, dataset, arrays, doubtful)
    write_json(run.names, {"test": read_json(dataset.directory / "test_names.json")})
    write_json(run.histories, _histories(results))
    shipped.write(results, run, dataset, arrays)
    write_json(
        run.final,
        {
            "best_trial": results.ranking[0].trial.number,
            "finalists": [finalist.to_json() for finalist in results.ranking],
            "models": rows,
            "shipped": results.shipped_facts(),
            "data_curve": _data_curve(results, run, dataset),
            "test_label_conflicts": conflicts.among_test_images(
                dataset.test_images, dataset.test_groups, labels, dataset.audit["duplicates"]["threshold"]
            ),
            "doubtful_labels": doubtful,
            "untested": [name for name in results.contenders if not results.retrainings[name]],
            "cut": results.cut,
            "test_readings": sealed_labels.readings(run.path),
            "other_test_readings": sealed_labels.other_readings(dataset, run.path),
            "seconds": results.seconds,
            "fits": keys,
        },
    )


def _ship_another(results: Results, run: RunDir, dataset: Dataset) -> None:
    """Where one model, or all seeds as one, is asked for once everything else is done.

    Nothing is tested again: what the report says comes from the predictions that are stored.
    """
    final = read_json(run.final)
    if final.get("shipped") == results.shipped_facts() and (run.model / description.DESCRIPTION).exists():
        return
    with np.load(run.predictions) as saved:
        arrays = {name: saved[name] for name in saved.files}
    doubtful = _doubtful_labels(run, dataset, arrays)
    shown.write(results, run, dataset, arrays, doubtful)
    shipped.write(results, run, dataset, arrays)
    write_json(run.final, final | {"shipped": results.shipped_facts(), "cut": results.cut})


def _doubtful_labels(run: RunDir, dataset: Dataset, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    with np.load(run.splits) as splits:
        folds = splits["fresh"]
    return suspects.among_training_images(arrays, folds, dataset, dataset.train_names)


def _predictions(results: Results, run: RunDir) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name in results.contenders:
        for i, done in enumerate(results.retrainings[name]):
            arrays[f"test/{name}/{i}"] = probabilities(run, done)
        for done in results.folds[name]:
            arrays[f"validation/{name}/{done.spec.fold}"] = probabilities(run, done)
    return arrays


def _validation_labels(results: Results, run: RunDir, dataset: Dataset) -> dict[str, NDArray[Any]]:
    with np.load(run.splits) as splits:
        folds = splits["fresh"]
    used = sorted({done.spec.fold for fits in results.folds.values() for done in fits})
    return {f"validation_labels/{i}": dataset.train_labels[folds == i] for i in used}


def _row(name: str, results: Results) -> dict[str, Any]:
    contender, epochs = results.contenders[name], results.epochs[name]
    retrained = [done.result for done in results.retrainings[name]]
    accuracies = [_accuracy_at(done.result, epochs) for done in results.folds[name]]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    latencies = [result.latency_ms for result in retrained if result.latency_ms is not None]
    return {
        "name": name,
        "kind": contender.kind,
        "source": contender.source,
        "published": contender.published,
        "changes": contender.changes,
        "neural": contender.neural,
        "early_stopping": contender.early_stopping,
        "params": contender.params,
        "epochs": epochs,
        "parameters": retrained[0].parameters,
        "latency_ms": statistics.median(latencies) if latencies else None,
        "seconds": statistics.fmean(result.seconds for result in retrained),
        "validation": {"accuracy_per_fold": known, "mean": statistics.fmean(known)} if known else None,
        "seeds": [
            {"seed": i, "seconds": result.seconds, "train_accuracy": result.epochs[-1].accuracy}
            for i, result in enumerate(retrained)
        ],
        "summary": retrained[0].summary,
    }


def _accuracy_at(result: TrialResult, epoch: int) -> float | None:
    """Validation accuracy after `epoch`, or at the end of a shorter training."""
    return result.epochs[min(epoch, len(result.epochs)) - 1].val_accuracy


def _histories(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "model": name,
            "purpose": done.spec.purpose,
            "trial": None,
            "seed": done.spec.seed,
            "split": done.spec.split,
            "fold": done.spec.fold,
            "device": done.result.device,
            "epochs": [report.to_json() for report in done.result.epochs],
        }
        for name in results.contenders
        for done in [*results.folds[name], *results.retrainings[name]]
    ]


def _data_curve(results: Results, run: RunDir, dataset: Dataset) -> list[dict[str, Any]]:
    """The winner on half the groups and on all, for as many steps, on the same folds."""
    with np.load(run.splits) as splits:
        folds = splits["fresh"]
    rows: dict[float, dict[str, Any]] = {}
    paired = {done.spec.fold for done in results.less_data}
    whole = [done for done in results.folds["tuned"] if done.spec.fold in paired]
    for done in [*results.less_data, *whole]:
        spec = done.spec
        trained = np.flatnonzero(folds != spec.fold)
        if spec.share < 1:
            trained = some_groups(trained, dataset.train_groups, spec.share, spec.fold)
        row = rows.setdefault(
            spec.share, {"share": spec.share, "images": [], "groups": [], "accuracy_per_fold": []}
        )
        row["images"].append(len(trained))
        row["groups"].append(len(np.unique(dataset.train_groups[trained])))
        row["accuracy_per_fold"].append(_accuracy_at(done.result, spec.epochs))
    return [
        {
            **rows[share],
            "images": round(np.mean(rows[share]["images"])),
            "groups": round(np.mean(rows[share]["groups"])),
        }
        for share in sorted(rows)
    ]
