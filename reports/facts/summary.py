"""The facts of one run directory, whatever of it there is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import reading
from reports.facts.final import evaluate, said_by, seed_rows
from reports.facts.journal import as_trial, importances, read_trials
from reports.facts.models import Final, Shown
from reports.facts.search import Curve, DatasetFacts, Parameter, Search
from tuner.errors import DataError, UsageError
from tuner.files import read_json
from tuner.run_dir import RunDir


@dataclass(frozen=True)
class RunSummary:
    """Everything that a report says, as facts.

    Attributes:
        path: of the run directory.
        state: "searching", "finishing", "done" or "interrupted".
        config: the options of the run, by name.
        epochs: the most epochs that a trial could use, as the plan of the run decided.
        notes: sentences on what it decided.
        seconds: wall-clock seconds by stage.
        device_seconds: seconds of all trainings on all slots together.
        disk_bytes: size of the run directory.
        final: None until the run has retrained its winner.
        audit: of the data; None if it is missing.
        shown: test images to show, random ones first; empty without predictions.
        augmented: (versions + 1, images, height, width, channels): some training images as they are, then
            as the winner's augmentation changes them; None for a model without any.
        missing: sentences on what the run directory lacks.
    """

    path: Path
    name: str
    version: str
    created: str
    command: str
    state: str
    config: Mapping[str, Any]
    dataset: DatasetFacts
    space: str
    parameters: tuple[Parameter, ...]
    environment: Mapping[str, Any]
    epochs: int
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    device_seconds: float
    disk_bytes: int
    search: Search
    final: Final | None
    curves: tuple[Curve, ...]
    audit: Mapping[str, Any] | None
    shown: tuple[Shown, ...]
    augmented: NDArray[np.uint8] | None
    missing: tuple[str, ...]

    @property
    def metric(self) -> str:
        """What the search maximised."""
        return str(self.config.get("metric", "accuracy"))

    @classmethod
    def load(cls, run_dir: Path | str) -> Self:
        """Reads a run directory, finished or not.

        Raises:
            UsageError: there is no run directory at that place.
            DataError: a file in it is not what it should be.
        """
        files = RunDir(Path(run_dir))
        if not files.run.is_file():
            raise UsageError(f"{str(run_dir)!r} is not a run directory: it has no run.json")
        run = read_json(files.run)
        try:
            return cls._from(files, run)
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"the files of {files.path} do not fit together: {type(error).__name__} {error}\nexpected "
                "what tune writes; run the same tune command again"
            ) from error

    @classmethod
    def _from(cls, files: RunDir, run: Mapping[str, Any]) -> Self:
        dataset = _dataset(run["dataset"])
        arrays = _arrays(files.predictions)
        final_json = read_json(files.final) if files.final.exists() else None
        final = evaluate(final_json, arrays, dataset.class_names, dataset.held_out) if final_json else None
        curves = _curves(files.histories)
        search = _search(files.journal, run.get("search") or {})
        trained = sum(trial.seconds or 0.0 for trial in search.trials) + sum(c.seconds for c in curves)
        space, plan = run.get("space") or {}, run.get("plan") or {}
        return cls(
            path=files.path,
            name=run["name"],
            version=run.get("version", ""),
            created=run.get("created", ""),
            command=run.get("command", ""),
            state=run.get("state", "interrupted"),
            config=run.get("config") or {},
            dataset=dataset,
            space=str(space.get("name", "")),
            parameters=tuple(_parameter(p) for p in space.get("parameters", ())),
            environment=run.get("environment") or {},
            epochs=int(plan.get("epochs") or (run.get("config") or {}).get("epochs") or 0),
            notes=tuple(plan.get("notes", ())),
            seconds={**(run.get("seconds") or {})},
            device_seconds=float(trained),
            disk_bytes=sum(f.stat().st_size for f in files.path.rglob("*") if f.is_file()),
            search=search,
            final=final,
            curves=curves,
            audit=read_json(files.audit) if files.audit.exists() else None,
            shown=_shown(files.images, arrays, final),
            augmented=_augmented(_arrays(files.images)),
            missing=_missing(files, run, search, final),
        )


def _dataset(data: Mapping[str, Any]) -> DatasetFacts:
    height, width, channels = data["image_shape"]
    return DatasetFacts(
        name=data["name"],
        fingerprint=data.get("fingerprint", ""),
        image_shape=(height, width, channels),
        class_names=tuple(str(name) for name in data["class_names"]),
        n_train=int(data["n_train"]),
        n_validation=int(data["n_validation"]),
        n_test=int(data["n_test"]),
        noun=data.get("noun") or "images",
        duplicate_groups=dict(data.get("duplicate_groups") or {}),
        leaked_test_images=int(data.get("leaked_test_images") or 0),
    )


def _parameter(data: Mapping[str, Any]) -> Parameter:
    choices = data.get("choices")
    return Parameter(
        name=data["name"],
        kind=data["type"],
        low=data.get("low"),
        high=data.get("high"),
        log=bool(data.get("log")),
        choices=tuple(choices) if choices is not None else None,
        default=data.get("default"),
        searched=bool(data.get("searched", True)),
        summary=data.get("summary", ""),
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as loaded:
            return {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is damaged: {error}") from error


def _search(journal: Path, told: Mapping[str, Any]) -> Search:
    frozen = read_trials(journal)
    trials = tuple(as_trial(trial) for trial in frozen)
    epochs = told.get("epochs_trained")
    return Search(
        trials=trials,
        importance=importances(frozen),
        seconds=told.get("seconds"),
        epochs_trained=int(epochs) if epochs is not None else sum(trial.epochs for trial in trials),
        images_per_second=told.get("images_per_second"),
        stopped_by=told.get("stopped_by"),
    )


def _curves(path: Path) -> tuple[Curve, ...]:
    if not path.exists():
        return ()
    return tuple(
        Curve(
            model=entry["model"],
            purpose=entry["purpose"],
            trial=entry.get("trial"),
            train=tuple(float(epoch["accuracy"]) for epoch in entry["epochs"]),
            validation=tuple(
                float(epoch["val_accuracy"])
                for epoch in entry["epochs"]
                if epoch.get("val_accuracy") is not None
            ),
            seconds=sum(float(epoch.get("seconds") or 0.0) for epoch in entry["epochs"]),
        )
        for entry in json.loads(path.read_text())
    )


def _shown(path: Path, arrays: Mapping[str, NDArray[Any]], final: Final | None) -> tuple[Shown, ...]:
    if final is None or not path.exists():
        return ()
    rows = seed_rows(final.winner.name, arrays)
    if not rows:
        return ()
    images, said = _arrays(path), said_by(final.shipped, rows)
    return tuple(
        Shown(picture, reading(said, arrays["test_labels"], arrays["test_groups"], int(index)))
        for index, picture in zip(images["indices"], images["images"], strict=True)
    )


def _augmented(images: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8] | None:
    if "augmented" not in images:
        return None
    return np.concatenate([images["original"][None], images["augmented"]])


def _missing(files: RunDir, run: Mapping[str, Any], search: Search, final: Final | None) -> tuple[str, ...]:
    sentences = []
    asked = (run.get("config") or {}).get("trials")
    ended = sum(trial.state != "unfinished" for trial in search.trials)
    if not search.trials:
        sentences.append("No trial has been run yet.")
    elif run.get("state") != "done" and asked and ended < asked:
        sentences.append(f"{ended or 'None'} of the {asked:,} trials {'is' if ended == 1 else 'are'} done.")
    if final is None and run.get("state") == "finishing":
        sentences.append(
            "The search is done. Its best trials, the default and the baselines are being trained again; "
            "this report is replaced by the whole one when they have been compared on the test images."
        )
    elif final is None and run.get("state") != "done":
        sentences.append(
            "The winner has not been retrained, and nothing was compared on the test images, so that there "
            "is no model, no leaderboard and no test image here yet: the same command run again goes on."
        )
    if final is not None and run.get("state") != "done":
        sentences.append("The winner and the comparison are those of before this run was extended.")
    if final is not None and final.winner.test is None:
        sentences.append("The predictions of the winner on the test images are missing (`predictions.npz`).")
    absent = [
        f"`{path.name}`"
        for path in (files.audit, files.histories, files.images)
        if final and not path.exists()
    ]
    if absent:
        sentences.append(f"The run directory has no {', '.join(absent)}; what they would show is left out.")
    return tuple(sentences)
