import numpy as np
import pytest

from search_spaces.family import Recipe
from tuner.training.schedules import learning_rate


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


def test_a_cosine_falls_all_the_way_after_its_warm_up() -> None:
    rates = [learning_rate(Recipe(learning_rate=1.0, schedule="cosine"), step, 10, 20) for step in range(200)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[105] == pytest.approx(0.5)
    assert np.all(np.diff(rates[10:]) < 0)
    assert 0 < rates[-1] < 0.001
