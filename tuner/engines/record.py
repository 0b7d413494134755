"""The Optuna study of a run: the one record of trials, whichever engine chooses them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.space import Categorical, Float, Int, Parameter, ParamValue, SearchSpace
from tuner import seeds
from tuner.constraints import Constraints
from tuner.engines.base import Outcome, PastTrial
from tuner.engines.journal import is_paused, open_study, reset
from tuner.records import EpochReport, TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.schedulers.base import Scheduler
from tuner.warm_start import Start

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

FAILED = "failed: "
"""Starts the reason of a trial that failed. It is told as pruned, so that the sampler avoids what
failed: TPE ignores failed trials, and goes on proposing the same region."""


NO_LIMITS = Constraints()
_OUTCOMES: dict[str, Outcome] = {"COMPLETE": "complete", "PRUNED": "pruned"}


class Record:
    """What every engine does alike: all but the choice of what is tried next.

    Attributes:
        study: in the run's journal.
    """

    def __init__(
        self,
        journal: Path,
        space: SearchSpace,
        model: str,
        algorithm: str,
        seed: int,
        scheduler: Scheduler,
        constraints: Constraints = NO_LIMITS,
        starts: Sequence[Start] = (),
    ) -> None:
        """Opens the study, or begins it.

        Args:
            journal: the file that keeps it, in the run directory.
            space: what may vary.
            model: reference of the family that is built.
            algorithm: how the trials are chosen; one of the engine's.
            seed: of the run.
            scheduler: says how far a trial is trained before it is compared.
            constraints: what a model must hold; the sampler learns by how much each breaks them.
            starts: configurations to try right after the default, always the same of one study.
        """
        self.study = open_study(journal)
        self._directory = RunDir(journal.parent)
        self._space = space
        self._model = model
        self._algorithm = algorithm
        self._seed = seed
        self._scheduler = scheduler
        self._constraints = constraints
        self._starts = starts
        self._epochs = scheduler.epochs
        self._open: dict[int, optuna.Trial] = {}
        self._remove_checkpoints()

    def _trials(self) -> "list[FrozenTrial]":
        return self.study.get_trials(deepcopy=False)

    def _upcoming(self, most: int) -> tuple[int, bool] | None:
        """(number of the next trial, whether it is already in the study), None if there are `most`.

        A trial in the study that has not begun was interrupted, or chosen just before a crash.
        """
        trials = self._trials()
        waiting = [trial for trial in trials if trial.state.name == "WAITING"]
        begun = [trial.number for trial in waiting if "paused" in trial.user_attrs]
        if begun:  # it had been chosen to go on
            return begun[0], True
        if len(trials) - len(waiting) >= most or not self._may_ask(trials, waiting):
            return None
        return (waiting[0].number, True) if waiting else (len(trials), False)

    def _may_ask(self, trials: "list[FrozenTrial]", waiting: "list[FrozenTrial]") -> bool:
        """Whether all that the next trial is to be chosen by, and compared with, is known."""
        number = waiting[0].number if waiting else len(trials)
        known = trials[: max(0, number - self._scheduler.lag + 1)] if self._scheduler.lag else []
        return all(trial.state.is_finished() or is_paused(trial) for trial in known)

    def _seen(self, number: int) -> "list[FrozenTrial]":
        """The trials as the choice of one is to see them."""
        from tuner.engines.view import seen

        lag = self._scheduler.lag
        return seen(self._trials(), self._scheduler.common, number - lag if lag else None)

    def _enqueue(self, params: dict[str, ParamValue], **facts: Any) -> None:
        """Puts a trial into the study, in one write, for the next `_begin` to return."""
        searched = self._space.searched()
        used = {name: params[name] for name in searched if self._space.is_active(name, params)}
        self.study.enqueue_trial(used, user_attrs=facts)

    def _start_of(self, number: int) -> Start | None:
        """The configuration of an earlier run that a trial is to try, if it is one of those."""
        return self._starts[number - 1] if 0 < number <= len(self._starts) else None

    def _begin(self, until: int | None = None) -> TrialSpec:
        """Begins the trial that comes next in the study, or goes on with one that was interrupted."""
        return self._spec(self.study.ask(), until)

    def _spec(self, trial: "optuna.Trial", until: int | None = None) -> TrialSpec:
        """The work item of a trial, up to where it waits; the scheduler says where, or `until` does."""
        self._open[trial.number] = trial
        params = self._suggest(trial)
        trained = int(trial.user_attrs.get("paused", 0))
        until = until or self._scheduler.until(trial.number, trained)
        trial.set_user_attr("params", params)
        trial.set_user_attr("until", until)
        return TrialSpec(
            number=trial.number,
            purpose="trial",
            model=self._model,
            params=params,
            seed=seeds.derive(self._seed, "trial", trial.number),
            split="search",
            fold=0,
            epochs=self._epochs,
            until=until,
            resume_from=trained,
        )

    def paused(self) -> list[PastTrial]:
        """The trials that wait, by number."""
        return [past(trial, self._space) for trial in self._trials() if is_paused(trial)]

    def go_on(self, number: int) -> TrialSpec:
        """Goes on with a paused trial, up to where the scheduler says."""
        return self._spec(self._live(self._trials()[number]))

    def _live(self, trial: "FrozenTrial") -> "optuna.Trial":
        """A trial that is running as far as the study knows, as `ask` makes it."""
        import optuna

        return optuna.trial.Trial(self.study, trial._trial_id)  # noqa: SLF001

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
        known = self._trials()[number].intermediate_values
        if report.epoch not in known:  # an interrupted trial brings the same epochs again
            trial.report(report.score, report.epoch)

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended, or paused."""
        trial = self._open.pop(number)
        if outcome == "waiting":
            reset(self.study, number)
            return
        known = self._trials()[number].constraints  # what goes on has its own, and so has what a crash cut
        for name, excess in self._constraints.excesses(result.parameters, result.latency_ms).items():
            if name not in known:
                trial.set_constraint(name, excess)
        for key, value in _facts(result, outcome, where, trial.user_attrs).items():
            trial.set_user_attr(key, value)
        if outcome == "paused":
            return
        if outcome == "complete":
            self.study.tell(trial, result.score)
        else:
            self._prune(number)
        self._remove_checkpoints(number)

    def _prune(self, number: int) -> None:
        from optuna.trial import TrialState

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a pruned trial has no value yet
            self.study.tell(number, state=TrialState.PRUNED)

    def note(self, number: int, key: str, value: object) -> None:
        """Records a fact of a running trial."""
        self._open[number].set_user_attr(key, value)

    def drop(self, most: int, *, everything: bool = False) -> list[PastTrial]:
        """Ends the paused trials that cannot go on any more, or all of them; returns those."""
        waiting = {trial.number for trial in self._trials() if is_paused(trial)}
        lost = sorted(waiting if everything else waiting.difference(self._kept(waiting, most)))
        for number in lost:
            self._prune(number)
            self._remove_checkpoints(number)
        return [past(self._trials()[number], self._space) for number in lost]

    def _kept(self, waiting: set[int], most: int) -> list[int]:
        """Those of the paused trials that may still go on."""
        return self._scheduler.keep(waiting, most)

    def _remove_checkpoints(self, number: int | None = None) -> None:
        """Removes the state of a trial that has ended, or of all that have."""
        folder = self._directory.checkpoints
        if not folder.is_dir():
            return
        ended = [t.number for t in self._trials() if t.state.is_finished() and number in {None, t.number}]
        for each in ended:
            self._directory.checkpoint(key(each)).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

    def past(self) -> list[PastTrial]:
        """The trials that have ended, by number."""
        return [past(trial, self._space) for trial in self._trials() if trial.state.is_finished()]


