"""Parameters by their importance, and how the best configuration differs from the default."""

from collections.abc import Sequence
from typing import Any

from reports import figures
from reports.facts.journal import MIN_SCORED
from reports.facts.summary import RunSummary
from reports.facts.trials import Importance
from reports.markdown import NONE, code, escape, folded, join, listed, percent, plural, table, value


def render(summary: RunSummary) -> str:
    """Importances, slices, best against default."""
    if not summary.search.trials:
        return ""
    return join(
        [
            "## What mattered",
            _sentence(summary),
            figures.place("importance", summary),
            figures.place("slices", summary),
            _best_against_default(summary),
        ]
    )


def _sentence(summary: RunSummary) -> str:
    items = summary.search.importance
    if not items:
        search = summary.search
        scored = sum(t.score is not None for t in (*search.of_state("complete"), *search.of_state("pruned")))
        if scored < MIN_SCORED:
            have = f"{scored} {'has' if scored == 1 else 'have'} a score, {MIN_SCORED} are needed"
            return f"Too few trials to say which parameter mattered: {have}."
        return "The trials do not differ enough to say which parameter mattered."
    top = [f"{code(item.param)} ({percent(item.importance, 0)})" for item in items[:3]]
    return (
        f"Most of what separates the good trials from the rest: {listed(top)}.{_doubt(items)} The shares "
        "(PED-ANOVA, as Optuna computes it: how far the values of the good trials differ from those of all; "
        "over complete and stopped trials with the last score of each) say where the search found "
        "differences, not what a parameter is worth."
    )


def _doubt(items: Sequence[Importance]) -> str:
    if items[0].low is None:
        return " With so few trials that order may be chance."
    lines = " The lines show how far the shares move when a random half of the trials is left out"
    if len(items) < 2 or items[0].low > (items[1].high or 0.0):
        return f"{lines}."
    return f"{lines}; they overlap, so that the order may be chance."


def best_params(summary: RunSummary) -> dict[str, Any]:
    """Parameters of the winner, or of the best trial so far."""
    if summary.final is not None and summary.final.winner.params:
        return dict(summary.final.winner.params)
    best = summary.search.best
    return dict(best.params) if best is not None else {}


def _best_against_default(summary: RunSummary) -> str:
    chosen = best_params(summary)
    searched = [parameter for parameter in summary.parameters if parameter.searched]
    if not chosen or not searched:
        return ""
    rows = []
    for parameter in searched:
        best = value(chosen[parameter.name]) if parameter.name in chosen else NONE
        default = value(parameter.default)
        if parameter.choices is not None:
            among = listed([value(choice) for choice in parameter.choices], "or")
        else:
            steps = f" in steps of {parameter.step}" if parameter.step > 1 else ""
            ends = f"{value(parameter.low)} to {value(parameter.high)}"
            among = f"{ends}{steps}{', log' if parameter.log else ''}"
        shown = f"**{escape(best)}**" if best != default else escape(best)
        rows.append([code(parameter.name), escape(parameter.summary), escape(default), shown, escape(among)])
    who = "winner" if summary.final is not None else "best"
    header = ["parameter", "what it is", "default", who, "searched"]
    differs = any(row[3].startswith("**") for row in rows)
    bold = "Bold: other than the default." if differs else f"The {who} is the default itself."
    return join([table(header, rows, "llrrl"), bold, _fixed(summary, chosen)])


def _fixed(summary: RunSummary, chosen: dict[str, Any]) -> str:
    """The parameters that were not searched and that the winner's model has."""
    fixed = [p for p in summary.parameters if not p.searched and p.name in chosen]
    if not fixed:
        return ""
    named = [f"{code(p.name)} ({escape(value(chosen[p.name]))})" for p in fixed]
    return folded(f"Not searched: {plural(len(fixed), 'parameter')}", f"{listed(named)}.")
