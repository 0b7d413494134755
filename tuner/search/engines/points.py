"""Points of the unit cube, one coordinate for each searched parameter, and what they stand for.

Optuna's own grid, quasi-random and CMA-ES samplers know neither conditions nor (the last two)
choices as they should; over the unit cube of a space, all of them cover all of it.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping

from search_spaces.space import Parameter, ParamValue, SearchSpace

LEVELS = 5
"""Values that a grid has of a parameter with more than that: evenly spread over its distribution."""

ENUMERATED = 100_000
"""Grids up to this many points are shuffled as a whole; of larger ones, points are drawn."""


def at(space: SearchSpace, point: Mapping[str, float]) -> dict[str, ParamValue]:
    """The configuration at a point; coordinates of parameters that are not used mean nothing.

    Args:
        space: of the parameters.
        point: by name of parameter, from 0 to 1.
    """
    params: dict[str, ParamValue] = {}
    for name in space.searched():
        if space.is_active(name, params):
            params[name] = space.from_unit(name, point[name])
    return space.complete(params)


def default(space: SearchSpace) -> dict[str, float]:
    """The point of the space's own configuration."""
    return {name: space.to_unit(name, parameter.default) for name, parameter in space.searched().items()}


def levels(parameter: Parameter) -> list[ParamValue]:
    """The values of a parameter that make up a grid: its choices, or up to `LEVELS` numbers."""
    count = len(parameter.choices) if hasattr(parameter, "choices") else LEVELS
    return list(dict.fromkeys(parameter.from_unit((i + 0.5) / count) for i in range(count)))


def grid(space: SearchSpace, seed: int) -> Iterator[dict[str, ParamValue]]:
    """Every configuration of the grid once, in an order drawn by the seed.

    Shuffled, since a search seldom gets through: in the grid's own order, its first trials would
    differ in the last parameters alone. Points that differ in what is not used are one.
    """
    values = {name: levels(parameter) for name, parameter in space.searched().items()}
    seen = set()
    for index in _shuffled(math.prod(map(len, values.values())), seed):
        rest, params = index, {}
        for name, choices in values.items():
            rest, place = divmod(rest, len(choices))
            params[name] = choices[place]
        whole = space.complete(params)
        if key(whole) not in seen:
            seen.add(key(whole))
            yield whole


def key(params: Mapping[str, ParamValue]) -> tuple[tuple[str, ParamValue], ...]:
    """A configuration as something that sets can hold."""
    return tuple(params.items())


def _shuffled(size: int, seed: int) -> Iterator[int]:
    generator = random.Random(seed)
    if size <= ENUMERATED:
        yield from generator.sample(range(size), size)
    else:
        yield from (generator.randrange(size) for _ in itertools.repeat(None))


def sobol(space: SearchSpace, seed: int, index: int) -> dict[str, float]:
    """Point `index` of a scrambled Sobol' sequence (doi.org/10.1016/0041-5553(67)90144-9)."""
    from scipy.stats import qmc

    names = list(space.searched())
    if not names:
        return {}
    sequence = qmc.Sobol(len(names), scramble=True, seed=seed)
    if index:
        sequence.fast_forward(index)
    return dict(zip(names, map(float, sequence.random(1)[0]), strict=True))
