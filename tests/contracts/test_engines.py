"""The promises of every engine with every algorithm, with a closed form instead of a training."""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.space import Categorical, Float, Int, SearchSpace
from tuner import registry
from tuner.constraints import REFUSED, Constraints
from tuner.records import EpochReport, PastTrial, TrialResult, TrialSpec
from tuner.search.engines import ALGORITHMS, ENGINES, points
from tuner.search.engines.base import Engine
from tuner.search.engines.oracles import Grid, Oracle
from tuner.search.schedulers.base import Scheduler
from tuner.search.schedulers.screen import Screen
from tuner.search.warm_start import Start

COMBINATIONS = [(engine, algorithm) for engine, algorithms in ALGORITHMS.items() for algorithm in algorithms]
EPOCHS = 9
MOST = 100

SPACE = SearchSpace(
    "toy",
    {
        "width": Int(1, 64, 8, log=True),
        "rate": Float(1e-4, 1e-1, 1e-2, log=True),
        "units": Int(16, 64, 32, log=True, step=8),
        "dropout": Float(0.0, 0.5, 0.2, step=0.05),
        "head": Categorical(("a", "b", "c"), "a"),
        "depth": Int(1, 3, 2, active_if=("head", ("b", "c"))),
        "wide": Categorical((True, False), False, active_if=("depth", (2, 3))),
        "fixed": Float(0.0, 1.0, 0.5, searched=False),
    },
)
SMALL = SearchSpace(
    "small",
    {"head": Categorical(("a", "b"), "b"), "depth": Int(1, 3, 2, active_if=("head", ("b",)))},
)


@pytest.fixture(scope="module", autouse=True)
def _keras() -> None:
    """Other tests of this process train models, which Keras cannot do on the backend of the engine."""
    import keras  # noqa: F401


SLOW = ("keras-tuner", "bayesian")
"""It fits a Gaussian process for each trial."""


@pytest.fixture(
    params=[pytest.param(each, marks=[pytest.mark.slow] * (each == SLOW)) for each in COMBINATIONS],
    ids=["-".join(each) for each in COMBINATIONS],
)
def combination(request: pytest.FixtureRequest) -> tuple[str, str]:
    if request.param == ("optuna", "gp"):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    found: tuple[str, str] = request.param
    return found


def make(
    folder: Path,
    combination: tuple[str, str],
    seed: int = 0,
    space: SearchSpace = SPACE,
    scheduler: Scheduler | None = None,
    constraints: Constraints | None = None,
    starts: Sequence[Start] = (),
) -> Engine:
    folder.mkdir(exist_ok=True)
    engine, algorithm = combination
    made: Engine = registry.resolve(ENGINES[engine])(
        folder / "study.journal",
        space,
        "a:B",
        algorithm,
        seed,
        scheduler or Scheduler(EPOCHS, 100),
        constraints or Constraints(),
        starts,
    )
    return made


def score(params: dict[str, Any], epoch: int) -> float:
    """Rises with the epochs to a best of 1 at width 32, rate 0.003."""
    away = math.log(params.get("width", 32) / 32) ** 2 + math.log(params.get("rate", 0.003) / 0.003) ** 2
    return math.exp(-away / 8) * (1 - 0.5**epoch)


def reports(spec: TrialSpec) -> list[EpochReport]:
    last = spec.until or spec.epochs
    return [
        EpochReport(epoch, 1.0, 0.5, 1.0, value, value, 100, 0.1, 1e-3)
        for epoch in range(spec.resume_from + 1, last + 1)
        for value in [score(spec.params, epoch)]
    ]


def train(engine: Engine, spec: TrialSpec) -> None:
    """Does as the search and a worker between `ask` and the next."""
    epochs = reports(spec)
    for epoch in epochs:
        engine.report(spec.number, epoch)
    if epochs[-1].epoch == spec.epochs:
        engine.tell(spec.number, TrialResult("complete", 1.0, epochs), "complete", (0, "cpu"))
    else:
        engine.tell(spec.number, TrialResult("paused", 1.0, epochs), "paused", (0, "cpu"))
    engine.drop(MOST)


def asked(engine: Engine, most: int) -> Iterator[TrialSpec]:
    while (spec := engine.ask(most)) is not None:
        yield spec


