"""Keras Tuner's oracles, driven without its tuner and given trials that they did not choose.

They choose a number from 0 to 1 for each searched parameter, so that they draw from the same
distributions as Optuna; a grid, the place among the values that Optuna's grid has of it.
"""

import functools
import os
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from search_spaces.parameters import Condition
from search_spaces.space import ParamValue, SearchSpace
from tuner import seeds
from tuner.search.engines import points

SCORE = "score"
WORST = 0.0
"""The score given for a failed trial: oracles learn nothing from failures, and Hyperband waits for
ever for those that have failed."""

RANDOM_FIRST = 10
"""Trials at random before the Gaussian process; Keras Tuner's own 3 a parameter would be whole searches."""

Values = dict[str, float]


@dataclass(frozen=True)
class Run:
    """One training that an oracle asked for. Hyperband asks for several of one trial.

    Attributes:
        id: in the order of asking, from 0.
        epochs: to train up to.
        bracket: of Hyperband, counted over all its sweeps; -1 for none.
        round: in its bracket.
        past: the run that it continues; -1 for none.
    """

    id: int
    epochs: int
    bracket: int = -1
    round: int = 0
    past: int = -1

    def to_json(self) -> dict[str, int]:
        """As the study keeps it."""
        return asdict(self)


def keras_tuner() -> ModuleType:
    """Keras Tuner, on Keras' NumPy backend: without TensorFlow in 5 s instead of 9, and half the memory."""
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "numpy"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import keras_tuner as module
    finally:  # workers get this environment, with the backend that was chosen for them
        os.environ.pop("KERAS_BACKEND")
        if before is not None:
            os.environ["KERAS_BACKEND"] = before
    found: ModuleType = module
    return found


class Oracle:
    """An oracle that draws by numbers: what it asks next is a function of its seed and the runs before."""

    def __init__(self, algorithm: str, space: SearchSpace, seed: int, epochs: int) -> None:
        self.module = keras_tuner()
        self.space = space
        self.seed = seed
        self.epochs = epochs
        self.kt: Any = self._make(algorithm)
        self.kt.verbose = 0
        # All that lasts is in the study.
        self.kt.save = self.kt._save_trial = lambda *_: None  # noqa: SLF001

    def _make(self, algorithm: str) -> Any:
        oracles = self.module.oracles
        if algorithm == "bayesian":
            return oracles.BayesianOptimizationOracle(
                **self._common(), max_trials=None, num_initial_points=RANDOM_FIRST
            )
        return oracles.RandomSearchOracle(**self._common(), max_trials=None)

    def _common(self) -> dict[str, Any]:
        return {
            "objective": self.module.Objective(SCORE, "max"),
            "hyperparameters": self._hyperparameters(),
            "seed": max(1, seeds.derive(self.seed, "oracle")),  # 0 would mean none
            "max_consecutive_failed_trials": 10**9,
        }

    def _hyperparameters(self) -> Any:
        found = self.module.HyperParameters()
        for name, u in points.default(self.space).items():
            found.Float(name, 0.0, 1.0, default=u)
        return found

    def default(self) -> Values:
        """The values of the space's own configuration."""
        return self.values(self.space.default())

    def values(self, params: Mapping[str, ParamValue]) -> Values:
        """The values that stand for a configuration, or for the nearest that there are values of."""
        return {name: self.space.to_unit(name, params[name]) for name in self.space.searched()}

    def params(self, values: Values) -> dict[str, ParamValue]:
        """The configuration that values of the oracle stand for."""
        return points.at(self.space, values)

    def tell_past(self, past: list[tuple[Run, Values, float | None]]) -> None:
        """Tells of runs, by their id, with their scores; None for those that are under way."""
        for run, values, score in past:
            while len(self.kt.trials) < run.id:  # ids of runs that never began
                name = f"none-{len(self.kt.trials)}"
                self.kt.trials[name] = self._trial(name, {}, "FAILED")
            self._add(run.id, values)
            if score is not None:
                self.end(run.id, score)

    def begin(self, values: Values) -> Run:
        """Tells of a run that somebody else chose, which is trained to its end."""
        run = Run(len(self.kt.trials), self.epochs)
        self._add(run.id, values)
        return run

    def _add(self, run: int, values: Values) -> None:
        name = _name(run)
        trial = self.kt.trials[name] = self._trial(name, values, "RUNNING")
        self.kt.start_order.append(name)
        self.kt.ongoing_trials[name] = trial
        self.kt._record_values(trial)  # noqa: SLF001 - no public way

    def _trial(self, name: str, values: Values, status: str) -> Any:
        hyperparameters = self.kt.get_space()
        hyperparameters.values = dict(values)
        return self.module.engine.trial.Trial(hyperparameters, trial_id=name, status=status)

    def draw(self, *, new: bool) -> tuple[Run, Values] | None:
        """The next run, None when there is none yet, or no more.

        Args:
            new: whether it may be of a configuration that was not tried.
        """
        drawn = self._create() if new else None
        return None if drawn is None else (Run(int(drawn.trial_id), self.epochs), _values(drawn))

    def _create(self) -> Any:
        number = len(self.kt.trials)
        self.kt._seed_state = seeds.derive(self.seed, "draw", number)  # noqa: SLF001 - a function of the number
        if hasattr(self.kt, "_random_state"):
            self.kt._random_state.seed(self.kt._seed_state)  # noqa: SLF001
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # also scikit-learn's, on fits that do not converge
            trial = self.kt.create_trial(_name(number))
        return trial if trial.status == "RUNNING" else None

    def end(self, run: int, score: float) -> None:
        """Tells the oracle how a run ended; a second time for the same run changes nothing."""
        trial = self.kt.trials[_name(run)]
        if trial.status == "COMPLETED":
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its locks use names that Python has renamed
            self.kt.update_trial(trial.trial_id, {SCORE: score}, step=self.epochs)
            trial.status = "COMPLETED"
            self.kt.end_trial(trial)

    def may_continue(self, run: Run) -> bool:
        """Whether the oracle may ask for more epochs of an ended run."""
        return False


