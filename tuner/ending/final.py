"""The end of a run: finalists on fresh folds, everyone retrained alike, the test split read once."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.constraints import Constraints
from tuner.datasets.base import Dataset
from tuner.ending import fine_tuning, looked, publish
from tuner.ending.contenders import Contender, default, in_order, strongest, winner
from tuner.ending.cuts import left_out
from tuner.ending.fits import Fit, Fits
from tuner.ending.publish import Done, Results
from tuner.errors import RunError
from tuner.records import PastTrial, Purpose, TrialSpec
from tuner.registry import resolve
from tuner.run_dir import RunDir
from tuner.search import search as study
from tuner.search.engines.journal import name_winner
from tuner.training import temperature

FOLDS = 3
"""Fresh folds on which finalists and baselines are trained."""

LEAST_EPOCHS = 2
"""No training is shorter, whatever the budget."""

FINALISTS_SHARE = 0.3
FOLDS_SHARE = 0.5
"""With a budget: shares of the time left after the search that finalists, and then the folds of the
baselines as well, may use."""

MARGIN = 1.45
"""Times the seconds of the winner's retraining that its trial makes expect, which no training on folds may
take from it, and which its epochs are chosen for: it has a quarter more images (all five folds, not four),
predicts the test images and is saved."""

HALF = 0.5
"""Share of the duplicate groups on which the winner is trained to see whether more data would help."""

LOOK_CLOSER = 20
"""That takes at most one in so many of the run's epochs (but is done on one fold in any case)."""

FAR_BEHIND = 0.15
"""A baseline that scores so much less than the best finalist on the first fresh fold cannot turn the verdict:
a difference between two models on one fold has a standard deviation of some 0.05 (seeds 0.03 each)."""

FEW_SEEDS = 2
STRONGEST_SEEDS = 3
"""Retrainings of such a baseline: two, so that their noise shows, and three of the strongest baseline, which
the report's first sentence names: with two the interval of its difference is up to three times as wide."""

VITAL_SEEDS = 2
"""Of the winner's retrainings, those that no other model's may push out: two, so that their noise shows."""


@dataclass(frozen=True)
class Plan:
    """The plan of the end of a run.

    Attributes:
        space: of the search; its default is compared.
        model: reference of the family that was searched.
        baselines: who else is compared.
        seed: of the run.
        seeds: retrainings of each.
        finalists: how many trials are run again.
        epochs: length of a schedule on the fresh folds, and the most epochs of a baseline there.
        final_epochs: the same of a retraining.
        share: of the training images, on which finalists and baselines are trained on the fresh folds.
        single: save the winner's first seed alone, not all its seeds as one model.
        constraints: what the winner's model must hold.
        fine_tune: whether the time that it takes decides if the best head is fine-tuned; else it is not.
    """

    space: SearchSpace
    model: str
    baselines: Sequence[Contender]
    seed: int
    seeds: int
    finalists: int
    epochs: int
    final_epochs: int
    share: float = 1.0
    single: bool = False
    constraints: Constraints = field(default_factory=Constraints)
    fine_tune: bool = True


