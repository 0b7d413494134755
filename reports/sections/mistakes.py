"""The saved model's worst mistakes."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.figures.pictures import worst
from reports.markdown import code, folded, join, listed, percent, plural

SURE = 0.9


def render(summary: RunSummary) -> str:
    """The model's most confident mistakes, as images."""
    figure = figures.place("mistakes", summary)
    if not figure or summary.final is None:
        return ""
    wrong, files = summary.final.mistakes, _files(summary)
    sure = sum(item.probability > SURE for item in wrong)
    if len(wrong) == 1:
        text = (
            f"The saved model misreads 1 of {plural(summary.dataset.n_test, 'test image')}, with "
            f"{percent(wrong[0].probability, 0)} confidence. Worth a look: its label may be wrong, or nobody "
            "could read it."
        )
        return join(["## Worst mistakes", text, figure, files])
    text = (
        f"The saved model misreads {len(wrong):,} of {plural(summary.dataset.n_test, 'test image')}, "
        f"{sure or 'none'} of them with more than {percent(SURE, 0)} confidence."
    )
    what = "Worth a look: some may be wrong labels or images that nobody could read."
    once = " Of near-copies one is shown." if summary.dataset.grouped else ""
    return join(["## Worst mistakes", f"{text} {what}{once}", figure, files])


def _files(summary: RunSummary) -> str:
    """Where the images of the figure come from, in its order."""
    names = [code(summary.test_name(item.reading.image)) for item in worst(summary)]
    if not summary.test_names or not names:
        return ""
    return folded("Files of these images, row by row", f"{listed(names)}. `mistakes.csv` has all of them.")
