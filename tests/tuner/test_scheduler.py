import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.family import Recipe
from tuner import scheduler
from tuner.training.schedules import learning_rate


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"),
    [(20, 66, [2, 6]), (20, 18, [4, 12]), (4, 400, [2]), (2, 400, []), (20, 1, []), (30, 30, [2, 6, 18])],
)
def test_rungs_start_at_two_epochs_and_sixty_steps(epochs: int, steps: int, expected: list[int]) -> None:
    assert scheduler.rungs(epochs, steps) == expected


def test_asha_keeps_the_best_third_of_those_that_reached_a_rung() -> None:
    asha = scheduler.Asha(epochs=20, steps_per_epoch=100)
    assert asha.report(1, 2, 0.5)  # the first to arrive is the best so far
    assert not asha.report(2, 2, 0.4)
    assert asha.report(3, 2, 0.6)
    assert not asha.report(4, 2, 0.55)  # second of four: one may pass
    assert not asha.report(5, 2, 0.58)
    assert asha.report(6, 2, 0.59)  # second of six: two may pass


def test_the_default_is_never_stopped() -> None:
    asha = scheduler.Asha(epochs=20, steps_per_epoch=100)
    for trial in range(1, 10):
        asha.report(trial, 2, 0.9)
    assert asha.report(0, 2, 0.1)


def test_nothing_is_decided_between_rungs() -> None:
    asha = scheduler.Asha(epochs=20, steps_per_epoch=100)
    asha.report(1, 2, 0.9)
    assert asha.report(2, 1, 0.0)
    assert asha.report(2, 3, 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([2, 6, 18]), st.floats(0, 1)), max_size=60))
def test_a_scheduler_rebuilt_from_the_study_decides_the_same(reports: list[tuple[int, int, float]]) -> None:
    unique = list({(trial, epoch): (trial, epoch, score) for trial, epoch, score in reports}.values())
    first = scheduler.Asha(epochs=20, steps_per_epoch=100)
    for report in unique:
        first.report(*report)
    rebuilt = scheduler.Asha(epochs=20, steps_per_epoch=100)
    for report in reversed(unique):  # the study lists trials in another order than they ended
        rebuilt.report(*report)
    for score in np.linspace(0, 1, 11):
        assert first.report(99, 2, float(score)) == rebuilt.report(99, 2, float(score))


def test_an_interrupted_trial_does_not_compete_with_itself() -> None:
    asha = scheduler.Asha(epochs=20, steps_per_epoch=100)
    for trial, score in ((1, 0.3), (2, 0.4), (3, 0.5)):
        asha.report(trial, 2, score)
    for _ in range(5):
        assert asha.report(3, 2, 0.5)
    assert not asha.report(4, 2, 0.45)


def test_the_rate_warms_up_stays_and_falls_to_zero() -> None:
    recipe = Recipe(learning_rate=1.0, schedule="trapezoid")
    rates = [learning_rate(recipe, step, 10, 20) for step in range(200)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert set(rates[10:130]) == {1.0}
    assert np.all(np.diff(rates[130:]) < 0)
    assert 0 < rates[-1] < 0.02


def test_a_short_schedule_still_reaches_its_peak() -> None:
    rates = [learning_rate(Recipe(learning_rate=1.0), step, 10, 1) for step in range(10)]
    assert max(rates) == 1.0
    assert rates[-1] < 0.4


def test_a_constant_rate_is_constant() -> None:
    assert {learning_rate(Recipe(learning_rate=0.1, schedule="constant"), s, 5, 4) for s in range(20)} == {
        0.1
    }