@dataclass
class Final:
    """The end of a run under way.

    Attributes:
        ranked: told the finalists, best first, as soon as they are compared on the fresh folds.
        seconds: that each stage took.
    """

    plan: Plan
    run: RunDir
    dataset: Dataset
    fits: Fits
    past: list[PastTrial]
    ranked: Callable[[list[dict[str, Any]]], None]
    seconds: dict[str, float] = field(default_factory=dict)
    _number: int = 0
    _winner_epochs: int | None = None
    _far: frozenset[str] = frozenset()
    _strongest: str = ""
    _degree: float | None = None
    _untried: str = ""

    def do(self) -> bool:
        """Does it; returns False when the user interrupted it. Finished trainings are kept.

        Raises:
            RunError: no trial completed, or the winner could not be retrained.
        """
        chosen = finalists(self.past, self.plan.finalists)
        if not chosen:
            raise RunError(
                self.plan.constraints.hopeless(self.past)
                or "no trial ran to its end, so there is no winner\na larger --budget or --trials would help"
            )
        baselines = [default(self.plan.space, self.plan.model), *self.plan.baselines]
        for trial in self.past:
            training = (trial.seconds - trial.starting) / max(1, trial.epochs)
            self.fits.pace[_trial_name(trial.number)] = training / self.plan.share
            self.fits.starting[_trial_name(trial.number)] = trial.starting
        began = time.monotonic()
        if not self._folds(chosen, baselines):
            return False
        ranking = self._ranked([(trial, self._finalist(trial)) for trial in chosen])
        if ranking is None:
            return False
        self.seconds["finalists"] = time.monotonic() - began
        self.ranked([_told(row) for row in ranking])
        best = self._winner(ranking)
        began = time.monotonic()
        if not (self._retrain([best, *baselines]) and self._look_closer(best)):
            return False
        self.seconds["retraining"] = time.monotonic() - began
        publish.write(self._results([best, *baselines], ranking), self.run, self.dataset)
        name_winner(self.run.journal, ranking[0]["trial"], _why(ranking))
        self._look_inside(best)
        return True

    def _winner(self, ranking: list[dict[str, Any]]) -> Contender:
        found: Contender = ranking[0]["contender"]
        for known in (self.fits.pace, self.fits.starting):
            known["tuned"] = known.get(found.name, 0.0)
        return replace(found, name="tuned")

    def _fit(self, contender: Contender, purpose: Purpose, index: int, epochs: int) -> Fit:
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
            share=1.0 if retrain or not epochs else self.plan.share,
            save=retrain and contender.kind == "winner" and (index == 0 or not self.plan.single),
        )
        is_winner = contender.kind == "winner"
        vital = retrain and is_winner and index < VITAL_SEEDS
        return Fit(contender.name, spec, vital, necessary=vital and index == 0, shared=not is_winner)

    def _on_folds(self, contender: Contender) -> list[Fit]:
        """The trainings on fresh folds: all of them, or one for a baseline that is far behind on that."""
        epochs = (contender.epochs or self.plan.epochs) if contender.neural else 1
        purpose: Purpose = "baseline" if contender.early_stopping else "finalist"
        folds = 0 if contender.reference else 1 if contender.name in self._far else FOLDS
        return [self._fit(contender, purpose, fold, epochs) for fold in range(folds)]

    def _finalist(self, trial: PastTrial) -> Contender:
        found = winner(self.plan.space, self.plan.model, trial.number, trial.params)
        return replace(found, name=_trial_name(trial.number))

    def _folds(self, finalists: list[PastTrial], baselines: list[Contender]) -> bool:
        """Fold by fold, so that a deadline leaves all of them with the same folds."""
        first = _by_rounds([self._on_folds(self._finalist(trial)) for trial in finalists])
        one_each = [fit for fit in _by_rounds([self._on_folds(b) for b in baselines]) if fit.spec.fold == 0]
        ends: tuple[float | None, float | None] = (None, None)
        deadline = self.fits.deadline()
        if deadline is not None:
            start = self.fits.clock()
            left = deadline - start
            latest = deadline - MARGIN * self._winner_seconds(finalists)
            ends = (start + FINALISTS_SHARE * left, max(start, min(start + FOLDS_SHARE * left, latest)))
            if not self.fits.do("finalists on fresh folds", first, ends[0]):
                return False
        # Baselines first: the slowest of all trainings, begun last, would leave the other workers idle.
        if not self.fits.do("finalists and baselines on fresh folds", one_each + first, ends[1]):
            return False
        self._far = self._far_behind(finalists, baselines)
        self._strongest = strongest(baselines, self._first_scores(baselines))
        rest = _by_rounds([self._on_folds(baseline) for baseline in baselines])
        return self.fits.do("baselines on the other folds", rest, ends[1])

    def _winner_seconds(self, finalists: list[PastTrial]) -> float:
        """Seconds that the retraining of the slowest finalist takes; 0 where nothing is known."""
        names = [_trial_name(trial.number) for trial in finalists]
        pace, starting = self.fits.pace, self.fits.starting
        return max(pace.get(n, 0.0) * self.plan.final_epochs + starting.get(n, 0.0) for n in names)

    def _far_behind(self, finalists: list[PastTrial], baselines: list[Contender]) -> frozenset[str]:
        """Baselines that the best finalist leaves far behind on the first fold, where both have a score.

        Decided by validation images alone, so that what is tested later is not chosen by its test.
        """
        best = max((self._first_score(self._finalist(trial)) for trial in finalists), default=math.nan)
        named = [baseline for baseline in baselines if baseline.name != "default"]
        return frozenset(b.name for b in named if self._first_score(b) < best - FAR_BEHIND)

    def _first_scores(self, contenders: Sequence[Contender]) -> dict[str, float]:
        return {contender.name: self._first_score(contender) for contender in contenders}

    def _first_score(self, contender: Contender) -> float:
        """Of its best epoch on the first fold; not a number, which is never less, where there is none."""
        first = next(iter(self._on_folds(contender)), None)
        result = self.fits.result(first) if first else None
        score = result.epochs[result.best_epoch - 1].score if result and result.epochs else None
        return math.nan if score is None else score

    def _ranked(self, finalists: list[tuple[PastTrial, Contender]]) -> list[dict[str, Any]] | None:
        """All finalists, best first, and among them the best one fine-tuned; None when interrupted."""
        ranking = self._ranking(finalists)
        trial, best = next(each for each in finalists if each[1] == ranking[0]["contender"])
        tuned = self._fine_tuned(best) if ranking[0]["folds"] else None
        if tuned is None:
            return ranking
        fits = self._on_folds(tuned)
        if not self.fits.do("fine-tuning on fresh folds", fits):
            return None
        whole = all(self.fits.result(fit) is not None for fit in fits)
        return self._ranking([*finalists, (trial, tuned)]) if whole else ranking

    def _fine_tuned(self, best: Contender) -> Contender | None:
        """The second stage of a finalist, if it has one and the time allows it."""
        family = resolve(self.plan.model)
        tuned = fine_tuning.further(best, self.plan.space, family) if self.plan.fine_tune else None
        if tuned is None or all(self.fits.result(fit) is not None for fit in self._on_folds(tuned)):
            return tuned
        deadline, workers = self.fits.deadline(), max(1, len(self.fits.executor.free()))
        most = fine_tuning.allowed(None if deadline is None else deadline - self.fits.clock())
        epoch = fine_tuning.epoch_seconds(tuned, family, self.dataset)
        if epoch is None:
            return None
        needed = epoch * fine_tuning.EPOCHS * (FOLDS + self.plan.seeds) / workers
        if needed > most:
            self._untried = fine_tuning.not_tried(needed, most)
            return None
        self.fits.pace[tuned.name] = epoch
        return tuned

    def _ranking(self, finalists: list[tuple[PastTrial, Contender]]) -> list[dict[str, Any]]:
        """Finalists, best first: by their mean over the folds that all of them have."""
        done = {c.name: [self.fits.result(fit) for fit in self._on_folds(c)] for _, c in finalists}
        shared = [i for i in range(FOLDS) if all(results[i] is not None for results in done.values())]
        rows = []
        for trial, contender in finalists:
            results = [done[contender.name][i] for i in shared]
            folds = [result.score for result in results if result is not None and result.score is not None]
            rows.append(
                {
                    "trial": trial.number,
                    "fine_tuned": contender.fine_tuned,
                    "search_score": trial.score,
                    "folds": folds,
                    "mean": statistics.fmean(folds) if folds else trial.score,
                    "contender": contender,
                }
            )
        return sorted(rows, key=lambda row: (-row["mean"], row["fine_tuned"], row["trial"]))

    def _epochs(self, contender: Contender) -> int | None:
        """Epochs of a retraining: the schedule's, or the median of those chosen on validation data."""
        if not contender.neural:
            return 1
        if not contender.early_stopping:
            shortened = self._winner_epochs if contender.kind == "winner" else None
            return shortened or contender.epochs or self.plan.final_epochs
        chosen = [done.result.best_epoch for done in self._done(self._on_folds(contender))]
        return math.floor(statistics.median(chosen)) if chosen else None

    def _retrainings(self, contender: Contender) -> list[Fit]:
        epochs = self._epochs(contender)
        if epochs is None:  # no fold was trained, so that its epochs are not known
            return []
        return [self._fit(contender, "retrain", i, epochs) for i in range(self._seeds(contender))]

    def _seeds(self, contender: Contender) -> int:
        if not contender.neural:
            return 1
        if contender.name not in self._far and not contender.reference:
            return self.plan.seeds
        return min(STRONGEST_SEEDS if contender.name == self._strongest else FEW_SEEDS, self.plan.seeds)

    def _retrain(self, contenders: list[Contender]) -> bool:
        """Seed by seed, the winner first, then the others as `in_order` has them."""
        self._hold_budget(contenders[0])
        fits = {contender.name: self._retrainings(contender) for contender in contenders}
        scores = self._first_scores(contenders[1:])
        seconds = {name: self.fits.expected(rows[0]) if rows else 0.0 for name, rows in fits.items()}
        ordered = [contenders[0], *in_order(contenders[1:], scores, seconds)]
        rounds = _by_rounds([fits[contender.name] for contender in ordered])
        missing = {self.fits.key(fit) for fit in rounds if self.fits.result(fit) is None}
        self.fits.display.end_planned(len(missing) + 1)  # and one on less data
        if not self.fits.do("retraining", rounds):
            return False
        self._check_winner(fits[contenders[0].name][0])
        return True

    def _check_winner(self, first: Fit) -> None:
        """Whether the model is there that is to be saved.

        Raises:
            RunError: the winner's first retraining failed, or did not end in time.
        """
        if self.fits.result(first) is not None:
            return
        failures = [result for fit, result in self.fits.failed if fit.necessary]
        if failures:
            raise RunError(
                f"the winner's retraining failed ({failures[-1].reason}): {failures[-1].message}\n"
                "try another --seed, or narrow the parameters at fault with --set"
            )
        raise RunError("the winner could not be retrained in time\na larger --budget would help")

    def _hold_budget(self, best: Contender) -> None:
        """Gives the winner fewer epochs where not even one retraining of it would end in time."""
        first, pace = self._retrainings(best)[0], self.fits.pace.get("tuned", 0.0)
        deadline = self.fits.deadline()
        if deadline is None or not pace or self.fits.result(first) is not None:
            return
        room = deadline - self.fits.clock() - self.fits.starting.get("tuned", 0.0)
        fitting = max(LEAST_EPOCHS, math.floor(room / (MARGIN * pace)))
        if fitting < first.spec.epochs:
            self._winner_epochs = fitting

    def _cut(self, contenders: list[Contender]) -> list[str]:
        """A sentence for each thing that was left out, was shortened or failed."""
        sentences = []
        if self._winner_epochs is not None:
            sentences.append(
                f"to hold the budget, the winner was retrained for {self._winner_epochs} epochs instead of "
                f"{self.plan.final_epochs}"
            )
        cut = [fit for fit in self.fits.cut if self.fits.result(fit) is None]
        planned = {c.name: (len(self._on_folds(c)), self._seeds(c)) for c in contenders}
        sentences += left_out(self.fits, cut, planned, FOLDS, self.plan.share)
        if self._far:
            names = ", ".join(f"`{name}`" for name in sorted(self._far))
            sentences.append(
                f"more than {100 * FAR_BEHIND:.0f} points behind on the first fresh fold, and so trained on "
                f"that one and from {FEW_SEEDS} seeds at most, the strongest from {STRONGEST_SEEDS}: {names}"
            )
        sentences += [self._untried] if self._untried else []
        return [*sentences, *self._too_large(contenders[0])]

    def _too_large(self, best: Contender) -> list[str]:
        """Why one model is saved where the limits of the run refuse all seeds as one."""
        found = [done.result for done in self._done(self._forms(best)) if len(done.spec.members) > 1]
        broken = [self.plan.constraints.broken(one.parameters, one.latency_ms) for one in found]
        return [f"one model is saved, not the {self.plan.seeds} seeds as one: {why}" for why in broken if why]

    def _on_less_data(self, best: Contender) -> list[Fit]:
        """The winner on half the groups for as many steps, on the folds that a small share of time allows."""
        if self.plan.share < 1:
            return []
        fits = self._on_folds(best)
        done = self._done([*fits, *self._retrainings(best)])
        trained = sum(trial.epochs for trial in self.past) + sum(len(each.result.epochs) for each in done)
        # An epoch of fine-tuning takes as long as many of a head.
        folds = 1 if best.fine_tuned else max(1, trained // (LOOK_CLOSER * fits[0].spec.epochs))
        return [
            replace(fit, spec=replace(fit.spec, share=HALF, epochs=round(fit.spec.epochs / HALF)))
            for fit in fits[:folds]
        ]

    def _preview(self, best: Contender) -> Fit:
        fit = self._fit(best, "preview", 0, 0)
        return replace(fit, name="augmentation")

    def _forms(self, best: Contender) -> list[Fit]:
        """The models that may be saved, the first choice first.

        All seeds as one; then the first seed's model, where it has a temperature and so is not saved as it
        was trained.
        """
        keys, degree = self._keys(best), self._temperature(best)
        several = len(keys) > 1 and not self.plan.single
        forms = [(keys, temperature.of_mean(degree))] if several else []
        forms += [(keys[:1], degree)] if degree != 1 else []
        fit = replace(self._fit(best, "ensemble", 0, 0), name="ensemble")
        return [
            replace(fit, spec=replace(fit.spec, save=True, members=members, temperature=of_these))
            for members, of_these in forms
        ]

    def _temperature(self, best: Contender) -> float:
        """Of one model's probabilities, by the winner's models on the fresh folds."""
        if self._degree is None:
            folds = self._done(self._on_folds(best))
            self._degree = 1.0
            if folds:
                self._degree = temperature.fitted(*publish.out_of_fold(folds, self.run, self.dataset))
        return self._degree

    def _keys(self, best: Contender) -> tuple[str, ...]:
        """The keys of the winner's seeds."""
        return tuple(done.key for done in self._done(self._retrainings(best)))

    def _saved(self, best: Contender) -> Done | None:
        """The first of the forms that is there; all seeds as one only where they hold the run's limits."""
        limits = self.plan.constraints
        for done in self._done(self._forms(best)):
            if len(done.spec.members) == 1 or not limits.broken(
                done.result.parameters, done.result.latency_ms
            ):
                return done
        return None

    def _look_closer(self, best: Contender) -> bool:
        """Trains the model to be saved and the winner on less data, and shows the winner's augmentation."""
        forms = self._forms(best)
        fits = [*forms[:1], self._preview(best), *self._on_less_data(best)]
        if not self.fits.do("the winner on less data", fits):
            return False
        return self._saved(best) is not None or self.fits.do("the model that is saved", forms[1:])

    def _look_inside(self, best: Contender) -> None:
        """Where the saved model looks in some test images, those of its mistakes before all.

        All else is published by then: a run that is interrupted here is done, and says what it left out.
        """
        images = looked.to_look_into(self.run)
        if not images:
            return
        saved = self._saved(best) or self._done(self._retrainings(best))[0]
        fit = self._fit(best, "occlusion", 0, 0)
        asked = replace(fit, name="occlusion", spec=replace(fit.spec, members=(saved.key,), images=images))
        self.fits.do("where the model looks", [asked])
        for done in self._done([asked]):
            if done.result.output:
                looked.keep(self.run, done.result.output)

    def _done(self, fits: list[Fit]) -> list[Done]:
        found = ((fit, self.fits.result(fit)) for fit in fits)
        return [Done(fit.spec, self.fits.key(fit), result) for fit, result in found if result is not None]

    def _results(self, contenders: list[Contender], ranking: list[dict[str, Any]]) -> Results:
        best = contenders[0]
        return Results(
            contenders={c.name: c for c in contenders},
            epochs={c.name: self._epochs(c) or 0 for c in contenders},
            folds={c.name: self._done(self._on_folds(c)) for c in contenders},
            retrainings={c.name: self._done(self._retrainings(c)) for c in contenders},
            less_data=self._done(self._on_less_data(best)),
            preview=self._done([self._preview(best)]),
            saved=self._saved(best),
            ranking=ranking,
            cut=self._cut(contenders),
            seconds=self.seconds,
        )


def finalists(past: list[PastTrial], count: int) -> list[PastTrial]:
    """The best trials, and the default whatever its rank: it is trained on the fresh folds anyway.

    In simulation that makes a winner worse than the default a third to a half less likely
    (`nox -s bench -- truth`).
    """
    found = study.best(past, count)
    ranks = [trial.number for trial in found]
    every = study.best(past, len(past))
    return [*found, *(trial for trial in every if trial.number == 0 and 0 not in ranks)]


def _trial_name(number: int) -> str:
    """The name of a trial once the search is over: number 0 is the default, and one of the models."""
    return f"trial {number}" if number else "default"


def _by_rounds(rows: list[list[Fit]]) -> list[Fit]:
    """The first of every row, then the second of every row, and so on."""
    longest = max((len(row) for row in rows), default=0)
    return [row[i] for i in range(longest) for row in rows if i < len(row)]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A finalist as JSON has it."""
    return {"params": row["contender"].params, **{k: v for k, v in row.items() if k != "contender"}}


def _why(ranking: list[dict[str, Any]]) -> str:
    """Why the first of the ranked finalists has won, in a sentence."""
    first, *others = ranking
    if not first["folds"]:
        return "best in the search; there was no time for fresh folds"
    folds = f"mean {first['mean']:.4f} on {len(first['folds'])} fresh folds"
    ahead = max(others, key=lambda row: row["search_score"], default=None)
    if ahead is None or ahead["search_score"] <= first["search_score"]:
        return f"{folds}; best in the search as well ({first['search_score']:.4f})"
    return (
        f"{folds}; trial {ahead['trial']} was ahead of it in the search ({ahead['search_score']:.4f} to "
        f"{first['search_score']:.4f}) and has {ahead['mean']:.4f} there"
    )
