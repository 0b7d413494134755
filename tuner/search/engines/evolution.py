"""CMA-ES over the unit cube of a space."""

import itertools
from dataclasses import dataclass
from typing import Any

from search_spaces.space import SearchSpace
from tuner import seeds
from tuner.search.engines import points

SIGMA = 0.25
"""Standard deviation of the first generation in each coordinate."""


@dataclass(frozen=True)
class Individual:
    """An earlier trial.

    Attributes:
        generation: of the algorithm's.
        point: that it was asked at.
        fitness: greater is better; only the order counts.
    """

    generation: int
    point: dict[str, float]
    fitness: tuple[float, ...]


def propose(
    space: SearchSpace, seed: int, number: int, past: list[Individual]
) -> tuple[dict[str, float], int]:
    """The point of trial `number`, and its generation (CMA-ES, arXiv 1604.00772).

    Nothing is kept between calls: the algorithm's state is a function of the trials, in their order,
    so that a search goes on after an interruption as if there had been none. Optuna's sampler keeps
    it in the study as a pickle, and draws at random from then on where parameters with
    conditions leave the space that all trials share.

    Args:
        space: of the parameters.
        seed: of the run.
        number: of the trial.
        past: trials that have ended, by number.
    """
    names = list(space.searched())
    optimizer = _optimizer(space, names, seed)
    for generation in itertools.count():
        told = [one for one in past if one.generation == generation][: optimizer.population_size]
        if len(told) < optimizer.population_size:
            break
        order = sorted(range(len(told)), key=lambda i: told[i].fitness, reverse=True)
        optimizer.tell([(_vector(names, told[i].point), float(rank)) for rank, i in enumerate(order)])
    optimizer.reseed_rng(seeds.derive(seed, "cmaes", number))
    drawn = [float(u) for u in optimizer.ask()]
    return dict(zip(names, drawn, strict=False)), generation


def _optimizer(space: SearchSpace, names: list[str], seed: int) -> Any:
    import cmaes
    import numpy as np

    mean = _vector(names, points.default(space))
    return cmaes.CMA(
        mean, SIGMA, bounds=np.tile([0.0, 1.0], (len(mean), 1)), seed=seeds.derive(seed, "cmaes")
    )


def _vector(names: list[str], point: dict[str, float]) -> Any:
    """A point as an array; the algorithm needs two dimensions at least."""
    import numpy as np

    return np.array([point[name] for name in names] + [0.5] * (2 - len(names)))
