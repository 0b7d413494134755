"""The better score of finished trials for TPE when a search goes on: first rung's signal, or final score.

While a search of `screen` is under way no trial is finished before all are chosen, so that only an
extended study (a larger `--trials`) knows final scores of some trials while it chooses others. Random
configurations are trained to their end once, by the command line itself; between them the curves are
interpolated. Searches are then replayed: some trials, screened to the end, and as many again, chosen by
TPE with the one or the other value.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray

from reports.facts.journal import read_trials
from search_spaces import SEARCH_SPACES
from search_spaces.family import Task
from search_spaces.space import ParamValue, SearchSpace
from tests.benchmarks.replay import complete, data_dir, some_of_mnist
from tuner import datasets, registry
from tuner.datasets.base import DataOptions
from tuner.search.engines.trials import suggest
from tuner.search.schedulers.screen import Screen

FOLDER = Path("bench/extension").absolute()
EPOCHS = 10
FIRST, MORE = 20, 20
REPLAYS = 400
NEAREST = 4
NOISE = 0.005
"""Of a score: standard deviation from seed to seed."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Landscape:
    """Learning curves over a search space, interpolated between those that were trained.

    Attributes:
        space: of the configurations.
        points: (n, parameters) in the unit cube.
        curves: (n, epochs) validation scores.
        steps: an epoch.
    """

    space: SearchSpace
    points: Floats
    curves: Floats
    steps: int

    def curve(self, params: dict[str, ParamValue]) -> Floats:
        """The expected scores of a configuration, by epoch."""
        apart = np.linalg.norm(self.points - point(self.space, params), axis=1)
        near = np.argsort(apart)[:NEAREST]
        weights = 1 / (apart[near] + 0.05)
        found: Floats = weights @ self.curves[near] / weights.sum()
        return found


def point(space: SearchSpace, params: dict[str, ParamValue]) -> Floats:
    """Where a configuration lies in the unit cube; what is not used, in the middle."""
    return np.array(
        [
            space.to_unit(name, params[name]) if space.is_active(name, params) else 0.5
            for name in space.searched()
        ]
    )


def searched(landscape: Landscape, seed: int, *, final: bool) -> float:
    """The true final score of the winner of an extended search.

    Args:
        landscape: what is searched.
        seed: of all that is drawn; the same for both ways.
        final: whether finished trials are told with their final score, not with their first rung's signal.
    """
    rng = np.random.default_rng(seed)
    sampler = optuna.samplers.TPESampler(seed=seed)
    screen = Screen(EPOCHS, landscape.steps)
    true: list[Floats] = []
    scores: list[dict[int, float]] = []
    value: dict[int, float] = {}
    ended: dict[int, float] = {}
    frozen: list[optuna.trial.FrozenTrial] = []
    for upto in (FIRST, FIRST + MORE):
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for number, trial in enumerate(frozen):
            trial.value = ended.get(number, value[number]) if final else value[number]
            study.add_trial(trial)
        while len(true) < upto:
            number = len(true)
            params: dict[str, ParamValue] = {}
            if not number:
                study.enqueue_trial({n: landscape.space.default()[n] for n in landscape.space.searched()})
            asked = study.ask()
            for name, parameter in landscape.space.searched().items():
                if landscape.space.is_active(name, params):
                    params[name] = suggest(asked, name, parameter)
            curve = landscape.curve(landscape.space.complete(params))
            noisy = curve + NOISE * rng.standard_normal(EPOCHS)
            true.append(curve)
            scores.append({epoch: float(noisy[epoch - 1]) for epoch in range(1, EPOCHS + 1)})
            for epoch in range(1, screen.until(number, 0) + 1):
                screen.report(number, epoch, scores[-1][epoch])
            signal = screen.signal(scores[-1])
            assert signal is not None
            value[number] = signal
            study.tell(asked, signal)
        frozen = study.get_trials(deepcopy=True)
        _finish(screen, scores, ended, upto)
    return float(true[max(ended, key=lambda number: ended[number])][-1])


