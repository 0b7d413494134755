"""The end of a run: finalists on fresh folds, everyone retrained alike, the test split read once."""

import json
import math
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.space import SearchSpace
from tuner import seeds, study
from tuner.contenders import Contender, default, winner
from tuner.datasets.base import Dataset
from tuner.engines.base import PastTrial
from tuner.errors import RunError
from tuner.fits import Fit, Fits
from tuner.records import Purpose, TrialResult, TrialSpec
from tuner.run_dir import RunDir, read_json, write_arrays, write_atomically, write_json
from tuner.training.scores import log_loss

FOLDS = 3
"""Fresh folds on which finalists and baselines are trained."""

FINALISTS_SHARE = 0.3
FOLDS_SHARE = 0.5
"""With a budget: shares of the time left after the search that finalists, and then the folds of the
baselines as well, may use."""

SHOWN_AT_RANDOM, SHOWN_MISTAKES, SHOWN_PAIRS, SHOWN_A_PAIR = 16, 24, 3, 8


@dataclass(frozen=True)
class Plan:
    """What the end of a run is to do.

    Attributes:
        space: of the search; its default is compared.
        model: reference of the family that was searched.
        baselines: who else is compared.
        seed: of the run.
        seeds: retrainings of each.
        finalists: how many trials are run again.
        epochs: length of a schedule, and the most epochs of a baseline.
    """

    space: SearchSpace
    model: str
    baselines: Sequence[Contender]
    seed: int
    seeds: int
    finalists: int
    epochs: int


