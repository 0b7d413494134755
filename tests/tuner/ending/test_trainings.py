"""How many trainings each model has, by what is known of it on the first fresh fold."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tests.helpers.simulated import scored
from tests.tuner.ending.test_spare import Slots
from tuner.display import Display
from tuner.ending.contenders import Contender, default
from tuner.ending.fits import Fits
from tuner.ending.trainings import Plan, Trainings
from tuner.run_dir import RunDir

SPACE = FAMILY.space(Task((8, 8, 1), 10, 1000))


def baseline(name: str) -> Contender:
    return Contender(name, "baseline", "", f"a:{name}", {}, early_stopping=True)


def trained(path: Path, scores: dict[str, float], seeds: int = 5) -> Trainings:
    """The default is the only finalist, with 0.9 on the first fold; baselines by name."""
    slots = Slots()
    out = Display(Console(quiet=True))
    fits = Fits(RunDir(path / "run"), "", path / "cache", slots, out, lambda: False, slots.clock)
    first = default(SPACE, "a:B")
    others = [baseline(name) for name in scores]
    found = Trainings(Plan(SPACE, "a:B", others, 0, seeds, 1, 4, 4), fits, [first])
    for each, score in ((first, 0.9), *zip(others, scores.values(), strict=True)):
        fit = found.on_folds(each)[0]
        fits.run.save_fit(fits.key(fit), scored(score))
    return found


@pytest.mark.parametrize(
    ("scores", "folds", "seeds"),
    [
        ({"close": 0.8, "closer": 0.89}, [3, 3], [5, 5]),
        ({"strongest": 0.7, "other": 0.69}, [1, 1], [3, 2]),
        ({"strongest": 0.64, "other": 0.3}, [1, 1], [3, 2]),
    ],
)
def test_who_cannot_change_an_answer_is_trained_less(
    tmp_path: Path, scores: dict[str, float], folds: list[int], seeds: list[int]
) -> None:
    found = trained(tmp_path, scores)
    baselines = [baseline(name) for name in scores]
    assert [len(found.on_folds(each)) for each in baselines] == folds
    assert [found.seeds(each) for each in baselines] == seeds
    assert found.seeds(default(SPACE, "a:B")) == 5


@pytest.mark.parametrize(
    ("seeds", "scores", "told"),
    [
        (5, {"a": 0.7, "b": 0.6}, " and from 2 seeds at most: `a` (the strongest baseline, 3 seeds), `b`"),
        (5, {"a": 0.8, "b": 0.6}, " and from 2 seeds at most: `b`"),
        (2, {"a": 0.7, "b": 0.6}, ": `a`, `b`"),
    ],
)
def test_what_is_said_of_baselines_far_behind_is_so(
    tmp_path: Path, seeds: int, scores: dict[str, float], told: str
) -> None:
    assert trained(tmp_path, scores, seeds).told_of_far().endswith(f"trained on that one alone{told}")


def test_which_epochs_are_validated_makes_no_training_another(tmp_path: Path) -> None:
    found = trained(tmp_path, {"close": 0.8})
    fit = found.on_folds(default(SPACE, "a:B"))[0]
    other = replace(fit, spec=replace(fit.spec, validate_every=7))
    assert found.fits.key(other) == found.fits.key(fit)
