"""Which classes are confused with which."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.figures.confusions import MOST_CLASSES
from reports.markdown import escape, join, percent, table

PAIRS = 8
CAPTION = (
    "*Each row: how the test images of one class are read, in per cent, mean over the seeds. The darkness "
    "grows with the square root, so that rare confusions can be seen.*"
)


def render(summary: RunSummary) -> str:
    """The matrix, the most confused pairs and some of their images."""
    if summary.final is None or summary.final.confusion is None:
        return ""
    many = len(summary.dataset.class_names)
    note = (
        f"Shown are the {MOST_CLASSES} of {many} classes that are read worst." if many > MOST_CLASSES else ""
    )
    return join(
        [
            "## Confusions",
            note,
            figures.place("confusion", summary),
            CAPTION,
            _pairs(summary),
            figures.place("confused-pairs", summary),
            _pairs_caption(summary),
        ]
    )


def _pairs(summary: RunSummary) -> str:
    assert summary.final is not None
    names = summary.dataset.class_names
    rows = [
        [escape(names[pair.true]), escape(names[pair.said]), f"{pair.images:.1f}", percent(pair.share)]
        for pair in summary.final.pairs[:PAIRS]
    ]
    if not rows:
        return "No test image is misread."
    return table(["true class", "read as", "images a seed", "of the class"], rows, "llrr")


def _pairs_caption(summary: RunSummary) -> str:
    if not figures.place("confused-pairs", summary):
        return ""
    copies = "; of a group of near-copies one is shown" if summary.dataset.grouped else ""
    return f"*Above each image how sure the saved model is of its mistake{copies}.*"
