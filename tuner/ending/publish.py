"""Writes the results of the end of a run: the files that the report is made from."""

import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.audit import conflicts
from tuner.datasets.base import Dataset
from tuner.datasets.formats.values import Scale
from tuner.ending import sealed_labels, suspects
from tuner.ending.contenders import Contender
from tuner.ending.looked import images_to_look_into
from tuner.files import read_json, write_arrays, write_atomically, write_json
from tuner.records import TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.training import temperature
from tuner.training.data import some_groups
from tuner.training.scores import log_loss
from tuner.use import description
from tuner.use.looks import Looks
from tuner.use.unsure import HeldOut

SHOWN_AT_RANDOM, SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_A_PAIR = 16, 24, 3, 8


@dataclass(frozen=True)
class Done:
    """A training that was done."""

    spec: TrialSpec
    key: str
    result: TrialResult


@dataclass(frozen=True)
class Results:
    """All that the end of a run found.

    Attributes:
        contenders: the winner first, by name; so are the following.
        epochs: of the retraining.
        folds: trainings on fresh folds.
        retrainings: on all training images, by seed.
        less_data: the winner's trainings on a share of the groups.
        preview: what its augmentation does, if that was asked for.
        saved: the model that is saved; None where it is the winner's first seed's, as it was trained.
        ranking: the finalists, best first.
        cut: a sentence for each thing that was left out.
        seconds: by stage.
    """

    contenders: dict[str, Contender]
    epochs: dict[str, int]
    folds: dict[str, list[Done]]
    retrainings: dict[str, list[Done]]
    less_data: list[Done]
    preview: list[Done]
    saved: Done | None
    ranking: list[dict[str, Any]]
    cut: list[str]
    seconds: dict[str, float]


