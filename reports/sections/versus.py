"""Sentences on how the winner compares with the other models, the default among them."""

from reports.facts.comparisons import Comparison
from reports.facts.final import Final
from reports.facts.models import Model
from reports.facts.rival import compared_with, rival, tested_baselines, untested_baselines
from reports.facts.summary import RunSummary
from reports.facts.weak import cut_short
from reports.markdown import code, decimals_for, interval, listed, percent, plural, points


def against(summary: RunSummary, final: Final, digits: int) -> str:
    """Such as ", 24 points more than the best baseline, `x` (65 %; difference 16 to 32: better)"."""
    other = rival(final)
    found = compared_with(final, other.name) if other is not None else None
    if other is None or other.test is None or found is None:
        return ""
    apart = f"difference {interval(found.interval, digits)}: " if found.interval else ""
    told = _told(found, len(final.comparisons))
    return (
        f", {_more_than(found.difference, digits)} {_which(summary, final, other)} "
        f"({percent(other.test.mean, digits)}; {apart}{told})"
    )


def _which(summary: RunSummary, final: Final, other: Model) -> str:
    if other.name == "default":
        return "the default configuration"
    which = "the best baseline" if len(tested_baselines(final)) > 1 else "the one baseline"
    short = cut_short(other.name, summary.curves, summary.epochs)
    stopped = f", which was still learning after its {plural(other.epochs, 'epoch')}" if short else ""
    return f"{which}, {code(other.name)}{stopped}"


def caveats(summary: RunSummary, final: Final) -> str:
    """Baselines that were not tested, and those that a short `--epochs` has held back."""
    missing = untested_baselines(final)
    if missing:
        names = listed([code(name) for name in missing])
        which = f"The baseline {names} was" if len(missing) == 1 else f"The baselines {names} were"
        return f"{which} not tested, so the strongest one is not known. "
    other = rival(final)
    short = [
        model.name
        for model in tested_baselines(final)
        if model.neural
        and (other is None or model.name != other.name)
        and cut_short(model.name, summary.curves, summary.epochs)
    ]
    if not short:
        return ""
    verb = "was" if len(short) == 1 else "were"
    return (
        f"{listed([code(name) for name in short])} {verb} still learning when the "
        f"{plural(summary.epochs, 'epoch')} of this run were over, and would do better with more. "
    )


def default(summary: RunSummary, final: Final) -> str:
    """The gain of the search over the default configuration."""
    if len(summary.search.trials) == 1:
        return "The default configuration is the only one that was tried. "
    if final.is_default:
        return "No searched configuration was better than the default one. "
    if "default" in final.untested:
        why = f"`default` was not retrained{_on_folds(final)}"
        return f"Whether the search gained anything is not known: {why}. "
    found, other = compared_with(final, "default"), rival(final)
    if found is None or (other is not None and other.name == "default"):
        return ""
    digits = decimals_for(found.interval)
    told = _told(found, len(final.comparisons))
    apart = f"{interval(found.interval, digits)}: {told}" if found.interval else told
    if found.difference <= 0:
        lost = f"{points(found.difference, digits)} points, " if found.difference else ""
        return f"The search gained nothing over the default configuration ({lost}{apart}). "
    shown = points(found.difference, digits)
    unit = "point" if shown == "1" else "points"
    if found.verdict == "not distinguishable":
        apart = f"which may be chance: {apart}"
    return f"The search gained {shown} {unit} over the default configuration ({apart}). "


def every(final: Final) -> str:
    """Whether it is better than all others, where that may be said."""
    others = [c for c in final.comparisons if not final.is_default or c.baseline != "default"]
    if not others and not final.untested:
        return "There is no baseline to compare it with. "
    if final.better_than_every and len(others) > 1:
        tested = " that were tested" if final.untested else ""
        return f"The winner is better than every one of the {len(others)} others{tested}. "
    return ""


def _told(found: Comparison, many: int) -> str:
    """The verdict; where only the correction for many comparisons stands against a difference, that too."""
    low, high = found.interval or (0.0, 0.0)
    corrected = found.verdict == "not distinguishable" and (low > 0 or high < 0)
    return f"{found.verdict}, corrected for {many} comparisons" if corrected else found.told


def _more_than(difference: float, digits: int) -> str:
    shown = points(abs(difference), digits)
    if not float(shown):
        return "no more than" if difference <= 0 else "hardly more than"
    return f"{shown} {'point' if shown == '1' else 'points'} {'more' if difference > 0 else 'less'} than"


def _on_folds(final: Final) -> str:
    """The scores of default and winner where both were finalists."""
    default = next((item for item in final.finalists if not item.trial and not item.fine_tuned), None)
    if default is None:
        return ""
    reached, won = percent(default.mean), percent(final.finalists[0].mean)
    return f" (on the fresh folds it reached {reached}, the winner {won})"
