"""Test splits, models and searches of known truth, to try intervals, verdicts and the choice of a winner on.

A model is a probit of its level, of the group, the seed, and both; groups are hard for all models alike.
Its mean over all effects is ndtr(mu / sqrt(1 + variances)), so that each accuracy is known exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reports.statistics import intervals as stats
from reports.statistics import verdicts
from tuner.ending import finalists
from tuner.ending.contenders import Contender
from tuner.ending.trainings import FAR_BEHIND, FEW_SEEDS, STRONGEST_SEEDS
from tuner.records import EpochReport, PastTrial, TrialResult

Floats = NDArray[np.float64]
Sizes = Callable[[np.random.Generator], Floats]


@dataclass(frozen=True)
class Regime:
    """A kind of test split, and models on it.

    Attributes:
        sizes: draws the images of each group.
        accuracies: true ones; the first is the winner's.
        seeds: of each model.
        groups: standard deviation over groups, in probits; likewise the others.
        noise: of each model's seeds.
        both: of seeds by groups.
    """

    sizes: Sizes
    accuracies: tuple[float, ...]
    seeds: int
    groups: float
    noise: tuple[float, ...]
    both: float


def same(groups: int, images: int) -> Sizes:
    """So many groups of one size."""
    return lambda _: np.full(groups, float(images))


def heavy(rng: np.random.Generator) -> Floats:
    """A hundred groups, some of them very large."""
    return np.ceil(5 * rng.pareto(1.8, 100) + 1)


def few_large(rng: np.random.Generator) -> Floats:
    """Twelve scenes; the largest has a third of all images."""
    return np.concatenate([[600.0], np.full(11, 110.0)]) + rng.integers(0, 10, 12)


REGIMES = {
    "88 groups of 20": Regime(same(88, 20), (0.85, 0.80, 0.75), 5, 4.0, (0.5,) * 3, 1.5),
    "no groups, 360 images": Regime(same(360, 1), (0.85, 0.80, 0.75), 5, 1.0, (0.1,) * 3, 0.5),
    "seeds dominate, 10,000 images": Regime(same(10_000, 1), (0.97, 0.95, 0.93), 3, 1.5, (0.3,) * 3, 0.5),
    "12 groups": Regime(same(12, 30), (0.80, 0.75, 0.70), 5, 1.5, (0.2,) * 3, 0.5),
    "12 scenes, one a third": Regime(few_large, (0.80, 0.75, 0.70), 5, 1.0, (0.2,) * 3, 0.5),
    "heavy-tailed groups": Regime(heavy, (0.85, 0.80, 0.75), 5, 3.0, (0.4,) * 3, 1.0),
    "seeds of the winner vary most": Regime(same(88, 20), (0.85, 0.80, 0.75), 5, 4.0, (1.0, 0.5, 0.3), 1.5),
}

NOISE = {
    "all alike": (0.3, 0.3, 0.3),
    "the winner twice as noisy": (0.3, 0.15, 0.15),
    "the winner three times as noisy": (0.3, 0.1, 0.1),
    "the winner six times as noisy": (0.3, 0.05, 0.05),
    "the others six times as noisy": (0.05, 0.3, 0.3),
}
"""Of the seeds of three equal models, in probits, where seeds dominate."""


@dataclass(frozen=True)
class Drawn:
    """A model on a drawn test split.

    Attributes:
        correct: its counts.
        first: the true accuracy of its first seed's model.
    """

    correct: stats.Correct
    first: float


def drawn(rng: np.random.Generator, regime: Regime) -> list[Drawn]:
    """Draws a test split and what the models of a regime answer on it."""
    from scipy.special import ndtr, ndtri

    sizes = regime.sizes(rng)
    shared, models = rng.standard_normal(len(sizes)), []
    for accuracy, noise in zip(regime.accuracies, regime.noise, strict=True):
        fixed = 1 + regime.groups**2 + regime.both**2
        mu = ndtri(accuracy) * np.sqrt(fixed + noise**2)
        group = regime.groups * (np.sqrt(0.9) * shared + np.sqrt(0.1) * rng.standard_normal(len(sizes)))
        seed = noise * rng.standard_normal((regime.seeds, 1))
        both = regime.both * rng.standard_normal((regime.seeds, len(sizes)))
        latent = mu + group + seed + both
        if sizes.max() == 1:  # the same law, in a third of the time
            counts = (rng.standard_normal(latent.shape) < latent).astype(float)
        else:
            counts = rng.binomial(sizes.astype(int), ndtr(latent)).astype(float)
        first = float(ndtr((mu + seed[0, 0]) / np.sqrt(fixed)))
        models.append(Drawn(stats.Correct(counts, sizes), first))
    return models


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the truth, as shares of the runs; None where none is given.

    Attributes:
        mean: of the mean over seeds.
        saved: of the first seed's model, by its own answers.
        difference: of two models; without correction.
    """

    mean: float | None
    saved: float | None
    difference: float | None