def write(results: Results, run: RunDir, dataset: Dataset) -> None:
    """Writes them all, `final.json` last. Reads the test labels, unless nothing new was trained."""
    keys = [done.key for fits in results.retrainings.values() for done in fits]
    if run.final.exists() and read_json(run.final)["fits"] == keys:
        _ship_the_other(results, run, dataset)
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
    pictures = {"doubtful": suspects.pictures(doubtful, dataset)}
    write_arrays(run.images, _images(results, run, dataset, arrays) | pictures)
    write_json(run.names, {"test": read_json(dataset.directory / "test_names.json")})
    write_json(run.histories, _histories(results))
    _ship(results, run, dataset, arrays)
    write_json(
        run.final,
        {
            "best_trial": results.ranking[0]["trial"],
            "finalists": [{k: v for k, v in row.items() if k != "contender"} for row in results.ranking],
            "models": rows,
            "shipped": _shipped(results),
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


def _doubtful_labels(run: RunDir, dataset: Dataset, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    with np.load(run.splits) as splits:
        folds = splits["fresh"]
    return suspects.among_training_images(arrays, folds, dataset, dataset.train_names)


def _predictions(results: Results, run: RunDir) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name in results.contenders:
        for i, done in enumerate(results.retrainings[name]):
            arrays[f"test/{name}/{i}"] = _probabilities(run, done)
        for done in results.folds[name]:
            arrays[f"validation/{name}/{done.spec.fold}"] = _probabilities(run, done)
    return arrays


def _probabilities(run: RunDir, done: Done) -> NDArray[Any]:
    with np.load(run.path / done.result.output) as saved:
        probabilities: NDArray[Any] = saved["probabilities"]
    return probabilities


def out_of_fold(
    folds: Sequence[Done], run: RunDir, dataset: Dataset
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Probabilities, labels and groups of the training images of some fresh folds, by models without them."""
    with np.load(run.splits) as splits:
        rows = [np.flatnonzero(splits["fresh"] == done.spec.fold) for done in folds]
    seen = np.concatenate(rows)
    said = np.concatenate([_probabilities(run, done) for done in folds])
    return said, dataset.train_labels[seen], dataset.train_groups[seen]


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


def _description(
    results: Results, dataset: Dataset, arrays: Mapping[str, NDArray[Any]]
) -> description.Description:
    """The files beside the model, so that it can be used without the rest of the run."""
    shipped = _shipped(results)
    folds = [
        (
            temperature.scaled(arrays[f"validation/tuned/{done.spec.fold}"], shipped["temperature"]),
            arrays[f"validation_labels/{done.spec.fold}"],
        )
        for done in results.folds["tuned"]
    ]
    sizes = dataset.audit["images"].get("original_sizes")
    return description.Description(
        image_shape=dataset.image_shape,
        labels=dataset.class_names,
        seeds=shipped["seeds"],
        dataset=dataset.name,
        looks=Looks.of(dataset.train_images, sizes),
        held_out=HeldOut.of(folds) if folds else None,
        scale=Scale.of_json(dataset.audit["scale"]) if dataset.audit.get("scale") else None,
    )


def _shipped(results: Results) -> dict[str, Any]:
    """The model that is saved: the seeds it averages, its weights, milliseconds an image, temperature."""
    done = _saved(results)
    return {
        "seeds": len(done.spec.members) or 1,
        "parameters": done.result.parameters,
        "latency_ms": done.result.latency_ms,
        "temperature": done.spec.temperature,
    }


def _saved(results: Results) -> Done:
    return results.saved or results.retrainings["tuned"][0]


def _ship(results: Results, run: RunDir, dataset: Dataset, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Copies the model that is to be used, and writes what lies beside it."""
    _copy_model(run, _saved(results).key, run.model / description.MODEL)
    description.write(run.model, _description(results, dataset, arrays))
    run.ensemble.unlink(missing_ok=True)  # where an earlier version has put it


def _ship_the_other(results: Results, run: RunDir, dataset: Dataset) -> None:
    """Where one model, or all seeds as one, is asked for once everything else is done.

    Nothing is tested again: what the report says comes from the predictions that are stored.
    """
    final = read_json(run.final)
    if final.get("shipped") == _shipped(results) and (run.model / description.DESCRIPTION).exists():
        return
    with np.load(run.predictions) as saved:
        arrays = {name: saved[name] for name in saved.files}
    doubtful = _doubtful_labels(run, dataset, arrays)
    pictures = {"doubtful": suspects.pictures(doubtful, dataset)}
    write_arrays(run.images, _images(results, run, dataset, arrays) | pictures)
    _ship(results, run, dataset, arrays)
    write_json(run.final, final | {"shipped": _shipped(results), "cut": results.cut})


def _copy_model(run: RunDir, key: str, path: Path) -> None:
    with run.fitted_model(key).open("rb") as model:
        write_atomically(path, lambda file: shutil.copyfileobj(model, file))


def _images(
    results: Results, run: RunDir, dataset: Dataset, predictions: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The images that the report shows, as it has no access to the data."""
    seeds = [predictions[f"test/tuned/{i}"] for i in range(_shipped(results)["seeds"])]
    said, labels, groups = np.mean(seeds, axis=0), predictions["test_labels"], dataset.test_groups
    shown = images_to_show(said, labels, groups)
    arrays: dict[str, NDArray[Any]] = {"indices": shown, "images": dataset.test_images[shown]}
    arrays["looked_at"] = images_to_look_into(shown, said, labels, groups)
    for done in results.preview:
        if done.result.output:
            with np.load(run.path / done.result.output) as preview:
                arrays |= {"original": preview["images"], "augmented": preview["augmented"]}
    return arrays


def images_to_show(
    probabilities: NDArray[Any], labels: NDArray[Any], groups: NDArray[Any]
) -> NDArray[np.int64]:
    """Indices of the test images that a report may show.

    Some at random, then the mistakes the model was surest of, then mistakes between the most
    confused pairs of classes. Of a group of near-copies that are read alike, one mistake is shown.
    """
    predicted = probabilities.argmax(axis=1)
    rng = np.random.default_rng(0)
    random = rng.permutation(len(labels))[:SHOWN_AT_RANDOM]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    alike = np.stack([groups[worst], labels[worst], predicted[worst]])
    worst = worst[np.sort(np.unique(alike, axis=1, return_index=True)[1])]
    pairs, counts = np.unique(np.stack([labels[wrong], predicted[wrong]]), axis=1, return_counts=True)
    confused = []
    for column in np.argsort(-counts, kind="stable")[:SHOWN_PAIRS]:
        of_pair = (labels[worst] == pairs[0, column]) & (predicted[worst] == pairs[1, column])
        confused.append(worst[of_pair][:SHOWN_A_PAIR])
    chosen = np.concatenate([random, worst[:SHOWN_MISTAKES], *confused])
    _, first = np.unique(chosen, return_index=True)
    return chosen[np.sort(first)].astype(np.int64)
