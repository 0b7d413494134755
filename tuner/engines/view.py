"""The study as a sampler is to see it."""

import copy
from collections.abc import Container
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def seen(trials: list[FrozenTrial], common: int | None, upto: int | None) -> list[FrozenTrial]:
    """What is known of trials when the next one is chosen.

    Args:
        trials: of the study.
        common: an epoch at which every trial is scored. Where there is one, the score there counts
            for all, whether they wait there, ended there or went on: what is compared is alike.
        upto: the highest number of which anything is known; None for all.
    """
    known = [trial for trial in trials if upto is None or trial.number <= upto]
    return [_scored_at(trial, common) for trial in known] if common else known


def _scored_at(trial: FrozenTrial, epoch: int) -> FrozenTrial:
    if epoch not in trial.intermediate_values or trial.state == TrialState.FAIL:
        return trial
    alike = copy.copy(trial)
    alike.state = TrialState.COMPLETE
    alike.value = trial.intermediate_values[epoch]
    return alike


class Seeing(optuna.samplers.BaseSampler):
    """A sampler that is shown other trials than the study has."""

    def __init__(self, sampler: optuna.samplers.BaseSampler, trials: list[FrozenTrial]) -> None:
        self._sampler = sampler
        self._trials = trials
        self._drawn: set[str] = set()

    def _shown(self, study: optuna.Study) -> Any:
        return _Shown(study, self._trials)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Any:
        """As the sampler does."""
        return self._sampler.infer_relative_search_space(self._shown(study), trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        """As the sampler does."""
        drawn = self._sampler.sample_relative(self._shown(study), trial, search_space)
        self._drawn.update(drawn)
        return drawn

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
        return drawn


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
