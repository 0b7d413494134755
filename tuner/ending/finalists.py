"""Finalists: which trials they are, who leads on the fresh folds, and why the first of them has won."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuner.ending.contenders import Contender
from tuner.records import PastTrial, TrialResult
from tuner.search import search


@dataclass(frozen=True)
class Finalist:
    """A trial that is trained again on fresh folds.

    Attributes:
        trial: of the search.
        contender: its configuration, as it was searched or fine-tuned.
        folds: its scores on the folds that all finalists have.
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


def ranked(
    finalists: Sequence[Finalist], results: Mapping[str, Sequence[TrialResult | None]]
) -> list[Finalist]:
    """Best first, by their mean over the folds that all of them have.

    Args:
        finalists: whose folds are not filled in yet.
        results: fold by fold, by the name of the contender; None where a fold is missing.
    """
    by_fold = zip(*(results[each.contender.name] for each in finalists), strict=True)
    shared = [fold for fold in by_fold if None not in fold]
    rows = []
    for i, each in enumerate(finalists):
        scores = [result.score for fold in shared if (result := fold[i]) is not None]
        rows.append(replace(each, folds=tuple(score for score in scores if score is not None)))
    return sorted(rows, key=lambda row: (-row.mean, row.contender.fine_tuned, row.trial.number))


def why(ranking: Sequence[Finalist]) -> str:
    """Why the first of the ranked finalists has won, in a sentence."""
    first, *others = ranking
    if not first.folds:
        return "best in the search; there was no time for fresh folds"
    folds = f"mean {first.mean:.4f} on {len(first.folds)} fresh folds"
    ahead = max(others, key=lambda each: each.searched, default=None)
    if ahead is None or ahead.searched <= first.searched:
        return f"{folds}; best in the search as well ({first.searched:.4f})"
    return (
        f"{folds}; trial {ahead.trial.number} was ahead of it in the search ({ahead.searched:.4f} to "
        f"{first.searched:.4f}) and has {ahead.mean:.4f} there"
    )
