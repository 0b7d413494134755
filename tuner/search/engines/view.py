"""The study as a sampler is to see it."""

import copy
from collections.abc import Callable, Container, Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from search_spaces.space import SearchSpace
from tuner.search.engines.trials import failed

Signal = Callable[[Mapping[int, float]], float | None]


Alike = dict[int, tuple[FrozenTrial, FrozenTrial]]
"""By number, a trial and what was made of it: a study is seen again and again, its trials change seldom."""


def seen(trials: list[FrozenTrial], signal: Signal, upto: int | None, alike: Alike) -> list[FrozenTrial]:
    """The trials as they are known when the next one is chosen.

    Args:
        trials: of the study.
        signal: what trials are compared by, of the scores of one by epoch. Where it has a value,
            that counts, whether the trial waits, ended there or went on: what is compared is alike.
        upto: the highest number of which anything is known; None for all.
        alike: what was made of trials before; added to.
    """
    known = [trial for trial in trials if upto is None or trial.number <= upto]
    for trial in known:
        if trial.number not in alike or alike[trial.number][0] is not trial:
            alike[trial.number] = (trial, _compared(trial, signal(trial.intermediate_values)))
    return [alike[trial.number][1] for trial in known]


def _compared(trial: FrozenTrial, value: float | None) -> FrozenTrial:
    if value is None or failed(trial):  # however well that one did before
        return trial
    alike = copy.copy(trial)
    alike.state = TrialState.COMPLETE
    alike.value = value
    return alike


class Seeing(optuna.samplers.BaseSampler):
    """A sampler that is shown other trials than the study has, and draws values that are searched."""

    def __init__(
        self, sampler: optuna.samplers.BaseSampler, trials: list[FrozenTrial], space: SearchSpace
    ) -> None:
        self._sampler = sampler
        self._trials = trials
        self._space = space
        self._drawn: set[str] = set()

    def _shown(self, study: optuna.Study) -> Any:
        return _Shown(study, self._trials)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Any:
        """As the sampler does."""
        return self._sampler.infer_relative_search_space(self._shown(study), trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        """As the sampler does, brought to the nearest values that are searched."""
        drawn = self._sampler.sample_relative(self._shown(study), trial, search_space)
        self._drawn.update(drawn)
        return {name: self._space.get(name).clamp(value) for name, value in drawn.items()}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """As the sampler does, once it has drawn again what a crash interrupted, to come out the same."""
        self._drawn.update(trial.system_attrs.get("fixed_params", {}))
        before = {
            name: each
            for name, each in trial.distributions.items()
            if name not in self._drawn and not each.single()
        }
        for name, distribution in [*before.items(), (param_name, param_distribution)]:
            self._drawn.add(name)
            drawn = self._sampler.sample_independent(self._shown(study), trial, name, distribution)
        return self._space.get(param_name).clamp(drawn)


class _Shown:
    """A study, but for its trials."""

    def __init__(self, study: optuna.Study, trials: list[FrozenTrial]) -> None:
        self._study = study
        self._shown = trials

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    @property
    def trials(self) -> list[FrozenTrial]:
        return self._shown

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return [trial for trial in self._shown if states is None or trial.state in states]

    def _get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None, use_cache: bool = False
    ) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)
