"""Whether more training data would help: the winner trained on a part of what there is."""

from reports import figures
from reports.facts.more_data import DataCurve
from reports.facts.summary import RunSummary
from reports.markdown import join, percent, plural, points

WORTH = 0.003
"""A gain in accuracy by twice the data that is not worth collecting for."""


def render(summary: RunSummary) -> str:
    """One paragraph and the figure; nothing without trainings on less data."""
    curve = summary.final.data_curve if summary.final is not None else None
    if curve is None:
        return ""
    half, whole = curve.points[-2:]
    grouped = summary.dataset.grouped
    unit = "duplicate group" if grouped else "image"
    fewer, all_ = (half.groups, whole.groups) if grouped else (half.images, whole.images)
    folds = plural(min(len(half.folds), len(whole.folds)), "fresh fold")
    text = (
        f"Trained on {plural(fewer, unit)}, the winner reaches {percent(half.mean)} on {folds}; on all "
        f"{all_:,}, in about as many training steps, {percent(whole.mean)}: "
        f"{points(curve.gain, sign=True)} points. {_no_basis(summary) or verdict(curve)}"
    )
    return join(["## Would more data help?", text, figures.place("more-data", summary)])


def _no_basis(summary: RunSummary) -> str:
    """Where shares of the data are frames of the same scenes, less of them says nothing of more scenes."""
    if not few_scenes(summary):
        return ""
    return (
        "As many images are frames of the same scenes, or may be, that does not tell whether images of new "
        "scenes would help."
    )


def few_scenes(summary: RunSummary) -> bool:
    """Whether many images are frames of few scenes, or their near-copies are not known."""
    found = (summary.audit or {}).get("duplicates") or {}
    return bool(found.get("scenes") or found.get("dissolved"))


def verdict(curve: DataCurve) -> str:
    """The meaning of the gain, as far as its noise allows one."""
    if curve.noise is None:
        return "One fold alone does not tell whether that is more than chance."
    noise = f"the folds alone explain {points(curve.noise)} points either way"
    if curve.gain - curve.noise > WORTH:
        return f"That is beyond chance ({noise}): more data of the same kind would probably help."
    if curve.gain + curve.noise < 2 * WORTH:
        return f"That is little ({noise}): more data of the same kind would hardly help."
    return f"That is within chance ({noise}), and so does not tell whether more data would help."