@dataclass
class Final:
    """The end of a run under way."""

    plan: Plan
    run: RunDir
    dataset: Dataset
    fits: Fits
    past: list[PastTrial]
    seconds: dict[str, float] = field(default_factory=dict)
    _number: int = 0

    def do(self) -> bool:
        """Does it; returns False when the user interrupted it. What is finished is kept.

        Raises:
            RunError: no trial completed, or the winner could not be retrained.
        """
        finalists = study.best(self.past, self.plan.finalists)
        if not finalists:
            raise RunError(
                "no trial ran to its end, so there is no winner\na larger --budget or --trials would help"
            )
        began = time.monotonic()
        baselines = [default(self.plan.space, self.plan.model), *self.plan.baselines]
        if not self._folds(finalists, baselines):
            return False
        self.seconds["finalists"] = time.monotonic() - began
        ranking = self._ranking(finalists)
        trial = ranking[0]["trial"]
        best = winner(self.plan.space, self.plan.model, trial, ranking[0]["params"])
        self.fits.pace["tuned"] = self.fits.pace.get(f"trial {trial}", 0.0)
        contenders = [best, *baselines]
        began = time.monotonic()
        if not self._retrain(contenders):
            return False
        self.seconds["retraining"] = time.monotonic() - began
        self._write(contenders, ranking)
        return True

    def _fit(
        self, contender: Contender, purpose: Purpose, index: int, epochs: int, *, vital: bool = False
    ) -> Fit:
        """Fold or seed `index` of a contender. Equal ones get equal seeds, whoever asks."""
        self._number += 1
        retrain = purpose == "retrain"
        spec = TrialSpec(
            number=self._number,
            purpose=purpose,
            model=contender.model,
            params=contender.params,
            seed=seeds.derive(self.plan.seed, "retrain" if retrain else "fold", index),
            split=None if retrain else "fresh",
            fold=-1 if retrain else index,
            epochs=epochs,
            save=retrain and contender.kind == "winner" and index == 0,
        )
        return Fit(contender.name, spec, vital)

    def _on_folds(self, contender: Contender) -> list[Fit]:
        epochs = self.plan.epochs if contender.neural else 1
        purpose: Purpose = "baseline" if contender.early_stopping else "finalist"
        return [self._fit(contender, purpose, fold, epochs) for fold in range(FOLDS)]

    def _finalist(self, trial: PastTrial) -> Contender:
        found = winner(self.plan.space, self.plan.model, trial.number, trial.params)
        return Contender(f"trial {trial.number}", found.kind, found.source, found.model, found.params)

    def _folds(self, finalists: list[PastTrial], baselines: list[Contender]) -> bool:
        """Fold by fold, so that a deadline leaves all of them with the same folds."""
        rounds = zip(*(self._on_folds(self._finalist(trial)) for trial in finalists), strict=True)
        first = [fit for fold in rounds for fit in fold]
        rounds = zip(*(self._on_folds(baseline) for baseline in baselines), strict=True)
        second = [fit for fold in rounds for fit in fold]
        if self.fits.deadline is None:
            return self.fits.do("finalists and baselines on fresh folds", first + second)
        left = self.fits.deadline - time.monotonic()
        start = time.monotonic()
        return self.fits.do(
            "finalists on fresh folds", first, start + FINALISTS_SHARE * left
        ) and self.fits.do("baselines on fresh folds", second, start + FOLDS_SHARE * left)

    def _done(self, fits: list[Fit]) -> list[TrialResult]:
        results = (self.fits.result(fit) for fit in fits)
        return [result for result in results if result is not None]

    def _ranking(self, finalists: list[PastTrial]) -> list[dict[str, Any]]:
        """Finalists, best first: by their mean over the folds that all of them have."""
        done = {
            trial.number: [self.fits.result(f) for f in self._on_folds(self._finalist(trial))]
            for trial in finalists
        }
        shared = [i for i in range(FOLDS) if all(results[i] is not None for results in done.values())]
        rows = []
        for trial in finalists:
            results = [done[trial.number][i] for i in shared]
            folds = [result.score for result in results if result is not None and result.score is not None]
            mean = statistics.fmean(folds) if folds else trial.score
            rows.append(
                {
                    "trial": trial.number,
                    "search_score": trial.score,
                    "folds": folds,
                    "mean": mean,
                    "params": trial.params,
                }
            )
        return sorted(rows, key=lambda row: (-row["mean"], row["trial"]))

    def _epochs(self, contender: Contender) -> int | None:
        """Epochs of a retraining: the schedule's, or the median of those chosen on validation data."""
        if not contender.neural:
            return 1
        if not contender.early_stopping:
            return self.plan.epochs
        chosen = [result.best_epoch for result in self._done(self._on_folds(contender))]
        return math.floor(statistics.median(chosen)) if chosen else None

    def _retrainings(self, contender: Contender) -> list[Fit]:
        epochs = self._epochs(contender)
        if epochs is None:  # no fold was trained, so that its epochs are not known
            return []
        count = self.plan.seeds if contender.neural else 1
        vital = contender.kind == "winner"
        return [self._fit(contender, "retrain", i, epochs, vital=vital) for i in range(count)]

    def _retrain(self, contenders: list[Contender]) -> bool:
        """Seed by seed, the winner first, then the others, cheapest first."""
        best, *others = [self._retrainings(contender) for contender in contenders]
        cheapest_first = sorted(others, key=lambda fits: self.fits.expected(fits[0]) if fits else 0.0)
        rounds = [
            fits[i] for i in range(self.plan.seeds) for fits in [best, *cheapest_first] if i < len(fits)
        ]
        return self.fits.do("retraining", rounds)

    def _write(self, contenders: list[Contender], ranking: list[dict[str, Any]]) -> None:
        rows: list[dict[str, Any]] = []
        arrays: dict[str, NDArray[Any]] = {}
        histories: list[dict[str, Any]] = []
        keys: list[str] = []
        for contender in contenders:
            fits = self._retrainings(contender)
            done = [(fit, result) for fit in fits if (result := self.fits.result(fit)) is not None]
            if not done:
                if contender.kind == "winner":
                    raise RunError("the winner could not be retrained in time\na larger --budget would help")
                continue
            keys += [self.fits.key(fit) for fit, _ in done]
            folds = [
                (fit, r) for fit in self._on_folds(contender) if (r := self.fits.result(fit)) is not None
            ]
            rows.append(self._row(contender, [result for _, result in done], [result for _, result in folds]))
            for i, (fit, result) in enumerate(done):
                arrays[f"test/{contender.name}/{i}"] = self._load(result)
                histories.append(_history(contender.name, fit, result))
            for fit, result in folds:
                arrays[f"validation/{contender.name}/{fit.spec.fold}"] = self._load(result)
                histories.append(_history(contender.name, fit, result))
        self._publish(rows, arrays, histories, ranking, keys)

    def _publish(
        self,
        rows: list[dict[str, Any]],
        arrays: dict[str, NDArray[Any]],
        histories: list[dict[str, Any]],
        ranking: list[dict[str, Any]],
        keys: list[str],
    ) -> None:
        from tuner import test_split

        if self.run.final.exists() and read_json(self.run.final)["fits"] == keys:
            return  # nothing new was trained: no reason to read the test split again
        labels = test_split.read_test_labels(self.dataset, self.run.path, "final comparison", len(keys))
        for row in rows:
            for i, seed in enumerate(row["seeds"]):
                seed["test_loss"] = log_loss(arrays[f"test/{row['name']}/{i}"], labels)
        groups = self.dataset.test_groups
        arrays |= {
            "test_labels": labels,
            "test_groups": groups,
            "test_leaked": np.isin(groups, self.dataset.train_groups),
            **self._validation_labels(),
        }
        shown = images_to_show(arrays["test/tuned/0"], labels)
        images = {"indices": shown, "images": self.dataset.test_images[shown]}
        write_arrays(self.run.predictions, arrays)
        write_arrays(self.run.images, images)
        write_json(self.run.histories, histories)
        self._keep_model(keys[0])
        write_json(
            self.run.final,
            {
                "best_trial": ranking[0]["trial"],
                "finalists": [{k: v for k, v in row.items() if k != "params"} for row in ranking],
                "models": rows,
                "cut": self._cuts(),
                "test_readings": test_split.readings(self.run.path),
                "seconds": self.seconds,
                "fits": keys,
            },
        )

    def _validation_labels(self) -> dict[str, NDArray[Any]]:
        with np.load(self.run.splits) as splits:
            folds = splits["fresh"]
        return {f"validation_labels/{i}": self.dataset.train_labels[folds == i] for i in range(FOLDS)}

    def _load(self, result: TrialResult) -> NDArray[Any]:
        with np.load(self.run.path / result.output) as saved:
            probabilities: NDArray[Any] = saved["probabilities"]
        return probabilities

    def _row(
        self, contender: Contender, seeds_: list[TrialResult], folds: list[TrialResult]
    ) -> dict[str, Any]:
        epochs = self._epochs(contender)
        accuracies = [_accuracy_at(result, epochs or 1) for result in folds]
        known = [accuracy for accuracy in accuracies if accuracy is not None]
        latencies = [result.latency_ms for result in seeds_ if result.latency_ms is not None]
        return {
            "name": contender.name,
            "kind": contender.kind,
            "source": contender.source,
            "neural": contender.neural,
            "params": contender.params,
            "epochs": epochs,
            "parameters": seeds_[0].parameters,
            "latency_ms": statistics.median(latencies) if latencies else None,
            "seconds": statistics.fmean(result.seconds for result in seeds_),
            "validation": {"accuracy_per_fold": known, "mean": statistics.fmean(known)} if known else None,
            "seeds": [
                {"seed": i, "seconds": result.seconds, "train_accuracy": result.epochs[-1].accuracy}
                for i, result in enumerate(seeds_)
            ],
            "summary": seeds_[0].summary,
        }

    def _keep_model(self, key: str) -> None:
        self.run.model.mkdir(exist_ok=True)
        with self.run.fitted_model(key).open("rb") as model:
            write_atomically(self.run.model / "model.keras", lambda file: shutil.copyfileobj(model, file))
        labels = json.dumps(list(self.dataset.class_names), indent=2, ensure_ascii=False) + "\n"
        write_atomically(self.run.model / "labels.json", lambda file: file.write(labels.encode()))

    def _cuts(self) -> list[str]:
        counts: dict[tuple[str, str], int] = {}
        for fit in self.fits.cut:
            kind = "retrainings" if fit.spec.split is None else "fresh folds"
            counts[fit.name, kind] = counts.get((fit.name, kind), 0) + 1
        cut = [
            f"{count} {kind} of `{name}` were left out to hold the budget"
            for (name, kind), count in counts.items()
        ]
        failed = [f"a training of `{fit.name}` failed: {result.reason}" for fit, result in self.fits.failed]
        return cut + failed


