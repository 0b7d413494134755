"""The saved model's worst mistakes."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.markdown import join, percent, plural

SURE = 0.9


def render(summary: RunSummary) -> str:
    """The mistakes it is surest of, as images."""
    figure = figures.place("mistakes", summary)
    if not figure or summary.final is None:
        return ""
    wrong = summary.final.mistakes
    sure = sum(item.probability > SURE for item in wrong)
    if len(wrong) == 1:
        text = (
            f"The saved model misreads 1 of {plural(summary.dataset.n_test, 'test image')}, with "
            f"{percent(wrong[0].probability, 0)} confidence. Worth a look: its label may be wrong, or nobody "
            "could read it."
        )
        return join(["## Worst mistakes", text, figure])
    text = (
        f"The saved model misreads {len(wrong):,} of {plural(summary.dataset.n_test, 'test image')}, "
        f"{sure or 'none'} of them with more than {percent(SURE, 0)} confidence."
    )
    what = "Worth a look: some may be wrong labels or images that nobody could read."
    once = " Of near-copies one is shown." if summary.dataset.grouped else ""
    return join(["## Worst mistakes", f"{text} {what}{once}", figure])
