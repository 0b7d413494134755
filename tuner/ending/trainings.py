"""Which trainings each model has at the end of a run: on fresh folds, from several seeds, on less data."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.constraints import Constraints
from tuner.ending.contenders import Contender, strongest
from tuner.ending.finalists import in_the_race
from tuner.ending.fits import Fit, Fits
from tuner.records import Purpose, TrialSpec

FOLDS = 3
"""Fresh folds on which finalists and baselines are trained."""

HALF = 0.5
"""Share of the duplicate groups on which the winner is trained to see whether more data would help."""

POINTS = 10
"""Of a learning curve on a fresh fold, at least, where the epochs are as many."""

LOOK_CLOSER = 20
"""That takes at most one in so many of the run's epochs (but is done on one fold in any case)."""

FAR_BEHIND = 0.15
"""A baseline that scores so much less than the best finalist on the first fresh fold cannot turn the verdict:
a difference between two models on one fold has a standard deviation of some 0.05 (seeds 0.03 each)."""

FEW_SEEDS = 2
STRONGEST_SEEDS = 3
"""Retrainings of such a baseline: two, so that their noise shows, and three of the strongest baseline, which
the report's first sentence names: with two the interval of its difference is half as wide again, or more,
and 24 points of test accuracy were once not distinguishable."""

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
class Trainings:
    """The trainings of each model.

    Attributes:
        fits: those that are done.
        entered: the finalists as they were searched.
        winner_epochs: of the winner's retraining, where a budget allows it fewer than planned.
    """

    plan: Plan
    fits: Fits
    entered: Sequence[Contender] = ()
    winner_epochs: int | None = None

    @property
    def far(self) -> frozenset[str]:
        """Names of the baselines that the best finalist leaves far behind on the first fold.

        They have one fold and few seeds. Decided by validation images alone, so that what is tested later
        is not chosen by its test.
        """
        return frozenset(each.name for each in self.plan.baselines if self._behind(each) > FAR_BEHIND)

    def told_of_far(self) -> str:
        """A sentence on them."""
        fewer = f" and from {FEW_SEEDS} seeds at most" if self.plan.seeds > FEW_SEEDS else ""
        notes = {self.strongest: f" (the strongest baseline, {STRONGEST_SEEDS} seeds)"} if fewer else {}
        names = ", ".join(f"`{name}`{notes.get(name, '')}" for name in sorted(self.far))
        return (
            f"more than {100 * FAR_BEHIND:.0f} points behind the best finalist on the first fresh fold, "
            f"and so trained on that one alone{fewer}: {names}"
        )

    def _behind(self, contender: Contender) -> float:
        """By how much the best finalist is ahead on the first fold; NaN while that is not known."""
        scores = [score for each in self.entered if not math.isnan(score := self.first_score(each))]
        return max(scores, default=math.nan) - self.first_score(contender)

    @property
    def strongest(self) -> str:
        """Name of the strongest baseline; "" while it is not known."""
        return strongest(self.plan.baselines, self.first_scores(self.plan.baselines))

    def of(self, contender: Contender, purpose: Purpose, index: int = 0, epochs: int = 0) -> Fit:
        """Fold or seed `index` of a contender. Equal ones get equal seeds, whoever asks."""
        retrain = purpose == "retrain"
        spec = TrialSpec(
            number=0,  # a training gets its own when it is done
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

    def beside(self, best: Contender, purpose: Purpose, name: str) -> Fit:
        """A task of a worker on the winner other than training, displayed as `name`."""
        return replace(self.of(best, purpose), name=name)

    def on_folds(self, contender: Contender) -> list[Fit]:
        """The trainings on fresh folds that may still change an answer, as far as is known."""
        return self._first_folds(contender, self._folds(contender))

    def _first_folds(self, contender: Contender, folds: int) -> list[Fit]:
        epochs = (contender.epochs or self.plan.epochs) if contender.neural else 1
        purpose: Purpose = "baseline" if contender.early_stopping else "finalist"
        # Where nothing is decided by them, validations are for the learning curves alone.
        every = 1 if contender.early_stopping else max(1, epochs // POINTS)
        fits = [self.of(contender, purpose, fold, epochs) for fold in range(folds)]
        return [replace(fit, spec=replace(fit.spec, validate_every=every)) for fit in fits]

    def _folds(self, contender: Contender) -> int:
        """On how many: all, unless it is a finalist that fell behind or a baseline that is far behind."""
        if contender.reference:
            return 0
        if contender.name in {each.name for each in self.entered}:
            return self._race()[contender.name]
        return 1 if contender.name in self.far else FOLDS

    def _race(self) -> dict[str, int]:
        """Folds of each finalist."""
        fits = {each.name: self._first_folds(each, FOLDS) for each in self.entered}
        return in_the_race({name: [self.fits.result(fit) for fit in found] for name, found in fits.items()})

    def wanted(self, contenders: Sequence[Contender]) -> Callable[[Fit], bool]:
        """Tells of a training on a fold whether it may still change an answer."""
        by_name = {contender.name: contender for contender in contenders}
        return lambda fit: fit.spec.fold < self._folds(by_name[fit.name])

    def first_score(self, contender: Contender) -> float:
        """Of its best epoch on the first fold; NaN if there is none, as that compares as not less."""
        first = [] if contender.reference else self._first_folds(contender, 1)
        result = self.fits.result(first[0]) if first else None
        score = result.epochs[result.best_epoch - 1].score if result and result.epochs else None
        return math.nan if score is None else score

    def first_scores(self, contenders: Sequence[Contender]) -> dict[str, float]:
        """`first_score` of each, by name."""
        return {contender.name: self.first_score(contender) for contender in contenders}

    def epochs(self, contender: Contender) -> int | None:
        """Epochs of a retraining: the schedule's, or the median of those chosen on validation data."""
        if not contender.neural:
            return 1
        if not contender.early_stopping:
            shortened = self.winner_epochs if contender.kind == "winner" else None
            return shortened or contender.epochs or self.plan.final_epochs
        chosen = [done.result.best_epoch for done in self.fits.found(self.on_folds(contender))]
        return math.floor(statistics.median(chosen)) if chosen else None

    def retrainings(self, contender: Contender) -> list[Fit]:
        """On all training images, seed by seed."""
        epochs = self.epochs(contender)
        if epochs is None:  # no fold was trained, so that its epochs are not known
            return []
        return [self.of(contender, "retrain", i, epochs) for i in range(self.seeds(contender))]

    def whoever_wins(self, default: Contender) -> list[Fit]:
        """The retrainings of the default, with their models, as it may be the winner."""
        fits = enumerate(self.retrainings(default))
        return [
            replace(fit, spec=replace(fit.spec, save=not (index and self.plan.single))) for index, fit in fits
        ]

    def seeds(self, contender: Contender) -> int:
        """How many retrainings there are to be."""
        if not contender.neural:
            return 1
        if contender.name not in self.far and not contender.reference:
            return self.plan.seeds
        return min(STRONGEST_SEEDS if contender.name == self.strongest else FEW_SEEDS, self.plan.seeds)

    def on_less_data(self, best: Contender, searched: int) -> list[Fit]:
        """The winner on half the groups for as many steps, on the folds that a small share of time allows.

        Args:
            best: the winner.
            searched: epochs that the search trained.
        """
        if self.plan.share < 1:
            return []
        fits = self.on_folds(best)
        trained = searched + sum(fit.spec.epochs for fit in (*fits, *self.retrainings(best)))
        # An epoch of fine-tuning takes as long as many of a head.
        folds = 1 if best.fine_tuned else max(1, trained // (LOOK_CLOSER * fits[0].spec.epochs))
        return [
            replace(
                fit,
                spec=replace(fit.spec, share=HALF, epochs=round(fit.spec.epochs / HALF)),
                label=f"{best.name} on half the data",
            )
            for fit in fits[:folds]
        ]


def by_rounds(rows: Sequence[Sequence[Fit]]) -> list[Fit]:
    """The first of every row, then the second of every row, and so on."""
    longest = max((len(row) for row in rows), default=0)
    return [row[i] for i in range(longest) for row in rows if i < len(row)]
