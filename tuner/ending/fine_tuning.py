"""The second stage of a search of heads: the best one goes on with some of the network, if there is time."""

from dataclasses import replace

from search_spaces.family import Family
from search_spaces.space import SearchSpace
from tuner.datasets.base import Dataset
from tuner.display import duration
from tuner.ending.contenders import Contender
from tuner.training.features import store_of

EPOCHS = 3

STEP = 4.5
"""Seconds that an image takes in training the last stage, over those that its features took: 41 ms to 9 ms on
one core (cats and dogs, 224 pixels)."""

MOST_SECONDS = 120.0
"""Without a budget: where all trainings of it would take longer, fine-tuning is not tried."""

BUDGET_SHARE = 0.5
"""With a budget: likewise, of the time that is left."""


def further(head: Contender, space: SearchSpace, family: Family) -> Contender | None:
    """The second stage of a finalist; None where there is none, or where it was among what was searched."""
    features = family.fixed(head.params)
    if features is None or not features.unfrozen or features.unfrozen in space.searched():
        return None
    return replace(
        head,
        name=f"{head.name}, fine-tuned",
        source=f"{head.source}, then fine-tuned",
        params={**head.params, features.unfrozen: 1},
        epochs=EPOCHS,
        fine_tuned=True,
    )


def epoch_seconds(tuned: Contender, family: Family, dataset: Dataset) -> float | None:
    """Seconds of an epoch on all training images, by what their features took; None where nobody knows."""
    assert family.features is not None
    facts = store_of(family.features, tuned.params, dataset.directory, dataset.image_shape).facts()
    return None if facts is None else STEP * facts.seconds * len(dataset.train_labels)


def allowed(left: float | None) -> float:
    """Seconds that it may take in all, by those of a budget that are left; None for no budget."""
    return MOST_SECONDS if left is None else BUDGET_SHARE * left


def not_tried(needed: float, most: float, *, budget: bool) -> str:
    """The sentence of the report; where a budget is the reason it begins as the others on that do."""
    held = "to hold the budget, " if budget else ""
    return (
        f"{held}the best head was not fine-tuned, which would have taken about {duration(needed)}; there "
        f"were {duration(most)} for it, and with `--budget` there is half of the time that is left by then"
    )
