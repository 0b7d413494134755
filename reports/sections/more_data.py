"""Whether more training data would help: the winner trained on shares of what there is."""

from reports import figures
from reports.facts.models import DataPoint
from reports.facts.summary import RunSummary
from reports.markdown import join, percent, plural, points

WORTH = 0.003
"""A gain in accuracy below which a doubling is not worth collecting for."""


def render(summary: RunSummary) -> str:
    """One sentence and the figure; nothing without trainings on less data."""
    if summary.final is None or len(summary.final.data_curve) < 2:
        return ""
    half, whole = summary.final.data_curve[-2:]
    unit = "duplicate group" if summary.dataset.grouped else "image"
    size = (whole.groups, half.groups) if summary.dataset.grouped else (whole.images, half.images)
    text = (
        f"Trained on {plural(size[1], unit)}, the winner reaches {percent(half.mean)} on the fresh folds, "
        f"on all {size[0]:,} it reaches {percent(whole.mean)}: {_sentence(half, whole)}"
    )
    return join(["## Would more data help?", text, figures.place("more-data", summary)])


def _sentence(half: DataPoint, whole: DataPoint) -> str:
    gains = [after - before for before, after in zip(half.folds, whole.folds, strict=False)]
    gain = whole.mean - half.mean
    moved = f"{points(gain, sign=True)} points"
    if len(gains) > 1 and min(gains) > 0 and gain > WORTH:
        each = f"{moved}, and more on each of {len(gains)} folds"
        return f"{each}. More data of the same kind would very likely help."
    if abs(gain) <= WORTH:
        return f"{moved}. More data of the same kind would hardly help."
    return f"{moved}, but not on every fold: too little to say whether more data would help."
