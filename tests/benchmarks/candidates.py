"""Which configurations a search had better try first, at equal time: any, cheap ones, or some that are known.

The configurations of `replay`, and the same ones on `digits`, are searched again and again by `screen` in
drawn orders. A search takes as many of them as fit into the time that it takes for some drawn at random.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.replay import CONFIGS, EPOCHS, FOLDER, Trained, data_dir, read, replay, sets, train
from tuner.search.schedulers.base import DEFAULT
from tuner.search.schedulers.screen import Screen

TRIALS = 20
"""Of a search whose configurations are drawn at random, the default among them."""

ORDERS = 500
WORKERS = 2
KNOWN = 6
"""Configurations that did best on the other data sets."""

Floats = NDArray[np.float64]
Order = Callable[[np.random.Generator], Iterable[int]]
"""Draws an order of all configurations but the default."""


def run() -> dict[str, Any]:
    """Trains what is not trained yet, replays, prints."""
    places = {**sets(FOLDER), "digits": data_dir()}
    trained = {name: read(train(name, place, FOLDER, CONFIGS)) for name, place in places.items()}
    found: dict[str, Any] = {}
    for name, own in trained.items():
        others = [other for key, other in trained.items() if key != name]
        rows = {way: searches(own, order) for way, order in orders(own, others).items()}
        found[name] = {way: row for way, (row, _) in rows.items()}
        dearest, cheapest = np.quantile(own.seconds, (0.9, 0.1))
        print(f"`{name}`: {len(own.curves)} configurations; the dearest tenth takes")
        print(f"{dearest / cheapest:.1f} times as long as the cheapest\n")
        print("| tried first | trials | mean regret | less that of any | default | best of the known |")
        print("|---|---|---|---|---|---|")
        final = np.array([curve[-1] for curve in own.curves])
        default, known = final.max() - final[DEFAULT], final.max() - final[known_best(others)].max()
        for way, (row, regrets) in rows.items():
            less = regrets - rows["any"][1]
            error = less.std(ddof=1) / np.sqrt(len(less))
            cells = f"{row['trials']:.1f} | {row['regret']:.4f} | {less.mean():+.4f} ± {error:.4f}"
            print(f"| {way} | {cells} | {default:.4f} | {known:.4f} |", flush=True)
        print()
    return found


def known_best(others: Sequence[Trained]) -> list[int]:
    """The configurations with the best mean rank on other data sets, but the default."""
    ranks = [np.argsort(np.argsort([curve[-1] for curve in other.curves])) for other in others]
    return [int(i) for i in np.argsort(-np.mean(ranks, axis=0)) if i != DEFAULT][:KNOWN]


def orders(own: Trained, others: Sequence[Trained]) -> dict[str, Order]:
    """The ways of drawing, by name."""
    rest = np.arange(1, len(own.curves))
    seconds = np.array(own.seconds)[rest]
    known = known_best(others)

    def cheap(power: float) -> Order:
        chances = seconds**-power / (seconds**-power).sum()
        return lambda rng: rng.choice(rest, len(rest), replace=False, p=chances).tolist()

    def first(rng: np.random.Generator) -> Iterable[int]:
        return [*known, *(i for i in rng.permutation(rest) if i not in known)]

    return {
        "any": lambda rng: rng.permutation(rest).tolist(),
        "cheap (chance ~ 1/sqrt of the seconds)": cheap(0.5),
        "cheap (chance ~ 1/seconds)": cheap(1.0),
        f"{KNOWN} known": first,
    }


def searches(own: Trained, order: Order) -> tuple[dict[str, float], Floats]:
    """Mean trials and regret of searches as long as those of `TRIALS` drawn at random; all regrets."""
    best = max(curve[-1] for curve in own.curves)
    rest = np.arange(1, len(own.curves))
    regrets, counts = [], []
    for number in range(ORDERS):
        usual = [DEFAULT, *np.random.default_rng(number).permutation(rest)[: TRIALS - 1]]
        limit = _search(own, usual)[1]
        drawn = [DEFAULT, *order(np.random.default_rng(number))]
        count = TRIALS
        final, took = _search(own, drawn[:count])
        while took > limit and count > 2:
            count -= 1
            final, took = _search(own, drawn[:count])
        while count < len(drawn):
            further, took = _search(own, drawn[: count + 1])
            if took > limit:
                break
            final, count = further, count + 1
        regrets.append(best - final)
        counts.append(count)
    return {"trials": float(np.mean(counts)), "regret": float(np.mean(regrets))}, np.array(regrets)


def _search(own: Trained, order: Sequence[int]) -> tuple[float, float]:
    """Final score of the winner, and seconds."""
    curves, seconds = [own.curves[i] for i in order], [own.seconds[i] / EPOCHS for i in order]
    ended = replay(curves, Screen(EPOCHS, own.steps_per_epoch), seconds, WORKERS)
    return ended.best, ended.seconds
