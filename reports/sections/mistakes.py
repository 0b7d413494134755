"""The saved model's worst mistakes."""

from reports import figures
from reports.markdown import join, percent, plural
from reports.summary import RunSummary


def render(summary: RunSummary) -> str:
    """The mistakes it is surest of, as images."""
    figure = figures.place("mistakes", summary)
    if not figure or summary.final is None:
        return ""
    worst = summary.final.mistakes[0]
    sure = sum(item.probability > 0.9 for item in summary.final.mistakes)
    many = (
        f"It is more than 90 % sure of {plural(sure, 'of its mistakes', 'of its mistakes')}." if sure else ""
    )
    text = f"The worst mistake was made with {percent(worst.probability)} confidence. {many}".strip()
    what = "Worth a look: some may be wrong labels or images that nobody could read."
    once = " Of near-copies one is shown." if summary.dataset.grouped else ""
    return join(["## Worst mistakes", f"{text} {what}{once}", figure])
