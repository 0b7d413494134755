"""Trials chosen by Keras Tuner's oracles, recorded in the Optuna study like all others."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.space import SearchSpace
from tuner.engines.base import UNLIMITED, Outcome, PastTrial
from tuner.engines.hyperband import Hyperband
from tuner.engines.journal import is_paused
from tuner.engines.oracles import WORST, Grid, Oracle, Run
from tuner.engines.record import Record, past
from tuner.records import TrialResult, TrialSpec
from tuner.run_dir import RunDir

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

ORACLES = {"hyperband": Hyperband, "bayesian": Oracle, "random": Oracle, "grid": Grid}


class KerasTunerEngine(Record):
    """Keras Tuner as the engine.

    Each trial of the study keeps in `values` what its oracle drew, and in `runs` the trainings that
    the oracle asked for: one, or with Hyperband one a round. The oracle is rebuilt from them.
    """

    def __init__(
        self, journal: Path, space: SearchSpace, model: str, algorithm: str, seed: int, epochs: int
    ) -> None:
        super().__init__(journal, space, model, seed, epochs)
        self._algorithm = algorithm
        self._directory = RunDir(journal.parent)
        self._remove_checkpoints()

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
        last = _runs(trial)[-1]
        if run.id == last.id and not trial.state.is_finished() and not is_paused(trial):
            return None
        ended = past(trial, self._space)
        if run.id == last.id and (ended.outcome == "failed" or ended.score is None):
            return WORST
        return ended.scores.get(run.epochs, ended.score)

    def ask(self, most: int = UNLIMITED) -> TrialSpec | None:
        """The next trial, or the next round of a paused one; None while there is neither."""
        self.study.sampler = _no_sampler()
        oracle = self._oracle  # the first puts trial 0 into the study
        upcoming = self._upcoming(most)
        if upcoming is not None and upcoming[1]:
            number = upcoming[0]
            return self._start(_runs(self._trials()[number]))
        while (drawn := oracle.draw(new=upcoming is not None)) is not None:
            run, values = drawn
            if run.past == -1:
                self._enqueue(oracle.params(values), values=values, runs=[run.to_json()])
                return self._start([run])
            promoted = self._trial_of(run.past)
            if promoted is not None and is_paused(promoted):
                return self._go_on(promoted, run)
            oracle.end(run.id, WORST)  # a place that nobody took, or a trial that failed: it ends here
        return None

    def _trial_of(self, run: int) -> "FrozenTrial | None":
        return next((t for t in self._trials() if any(known.id == run for known in _runs(t))), None)

    def _start(self, runs: list[Run]) -> TrialSpec:
        return self._begin(runs[-1].epochs, runs[-2].epochs if len(runs) > 1 else 0)

    def _go_on(self, trial: "FrozenTrial", run: Run) -> TrialSpec:
        """Begins another round of a paused trial, which is running as far as the study knows."""
        import optuna

        runs = [*_runs(trial), run]
        live = optuna.trial.Trial(self.study, trial._trial_id)  # noqa: SLF001 - as `ask` makes it
        live.set_user_attr("runs", [each.to_json() for each in runs])
        return self._spec(live, run.epochs, runs[-2].epochs)

    def tell(self, number: int, result: TrialResult, outcome: Outcome, where: tuple[int, str]) -> None:
        """Records how a trial ended, or paused, and tells the oracle."""
        super().tell(number, result, outcome, where)
        if outcome == "waiting":
            return
        trial = self._trials()[number]
        run = _runs(trial)[-1]
        self._oracle.end(run.id, self._score(trial, run) or WORST)
        if outcome != "paused":
            self._remove_checkpoints(number)

    def drop(self, *, everything: bool = False) -> list[PastTrial]:
        """Ends the paused trials that lost their round, or all of them; returns those."""
        paused = [trial for trial in self._trials() if is_paused(trial)]
        lost = [t.number for t in paused if everything or not self._oracle.may_continue(_runs(t)[-1])]
        for number in lost:
            self._prune(number)
            self._remove_checkpoints(number)
        return [past(self._trials()[number], self._space) for number in lost]

    def _remove_checkpoints(self, number: int | None = None) -> None:
        """Removes the state of a trial that has ended, or of all that have."""
        ended = [t.number for t in self._trials() if t.state.is_finished() and number in {None, t.number}]
        for each in ended:
            self._directory.checkpoint(key(each)).unlink(missing_ok=True)
        folder = self._directory.checkpoints
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def key(number: int) -> str:
    """The name of a trial's files."""
    return f"trial-{number}"


def _runs(trial: "FrozenTrial") -> list[Run]:
    return [Run(**run) for run in trial.user_attrs["runs"]]


def _no_sampler() -> Any:
    """All that is asked for is in the study already."""
    import optuna

    return optuna.samplers.RandomSampler(seed=0)