def coverage(regime: Regime, runs: int, seed: int, *, others: int | None = None) -> Coverage:
    """Draws so many runs.

    Args:
        regime: what is drawn.
        runs: how many.
        seed: of all that is drawn.
        others: seeds of all models but the first, as a baseline far behind has fewer; None, as many.
    """
    rng = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {"mean": [], "saved": [], "difference": []}
    for _ in range(runs):
        models = drawn(rng, regime)
        counts = [models[0].correct, *(first_seeds(model.correct, others) for model in models[1:])]
        known = list(zip(counts, stats.seed_variances(counts), strict=True))
        own = stats.Correct(counts[0].counts[:1], counts[0].sizes, seeded=False)
        true = regime.accuracies
        for name, interval, truth in (
            ("mean", stats.accuracy_interval(*known[0]), true[0]),
            ("saved", stats.accuracy_interval(own, None), models[0].first),
            (
                "difference",
                verdicts.difference(known[0], known[1]).interval if len(known) > 1 else None,
                true[0] - true[1] if len(true) > 1 else 0.0,
            ),
        ):
            if interval is not None:
                held[name].append(interval[0] <= truth <= interval[1])
    return Coverage(**{name: float(np.mean(each)) if each else None for name, each in held.items()})


def first_seeds(correct: stats.Correct, seeds: int | None) -> stats.Correct:
    """The counts of the first so many seeds; None, of all."""
    return replace(correct, counts=correct.counts[:seeds])


def false_verdicts(regime: Regime, runs: int, seed: int) -> float:
    """The share of runs in which some equal of the first model is called different from it."""
    rng = np.random.default_rng(seed)
    runs_of = ([model.correct for model in drawn(rng, regime)] for _ in range(runs))
    return float(np.mean([_false(counts, regime.accuracies) for counts in runs_of]))


def _false(counts: Sequence[stats.Correct], truth: Sequence[float]) -> bool:
    """Whether a verdict on the first model against another says what is not so."""
    known = list(zip(counts, stats.seed_variances(counts), strict=True))
    found = verdicts.verdicts([verdicts.difference(known[0], other) for other in known[1:]])
    return any(
        (word == "better" and truth[0] <= other) or (word == "worse" and truth[0] >= other)
        for word, other in zip(found, truth[1:], strict=True)
    )


@dataclass(frozen=True)
class Space:
    """The finds of a search: a default of accuracy 0.85, and others drawn about a mean below or at it."""

    mean: float
    spread: float


SPACES = {
    "all alike": Space(0.85, 0.0),
    "the default among the good": Space(0.82, 0.03),
    "poor": Space(0.75, 0.04),
    "room for more": Space(0.85, 0.03),
}

DEFAULT = 0.85
SCORE_NOISE = 0.033
"""Standard deviation of a score from seed to seed on one fold, as measured on `asl`."""
FOLD_NOISE = 0.057
"""The effect of a fold on all configurations alike: 0.066 in all, less the seeds'."""
OWN_NOISE = 0.02
"""The effect of the search's fold on each configuration by itself."""
EARLY_NOISE = 0.03
"""Of what lies between a score where the search ends, at two fifths of the schedule, and that of a whole
training: measured on the better half of 60 configurations on `asl`. That it is also 0.03 lower is alike for
all, and left out."""
BASELINES = (0.80, 0.65)
"""Their true accuracies: one in the race, and one that may be far enough behind to get fewer seeds."""


