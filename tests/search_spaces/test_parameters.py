import math
import warnings
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search_spaces.parameters import BELOW_ONE, Categorical, Float, Int, SpaceError

UNIT = st.floats(0.0, BELOW_ONE)


def optuna_draws(distribution: BaseDistribution, seed: int, count: int) -> list[Any]:
    """A draw of Optuna's random sampler, from the same random numbers as `RandomState(seed)`."""
    sampler = optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=sampler)
    trial = optuna.trial.create_trial(value=0.0)
    return [sampler.sample_independent(study, trial, "x", distribution) for _ in range(count)]


PAIRS = [
    (Int(16, 64, 32, log=True), IntDistribution(16, 64, log=True)),
    (Int(1, 8, 2, log=True), IntDistribution(1, 8, log=True)),
    (Int(2, 4, 3), IntDistribution(2, 4)),
    (Int(0, 100, 50, step=25), IntDistribution(0, 100, step=25)),
    (Int(7, 7, 7), IntDistribution(7, 7)),
    (Float(1e-3, 1.5e-2, 3e-3, log=True), FloatDistribution(1e-3, 1.5e-2, log=True)),
    (Float(0.0, 1.6, 1.0), FloatDistribution(0.0, 1.6)),
    (Float(0.0, 0.5, 0.3, step=0.05), FloatDistribution(0.0, 0.5, step=0.05)),
    (Float(1.0, 2.0, 2.0, step=0.25), FloatDistribution(1.0, 2.0, step=0.25)),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[str(theirs) for _, theirs in PAIRS])
def test_the_unit_interval_maps_to_what_optuna_draws(ours: Int | Float, theirs: BaseDistribution) -> None:
    units = np.random.RandomState(3).random_sample(500)
    expected = optuna_draws(theirs, seed=3, count=500)
    assert [ours.from_unit(float(u)) for u in units] == pytest.approx(expected, rel=1e-12)
    assert {type(ours.from_unit(float(u))) for u in units} == {int if isinstance(ours, Int) else float}


def test_choices_are_as_likely_as_in_optuna() -> None:
    choices = ("a", "b", "c")
    ours = Counter(Categorical(choices, "a").from_unit(float(u)) for u in np.linspace(0, 1, 3000, False))
    assert ours == {"a": 1000, "b": 1000, "c": 1000}
    theirs = Counter(optuna_draws(CategoricalDistribution(choices), seed=1, count=3000))
    assert all(abs(theirs[choice] - 1000) < 4 * math.sqrt(3000 * 2 / 9) for choice in choices)


def test_a_logarithmic_whole_number_starts_half_a_step_below() -> None:
    """Optuna gives 1 of 1..8 in log with probability log(3)/log(17) = 0.39, not 0.31."""
    units = np.linspace(0, 1, 20_000, endpoint=False)
    share = np.mean([Int(1, 8, 1, log=True).from_unit(float(u)) == 1 for u in units])
    assert share == pytest.approx(math.log(3) / math.log(17), abs=1e-3)


@pytest.mark.parametrize(("low", "high"), [(16, 64), (8, 32), (16, 16)])
def test_a_logarithmic_draw_is_rounded_to_the_step(low: int, high: int) -> None:
    parameter = Int(low, high, low, log=True, step=8)
    for u in np.linspace(0, 1, 200, endpoint=False):
        near = Int(low, high, low, log=True).from_unit(float(u))
        value = parameter.from_unit(float(u))
        assert value % 8 == 0
        assert abs(value - near) <= 4
        assert parameter.from_unit(parameter.to_unit(value)) == value


@given(low=st.integers(1, 1000), span=st.integers(0, 1000), log=st.booleans(), u=UNIT)
def test_whole_numbers_survive_the_way_to_the_unit_interval(low: int, span: int, log: bool, u: float) -> None:
    parameter = Int(low, low + span, low, log=log)
    value = parameter.from_unit(u)
    assert low <= value <= low + span
    unit = parameter.to_unit(value)
    assert 0 <= unit < 1
    assert parameter.from_unit(unit) == value