class Grid(Oracle):
    """Keras Tuner's grid: starting at the default, the last parameter varied first."""

    def _make(self, algorithm: str) -> Any:
        return self.module.oracles.GridSearchOracle(**self._common())

    def _hyperparameters(self) -> Any:
        self._levels = {name: points.levels(p) for name, p in self.space.searched().items()}
        found = self.module.HyperParameters()
        for name, place in self._places(self.space.default()).items():
            with ExitStack() as scopes:
                for parent, values in self._conditions(name):
                    places = [i for i, value in enumerate(self._levels[parent]) if value in values]
                    scopes.enter_context(found.conditional_scope(parent, places))
                found.Choice(name, list(range(len(self._levels[name]))), default=place)
        return found

    def _conditions(self, name: str) -> list[Condition]:
        """The conditions of a parameter, that of its outermost parent first; only on what varies."""
        condition = self.space.parameters[name].active_if
        if condition is None or condition[0] not in self._levels:
            return []
        return [*self._conditions(condition[0]), condition]

    def values(self, params: Mapping[str, ParamValue]) -> Values:
        """The places that are nearest to a configuration; what is not used there is at its default."""
        places, default = self._places(params), self._places(self.space.default())
        nearest = self.params(places)
        return {n: place if self.space.is_active(n, nearest) else default[n] for n, place in places.items()}

    def _places(self, params: Mapping[str, ParamValue]) -> Values:
        found: Values = {}
        for name, u in super().values(params).items():
            distances = [abs(self.space.to_unit(name, value) - u) for value in self._levels[name]]
            found[name] = distances.index(min(distances))
        return found

    def params(self, values: Values) -> dict[str, ParamValue]:
        """The configuration at places of the grid."""
        return self.space.complete({name: self._levels[name][int(place)] for name, place in values.items()})

    def tell_past(self, past: list[tuple[Run, Values, float | None]]) -> None:
        """Also brings the runs into the order of the grid."""
        super().tell_past(past)
        self._sort()

    def begin(self, values: Values) -> Run:
        """Also brings it into that order, so that the grid goes around it."""
        run = super().begin(values)
        self._sort()
        return run

    def _sort(self) -> None:
        trials = self.kt.trials.items()
        values = {n: trial.hyperparameters.values for n, trial in trials if not n.startswith("none")}
        self.kt._ordered_ids = type(self.kt._ordered_ids)()  # noqa: SLF001

        def compare(one: str, other: str) -> int:
            return int(self.kt._compare(values[one], values[other]))  # noqa: SLF001

        for name in sorted(values, key=functools.cmp_to_key(compare)):
            self.kt._ordered_ids.insert(name)  # noqa: SLF001

    def _create(self) -> Any:
        # The oracle waits for the end of a trial, which might bring new parameters; ours never do.
        self.kt._populate_next = list(self.kt.trials)  # noqa: SLF001
        return super()._create()


def _name(run: int) -> str:
    """The id as the oracle writes it when it has no limit of trials."""
    return f"{run:04d}"


def _values(trial: Any) -> Values:
    return {n: v for n, v in trial.hyperparameters.values.items() if not n.startswith("tuner/")}
