"""The default network with other learning-rate schedules, with and without averaged weights."""

from dataclasses import replace
from typing import Literal

from search_spaces.cnn import FAMILY as CNN
from search_spaces.family import Family, Params, Recipe

Schedule = Literal["trapezoid", "constant", "cosine"]


def variant(schedule: Schedule, ema: float) -> Family:
    """The family `cnn` with another schedule."""

    def recipe(params: Params) -> Recipe:
        return replace(CNN.recipe(params), schedule=schedule, ema=ema)

    return replace(CNN, name=f"cnn-{schedule}-{ema}", recipe=recipe)


CONSTANT_RAW = variant("constant", 0.0)
CONSTANT_AVERAGED = variant("constant", 0.98)
COSINE_RAW = variant("cosine", 0.0)
