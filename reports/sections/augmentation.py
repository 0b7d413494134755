"""Training images as the winner's augmentation changes them."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.markdown import join


def render(summary: RunSummary) -> str:
    """The figure, where the winner has augmentation layers."""
    figure = figures.place("augmentation", summary)
    if not figure:
        return ""
    text = (
        "In training every image is changed at random each time it is seen; a change that would make "
        "one class look like another, or that no new image would show, does harm."
    )
    return join(["## Augmentation", text, figure])