@given(low=st.floats(1e-6, 1e3), factor=st.floats(1.001, 1e4), log=st.booleans(), u=UNIT)
def test_real_numbers_survive_the_way_to_the_unit_interval(
    low: float, factor: float, log: bool, u: float
) -> None:
    high = low * factor
    assume(math.isfinite(high))
    parameter = Float(low, high, low, log=log)
    value = parameter.from_unit(u)
    assert low <= value < high
    assert 0 <= parameter.to_unit(value) < 1
    assert parameter.from_unit(parameter.to_unit(value)) == pytest.approx(value, rel=1e-9)


@given(steps=st.integers(1, 50), step=st.sampled_from([0.01, 0.05, 0.25, 2.0]), u=UNIT)
def test_steps_stay_legal_for_optuna(steps: int, step: float, u: float) -> None:
    high = float(steps * Decimal(str(step)))
    parameter = Float(0.0, high, 0.0, step=step)
    value = parameter.from_unit(u)
    assert FloatDistribution(0.0, high, step=step)._contains(value)
    assert parameter.from_unit(parameter.to_unit(value)) == value
    assert parameter.clamp(value) == value


@given(n=st.integers(1, 12), u=UNIT)
def test_choices_survive_the_way_to_the_unit_interval(n: int, u: float) -> None:
    parameter = Categorical(tuple(range(n)), 0)
    assert parameter.from_unit(parameter.to_unit(parameter.from_unit(u))) == parameter.from_unit(u)


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (Categorical((True, False), True), 0, False),
        (Categorical((True, False), True), np.bool_(True), True),
        (Categorical((True, False), True), 1.0, True),
        (Categorical((3, 5), 3), 5.0, 5),
        (Categorical(("a", "b"), "a"), np.str_("b"), "b"),
        (Int(1, 8, 2), np.int64(3), 3),
        (Int(1, 8, 2), 3.0, 3),
        (Float(0.0, 1.0, 0.5), np.float32(0.25), 0.25),
        (Float(0.0, 1.0, 0.5), 1, 1.0),
    ],
)
def test_values_become_plain_python(
    parameter: Int | Float | Categorical, value: object, expected: object
) -> None:
    assert parameter.cast(value) == expected
    assert type(parameter.cast(value)) is type(expected)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (Int(1, 8, 2), 2.5),
        (Int(1, 8, 2), True),
        (Int(1, 8, 2), "3"),
        (Int(1, 8, 2), 9),
        (Int(1, 8, 2), math.nan),
        (Int(1, 8, 2), math.inf),
        (Float(0.0, 1.0, 0.5), math.nan),
        (Float(0.0, 1.0, 0.5), None),
        (Float(0.0, 1.0, 0.5), -0.1),
        (Categorical(("a", "b"), "a"), "c"),
        (Categorical((3, 5), 3), "3"),
    ],
)
def test_wrong_values_are_refused(parameter: Int | Float | Categorical, value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parameter.cast(value)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Int(8, 4, 6),
        lambda: Int(1, 8, 9),
        lambda: Int(0, 8, 1, log=True),
        lambda: Int(1, 8, 1, step=2),
        lambda: Int(0, 8, 1, step=2),
        lambda: Int(1, 8, 1, minimum=2),
        lambda: Float(0.0, 1.0, 0.5, log=True),
        lambda: Float(0.1, 1.0, 0.5, log=True, step=0.1),
        lambda: Float(0.0, 1.0, 0.5, step=-0.1),
        lambda: Categorical((), 1),
        lambda: Categorical((1, 1), 1),
        lambda: Categorical((1, 2), 3),
    ],
)
def test_impossible_declarations_are_refused(declare: object) -> None:
    with pytest.raises(SpaceError, match=r"expected|logarithmic|not one of"):
        declare()  # type: ignore[operator]


def test_the_nearest_value_is_searched() -> None:
    assert Int(2, 10, 2, step=4).clamp(7) == 6
    assert Int(2, 10, 2).clamp(99) == 10
    assert Float(0.0, 0.5, 0.3, step=0.05).clamp(0.3) == 0.3
    assert Float(0.0, 0.5, 0.3, step=0.05).clamp(0.31) == pytest.approx(0.3)
    assert Float(0.0, 0.5, 0.3).clamp(-1.0) == 0.0
    assert Categorical(("a", "b"), "b").clamp("c") == "a"
