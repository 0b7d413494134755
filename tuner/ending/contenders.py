"""Who is compared at the end of a run: the winner, the default, and the baselines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from search_spaces import SEARCH_SPACES
from search_spaces.family import Task
from search_spaces.space import ParamValue, SearchSpace
from tuner.baselines.own import as_baseline
from tuner.errors import UsageError
from tuner.registry import reference, resolve


@dataclass(frozen=True)
class Contender:
    """One model in the comparison.

    Attributes:
        name: as in the report.
        kind: the winner of the search, or a baseline.
        source: where its recipe comes from, in a line.
        published: what was reported for it, and on which data; "" where nothing was.
        changes: what differs here from the recipe as published, and what it leaves open; "" for nothing.
        model: registry reference.
        params: of its family; empty for an estimator.
        neural: whether it is trained by epochs, and so varies with the seed.
        reference: whether it only shows what the searched family is measured against: then it is trained
            from two seeds, and on no fold.
        early_stopping: whether its epochs are chosen on validation data; else the schedule fixes them.
        epochs: as its recipe was published, where that is to be followed, or of fine-tuning; else those of
            the search.
        fine_tuned: whether it is a trial of the search that was then trained further.
    """

    name: str
    kind: Literal["winner", "baseline"]
    source: str
    model: str
    params: dict[str, ParamValue]
    neural: bool = True
    reference: bool = False
    early_stopping: bool = False
    epochs: int | None = None
    published: str = ""
    changes: str = ""
    fine_tuned: bool = False


def default(space: SearchSpace, model: str) -> Contender:
    """Trial 0's configuration: what one gets without any search."""
    source = f"the default configuration of the space {space.name}: what one gets without a search"
    return Contender("default", "baseline", source, model, space.default())


def winner(space: SearchSpace, model: str, trial: int, params: dict[str, ParamValue]) -> Contender:
    """The configuration that the search found."""
    return Contender(
        "tuned", "winner", f"trial {trial} of the search in the space {space.name}", model, params
    )


def in_order(
    others: Sequence[Contender], scores: Mapping[str, float], seconds: Mapping[str, float]
) -> list[Contender]:
    """The default and the baselines as they are retrained: a budget leaves out those that come last.

    First the baseline that is strongest on validation images, without which the best is not known; then the
    default, without which nobody knows what the search was worth; then the others, cheapest first.

    Args:
        others: all of them.
        scores: by name, on a fold that all have; not a number where there is none.
        seconds: that a retraining takes, by name.
    """
    first = strongest(others, scores)
    return sorted(others, key=lambda e: (e.name != first, e.name != "default", seconds[e.name]))


def strongest(others: Sequence[Contender], scores: Mapping[str, float]) -> str:
    """The baseline that scores best on validation images, the default aside; "" where none scored."""
    scored = [e.name for e in others if e.name != "default" and not math.isnan(scores[e.name])]
    return max(scored, key=lambda name: scores[name], default="")


FROM_SCRATCH = "cnn"
"""Name among the baselines of the default CNN, for runs that search another space."""


SCRATCH_EPOCHS = 8
"""Of photographs one epoch of it takes as long as some ten trainings of a head, so that it gets fewer."""

SCRATCH_SUMMARY = f"the default CNN, all of it trained from scratch, for {SCRATCH_EPOCHS} epochs at most"


def from_scratch(task: Task, epochs: int) -> Contender:
    """The default CNN, trained from scratch: what a run has that searches no CNNs is measured against it."""
    model, fewer = SEARCH_SPACES["cnn"], min(epochs, SCRATCH_EPOCHS)
    source = f"the default configuration of the space cnn, all of it trained from scratch for {fewer} epochs"
    params = resolve(model).space(task).default()
    return Contender(FROM_SCRATCH, "baseline", source, model, params, reference=True, epochs=fewer)


def baselines(
    names: Sequence[str], task: Task, *, faithful: bool = False, epochs: int = SCRATCH_EPOCHS
) -> list[Contender]:
    """The baselines of a run.

    Args:
        names: registered names, "cnn" or `FILE.py:NAME`; "all" stands for every one that fits the task,
            "none" for none at all.
        task: what they are to fit.
        faithful: train each for as many epochs as its recipe was published with.
        epochs: of the run's own trainings, the most of "cnn".

    Raises:
        UsageError: no such baseline, or one that does not fit these images.
    """
    from tuner.baselines import BASELINES

    if list(names) == ["none"]:
        return []
    if list(names) == ["all"]:
        every = list(BASELINES.values())
        return [_contender(target, task, faithful=faithful) for target in every if resolve(target).fits(task)]
    found = []
    for name in names:
        if name == FROM_SCRATCH:
            found.append(from_scratch(task, epochs))
            continue
        target = reference("baseline", name, BASELINES)
        if not as_baseline(resolve(target), target).fits(task):
            height, width, channels = task.image_shape
            raise UsageError(
                f"--baselines {name}: made for other data than {height}x{width}x{channels} images "
                f"of {task.classes} classes"
            )
        found.append(_contender(target, task, faithful=faithful))
    return found


def _contender(target: str, task: Task, *, faithful: bool) -> Contender:
    baseline = as_baseline(resolve(target), target)
    family = baseline.family
    params = {} if family is None else family.space(task).default()
    epochs = baseline.published_epochs if faithful and family is not None else 0
    return Contender(
        name=baseline.name,
        kind="baseline",
        source=baseline.source,
        model=target,
        params=params,
        neural=family is not None,
        early_stopping=not epochs and family is not None and family.recipe(params).early_stopping,
        epochs=epochs or None,
        published=baseline.published,
        changes=baseline.changes,
    )
