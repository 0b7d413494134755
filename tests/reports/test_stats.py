"""The intervals hold what they promise: formulas against plain NumPy, coverage by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.facts import answers as details
from reports.facts.more_data import data_curve
from reports.sections.more_data import verdict
from reports.statistics import intervals as stats
from reports.statistics import verdicts
from tests.helpers.simulated import (
    NOISE,
    REGIMES,
    SPACES,
    Coverage,
    Regime,
    coverage,
    drawn,
    false_verdicts,
    same,
    selection,
)

RUNS = 600


@pytest.mark.slow
@pytest.mark.parametrize("regime", REGIMES)
def test_coverage(regime: str) -> None:
    """Of the mean over seeds, of the saved model by itself, and of a difference."""
    found = coverage(REGIMES[regime], RUNS, 11)
    # A few large groups carry most of what single models with heavy tails are right about.
    least = 0.9 if regime == "heavy-tailed groups" else 0.92
    assert found.mean is not None
    assert found.saved is not None
    assert found.difference is not None
    assert 0.92 <= found.mean <= 0.99
    assert least <= found.saved <= 0.98
    assert 0.92 <= found.difference <= 0.995


@pytest.mark.slow
@pytest.mark.parametrize("regime", ["88 groups of 20", "seeds dominate, 10,000 images"])
def test_coverage_with_one_and_two_seeds(regime: str) -> None:
    """One seed tells the accuracy of its own model, and nothing of a difference."""
    once = coverage(replace(REGIMES[regime], seeds=1), RUNS, 12)
    assert once.difference is None
    assert once.saved is not None
    assert 0.92 <= once.saved <= 0.98
    twice = coverage(replace(REGIMES[regime], seeds=2), RUNS, 12)
    assert twice.mean is not None
    assert twice.difference is not None
    assert min(twice.mean, twice.difference) >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("others", [2, 3])
@pytest.mark.parametrize(
    "regime", ["88 groups of 20", "seeds of the winner vary most", "heavy-tailed groups"]
)
def test_a_difference_to_a_model_of_fewer_seeds_is_covered(regime: str, others: int) -> None:
    """As a baseline has that is far behind."""
    found = coverage(REGIMES[regime], RUNS, 14, others=others).difference
    assert found is not None
    assert found >= 0.94


@pytest.mark.parametrize("regime", ["88 groups of 20", "seeds dominate, 10,000 images", "12 groups"])
def test_coverage_of_a_model_alone_in_its_run(regime: str) -> None:
    whole = REGIMES[regime]
    alone = replace(whole, accuracies=whole.accuracies[:1], noise=whole.noise[:1])
    found = coverage(alone, RUNS, 12).mean
    assert found is not None
    assert 0.92 <= found <= 0.99


def test_fewer_than_ten_scenes_give_no_interval() -> None:
    nothing = coverage(Regime(same(8, 100), (0.8, 0.8), 5, 1.0, (0.2, 0.2), 0.5), 5, 0)
    assert nothing == Coverage(None, None, None)


def test_six_equal_baselines_rarely_bring_a_false_verdict() -> None:
    equal = Regime(same(88, 20), (0.8,) * 7, 5, 4.0, (0.5,) * 7, 1.5)
    assert false_verdicts(equal, RUNS, 13) <= 0.07


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("noise", NOISE)
def test_equal_models_rarely_get_a_verdict_however_noisy_their_seeds(seeds: int, noise: str) -> None:
    """Seeds dominate: 2,000 images without groups. One seed says nothing, so there is no verdict."""
    equal = Regime(same(2000, 1), (0.9,) * 3, seeds, 1.0, NOISE[noise], 0.5)
    runs = 2 * RUNS if seeds == 2 else RUNS  # there 0.06 is true of the worst, by 4,000 runs
    assert false_verdicts(equal, runs, 5) <= (0.07 if seeds > 1 else 0)


@pytest.mark.slow
@pytest.mark.parametrize("space", SPACES)
def test_the_choice_of_a_winner(space: str) -> None:
    """A test after the choice is as true as before it, and the fresh folds flatter little."""
    found = selection(SPACES[space], RUNS, 14)
    assert found.false <= 0.05
    assert 0.92 <= found.covered <= 0.99
    assert found.optimism < min(0.03, found.search_optimism)
    assert found.worse <= 0.25
    if space == "poor":
        assert found.worse < 0.6 * selection(SPACES[space], RUNS, 14, competes=False).worse


def counts(rng: np.random.Generator, regime: Regime) -> list[stats.Correct]:
    return [model.correct for model in drawn(rng, regime)]


def test_a_baseline_of_two_seeds_is_still_called_worse_where_it_is_far_behind() -> None:
    rng = np.random.default_rng(6)
    found, runs = 0, 100
    for _ in range(runs):
        models = counts(rng, Regime(same(88, 20), (0.9, 0.85, 0.5), 5, 2.0, (0.2,) * 3, 0.5))
        models[2] = stats.Correct(models[2].counts[:2], models[2].sizes)
        known = list(zip(models, stats.seed_variances(models), strict=True))
        told = verdicts.verdicts([verdicts.difference(known[0], other) for other in known[1:]])
        found += told[1] == "better"
    assert found / runs >= 0.9


def test_one_seed_is_no_ground_for_a_verdict_unless_seeds_do_not_matter() -> None:
    sizes = np.full(60, 5.0)
    once, fixed = stats.Correct(np.full((1, 60), 5.0), sizes), stats.Correct(np.full((1, 60), 1.0), sizes)
    assert verdicts.difference((once, None), (fixed, None)) == verdicts.Difference(0.8, None, None)
    fixed = stats.Correct(fixed.counts, sizes, seeded=False)
    several = stats.Correct(np.full((3, 60), 5.0), sizes)
    assert verdicts.difference((several, None), (fixed, None)).interval is not None


def overlapping(rng: np.random.Generator, folds: int, shared: float) -> NDArray[np.float64]:
    """A value of each fold, correlated as folds are that share training images."""
    drawn: NDArray[np.float64] = np.sqrt(1 - shared) * rng.standard_normal(folds)
    drawn += np.sqrt(shared) * rng.standard_normal()
    return drawn


def test_a_mean_over_folds_has_the_half_width_of_nadeau_and_bengio() -> None:
    from scipy.stats import t

    folds = [0.1, 0.3, 0.2]
    expected = t.ppf(0.975, 2) * np.sqrt((1 / 3 + 0.25) * 0.01)
    assert stats.fold_half_width(folds, 0.25) == pytest.approx(expected)
    # Their assumption: folds correlate by n_validation / n_all.
    rng = np.random.default_rng(14)
    runs = 2000
    inside = sum(
        abs(drawn.mean()) <= stats.fold_half_width(list(drawn), 0.25)
        for drawn in (overlapping(rng, 3, 0.2) for _ in range(runs))
    )
    assert 0.93 <= inside / runs <= 0.97


@pytest.mark.parametrize("folds", [1, 2, 3])
def test_more_data_is_not_promised_where_it_brings_nothing(folds: int) -> None:
    """No true gain: fold and seed noise of 3 points each."""
    rng = np.random.default_rng(15)
    promised, runs = 0, 1000
    for _ in range(runs):
        half, whole = 0.8 + 0.03 * rng.standard_normal((2, folds)) + 0.03 * rng.standard_normal(folds)
        points = [
            {"share": share, "images": 100, "groups": 100, "accuracy_per_fold": accuracies.tolist()}
            for share, accuracies in ((0.5, half), (1.0, whole))
        ]
        curve = data_curve({"data_curve": points}, 0.25)
        assert curve is not None
        promised += "probably help" in verdict(curve)
    assert promised / runs <= 0.04
    assert (promised == 0) == (folds == 1)


def test_group_variance_is_the_ratio_estimators_for_groups_of_one_size() -> None:
    rng = np.random.default_rng(0)
    counts, sizes = rng.integers(0, 21, 40).astype(float), np.full(40, 20.0)
    p = counts.sum() / 800
    expected = 40 / 39 * ((counts - 20 * p) ** 2).sum() / 800**2
    assert stats.group_variance(counts, sizes) == pytest.approx(expected)


def test_group_variance_is_the_delete_one_jackknife() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 90, 30).astype(float)
    counts = np.floor(sizes * rng.random(30))
    left_out = (counts.sum() - counts) / (sizes.sum() - sizes)
    expected = 29 / 30 * ((left_out - counts.sum() / sizes.sum()) ** 2).sum()
    assert stats.group_variance(counts, sizes) == pytest.approx(expected)


def test_seed_variance_takes_the_interaction_off() -> None:
    rng = np.random.default_rng(2)
    estimates, truth = [], 0.02**2
    for _ in range(300):
        level = 0.8 + 0.02 * rng.standard_normal((4, 1))
        counts = rng.binomial(5, np.clip(level + 0.1 * rng.standard_normal((4, 100)), 0, 1))
        found = stats.own_seed_variance(stats.Correct(counts.astype(float), np.full(100, 5.0)))
        assert found is not None
        assert found.freedom == 3
        estimates.append(found.variance)
    assert np.mean(estimates) == pytest.approx(truth, rel=0.15)


def test_models_without_seeds_have_no_seed_term() -> None:
    rows = np.array([[5.0] * 6 + [4.0] * 6])
    deterministic = stats.Correct(rows, np.full(12, 6.0), seeded=False)
    lonely = stats.Correct(rows, np.full(12, 6.0))
    assert stats.seed_variances([deterministic, lonely]) == [None, None]


def test_one_seed_borrows_from_the_other_models() -> None:
    rng = np.random.default_rng(3)
    models = counts(rng, Regime(same(88, 20), (0.8,) * 3, 5, 1.0, (0.5,) * 3, 0.5))
    single = stats.Correct(models[0].counts[:1], models[0].sizes)
    found = stats.seed_variances([single, *models[1:]])[0]
    assert found is not None
    assert found.freedom == stats.PRIOR_FREEDOM
    assert found.variance > 0


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_all_right_or_all_wrong_gives_clopper_pearson_over_groups(p: float) -> None:
    model = stats.Correct(np.full((3, 40), 20 * p), np.full(40, 20.0))
    bound = 0.025 ** (1 / 40)
    expected = (bound, 1.0) if p else (0.0, 1 - bound)
    assert stats.accuracy_interval(model, None) == pytest.approx(expected)


def test_the_interval_holds_its_estimate_next_to_one() -> None:
    counts = np.full((5, 88), 20.0)
    counts[0, 0] = 19
    model = stats.Correct(counts, np.full(88, 20.0))
    interval = stats.accuracy_interval(model, stats.seed_variances([model])[0])
    assert interval is not None
    assert interval[0] < model.mean < interval[1]


def test_nine_groups_give_no_interval() -> None:
    model = stats.Correct(np.full((2, 9), 3.0), np.full(9, 5.0))
    assert stats.accuracy_interval(model, None) is None
    found = verdicts.difference((model, None), (model, None))
    assert found == verdicts.Difference(0.0, None, None)
    assert verdicts.verdicts([found]) == ["not distinguishable"]
    assert not verdicts.better_than_every([found])


def test_models_that_answer_alike_are_not_known_to_be_equal() -> None:
    model = stats.Correct(np.full((2, 50), 3.0), np.full(50, 5.0))
    found = verdicts.difference((model, None), (model, None))
    assert found.difference == 0
    assert found.interval == pytest.approx((-1 + 0.025 ** (1 / 50), 1 - 0.025 ** (1 / 50)))
    assert verdicts.verdicts([found]) == ["not distinguishable"]


def test_the_p_value_agrees_with_the_interval() -> None:
    rng = np.random.default_rng(4)
    models = counts(rng, Regime(same(88, 20), (0.85, 0.8), 5, 4.0, (0.5,) * 2, 1.5))
    known = list(zip(models, stats.seed_variances(models), strict=True))
    for _ in range(20):
        found = verdicts.difference(known[0], known[1])
        assert found.interval is not None
        assert found.p_value is not None
        assert (found.p_value < 0.05) == (found.interval[0] > 0 or found.interval[1] < 0)


def test_holm_by_hand() -> None:
    assert verdicts.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert verdicts.holm([]) == []


def test_better_than_every_needs_every_lower_bound() -> None:
    good = verdicts.Difference(0.1, (0.02, 0.18), 0.01)
    unsure = verdicts.Difference(0.05, (-0.01, 0.11), 0.10)
    assert verdicts.better_than_every([good, good])
    assert not verdicts.better_than_every([good, unsure])
    assert not verdicts.better_than_every([])
    assert verdicts.verdicts([good, unsure]) == ["better", "not distinguishable"]


def test_counts_by_group() -> None:
    correct = np.array([[1, 0, 1, 1], [0, 0, 1, 1]], dtype=bool)
    found = stats.count_correct(correct, np.array([7, 7, 3, 7]))
    assert found.sizes.tolist() == [1, 3]
    assert found.counts.tolist() == [[1, 2], [1, 1]]
    assert found.mean == pytest.approx(5 / 8)
    assert found.per_seed.tolist() == [0.75, 0.5]


def test_calibration_error_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.0, 1.0]])
    labels = np.array([0, 1, 1, 1])
    expected = (2 * abs(0.5 - 0.9) + abs(1 - 0.7) + 0) / 4
    assert details.expected_calibration_error(probabilities, labels) == pytest.approx(expected)


def test_calibration_error_of_a_perfect_model_is_what_so_few_images_make() -> None:
    confidence = np.full(400, 0.8)
    alone = details.chance_calibration_error(confidence, np.arange(400))
    # The 95th percentile of the distance of a share of 400 from 0.8: 1.96 standard deviations.
    assert alone == pytest.approx(1.96 * np.sqrt(0.8 * 0.2 / 400), rel=0.15)
    copies = details.chance_calibration_error(confidence, np.arange(400) // 4)
    assert copies == pytest.approx(2 * alone, rel=0.2)