def search(engine: Engine, most: int) -> list[TrialSpec]:
    specs = []
    for spec in asked(engine, most):
        specs.append(spec)
        train(engine, spec)
    return specs


def outcomes(engine: Engine) -> list[tuple[int, str, dict[str, Any], dict[int, float]]]:
    return [(trial.number, trial.outcome, trial.params, trial.scores) for trial in engine.past()]


def check(trial: PastTrial, space: SearchSpace = SPACE) -> None:
    assert space.complete(trial.params) == trial.params
    for name, parameter in space.searched().items():
        value = trial.params[name]
        if isinstance(parameter, Categorical):
            assert any(type(value) is type(choice) and value == choice for choice in parameter.choices)
        else:
            assert isinstance(value, int | float)
            assert parameter.low <= value <= parameter.high
            assert parameter.clamp(value) == pytest.approx(value)
            assert type(value) is (int if isinstance(parameter, Int) else float)
        if not space.is_active(name, trial.params):
            assert value == parameter.default
    assert trial.epochs == len(trial.scores)


def test_a_search_has_as_many_trials_as_asked_the_first_the_default(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    engine = make(tmp_path, combination)
    specs = search(engine, 14)
    past = engine.past()
    assert specs[0].params == SPACE.default()
    assert [trial.number for trial in past] == list(range(14))
    assert past[0].outcome == "complete"
    assert {trial.outcome for trial in past} <= {"complete", "pruned"}
    assert len({points.key(trial.params) for trial in past}) > 10
    for trial in past:
        check(trial)
    search(engine, 17)
    assert len(engine.past()) == 17


def test_the_same_seed_tries_the_same_whether_or_not_it_was_resumed(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    whole = make(tmp_path / "whole", combination)
    search(whole, 16)
    parts = make(tmp_path / "parts", combination)
    count = 0
    while (spec := parts.ask(16)) is not None:
        train(parts, spec)
        count += 1
        if count % 5 == 3:
            parts = make(tmp_path / "parts", combination)
    assert outcomes(parts) == outcomes(whole)
    if combination != ("keras-tuner", "grid"):  # whose order nothing decides
        other = make(tmp_path / "other", combination, seed=1)
        search(other, 8)
        assert [trial.params for trial in other.past()] != [trial.params for trial in whole.past()][:8]


def test_after_a_crash_what_ran_comes_again_under_its_number(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    whole = make(tmp_path / "whole", combination)
    search(whole, 14)
    crashed = make(tmp_path / "crashed", combination)
    for count in range(40):
        spec = crashed.ask(14)
        if spec is None:
            break
        if count % 3 == 1:  # the process ends in the middle of it
            for epoch in reports(spec)[:1]:
                crashed.report(spec.number, epoch)
            crashed = make(tmp_path / "crashed", combination)
            again = crashed.ask(14)
            assert again == spec
            spec = again
        train(crashed, spec)
    assert outcomes(crashed) == outcomes(whole)


def test_several_trials_are_asked_for_before_the_first_ends(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    engine = make(tmp_path, combination)
    running: list[TrialSpec] = []
    begun = set()
    while True:
        while len(running) < 4 and (spec := engine.ask(14)) is not None:
            running.append(spec)
            begun.add(spec.number)
        assert len({spec.number for spec in running}) == len(running)
        if not running:
            break
        train(engine, running.pop(0))
    assert begun == set(range(14))
    assert len(engine.past()) == 14
    assert len({points.key(trial.params) for trial in engine.past()}) > 10


def test_failures_are_recorded_and_the_search_goes_on(combination: tuple[str, str], tmp_path: Path) -> None:
    engine = make(tmp_path, combination)
    for spec in asked(engine, 14):
        if spec.number % 4 == 2 and not spec.resume_from:
            failed = TrialResult("failed", 1.0, reason="nan", message="no number")
            engine.tell(spec.number, failed, "failed", (0, "cpu"))
            engine.drop(MOST)
        else:
            train(engine, spec)
    assert [trial.number for trial in engine.past() if trial.outcome == "failed"] == [2, 6, 10]
    assert sum(trial.outcome == "complete" for trial in engine.past()) >= 2
    assert len(make(tmp_path, combination).past()) == 14


def test_an_interrupted_trial_waits_with_its_number(combination: tuple[str, str], tmp_path: Path) -> None:
    engine = make(tmp_path, combination)
    search(engine, 2)
    spec = engine.ask(3)
    assert spec is not None
    engine.tell(spec.number, TrialResult("stopped", 1.0), "waiting", (0, "cpu"))
    assert len(engine.past()) == 2
    assert engine.ask(3) == spec


@pytest.mark.parametrize("engine", ["optuna", "keras-tuner"])
def test_a_grid_ends_when_every_configuration_was_tried(engine: str, tmp_path: Path) -> None:
    made = make(tmp_path, (engine, "grid"), space=SMALL)
    search(made, 100)
    tried = [points.key(trial.params) for trial in made.past()]
    assert len(tried) == len(set(tried)) == 4
    assert search(make(tmp_path, (engine, "grid"), space=SMALL), 100) == []


def test_hyperband_goes_on_with_the_best_and_sweeps_again(tmp_path: Path) -> None:
    """With 9 epochs a sweep has brackets of 9, 5 and 3 trials: 17, in 23 runs."""
    engine = make(tmp_path, ("keras-tuner", "hyperband"))
    specs = search(engine, 1 + 17 + 9)
    by_number: dict[int, list[TrialSpec]] = {}
    for spec in specs:
        by_number.setdefault(spec.number, []).append(spec)
    assert len(specs) == 1 + 23 + 9 + 3 + 1
    for runs in by_number.values():
        assert [run.resume_from for run in runs] == [0, *(run.until for run in runs[:-1])]
        assert len({(run.seed, points.key(run.params), run.epochs) for run in runs}) == 1
    first = [number for number, runs in by_number.items() if runs[0].until == 1]
    assert len(first) == 18
    best = sorted(first[:9], key=lambda number: -score(by_number[number][0].params, 1))
    assert sorted(number for number in first[:9] if len(by_number[number]) > 1) == sorted(best[:3])
    assert len(by_number[best[0]]) == 3


def test_hyperband_names_a_winner_even_of_a_bracket_cut_short(tmp_path: Path) -> None:
    engine = make(tmp_path, ("keras-tuner", "hyperband"))
    search(engine, 5)
    complete = [trial.number for trial in engine.past() if trial.outcome == "complete"]
    tried = sorted(engine.past()[1:], key=lambda trial: -score(trial.params, 1))
    assert complete == [0, tried[0].number]
    search(engine, 12)  # more were asked for: another bracket begins
    assert len(engine.past()) == 12


def test_what_hyperband_saved_goes_with_the_last_that_can_need_it(tmp_path: Path) -> None:
    engine = make(tmp_path, ("keras-tuner", "hyperband"))
    folder = tmp_path / "checkpoints"
    most = 0
    for spec in asked(engine, 10):
        folder.mkdir(exist_ok=True)
        if spec.until < spec.epochs:
            (folder / f"trial-{spec.number}.npz").write_bytes(b"state")  # as the worker does
        train(engine, spec)
        most = max(most, len(list(folder.iterdir())) if folder.exists() else 0)
    assert most == 9
    assert not folder.exists()


def test_paused_trials_end_with_a_search_that_is_out_of_time(tmp_path: Path) -> None:
    engine = make(tmp_path, ("keras-tuner", "hyperband"))
    for _ in range(6):
        spec = engine.ask(20)
        assert spec is not None
        train(engine, spec)
    assert len(engine.past()) == 1
    assert [trial.number for trial in engine.drop(MOST, everything=True)] == [1, 2, 3, 4, 5]
    assert [trial.outcome for trial in engine.past()] == ["complete"] + ["pruned"] * 5
    again = make(tmp_path, ("keras-tuner", "hyperband"))
    search(again, 20)
    assert len(again.past()) == 20


UNITS = st.floats(0, 1, exclude_max=True)


@given(st.fixed_dictionaries(dict.fromkeys(SPACE.searched(), UNITS)))
def test_both_engines_take_a_point_for_the_same_configuration(point: dict[str, float]) -> None:
    import optuna

    from tuner.search.engines.trials import suggest

    params = oracle().params(point)
    study = optuna.create_study()
    study.enqueue_trial({name: params[name] for name in SPACE.searched() if SPACE.is_active(name, params)})
    trial = study.ask()
    for name, parameter in SPACE.searched().items():
        if SPACE.is_active(name, params):  # Optuna warns of values that its distribution does not have
            assert suggest(trial, name, parameter) == params[name]
    for name, parameter in SPACE.searched().items():
        if SPACE.is_active(name, params) and not isinstance(parameter, Categorical):
            drawn = drawn_by_optuna(trial.distributions[name], point[name])
            assert params[name] == pytest.approx(parameter.clamp(drawn))


def drawn_by_optuna(distribution: Any, u: float) -> Any:
    """The value that Optuna's random sampler makes of a number from 0 to 1."""
    import numpy as np
    from optuna._transform import _SearchSpaceTransform

    transform = _SearchSpaceTransform({"x": distribution})
    low, high = transform.bounds[0]
    return transform.untransform(np.array([low + u * (high - low)]))["x"]


@cache
def oracle() -> Oracle:
    return Oracle("random", SPACE, 0, EPOCHS)


def test_both_engines_draw_from_the_same_distributions(tmp_path: Path) -> None:
    import numpy as np
    from optuna.distributions import IntDistribution
    from scipy.stats import ks_2samp

    chosen = Oracle("random", SPACE, 0, EPOCHS)
    ours = []
    for _ in range(400):
        drawn = chosen.draw(new=True)
        assert drawn is not None
        ours.append(chosen.params(drawn[1]))
    units = np.random.default_rng(0).random(400)
    widths = [drawn_by_optuna(IntDistribution(1, 64, log=True), u) for u in units]
    assert ks_2samp([params["width"] for params in ours], widths).pvalue > 0.01
    rates = np.log([float(params["rate"]) for params in ours])
    assert (
        ks_2samp(rates, np.random.default_rng(1).uniform(math.log(1e-4), math.log(1e-1), 400)).pvalue > 0.01
    )


def test_both_grids_have_the_same_values() -> None:
    whole = {points.key(params) for params in points.grid(SMALL, 0)}
    grid = Grid("grid", SMALL, 0, EPOCHS)
    places = [{"head": 0.0}, *({"head": 1.0, "depth": float(i)} for i in range(3))]
    assert {points.key(grid.params(place)) for place in places} == whole


SCREENED = [each for each in COMBINATIONS if each != ("keras-tuner", "hyperband")]


def screened(engine: Engine, scheduler: Scheduler, most: int, stop_after: int = MOST) -> bool:
    """A search that has all its trials wait, then goes on with the best; False if it was cut short."""
    for _ in range(stop_after):
        spec = engine.ask(most)
        if spec is None:
            kept = scheduler.keep({trial.number for trial in engine.paused()}, most)
            if not kept:
                return True
            spec = engine.go_on(kept[0])
        for report in reports(spec):
            assert report.score is not None
            engine.report(spec.number, report)
            scheduler.report(spec.number, report.epoch, report.score)
        done = reports(spec)[-1].epoch >= scheduler.end
        state: Any = "complete" if done else "paused"
        engine.tell(spec.number, TrialResult(state, 1.0, reports(spec)), state, (0, "cpu"))
        engine.drop(most)
    return False


@pytest.mark.parametrize("combination", SCREENED, ids="-".join)
def test_screened_trials_wait_and_the_best_go_on_from_there(
    combination: tuple[str, str], tmp_path: Path
) -> None:
    if combination == ("optuna", "gp"):
        pytest.importorskip("torch", reason="PyTorch is not installed")

    def fresh(folder: str) -> tuple[Engine, Scheduler]:
        scheduler = Screen(EPOCHS, 100)
        engine = make(tmp_path / folder, combination, scheduler=scheduler)
        for trial in [*engine.past(), *engine.paused()]:
            for epoch, value in trial.scores.items():
                scheduler.report(trial.number, epoch, value)
        return engine, scheduler

    whole, scheduler = fresh("whole")
    assert screened(whole, scheduler, 14)
    past = whole.past()
    complete = [trial.number for trial in past if trial.outcome == "complete"]
    best = [trial.number for trial in sorted(past, key=lambda trial: -trial.scores[2])]
    assert complete == sorted({0, *best[:6]})
    for trial in past:
        check(trial)
        assert trial.epochs == (4 if trial.number in complete else 2)
    while not screened(*fresh("parts"), 14, stop_after=3):
        pass
    assert outcomes(fresh("parts")[0]) == outcomes(whole)


LIMIT = Constraints(max_parameters=20)
"""A model has as many parameters as its width, at which it is also the better the wider: 32 is best."""


def limited(engine: Engine, most: int, constraints: Constraints, stop_after: int = MOST) -> bool:
    """A search in which models that are too wide are refused; False if it was cut short."""
    for _ in range(stop_after):
        spec = engine.ask(most)
        if spec is None:
            return True
        width = int(spec.params["width"])
        if constraints.broken(width, None) and spec.number and not spec.resume_from:
            result = TrialResult("refused", 0.1, reason=REFUSED, message="too wide", parameters=width)
            engine.tell(spec.number, result, "pruned", (0, "cpu"))
        else:
            epochs = reports(spec)
            for report in epochs:
                engine.report(spec.number, report)
            done = epochs[-1].epoch == spec.epochs
            state: Any = "complete" if done else "paused"
            result = TrialResult(state, 1.0, epochs, parameters=width)
            engine.tell(spec.number, result, state, (0, "cpu"))
        engine.drop(MOST)
    return False


def test_refused_trials_are_pruned_and_told_by_how_much(combination: tuple[str, str], tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", combination, constraints=LIMIT)
    assert limited(whole, 14, LIMIT)
    past = whole.past()
    assert [trial.number for trial in past] == list(range(14))
    for trial in past:
        width = int(trial.params["width"])
        assert trial.excess == pytest.approx(max(0.0, width / 20 - 1))
        assert trial.feasible == (width <= 20)
        assert trial.parameters == width
        if not trial.feasible:
            assert (trial.outcome, trial.scores) == ("pruned", {})
    while not limited(make(tmp_path / "parts", combination, constraints=LIMIT), 14, LIMIT, stop_after=4):
        pass
    assert outcomes(make(tmp_path / "parts", combination, constraints=LIMIT)) == outcomes(whole)


@pytest.mark.parametrize("algorithm", ["tpe", "cmaes"])
def test_the_sampler_keeps_away_from_what_was_refused(algorithm: str, tmp_path: Path) -> None:
    """The best width is 32, and 20 allowed: without a limit, the search goes there."""
    engine = make(tmp_path / "limited", ("optuna", algorithm), constraints=LIMIT)
    limited(engine, 60, LIMIT)
    free = make(tmp_path / "free", ("optuna", algorithm))
    limited(free, 60, Constraints())

    def wide(chosen: Engine) -> int:
        return sum(int(trial.params["width"]) > 20 for trial in chosen.past()[-30:])

    assert wide(engine) <= 15
    assert wide(free) >= 20


STARTS = [
    Start("one", SPACE.complete({"width": 32, "rate": 3e-3, "head": "b", "depth": 3, "wide": True}), 0.0),
    Start("other", SPACE.complete({"width": 5, "rate": 0.05, "dropout": 0.45}), 1.5),
]


def test_warm_starts_come_right_after_the_default(combination: tuple[str, str], tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", combination, starts=STARTS)
    specs = search(whole, 14)
    assert [spec.params for spec in specs[:3]] == [SPACE.default(), *(start.params for start in STARTS)]
    past = whole.past()
    assert [trial.outcome for trial in past[:3]] == ["complete"] * 3  # also with Keras Tuner's Hyperband
    assert len({points.key(trial.params) for trial in past}) > 10
    for trial in past:
        check(trial)
    count = 0
    while (spec := (parts := make(tmp_path / "parts", combination, starts=STARTS)).ask(14)) is not None:
        train(parts, spec)
        count += 1
        if count > MOST:
            pytest.fail("never ends")
    assert outcomes(parts) == outcomes(whole)


@pytest.mark.parametrize("engine", ["optuna", "keras-tuner"])
def test_a_grid_goes_around_its_warm_starts(engine: str, tmp_path: Path) -> None:
    params = [SMALL.complete({"head": "a"}), SMALL.complete({"depth": 3})]
    starts = [Start("one", params[0], 0.0), Start("other", params[1], 0.0)]
    made = make(tmp_path, (engine, "grid"), space=SMALL, starts=starts)
    search(made, 100)
    tried = [points.key(trial.params) for trial in made.past()]
    assert len(tried) == len(set(tried)) == 4