def _accuracy_at(result: TrialResult, epoch: int) -> float | None:
    """Validation accuracy after `epoch`, or at the end of a shorter training."""
    return result.epochs[min(epoch, len(result.epochs)) - 1].val_accuracy


def _history(name: str, fit: Fit, result: TrialResult) -> dict[str, Any]:
    return {
        "model": name,
        "purpose": fit.spec.purpose,
        "seed": fit.spec.seed,
        "split": fit.spec.split,
        "fold": fit.spec.fold,
        "epochs": [report.to_json() for report in result.epochs],
    }


def images_to_show(probabilities: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of the test images that a report may show.

    Some at random, then the mistakes the model was surest of, then mistakes between the most
    confused pairs of classes.
    """
    predicted = probabilities.argmax(axis=1)
    rng = np.random.default_rng(0)
    random = rng.permutation(len(labels))[:SHOWN_AT_RANDOM]
    wrong = np.flatnonzero(predicted != labels)
    worst = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")]
    pairs, counts = np.unique(np.stack([labels[wrong], predicted[wrong]]), axis=1, return_counts=True)
    confused = []
    for column in np.argsort(-counts, kind="stable")[:SHOWN_PAIRS]:
        of_pair = (labels[worst] == pairs[0, column]) & (predicted[worst] == pairs[1, column])
        confused.append(worst[of_pair][:SHOWN_A_PAIR])
    chosen = np.concatenate([random, worst[:SHOWN_MISTAKES], *confused])
    _, first = np.unique(chosen, return_index=True)
    return chosen[np.sort(first)].astype(np.int64)
