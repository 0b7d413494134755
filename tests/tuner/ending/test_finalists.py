"""Finalists on fresh folds: who is trained on the next one, and who leads."""

from tests.helpers.simulated import contender, scored, trial
from tuner.ending.finalists import Finalist, in_the_race, ranked
from tuner.records import TrialResult


def results(**scores: list[float | None]) -> dict[str, list[TrialResult | None]]:
    """By name, where "trial_3" stands for "trial 3"."""
    return {
        name.replace("_", " "): [None if score is None else scored(score) for score in found]
        for name, found in scores.items()
    }


def test_who_falls_behind_is_trained_on_no_other_fold() -> None:
    on = in_the_race(
        results(trial_1=[0.90, None, None], trial_2=[0.86, None, None], trial_3=[0.84, None, None])
    )
    assert on == {"trial 1": 3, "trial 2": 3, "trial 3": 1}
    on = in_the_race(
        results(trial_1=[0.90, 0.90, None], trial_2=[0.86, 0.85, None], trial_3=[0.84, None, None])
    )
    assert on == {
        "trial 1": 3,
        "trial 2": 2,
        "trial 3": 1,
    }  # 4.5 points are more over two folds than over one


def test_the_default_is_trained_on_all_folds() -> None:
    on = in_the_race(results(trial_1=[0.90, None, None], default=[0.70, None, None]))
    assert on == {"trial 1": 3, "default": 3}


def test_nobody_is_dropped_while_a_fold_is_missing() -> None:
    """Else the one to be trained would depend on which training ended first."""
    on = in_the_race(
        results(trial_1=[0.90, 0.9, 0.9], trial_2=[0.70, None, None], trial_3=[None, None, None])
    )
    assert set(on.values()) == {3}


def test_a_fold_that_was_trained_beside_the_one_that_dropped_it_changes_nothing() -> None:
    """With many workers all folds begin at once."""
    few = results(trial_1=[0.90, 0.90, 0.90], trial_2=[0.80, None, None])
    many = results(trial_1=[0.90, 0.90, 0.90], trial_2=[0.80, 0.99, 0.99])
    assert in_the_race(few) == in_the_race(many) == {"trial 1": 3, "trial 2": 1}


def test_who_was_dropped_comes_after_all_others() -> None:
    """A single fold may be an easy one."""
    entered = [Finalist(trial(number, 0.9), contender(number)) for number in (1, 2, 0)]
    found = ranked(entered, results(trial_1=[0.93], trial_2=[0.99, 0.80, 0.80], default=[0.95, 0.70, 0.70]))
    assert [each.trial.number for each in found] == [2, 0, 1]
    assert [len(each.folds) for each in found] == [3, 3, 1]
