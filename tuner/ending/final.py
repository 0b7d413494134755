"""The end of a run: finalists on fresh folds, everyone retrained alike, the test split read once."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tuner.datasets.base import Dataset
from tuner.ending import finalists, fine_tuning, looked, publish
from tuner.ending.contenders import Contender, default, in_order, winner
from tuner.ending.cuts import left_out
from tuner.ending.finalists import Finalist, trial_name
from tuner.ending.fits import Fit, Fits
from tuner.ending.forms import Forms
from tuner.ending.results import Results
from tuner.ending.trainings import (
    FOLDS,
    Plan,
    Trainings,
    by_rounds,
)
from tuner.errors import RunError
from tuner.records import PastTrial
from tuner.registry import resolve
from tuner.run_dir import RunDir
from tuner.search.engines.journal import name_winner

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
    ranked: Callable[[list[Finalist]], None]
    seconds: dict[str, float] = field(default_factory=dict)
    _untried: str = ""

    def __post_init__(self) -> None:
        self.trainings = Trainings(self.plan, self.fits)

    def do(self) -> bool:
        """Runs the end of the run; returns False when the user interrupted it. Finished trainings are kept.

        Raises:
            RunError: no trial completed, or the winner could not be retrained.
        """
        chosen = finalists.chosen(self.past, self.plan.finalists)
        if not chosen:
            raise RunError(
                self.plan.constraints.hopeless(self.past)
                or "no trial ran to its end, so there is no winner\na larger --budget or --trials would help"
            )
        baselines = [default(self.plan.space, self.plan.model), *self.plan.baselines]
        for trial in self.past:
            training = (trial.seconds - trial.starting) / max(1, trial.epochs)
            self.fits.pace[trial_name(trial.number)] = training / self.plan.share
            self.fits.starting[trial_name(trial.number)] = trial.starting
        began = time.monotonic()
        entered = [Finalist(trial, self._of_trial(trial)) for trial in chosen]
        self.trainings.entered = [each.contender for each in entered]
        if not self._folds(baselines):
            return False
        ranking = self._ranked(entered)
        if ranking is None:
            return False
        self.seconds["finalists"] = time.monotonic() - began
        self.ranked(ranking)
        best = self._winner(ranking[0].contender)
        forms = Forms(best, self.trainings, self.dataset)
        began = time.monotonic()
        if not (self._retrain([best, *baselines]) and self._look_closer(forms)):
            return False
        self.seconds["retraining"] = time.monotonic() - began
        publish.write(self._results(forms, baselines, ranking), self.run, self.dataset)
        name_winner(self.run.journal, ranking[0].trial.number, finalists.why(ranking))
        self._look_inside(forms)
        return True

    def _of_trial(self, trial: PastTrial) -> Contender:
        found = winner(self.plan.space, self.plan.model, trial.number, trial.params)
        return replace(found, name=trial_name(trial.number))

    def _winner(self, found: Contender) -> Contender:
        for known in (self.fits.pace, self.fits.starting):
            known["tuned"] = known.get(found.name, 0.0)
        return replace(found, name="tuned")

    def _folds(self, baselines: list[Contender]) -> bool:
        """Fold by fold, so that a deadline leaves all of them with the same folds.

        Without a deadline a slot that has no fold left begins with the retrainings of the default, which are
        needed whoever wins.
        """
        of, entered = self.trainings.on_folds, self.trainings.entered
        wanted = self.trainings.wanted([*entered, *baselines])
        of_finalists = by_rounds([of(finalist) for finalist in entered])
        first = [of(each)[:1] for each in (*entered, *baselines)]
        everything = by_rounds(first) + of_finalists + by_rounds([of(baseline) for baseline in baselines])
        deadline = self.fits.deadline()
        if deadline is None:
            spare = self.trainings.whoever_wins(baselines[0])
            return self.fits.do("finalists and baselines on fresh folds", everything, None, wanted, spare)
        start = self.fits.clock()
        left = deadline - start
        latest = deadline - MARGIN * self._winner_seconds(entered)
        end = max(start, min(start + FOLDS_SHARE * left, latest))
        return self.fits.do(
            "finalists on fresh folds", of_finalists, start + FINALISTS_SHARE * left, wanted
        ) and self.fits.do("finalists and baselines on fresh folds", everything, end, wanted)

    def _winner_seconds(self, entered: Sequence[Contender]) -> float:
        """Seconds that the retraining of the slowest finalist takes; 0 where nothing is known."""
        pace, starting = self.fits.pace, self.fits.starting
        return max(
            pace.get(each.name, 0.0) * self.plan.final_epochs + starting.get(each.name, 0.0)
            for each in entered
        )

    def _ranked(self, entered: list[Finalist]) -> list[Finalist] | None:
        """All finalists, best first, and among them the best one fine-tuned; None when interrupted."""
        ranking = self._ranking(entered)
        first = ranking[0]
        tuned = self._fine_tuned(first.contender) if first.folds else None
        if tuned is None:
            return ranking
        fits = self.trainings.on_folds(tuned)
        if not self.fits.do("fine-tuning on fresh folds", fits):
            return None
        whole = len(self.fits.found(fits)) == len(fits)
        return self._ranking([*entered, Finalist(first.trial, tuned)]) if whole else ranking

    def _ranking(self, entered: list[Finalist]) -> list[Finalist]:
        names = {each.contender.name: self.trainings.on_folds(each.contender) for each in entered}
        return finalists.ranked(
            entered, {n: [self.fits.result(f) for f in fits] for n, fits in names.items()}
        )

    def _fine_tuned(self, best: Contender) -> Contender | None:
        """The second stage of a finalist, if it has one and the time allows it."""
        family = resolve(self.plan.model)
        tuned = fine_tuning.further(best, self.plan.space, family) if self.plan.fine_tune else None
        if tuned is None or all(self.fits.result(fit) is not None for fit in self.trainings.on_folds(tuned)):
            return tuned
        deadline, workers = self.fits.deadline(), max(1, len(self.fits.executor.free()))
        most = fine_tuning.allowed(None if deadline is None else deadline - self.fits.clock())
        epoch = fine_tuning.epoch_seconds(tuned, family, self.dataset)
        if epoch is None:
            return None
        needed = epoch * fine_tuning.EPOCHS * (FOLDS + self.plan.seeds) / workers
        if needed > most:
            self._untried = fine_tuning.not_tried(needed, most, budget=deadline is not None)
            return None
        self.fits.pace[tuned.name] = epoch
        return tuned

    def _retrain(self, contenders: list[Contender]) -> bool:
        """Seed by seed, the winner first, then the others as `in_order` has them.

        Without a deadline all of it will be done, and that on less data too: then the longest come first.
        """
        best, *others = contenders
        self._hold_budget(best)
        fits = {contender.name: self.trainings.retrainings(contender) for contender in contenders}
        scores = self.trainings.first_scores(others)
        seconds = {name: self.fits.expected(rows[0]) if rows else 0.0 for name, rows in fits.items()}
        ordered = [best, *in_order(others, scores, seconds)]
        rounds = by_rounds([fits[contender.name] for contender in ordered])
        everything = [*rounds, *self._on_less_data(best)]
        missing = {self.fits.key(fit) for fit in everything if self.fits.result(fit) is None}
        self.fits.display.end_planned(len(missing))
        if self.fits.deadline() is None:
            rounds = self.fits.longest_first(everything)
        if not self.fits.do("retraining", rounds):
            return False
        self._check_winner(fits[best.name][0])
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
        first, pace = self.trainings.retrainings(best)[0], self.fits.pace.get("tuned", 0.0)
        deadline = self.fits.deadline()
        if deadline is None or not pace or self.fits.result(first) is not None:
            return
        room = deadline - self.fits.clock() - self.fits.starting.get("tuned", 0.0)
        fitting = max(LEAST_EPOCHS, math.floor(room / (MARGIN * pace)))
        if fitting < first.spec.epochs:
            self.trainings.winner_epochs = fitting

    def _look_closer(self, forms: Forms) -> bool:
        """Makes the model to be saved, and does what is not done of its augmentation and less data."""
        saved = forms.fits()
        fits = [*saved[:1], self._preview(forms.best), *self._on_less_data(forms.best)]
        if not self.fits.do("a closer look at the winner", fits):
            return False
        return forms.saved() is not None or self.fits.do("the model that is saved", saved[1:])

    def _preview(self, best: Contender) -> Fit:
        return self.trainings.beside(best, "preview", "augmentation")

    def _on_less_data(self, best: Contender) -> list[Fit]:
        return self.trainings.on_less_data(best, sum(trial.epochs for trial in self.past))

    def _look_inside(self, forms: Forms) -> None:
        """Where the saved model looks in some test images, those of its mistakes before all.

        All else is published by then: a run that is interrupted here is done, and says what it left out.
        """
        images = looked.to_look_into(self.run)
        if not images:
            return
        saved = forms.saved() or self.fits.found(self.trainings.retrainings(forms.best))[0]
        fit = self.trainings.beside(forms.best, "occlusion", "occlusion")
        asked = replace(fit, spec=replace(fit.spec, members=(saved.key,), images=images))
        self.fits.do("where the model looks", [asked])
        for done in self.fits.found([asked]):
            if done.result.output:
                looked.keep(self.run, done.result.output)

    def _results(self, forms: Forms, baselines: Sequence[Contender], ranking: list[Finalist]) -> Results:
        best, of, found = forms.best, self.trainings, self.fits.found
        contenders = [best, *baselines]
        return Results(
            contenders={c.name: c for c in contenders},
            epochs={c.name: of.epochs(c) or 0 for c in contenders},
            folds={c.name: found(of.on_folds(c)) for c in contenders},
            retrainings={c.name: found(of.retrainings(c)) for c in contenders},
            less_data=found(self._on_less_data(best)),
            preview=found([self._preview(best)]),
            saved=forms.saved(),
            ranking=ranking,
            cut=[*self._cut(contenders), *forms.too_large()],
            seconds=self.seconds,
        )

    def _cut(self, contenders: list[Contender]) -> list[str]:
        """A sentence for each thing that was left out, was shortened or failed."""
        of, sentences = self.trainings, []
        if of.winner_epochs is not None:
            sentences.append(
                f"to hold the budget, the winner was retrained for {of.winner_epochs} epochs instead of "
                f"{self.plan.final_epochs}"
            )
        cut = [fit for fit in self.fits.cut if self.fits.result(fit) is None]
        planned = {c.name: (len(of.on_folds(c)), of.seeds(c)) for c in contenders}
        sentences += left_out(self.fits, cut, planned, FOLDS, self.plan.share)
        if of.far:
            sentences.append(of.told_of_far())
        return [*sentences, self._untried] if self._untried else sentences