def _finish(screen: Screen, scores: Sequence[dict[int, float]], ended: dict[int, float], trials: int) -> None:
    """Trains those that go on, to where the search ends."""
    trained = {number: screen.until(number, 0) for number in range(trials) if number not in ended}
    while kept := screen.keep(trained, trials):
        number = kept[0]
        until = screen.until(number, trained[number])
        for epoch in range(trained[number] + 1, until + 1):
            screen.report(number, epoch, scores[number][epoch])
        trained[number] = until
        if until >= screen.end:
            ended[number] = scores[number][until]
            del trained[number]


def landscape_of(run: Path, dataset: str, where: Path) -> Landscape:
    """The random configurations that a run has trained to the end."""
    data = datasets.load(dataset, DataOptions(where, datasets.default_cache_dir(), download=False))
    traits, images = data.traits, len(data.train_labels)
    task = Task(data.image_shape, data.classes, images, traits.augmentation, traits.flips)
    space = registry.resolve(SEARCH_SPACES["cnn"]).space(task)
    rows = [trial for trial in read_trials(run / "study.journal") if trial.state.name == "COMPLETE"]
    rows = [trial for trial in rows if len(trial.intermediate_values) == EPOCHS]
    points = np.array([point(space, space.complete(trial.user_attrs["params"])) for trial in rows])
    curves = np.array([[trial.intermediate_values[e] for e in range(1, EPOCHS + 1)] for trial in rows])
    return Landscape(space, points, curves, round(0.8 * images) // int(space.default()["batch_size"]))


def train(dataset: str, where: Path, trials: int, filters: str) -> Path:
    """Trains random configurations to their ends, without the end of the run; what is done stays."""
    run = FOLDER / dataset
    if complete(run) < trials:
        options = ["--trials", str(trials), "--epochs", str(EPOCHS), "--set", f"filters={filters}:log"]
        random = ["--algorithm", "random", "--pruner", "none", "--seed", "1", "--workers", "1", "--plain"]
        shortest = ["--finalists", "1", "--seeds", "1", "--baselines", "none"]
        place = ["--data-dir", str(where), "--out", str(FOLDER)]
        command = [sys.executable, "-m", "tuner.cli", dataset, *options, *random, *shortest, *place]
        subprocess.run(command, stdout=sys.stderr, check=True)
    return run


def run() -> dict[str, object]:
    """Trains what is not there, replays, and prints."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sys.stdout.write("| data | first rung's signal | final score | difference |\n|---|---|---|---|\n")
    found: dict[str, object] = {}
    for dataset, trials, filters in (("digits", 89, "4..16"), ("mnist", 58, "6..10")):
        where = some_of_mnist(data_dir(), FOLDER) if dataset == "mnist" else data_dir()
        landscape = landscape_of(train(dataset, where, trials, filters), dataset, where)
        found[dataset] = compared(dataset, landscape)
    return found


def compared(name: str, landscape: Landscape) -> dict[str, float]:
    """Regret of both, and their paired difference with its standard error."""
    best = max(float(landscape.curve(params)[-1]) for params in _many(landscape.space))
    regret = best - np.array(
        [[searched(landscape, seed, final=final) for final in (False, True)] for seed in range(REPLAYS)]
    )
    apart = regret[:, 1] - regret[:, 0]
    error = float(apart.std(ddof=1) / np.sqrt(REPLAYS))
    signal, final = (float(column) for column in regret.mean(axis=0))
    sys.stdout.write(f"| {name} | {signal:.4f} | {final:.4f} | {apart.mean():+.4f} ± {error:.4f} |\n")
    return {"signal": signal, "final": final, "difference": float(apart.mean()), "error": error}


def _many(space: SearchSpace) -> list[dict[str, ParamValue]]:
    from tuner.search.engines import points

    rng = np.random.default_rng(0)
    drawn = rng.random((2000, len(space.searched())))
    return [points.at(space, dict(zip(space.searched(), row, strict=True))) for row in drawn]