def key(number: int) -> str:
    """The name of a trial's files."""
    return f"trial-{number}"


def _facts(
    result: TrialResult, outcome: Outcome, where: tuple[int, str], before: dict[str, Any]
) -> dict[str, Any]:
    """What is recorded of a trial, added to what it took before a pause."""
    earlier = before if "paused" in before else {}
    facts: dict[str, Any] = {
        "seconds": earlier.get("seconds", 0.0) + result.seconds,
        "worker": where[0],
        "device": where[1],
        "epochs": earlier.get("epochs", 0) + len(result.epochs),
        "images": earlier.get("images", 0) + sum(report.images for report in result.epochs),
        "parameters": result.parameters,
        "reason": FAILED + result.reason if outcome == "failed" else result.reason,
        "message": result.message,
    }
    if result.latency_ms is not None:
        facts["latency_ms"] = result.latency_ms
    # Last: with it the trial counts as paused after a crash, and the other facts are there then.
    return {**facts, "paused": result.epochs[-1].epoch} if outcome == "paused" else facts


def past(trial: "FrozenTrial", space: SearchSpace) -> PastTrial:
    """A trial of the study that has ended, or waits, as a plain record."""
    from optuna.trial import TrialState

    facts = trial.user_attrs
    failed = trial.state == TrialState.FAIL or str(facts.get("reason", "")).startswith(FAILED)
    outcome: Outcome = "failed" if failed else _OUTCOMES.get(trial.state.name, "paused")
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
        parameters=int(facts.get("parameters", 0)),
        latency_ms=facts.get("latency_ms"),
        excess=sum(each for each in trial.constraints.values() if each > 0),
    )


def suggest(trial: "optuna.Trial", name: str, parameter: Parameter) -> ParamValue:
    """Draws one parameter, or takes the value that was put into the study for it."""
    if isinstance(parameter, Categorical):
        choice = trial.suggest_categorical(name, parameter.choices)
        assert choice is not None
        return choice
    if isinstance(parameter, Int):
        return trial.suggest_int(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
    assert isinstance(parameter, Float)
    return trial.suggest_float(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
