"""The model that is saved: all the winner's seeds as one, or its first seed's, with its temperature."""

from dataclasses import dataclass, replace
from functools import cached_property

from tuner.datasets.base import Dataset
from tuner.ending.contenders import Contender
from tuner.ending.fits import Done, Fit
from tuner.ending.results import out_of_fold
from tuner.ending.trainings import Trainings
from tuner.training import temperature


@dataclass
class Forms:
    """The forms in which a winner may be saved."""

    best: Contender
    trainings: Trainings
    dataset: Dataset

    def fits(self) -> list[Fit]:
        """The models that may be saved, the first choice first.

        All seeds as one; then the first seed's model, where it has a temperature and so is not saved as it
        was trained.
        """
        fits, plan = self.trainings.fits, self.trainings.plan
        keys = tuple(done.key for done in fits.found(self.trainings.retrainings(self.best)))
        several = len(keys) > 1 and not plan.single
        forms = [(keys, temperature.of_mean(self._temperature))] if several else []
        forms += [(keys[:1], self._temperature)] if self._temperature != 1 else []
        fit = self.trainings.beside(self.best, "ensemble", "ensemble")
        return [
            replace(fit, spec=replace(fit.spec, save=True, members=members, temperature=of_these))
            for members, of_these in forms
        ]

    @cached_property
    def _temperature(self) -> float:
        """Of one model: fitted on the fresh folds, as models predict them that were not trained on them."""
        fits = self.trainings.fits
        folds = fits.found(self.trainings.on_folds(self.best))
        return temperature.fitted(*out_of_fold(folds, fits.run, self.dataset)) if folds else 1.0

    def saved(self) -> Done | None:
        """The first of the forms that is there; all seeds as one only if within the run's limits."""
        limits = self.trainings.plan.constraints
        for done in self.trainings.fits.found(self.fits()):
            if len(done.spec.members) == 1 or not limits.broken(
                done.result.parameters, done.result.latency_ms
            ):
                return done
        return None

    def too_large(self) -> list[str]:
        """Why one model is saved where the limits of the run refuse all seeds as one."""
        plan = self.trainings.plan
        several = [form for form in self.fits() if len(form.spec.members) > 1]
        found = [done.result for done in self.trainings.fits.found(several)]
        broken = [plan.constraints.broken(one.parameters, one.latency_ms) for one in found]
        return [f"one model is saved, not the {plan.seeds} seeds as one: {why}" for why in broken if why]
