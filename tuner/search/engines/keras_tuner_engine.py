"""Trials chosen by Keras Tuner's oracles, recorded in the Optuna study like all others."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tuner.records import Outcome, TrialResult, TrialSpec
from tuner.search.engines.base import UNLIMITED
from tuner.search.engines.hyperband import Hyperband
from tuner.search.engines.journal import is_paused
from tuner.search.engines.oracles import WORST, Grid, Oracle, Run
from tuner.search.engines.study import StudyRecord
from tuner.search.engines.trials import past

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ORACLES = {"hyperband": Hyperband, "bayesian": Oracle, "random": Oracle, "grid": Grid}


class KerasTunerEngine(StudyRecord):
    """Keras Tuner as the engine.

    Each trial of the study keeps in `values` what its oracle drew, and in `runs` the trainings that
    the oracle asked for: one, or with Hyperband one a round. The oracle is rebuilt from them.
    """

    @cached_property
    def _oracle(self) -> Oracle:
        oracle = ORACLES[self._algorithm](self._algorithm, self._space, self._seed, self._epochs)
        trials = self._trials()
        if not trials:
            run = Run(0, self._epochs)
            self._enqueue(self._space.default(), values=oracle.default(), runs=[run.to_json()])
            trials = self._trials()
        told = [
            (run, trial.user_attrs["values"], self._score(trial, run))
            for trial in trials
            for run in _runs(trial)
        ]
        oracle.tell_past(sorted(told, key=lambda each: each[0].id))
        return oracle

    def _score(self, trial: "FrozenTrial", run: Run) -> float | None:
        """The score of a run; None while it is under way."""
        ended = past(trial, self._space)
        if not ended.feasible and not self._runs_on(trial):
            return WORST
        compared = self._scheduler.signal(trial.intermediate_values)
        if compared is not None:
            return compared
        last = _runs(trial)[-1]
        if run.id == last.id and self._runs_on(trial):
            return None
        if run.id == last.id and (ended.outcome == "failed" or ended.score is None):
            return WORST
        return ended.scores.get(run.epochs, ended.score)

    def _runs_on(self, trial: "FrozenTrial") -> bool:
        return not trial.state.is_finished() and not is_paused(trial)

    def ask(self, most: int = UNLIMITED) -> TrialSpec | None:
        """The next trial, or the next round of a paused one; None while there is neither."""
        self.study.sampler = _no_sampler()
        oracle = self._oracle  # the first puts trial 0 into the study
        upcoming = self._upcoming(most)
        if upcoming is not None and upcoming[1]:
            number = upcoming[0]
            return self._start(number, _runs(self._trial(number)))
        start = self._start_of(upcoming[0]) if upcoming is not None else None
        if start is not None:  # trained to its end, as the default is
            values = oracle.values(start.params)
            run = oracle.begin(values)
            self._enqueue(start.params, values=values, runs=[run.to_json()], warm_start=start.run)
            return self._start(self._count - 1, [run])
        while (drawn := oracle.draw(new=upcoming is not None)) is not None:
            run, values = drawn
            if run.past == -1:
                self._enqueue(oracle.params(values), values=values, runs=[run.to_json()])
                return self._start(self._count - 1, [run])
            promoted = self._trial_of(run.past)
            if promoted is not None and is_paused(promoted):
                return self._promote(promoted, run)
            oracle.end(run.id, WORST)  # a place that nobody took, or a trial that failed: it ends here
        return None

    def _trial_of(self, run: int) -> "FrozenTrial | None":
        return next((t for t in self._trials() if any(known.id == run for known in _runs(t))), None)

    def _start(self, number: int, runs: list[Run]) -> TrialSpec:
        return self._begin(number, self._until(runs[-1]))

    def _until(self, run: Run) -> int | None:
        """Where the oracle has a trial wait; None where it leaves that to the scheduler."""
        return run.epochs if run.bracket >= 0 else None

    def _promote(self, trial: "FrozenTrial", run: Run) -> TrialSpec:
        """Begins another round of a paused trial."""
        live = self._live(trial)
        with self._journal.together():
            live.set_user_attr("runs", [each.to_json() for each in [*_runs(trial), run]])
            return self._spec(live, run.epochs)

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended, or paused, and tells the oracle."""
        super().tell(number, result, outcome, where)
        if outcome == "waiting":
            return
        trial = self._trial(number)
        run = _runs(trial)[-1]
        self._oracle.end(run.id, self._score(trial, run) or WORST)

    def put_back(self, number: int) -> None:
        """As with any engine; for the oracle, the place of a new trial remains unused."""
        super().put_back(number)
        if number not in self._paused:
            self._oracle.end(_runs(self._trial(number))[-1].id, WORST)

    def _kept(self, waiting: set[int], most: int) -> list[int]:
        """Those of the paused trials that the scheduler, or the oracle, may go on with."""
        promising = [n for n in waiting if self._oracle.may_continue(_runs(self._trial(n))[-1])]
        return [*super()._kept(waiting, most), *promising]


def _runs(trial: "FrozenTrial") -> list[Run]:
    """The runs of a trial that have begun, or its first."""
    first, *later = [Run(**run) for run in trial.user_attrs["runs"]]
    return [first, *(run for run in later if run.epochs <= trial.user_attrs.get("until", run.epochs))]


def _no_sampler() -> Any:
    """All that is asked for is in the study already."""
    import optuna

    return optuna.samplers.RandomSampler(seed=0)
