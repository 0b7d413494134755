import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.registry import resolve
from tuner.schedulers import SCHEDULERS
from tuner.schedulers.asha import Asha
from tuner.schedulers.base import Scheduler, rungs
from tuner.schedulers.hyperband import Hyperband
from tuner.schedulers.median import Median
from tuner.schedulers.screen import Screen, kept


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"),
    [(20, 66, [2, 6]), (20, 18, [4, 12]), (4, 400, [2]), (2, 400, []), (20, 1, []), (30, 30, [2, 6, 18])],
)
def test_rungs_start_at_two_epochs_and_sixty_steps(epochs: int, steps: int, expected: list[int]) -> None:
    assert rungs(epochs, steps) == expected


def test_asha_keeps_the_best_third_of_those_that_reached_a_rung() -> None:
    asha = Asha(epochs=20, steps_per_epoch=100)
    assert asha.report(1, 2, 0.5)  # the first to arrive is the best so far
    assert not asha.report(2, 2, 0.4)
    assert asha.report(3, 2, 0.6)
    assert not asha.report(4, 2, 0.55)  # second of four: one may pass
    assert not asha.report(5, 2, 0.58)
    assert asha.report(6, 2, 0.59)  # second of six: two may pass


def test_the_default_is_never_stopped() -> None:
    asha = Asha(epochs=20, steps_per_epoch=100)
    for trial in range(1, 10):
        asha.report(trial, 2, 0.9)
    assert asha.report(0, 2, 0.1)


def test_nothing_is_decided_between_rungs() -> None:
    asha = Asha(epochs=20, steps_per_epoch=100)
    asha.report(1, 2, 0.9)
    assert asha.report(2, 1, 0.0)
    assert asha.report(2, 3, 0.0)


@pytest.mark.parametrize("name", SCHEDULERS)
@given(reports=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([2, 6]), st.floats(0, 1)), max_size=60))
def test_a_scheduler_rebuilt_from_the_study_decides_the_same(
    name: str, reports: list[tuple[int, int, float]]
) -> None:
    unique = list({(trial, epoch): (trial, epoch, score) for trial, epoch, score in reports}.values())
    first: Scheduler = resolve(SCHEDULERS[name])(20, 100)
    for report in unique:
        first.report(*report)
    rebuilt: Scheduler = resolve(SCHEDULERS[name])(20, 100)
    for report in reversed(unique):  # the study lists trials in another order than they ended
        rebuilt.report(*report)
    everyone = range(31)
    assert first.keep(everyone, 50) == rebuilt.keep(everyone, 50)
    for score in np.linspace(0, 1, 11):
        assert first.report(99, 2, float(score)) == rebuilt.report(99, 2, float(score))


def test_an_interrupted_trial_does_not_compete_with_itself() -> None:
    asha = Asha(epochs=20, steps_per_epoch=100)
    for trial, score in ((1, 0.3), (2, 0.4), (3, 0.5)):
        asha.report(trial, 2, score)
    for _ in range(5):
        assert asha.report(3, 2, 0.5)
    assert not asha.report(4, 2, 0.45)


@given(st.permutations(range(30)), st.integers(1, 8))
def test_with_a_lag_what_runs_at_the_same_time_decides_nothing(order: list[int], lag: int) -> None:
    """Trials within the lag of each other may report in any order."""
    scores = np.random.default_rng(0).random(30)
    for name in ("asha", "median", "hyperband"):
        in_order: Scheduler = resolve(SCHEDULERS[name])(20, 100, lag)
        expected = [in_order.report(trial, 2, float(scores[trial])) for trial in range(30)]
        mixed: Scheduler = resolve(SCHEDULERS[name])(20, 100, lag)
        got: dict[int, bool] = {}
        for start in range(0, 30, lag):
            for trial in [t for t in order if start <= t < start + lag]:
                got[trial] = mixed.report(trial, 2, float(scores[trial]))
        assert [got[trial] for trial in range(30)] == expected


def test_the_median_rule_stops_the_worse_half_once_there_are_some() -> None:
    median = Median(epochs=20, steps_per_epoch=100)
    assert [median.report(trial, 2, 0.5 + trial / 100) for trial in range(1, 6)] == [True] * 5
    assert not median.report(6, 2, 0.4)
    assert median.report(7, 2, 0.6)
    assert median.report(8, 1, 0.0)  # before the first rung
    assert median.report(8, 19, 0.0)  # the rate falls: stopping saves next to nothing


def test_hyperband_gives_most_trials_to_the_bracket_with_most_rungs() -> None:
    hyperband = Hyperband(epochs=20, steps_per_epoch=100)
    brackets = [hyperband.bracket(trial) for trial in range(1, 18)]
    assert brackets == [0] * 9 + [1] * 5 + [2] * 3
    for trial in range(1, 10):
        hyperband.report(trial, 2, 0.9)
    assert not hyperband.report(18, 2, 0.1)
    assert hyperband.report(10, 2, 0.1)  # its bracket starts with the second rung
    assert hyperband.report(15, 6, 0.1)  # its bracket has none


def test_screening_has_all_wait_and_the_best_go_on() -> None:
    screen = Screen(epochs=20, steps_per_epoch=100)
    assert screen.common == 2
    assert [screen.until(7, trained) for trained in (0, 2)] == [2, 20]
    for trial in range(50):
        assert screen.report(trial, 2, trial / 100)
    everyone = range(50)
    assert screen.keep(everyone, 50) == [49, 48, 47, 46, 45, 44, 0]  # and the default
    assert screen.keep({48, 3}, 50) == [48]
    assert (screen.later(50, 0), screen.later(50, 4), kept(3)) == (6 * 18, 2 * 18, 4)


def test_a_schedule_too_short_to_compare_in_is_trained_whole() -> None:
    screen = Screen(epochs=3, steps_per_epoch=10)
    assert (screen.common, screen.until(5, 0)) == (None, 3)
