"""Finalists: which trials they are, who leads on the fresh folds, and why the first of them has won."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuner.ending.contenders import Contender
from tuner.records import PastTrial, TrialResult
from tuner.search import search

DROPPED = 0.05
"""A finalist so much behind the best one on the first fresh fold is trained on no other; after k folds, by
this over the root of k. It is the standard deviation of a difference between two models on one fold (seeds
0.03 each). In simulation that saves a fifth of the trainings, for 0.1 points of the winner's true accuracy
(`nox -s bench -- truth`)."""


@dataclass(frozen=True)
class Finalist:
    """A trial that is trained again on fresh folds.

    Attributes:
        trial: of the search.
        contender: its configuration, as it was searched or fine-tuned.
        folds: its scores on the folds that all finalists have which were not dropped; of one that was,
            those of the folds before.
    """

    trial: PastTrial
    contender: Contender
    folds: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Its score over the folds; without any, that of the search."""
        return statistics.fmean(self.folds) if self.folds else self.searched

    @property
    def searched(self) -> float:
        """Its score in the search."""
        return self.trial.score or 0.0

    def to_json(self) -> dict[str, Any]:
        """What files say of it."""
        return {
            "trial": self.trial.number,
            "fine_tuned": self.contender.fine_tuned,
            "search_score": self.searched,
            "folds": list(self.folds),
            "mean": self.mean,
        }


def chosen(past: list[PastTrial], count: int) -> list[PastTrial]:
    """The best trials, and the default whatever its rank: it is trained on the fresh folds anyway.

    In simulation that makes a winner worse than the default a third to a half less likely
    (`nox -s bench -- truth`).
    """
    found = search.best(past, count)
    ranks = [trial.number for trial in found]
    every = search.best(past, len(past))
    return [*found, *(trial for trial in every if trial.number == 0 and 0 not in ranks)]


def trial_name(number: int) -> str:
    """The name of a trial once the search is over: number 0 is the default, and one of the models."""
    return f"trial {number}" if number else "default"


def in_the_race(results: Mapping[str, Sequence[TrialResult | None]]) -> dict[str, int]:
    """On how many folds each finalist is trained, as far as is known: on all, unless it falls behind.

    It depends on scores on validation images alone, and not on which training ends first. The default is
    trained on all folds, as it is one of the models that are compared.

    Args:
        results: fold by fold, by the name of the contender; None where a fold is missing.
    """
    scores = {name: [_score(result) for result in found] for name, found in results.items()}
    folds = max(map(len, scores.values()))
    counts = dict.fromkeys(scores, folds)
    for trained in range(1, folds):
        found = {name: scores[name][:trained] for name, count in counts.items() if count == folds}
        means = {
            name: statistics.fmean(s for s in each if s is not None)
            for name, each in found.items()
            if None not in each
        }
        if len(means) < len(found):  # a fold is missing, so that it is not known yet who leads
            break
        least = max(means.values()) - DROPPED / math.sqrt(trained)
        counts |= {name: trained for name, mean in means.items() if mean < least and name != trial_name(0)}
    return counts


def _score(result: TrialResult | None) -> float | None:
    return None if result is None else result.score


def ranked(
    finalists: Sequence[Finalist], results: Mapping[str, Sequence[TrialResult | None]]
) -> list[Finalist]:
    """Best first, by their mean over the folds that all of them have; then those that were dropped.

    Args:
        finalists: whose folds are not filled in yet.
        results: fold by fold, by the name of the contender, fewer of those that were dropped; None where a
            fold is missing.
    """
    scores = {name: [_score(result) for result in found] for name, found in results.items()}
    folds = max(map(len, scores.values()))
    whole = [found for found in scores.values() if len(found) == folds]
    shared = [fold for fold in range(folds) if all(found[fold] is not None for found in whole)]
    rows = []
    for each in finalists:
        found = scores[each.contender.name]
        those = shared if len(found) == folds else range(len(found))
        rows.append(replace(each, folds=tuple(s for fold in those if (s := found[fold]) is not None)))
    dropped = {each.contender.name for each in finalists if len(scores[each.contender.name]) < folds}
    return sorted(
        rows,
        key=lambda row: (
            row.contender.name in dropped,
            -row.mean,
            row.contender.fine_tuned,
            row.trial.number,
        ),
    )


def why(ranking: Sequence[Finalist]) -> str:
    """Why the first of the ranked finalists has won, in a sentence."""
    first, *others = ranking
    if not first.folds:
        return "best in the search; there was no time for fresh folds"
    folds = f"mean {first.mean:.4f} on {len(first.folds)} fresh folds"
    ahead = max(others, key=lambda each: each.searched, default=None)
    if ahead is None or ahead.searched <= first.searched:
        return f"{folds}; best in the search as well ({first.searched:.4f})"
    has = "fell behind" if len(ahead.folds) < len(first.folds) else f"has {ahead.mean:.4f}"
    return (
        f"{folds}; trial {ahead.trial.number} was ahead of it in the search ({ahead.searched:.4f} to "
        f"{first.searched:.4f}) and {has} there"
    )