@dataclass(frozen=True)
class Selected:
    """Over many searches.

    Attributes:
        worse: share in which the winner is truly worse than the default.
        regret: mean difference of the best of all to the winner.
        optimism: mean difference of the winner's score on the fresh folds to its truth.
        search_optimism: the same of its score in the search.
        false: share in which the report calls it better or worse than the default or a baseline and is wrong.
        covered: share in which the interval of its test accuracy holds the truth.
        trainings: of finalists on fresh folds, on average.
    """

    worse: float
    regret: float
    optimism: float
    search_optimism: float
    false: float
    covered: float
    trainings: float


def selection(
    space: Space, runs: int, seed: int, *, trials: int = 50, competes: bool = True, race: bool = True
) -> Selected:
    """Searches, chooses finalists and a winner, and tests it beside the default and two baselines.

    Args:
        space: what is searched.
        runs: how many searches.
        seed: of all that is drawn.
        trials: of a search.
        competes: whether the default is a finalist in any case, as it is; False shows why.
        race: whether a finalist that falls behind is trained on no other fold, as it is.
    """
    rng = np.random.default_rng(seed)
    regime = Regime(same(88, 20), (0.0,) * 3, 5, 4.0, (0.5,) * 3, 1.5)
    rows = []
    for _ in range(runs):
        truth = np.clip(rng.normal(space.mean, space.spread, trials), 0.05, 0.99)
        truth[0] = DEFAULT
        own = OWN_NOISE * rng.standard_normal(trials)
        alone = np.hypot(SCORE_NOISE, EARLY_NOISE) * rng.standard_normal(trials)
        scores = truth + own + FOLD_NOISE * rng.standard_normal() + alone
        past = [trial(number, float(score)) for number, score in enumerate(scores)]
        chosen = finalists.chosen(past, 3)[: None if competes else 3]
        entered = [finalists.Finalist(each, contender(each.number)) for each in chosen]
        spread = np.hypot(SCORE_NOISE, OWN_NOISE)
        folds_noise = FOLD_NOISE * rng.standard_normal(3)
        fresh = folds_noise + spread * rng.standard_normal((len(chosen), 3))
        results = {
            each.contender.name: [scored(float(truth[each.trial.number] + noise)) for noise in own_noise]
            for each, own_noise in zip(entered, fresh, strict=True)
        }
        firsts = np.array(BASELINES) + folds_noise[0] + spread * rng.standard_normal(len(BASELINES))
        leader = max(truth[each.number] + noise[0] for each, noise in zip(chosen, fresh, strict=True))
        few = np.where(firsts == firsts.max(), STRONGEST_SEEDS, FEW_SEEDS)
        seeds = np.where(leader - firsts > FAR_BEHIND, few, regime.seeds)
        if race:
            folds = finalists.in_the_race(results)
            results = {name: found[: folds[name]] for name, found in results.items()}
        first = finalists.ranked(entered, results)[0]
        best = first.trial.number
        real = (float(truth[best]), DEFAULT, *BASELINES)
        models = drawn(rng, replace(regime, accuracies=real, noise=(0.5,) * len(real)))
        most = (regime.seeds, regime.seeds, *seeds)
        counts = [first_seeds(model.correct, each) for model, each in zip(models, most, strict=True)]
        interval = stats.accuracy_interval(counts[0], stats.seed_variances(counts)[0])
        assert interval is not None
        compared = [
            0,
            *range(1 if best else 2, len(real)),
        ]  # where the default won, it is not compared with itself
        wrong = _false([counts[i] for i in compared], [real[i] for i in compared])
        rows.append(
            (
                truth[best] < DEFAULT,
                truth.max() - truth[best],
                first.mean - truth[best],
                scores[best] - truth[best],
                wrong,
                interval[0] <= real[0] <= interval[1],
                sum(map(len, results.values())),
            )
        )
    return Selected(*(float(column) for column in np.array(rows, float).mean(axis=0)))


def trial(number: int, score: float) -> PastTrial:
    """A complete trial of that score."""
    return PastTrial(number, "complete", score, {}, {}, 1, 1, 1.0)


def contender(number: int) -> Contender:
    """A trial's configuration."""
    return Contender(finalists.trial_name(number), "winner", "", "", {})


def scored(score: float) -> TrialResult:
    """A training that ended with a score."""
    return TrialResult("complete", 1.0, [EpochReport(1, 0.0, score, 0.0, score, score, 1, 1.0, 1e-3)])
