"""The Optuna study of a run: the one record of trials, whichever engine chooses them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.space import ParamValue, SearchSpace
from tuner import seeds
from tuner.constraints import Constraints
from tuner.records import EpochReport, Outcome, PastTrial, TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.search.engines.journal import frozen, is_paused, open_study, reset, start
from tuner.search.engines.trials import facts, key, past, suggest
from tuner.search.schedulers.base import Scheduler
from tuner.search.warm_start import Start

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from tuner.search.engines import view


NO_LIMITS = Constraints()


class StudyRecord:
    """The part that all engines share: everything but the choice of the next trial.

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
        share: float = 1.0,
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
            share: of the training images that trials are trained on.
        """
        self.study, self._journal = open_study(journal)
        self._directory = RunDir(journal.parent)
        self._space = space
        self._model = model
        self._algorithm = algorithm
        self._seed = seed
        self._scheduler = scheduler
        self._constraints = constraints
        self._starts = starts
        self._share = share
        self._epochs = scheduler.epochs
        self._open: dict[int, optuna.Trial] = {}
        trials = self._trials()
        self._count = len(trials)
        self._waiting = {trial.number for trial in trials if trial.state.name == "WAITING"}
        self._paused = {trial.number for trial in trials if is_paused(trial)}
        self._alike: view.Alike = {}
        self._remove_checkpoints()
        self._opened()

    def _opened(self) -> None:
        """Called once the study is open; engines override it."""

    def _trials(self) -> "list[FrozenTrial]":
        return self.study.get_trials(deepcopy=False)

    def _trial(self, number: int) -> "FrozenTrial":
        return frozen(self.study, number)

    def _upcoming(self, most: int) -> tuple[int, bool] | None:
        """(number of the next trial, whether it is already in the study), None if there are `most`.

        A trial in the study that has not begun was interrupted, or chosen just before a crash.
        """
        waiting = sorted(self._waiting)
        begun = [number for number in waiting if "paused" in self._trial(number).user_attrs]
        if begun:  # it had been chosen to go on
            return begun[0], True
        number = waiting[0] if waiting else self._count
        if self._count - len(waiting) >= most or not self._may_ask(number):
            return None
        return number, bool(waiting)

    def _may_ask(self, number: int) -> bool:
        """Whether all that the next trial is to be chosen by, and compared with, is known."""
        lag = self._scheduler.lag
        before = [other for other in self._waiting | self._open.keys() if lag and other <= number - lag]
        # Of trials that went on, the score to compare them by is known.
        return all("paused" in self._trial(other).user_attrs for other in before)

    def _seen(self, number: int) -> "list[FrozenTrial]":
        """The trials as the sampler sees them."""
        from tuner.search.engines.view import seen

        lag = self._scheduler.lag
        return seen(self._trials(), self._scheduler.signal, number - lag if lag else None, self._alike)

    def _enqueue(self, params: dict[str, ParamValue], **facts: Any) -> None:
        """Puts a trial into the study, in one write, for the next `_begin` to return."""
        searched = self._space.searched()
        used = {name: params[name] for name in searched if self._space.is_active(name, params)}
        self.study.enqueue_trial(used, user_attrs=facts)
        self._waiting.add(self._count)
        self._count += 1

    def _start_of(self, number: int) -> Start | None:
        """The configuration of an earlier run that a trial is to try, if it is one of those."""
        return self._starts[number - 1] if 0 < number <= len(self._starts) else None

    def _begin(self, number: int, until: int | None = None) -> TrialSpec:
        """Begins a trial, a new one or one that is in the study, or goes on with an interrupted one."""
        with self._journal.together():
            if number not in self._waiting:
                self._count += 1
                return self._spec(self.study.ask(), until)
            self._waiting.remove(number)
            return self._spec(self._live(start(self.study, number)), until)

    def _spec(self, trial: "optuna.Trial", until: int | None = None) -> TrialSpec:
        """The work item of a trial, up to where it waits; the scheduler says where, or `until` does."""
        self._open[trial.number] = trial
        self._paused.discard(trial.number)
        params = self._suggest(trial)
        trained = int(self._trial(trial.number).user_attrs.get("paused", 0))
        until = until or self._scheduler.until(trial.number, trained, self._space.relative_cost(params))
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
            share=self._share,
            until=until,
            resume_from=trained,
            validate_every=self._scheduler.validate_every(until),
        )

    def paused(self) -> list[PastTrial]:
        """The trials that wait, by number."""
        return [past(self._trial(number), self._space) for number in sorted(self._paused)]

    def waiting(self) -> dict[int, int]:
        """The epochs that each of them has trained, by number."""
        return {number: int(self._trial(number).user_attrs["paused"]) for number in sorted(self._paused)}

    def interrupted(self) -> list[PastTrial]:
        """The trials that had gone on after a pause when they were interrupted, by number."""
        waiting = (self._trial(number) for number in sorted(self._waiting))
        return [past(trial, self._space) for trial in waiting if "paused" in trial.user_attrs]

    def go_on(self, number: int) -> TrialSpec:
        """Goes on with a paused trial, up to where the scheduler says."""
        with self._journal.together():
            return self._spec(self._live(self._trial(number)))

    def put_back(self, number: int) -> None:
        """Takes back a trial that was asked for and has not begun: it comes again, or waits again."""
        trial = self._open.pop(number)
        if "paused" in trial.user_attrs:
            trial.set_user_attr("until", trial.user_attrs["paused"])
            self._paused.add(number)
        else:
            self._reset(number)

    def _reset(self, number: int) -> None:
        reset(self.study, number)
        self._waiting.add(number)

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
        """Records an epoch, if it has a score."""
        if report.score is None:
            return
        trial = self._open[number]
        known = self._trial(number).intermediate_values
        if report.epoch not in known:  # an interrupted trial brings the same epochs again
            trial.report(report.score, report.epoch)

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended, or paused."""
        trial = self._open.pop(number)
        if outcome == "waiting":
            self._reset(number)
            return
        known = self._trial(number)
        with self._journal.together():
            for name, excess in self._constraints.excesses(result.parameters, result.latency_ms).items():
                if name not in known.constraints:  # what goes on has its own, and so has what a crash cut
                    trial.set_constraint(name, excess)
            for key, value in facts(result, outcome, where, known.user_attrs).items():
                trial.set_user_attr(key, value)
            if outcome == "complete":
                self.study.tell(trial, result.score)
            elif outcome != "paused":
                self._prune(number)
        if outcome == "paused":
            self._paused.add(number)
        else:
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
        if not everything:
            lost = sorted(self._paused.difference(self._kept(self._paused, most))) if self._paused else []
        else:  # also those that had gone on when they were interrupted
            begun = [trial.number for trial in self.interrupted()]
            for number in begun:
                start(self.study, number)
            self._waiting.difference_update(begun)
            lost = sorted([*self._paused, *begun])
        if not lost:
            return []
        with self._journal.together():
            for number in lost:
                self._prune(number)
        for number in lost:
            self._remove_checkpoints(number)
        self._paused.difference_update(lost)
        return [past(self._trial(number), self._space) for number in lost]

    def _kept(self, waiting: set[int], most: int) -> list[int]:
        """Those of the paused trials that may still go on."""
        return self._scheduler.keep(waiting, most)

    def _remove_checkpoints(self, number: int | None = None) -> None:
        """Removes the state of a trial that has ended, or of all that have."""
        folder = self._directory.checkpoints
        if not folder.is_dir():
            return
        trials = self._trials() if number is None else [self._trial(number)]
        for trial in trials:
            if trial.state.is_finished():
                self._directory.checkpoint(key(trial.number)).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

    def past(self) -> list[PastTrial]:
        """The trials that have ended, by number."""
        return [past(trial, self._space) for trial in self._trials() if trial.state.is_finished()]
