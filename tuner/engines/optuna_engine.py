"""Trials chosen by Optuna's samplers, by ask and tell."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.space import Categorical, Float, Int, Parameter, ParamValue, SearchSpace
from tuner import seeds
from tuner.engines.base import Outcome, PastTrial
from tuner.engines.journal import open_study, reset
from tuner.records import EpochReport, TrialResult, TrialSpec

if TYPE_CHECKING:
    import optuna

FAILED = "failed: "
"""Starts the reason of a trial that failed. It is told as pruned, so that the sampler avoids what
failed: TPE ignores failed trials, and goes on proposing the same region."""


class OptunaEngine:
    """Optuna as the engine; also the record of trials that other engines choose."""

    def __init__(
        self, journal: Path, space: SearchSpace, model: str, algorithm: str, seed: int, epochs: int
    ) -> None:
        self.study = open_study(journal)
        self._space = space
        self._model = model
        self._algorithm = algorithm
        self._seed = seed
        self._epochs = epochs
        self._open: dict[int, optuna.Trial] = {}
        if not self.study.get_trials(deepcopy=False):
            default = space.default()
            self.study.enqueue_trial({name: default[name] for name in space.searched()})

    def ask(self) -> TrialSpec:
        """The next trial; interrupted ones come first, under their own number."""
        # A sampler of its own for each trial, seeded by its number, makes what is proposed a
        # function of the seed and the trials before: the same after an interruption.
        number = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = sampler(self._algorithm, seeds.derive(self._seed, "sampler", number))
        trial = self.study.ask()
        self._open[trial.number] = trial
        params = self._suggest(trial)
        trial.set_user_attr("params", params)
        return TrialSpec(
            number=trial.number,
            purpose="trial",
            model=self._model,
            params=params,
            seed=seeds.derive(self._seed, "trial", trial.number),
            split="search",
            fold=0,
            epochs=self._epochs,
        )

    def _suggest(self, trial: "optuna.Trial") -> dict[str, ParamValue]:
        params: dict[str, Any] = {}
        for name, parameter in self._space.searched().items():
            if self._space.is_active(name, params):
                params[name] = suggest(trial, name, parameter)
        return self._space.complete(params)

    def report(self, number: int, report: EpochReport) -> None:
        """Records an epoch."""
        assert report.score is not None
        trial = self._open[number]
        known = self.study.get_trials(deepcopy=False)[number].intermediate_values
        if report.epoch not in known:  # an interrupted trial brings the same epochs again
            trial.report(report.score, report.epoch)

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended."""
        from optuna.trial import TrialState

        trial = self._open.pop(number)
        if outcome == "waiting":
            reset(self.study, number)
            return
        facts = {
            "seconds": result.seconds,
            "worker": where[0],
            "device": where[1],
            "epochs": len(result.epochs),
            "images": sum(report.images for report in result.epochs),
            "parameters": result.parameters,
            "reason": FAILED + result.reason if outcome == "failed" else result.reason,
            "message": result.message,
        }
        for key, value in facts.items():
            trial.set_user_attr(key, value)
        if outcome == "complete":
            self.study.tell(trial, result.score)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a pruned trial has no value yet
            self.study.tell(trial, state=TrialState.PRUNED)

    def note(self, number: int, key: str, value: object) -> None:
        """Records a fact of a running trial."""
        self._open[number].set_user_attr(key, value)

    def past(self) -> list[PastTrial]:
        """The trials that have ended, by number."""
        return [
            _past(trial, self._space)
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished()
        ]


def _past(trial: "optuna.trial.FrozenTrial", space: SearchSpace) -> PastTrial:
    from optuna.trial import TrialState

    facts = trial.user_attrs
    failed = trial.state == TrialState.FAIL or str(facts.get("reason", "")).startswith(FAILED)
    outcome: Outcome = "failed" if failed else "complete" if trial.state == TrialState.COMPLETE else "pruned"
    scores = dict(sorted(trial.intermediate_values.items()))
    last = scores[max(scores)] if scores else None
    return PastTrial(
        number=trial.number,
        outcome=outcome,
        score=trial.value if outcome == "complete" else last,
        params=space.complete(facts.get("params", trial.params)),
        scores=scores,
        epochs=int(facts.get("epochs", 0)),
        images=int(facts.get("images", 0)),
        seconds=float(facts.get("seconds", 0.0)),
    )


def sampler(algorithm: str, seed: int) -> "optuna.samplers.BaseSampler":
    """The Optuna sampler that `--algorithm` names."""
    import optuna

    if algorithm == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed)


def suggest(trial: "optuna.Trial", name: str, parameter: Parameter) -> ParamValue:
    """Draws one parameter."""
    if isinstance(parameter, Categorical):
        choice = trial.suggest_categorical(name, parameter.choices)
        assert choice is not None
        return choice
    if isinstance(parameter, Int):
        return trial.suggest_int(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
    assert isinstance(parameter, Float)
    return trial.suggest_float(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
