"""Learning curves of the winner and the neural baselines, with the gap between training and validation."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.facts.weak import rising
from reports.figures.results import curve_groups, end_gap, kept_epochs
from reports.markdown import code, join, points


def render(summary: RunSummary) -> str:
    """One sentence and the figure; nothing without histories."""
    groups = curve_groups(summary)
    if not groups:
        return ""
    name, curves = groups[0]
    gap = end_gap(curves, kept_epochs(summary, name))
    if rising(curves) is not None:
        read = "it was still learning when its epochs were over, so the gap may yet change"
    elif gap > 0.1:
        read = "it knows its training images much better than new ones (it overfits)"
    elif gap > 0.02:
        read = "it knows its training images somewhat better than new ones, as is usual"
    elif gap > -0.02:
        read = "it hardly overfits"
    else:
        read = "it does not overfit; augmentation and dropout make its training images harder than new ones"
    text = (
        f"On the fresh folds {code(name)} ends with training accuracy {points(abs(gap))} points "
        f"{'above' if gap >= 0 else 'below'} validation accuracy: {read}."
    )
    return join(["## Learning curves", text, figures.place("learning-curves", summary)])
