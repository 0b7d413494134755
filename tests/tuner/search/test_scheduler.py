import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.registry import resolve
from tuner.search.schedulers import SCHEDULERS
from tuner.search.schedulers.asha import Asha
from tuner.search.schedulers.base import Scheduler, rungs
from tuner.search.schedulers.hyperband import Hyperband
from tuner.search.schedulers.median import Median
from tuner.search.schedulers.screen import Screen


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


def screened(scores: dict[int, dict[int, float]]) -> Screen:
    screen = Screen(epochs=20, steps_per_epoch=100)
    for trial, by_epoch in scores.items():
        for epoch, score in by_epoch.items():
            assert screen.report(trial, epoch, score)
    return screen


def test_screening_has_all_wait_and_the_best_go_on() -> None:
    screen = screened({trial: {1: trial / 200, 3: trial / 100} for trial in range(50)})
    assert [screen.until(7, trained) for trained in (0, 3)] == [3, 8]
    everyone = range(50)
    assert screen.keep(everyone, 50) == [49, 48, 47, 46, 45, 44, 0]  # and the default
    assert screen.keep({48, 3}, 50) == [48]
    assert screen.end == 8
    assert screen.later(50, 0) == 7 * 5
    assert screen.later(50, 3) == 4 * 5
    assert Screen(epochs=20, steps_per_epoch=100).later(1, 0) == 5


def test_what_waits_where_the_search_ends_is_of_an_earlier_version_and_goes_to_the_end() -> None:
    screen = screened({trial: {1: 0.5, 3: 0.6, 8: 0.7} for trial in range(9)})
    assert set(screen.keep({7, 8}, 50)) == {7, 8}
    assert screen.until(8, 8) == 20


def test_a_schedule_with_room_for_one_comparison_has_few_trained_to_its_end() -> None:
    screen = Screen(epochs=5, steps_per_epoch=66)
    for trial in range(20):
        screen.report(trial, 2, trial / 100)
    assert (screen.rungs, screen.end) == ([2], 5)
    assert screen.keep(range(20), 20) == [19, 18, 17, 0]
    assert screen.later(20, 0) == 4 * 3


def test_what_still_rises_may_pass_what_does_not() -> None:
    screen = screened({0: {1: 0.1, 3: 0.1}, 1: {1: 0.6, 3: 0.7}, 2: {1: 0.4, 3: 0.69}})
    assert screen.keep(range(3), 50) == [2, 1, 0]
    assert screen.signal({1: 0.4, 3: 0.69, 6: 0.7, 8: 0.8}) == pytest.approx(0.98)
    assert screen.signal({1: 0.4}) is None


@pytest.mark.parametrize(
    ("epochs", "steps", "cost", "stop"),
    [
        (20, 66, 1.0, 3),
        (20, 66, 4.0, 2),
        (20, 66, 100.0, 2),
        (20, 66, 0.25, 6),
        (20, 66, 0.01, 7),
        (20, 18, 4.0, 4),
        (20, 18, 0.5, 6),
        (100, 66, 2.0, 11),
        (5, 66, 0.1, 4),
        (3, 66, 0.1, 3),
    ],
)
def test_what_costs_less_comes_further_before_it_is_compared(
    epochs: int, steps: int, cost: float, stop: int
) -> None:
    screen = Screen(epochs, steps)
    assert screen.until(1, 0, cost) == stop
    assert screen.until(1, stop, cost) == (screen.end if stop < screen.end else epochs)


def test_trials_are_compared_where_each_waits() -> None:
    screen = screened({0: {1: 0.1, 3: 0.5}, 1: {1: 0.1, 2: 0.6}, 2: {1: 0.1, 7: 0.4}, 3: {1: 0.1, 6: 0.55}})
    assert screen.keep(range(4), 4) == [1, 3, 0, 2]
    assert [screen.first({1: 0.1, epoch: 0.2, 8: 0.3}) for epoch in (2, 3, 7)] == [2, 3, 7]
    assert screen.first({1: 0.1}) == 20


def test_a_schedule_too_short_to_compare_in_is_trained_whole() -> None:
    screen = Screen(epochs=3, steps_per_epoch=10)
    assert (screen.rungs, screen.until(5, 0), screen.signal({1: 0.5})) == ([], 3, None)
    assert (screen.keep(range(9), 9), screen.later(9, 0)) == ([], 0)


@pytest.mark.parametrize(
    ("epochs", "steps", "expected"),
    [(20, 66, [3, 8]), (20, 18, [4, 8]), (10, 66, [2, 4]), (5, 66, [2, 5]), (3, 66, [3]), (20, 4, [20])],
)
def test_screening_stops_twice_where_the_schedule_allows(
    epochs: int, steps: int, expected: list[int]
) -> None:
    screen = Screen(epochs, steps)
    assert [*screen.rungs, screen.end] == expected


@pytest.mark.parametrize("cost", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(("epochs", "steps"), [(20, 100), (6, 100), (40, 10), (3, 10), (100, 66)])
def test_what_screening_compares_is_validated(epochs: int, steps: int, cost: float) -> None:
    screen, trained = Screen(epochs, steps), 0
    scores: dict[int, float] = {}
    stops = []
    while trained < screen.end:
        until = screen.until(0, trained, cost)
        every = screen.validate_every(until)
        scores |= {e: 0.1 * e for e in range(trained + 1, until + 1) if (until - e) % every == 0}
        trained = until
        stops.append(until)
    assert screen.end in scores
    assert len(stops) == 1 + len(screen.rungs)
    if screen.rungs:
        assert screen.first(scores) == stops[0]
        before = screen.rungs[0] - min(max(1, round(0.1 * epochs)), screen.rungs[0] - 1)
        assert screen.signal(scores) == pytest.approx(0.1 * (2 * stops[0] - before))
