"""The trials that no other one beats in both score and size: the price of a smaller model."""

from collections.abc import Sequence

from reports.facts.trials import Search, Trial
from reports.markdown import METRICS, points

SMALL_LOSS = 0.02
"""A loss in the search's score that many would give for a smaller model."""
SHARES = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    7: "a seventh",
    8: "an eighth",
    9: "a ninth",
    10: "a tenth",
}


def sized(search: Search) -> list[Trial]:
    """The complete and stopped trials whose score and number of parameters are known."""
    ended = (*search.of_state("complete"), *search.of_state("pruned"))
    return [trial for trial in ended if trial.parameters and trial.score is not None]


def differ(search: Search) -> bool:
    """Whether there are complete trials of different sizes, so that there is something to weigh."""
    return len({trial.parameters for trial in sized(search) if trial.state == "complete"}) > 1


def front(search: Search) -> list[Trial]:
    """The Pareto front, smallest first: no complete trial is as small and scores as well.

    Stopped trials are left out, since their last score is of an earlier epoch than that of complete ones.
    """
    complete = [trial for trial in sized(search) if trial.state == "complete"]
    chosen: list[Trial] = []
    for trial in sorted(complete, key=lambda t: (t.parameters or 0, -(t.score or 0.0), t.number)):
        if not chosen or (trial.score or 0.0) > (chosen[-1].score or 0.0):
            chosen.append(trial)
    return chosen


def measure(search: Search, winner: int | None) -> Trial:
    """The trial that smaller ones are weighed against: the winner if its size is known, else the best one."""
    found = [trial for trial in sized(search) if trial.number == winner and trial.state == "complete"]
    return found[0] if found else front(search)[-1]


def advice(chosen: Sequence[Trial], best: Trial, metric: str, *, won: bool) -> str:
    """A sentence on what the smallest good trial of a front saves and loses.

    Args:
        chosen: the front.
        best: the trial it is weighed against.
        metric: of the scores.
        won: whether that is the winner of the run, or only the best of the search.
    """
    smaller, who = _smaller(chosen, best), f"trial {best.number}, the {'winner' if won else 'best so far'}"
    if not smaller:
        return f"No complete trial is both smaller than {who}, and among the best for its size."
    good = _good(smaller, best)
    trial = good[0] if good else smaller[-1]
    lost = _points(best, trial)
    if metric == "auc":
        lost = f"{abs(_loss(best, trial)):.3f} of its {METRICS[metric]}"
    verb = "loses" if _loss(best, trial) >= 0 else "gains"
    return (
        f"Trial {trial.number} has {share(trial.parameters or 1, best.parameters or 1)} the parameters of "
        f"{who}, and {verb} {lost} on validation."
    )


def doubt(chosen: Sequence[Trial], best: Trial) -> str:
    """A sentence where no smaller trial is a good one, else nothing."""
    smaller = _smaller(chosen, best)
    if not smaller or _good(smaller, best):
        return ""
    return f"No smaller trial comes within {100 * SMALL_LOSS:.0f} points of it."


def _smaller(chosen: Sequence[Trial], best: Trial) -> list[Trial]:
    return [trial for trial in chosen if (trial.parameters or 0) < (best.parameters or 0)]


def _good(smaller: Sequence[Trial], best: Trial) -> list[Trial]:
    return [trial for trial in smaller if _loss(best, trial) <= SMALL_LOSS]


def share(small: int, large: int) -> str:
    """Such as "half of", "a tenth of", "87 % of", "one 40th of"."""
    times = large / small
    if times < 1.75:
        return f"{100 * small / large:.0f} % of"
    if times < 10.5:
        return f"{SHARES[round(times)]} of"
    return f"less than {SHARES[10] if times < 20 else f'a {10 * int(times / 10)}th'} of"


def _loss(best: Trial, other: Trial) -> float:
    return (best.score or 0.0) - (other.score or 0.0)


def _points(best: Trial, other: Trial) -> str:
    shown = points(abs(_loss(best, other)))
    if not float(shown):
        return "less than 0.1 points"
    return f"{shown} {'point' if shown == '1.0' else 'points'}"
