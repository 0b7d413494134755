"""Trials chosen by Optuna's samplers, by ask and tell, and by points of the space's unit cube."""

from typing import TYPE_CHECKING

from tuner import seeds
from tuner.records import TrialSpec
from tuner.search.engines import evolution, points
from tuner.search.engines.base import UNLIMITED
from tuner.search.engines.study import StudyRecord
from tuner.search.engines.trials import past

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


class OptunaEngine(StudyRecord):
    """Optuna as the engine."""

    def _opened(self) -> None:
        """Puts the default into a new study; the grid is the same at each opening."""
        self._grid = points.grid(self._space, seeds.derive(self._seed, "grid"))
        if not self._trials():
            self._enqueue(self._space.default())

    def ask(self, most: int = UNLIMITED) -> TrialSpec | None:
        """The next trial, None when there are `most`, or when a grid is exhausted."""
        from tuner.search.engines import view

        upcoming = self._upcoming(most)
        if upcoming is None:
            return None
        number, known = upcoming
        if not known and not self._propose(number):
            return None
        # A sampler of its own for each trial, seeded by its number, makes what is proposed a
        # function of the seed and the trials before: the same after an interruption.
        chosen = sampler(self._algorithm, seeds.derive(self._seed, "sampler", number))
        self.study.sampler = view.Seeing(chosen, self._seen(number), self._space)
        return self._begin(number)

    def _propose(self, number: int) -> bool:
        """Puts the next point into the study; False when there is none. Samplers draw theirs later."""
        start = self._start_of(number)
        if start is not None:
            self._enqueue(start.params, warm_start=start.run)
        elif self._algorithm == "grid":
            tried = {points.key(past(trial, self._space).params) for trial in self._trials()}
            untried = next((params for params in self._grid if points.key(params) not in tried), None)
            if untried is None:
                return False
            self._enqueue(untried)
        elif self._algorithm == "qmc":
            index = number - 1 - len(self._starts)
            point = points.sobol(self._space, seeds.derive(self._seed, "qmc"), index)
            self._enqueue(points.at(self._space, point))
        elif self._algorithm == "cmaes":
            point, generation = evolution.propose(self._space, self._seed, number, self._individuals(number))
            self._enqueue(points.at(self._space, point), point=point, generation=generation)
        return True

    def _individuals(self, number: int) -> list[evolution.Individual]:
        return [
            evolution.Individual(
                trial.user_attrs["generation"], trial.user_attrs["point"], self._fitness(trial)
            )
            for trial in self._seen(number)
            if trial.state.is_finished() and "generation" in trial.user_attrs
        ]

    def _fitness(self, trial: "FrozenTrial") -> tuple[float, ...]:
        """Too large ones are the worst, by how much; then failed, then stopped ones; then by score."""
        ended = past(trial, self._space)
        if not ended.feasible:
            return (-ended.excess, 0.0)
        if ended.outcome == "failed" or ended.score is None:
            return (0.0, 0.0)
        if ended.outcome == "complete":
            return (float(self._epochs), ended.score)
        return (float(max(ended.scores)), ended.score)


def sampler(algorithm: str, seed: int) -> "optuna.samplers.BaseSampler":
    """The Optuna sampler that `--algorithm` names; any will do where all is put into the study."""
    import optuna

    if algorithm == "tpe":
        return optuna.samplers.TPESampler(seed=seed)
    if algorithm == "gp":
        return optuna.samplers.GPSampler(seed=seed, warn_independent_sampling=False)
    return optuna.samplers.RandomSampler(seed=seed)
