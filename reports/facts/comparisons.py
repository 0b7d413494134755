"""The winner against each baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.facts.models import Model
from reports.statistics import intervals as stats
from reports.statistics import verdicts
from reports.statistics.intervals import Interval
from reports.statistics.verdicts import Verdict

NO_VERDICT = "no verdict"


@dataclass(frozen=True)
class Comparison:
    """The winner against one baseline; `difference` is winner minus baseline."""

    baseline: str
    difference: float
    interval: Interval | None
    verdict: Verdict

    @property
    def told(self) -> str:
        """The verdict in words."""
        return in_words(self.verdict, self.difference, self.interval)


def in_words(verdict: str, difference: float, interval: Sequence[float] | None) -> str:
    """A verdict as it is told: none was reached where a difference has no interval, as with one seed."""
    return verdict if interval or not difference else NO_VERDICT


def differences(
    models: Sequence[Model], seeds: Mapping[str, stats.SeedVariance | None], itself: str
) -> list[tuple[str, verdicts.Difference]]:
    """The winner against each baseline; `itself` is the baseline that it is, if any."""
    winner = models[0]
    if winner.correct is None:
        return []
    first = (winner.correct, seeds[winner.name])
    return [
        (model.name, verdicts.Difference(0.0, None, None))
        if model.name == itself
        else (model.name, verdicts.difference(first, (model.correct, seeds[model.name])))
        for model in models[1:]
        if model.correct is not None
    ]
