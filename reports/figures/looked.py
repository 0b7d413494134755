"""The figure of where the saved model looks in some test images."""

from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts.images import Looked
from reports.facts.summary import RunSummary
from reports.figures.pictures import picture, sure
from reports.figures.style import FAILED, GOOD, INK, canvas, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
FAINT = 0.1
"""A fall of the probability below which a place is not drawn as strongly as the strongest may be."""
OPAQUE = 0.7
"""Of the strongest: the picture under it is still to be seen."""


def looked(summary: RunSummary) -> "Figure":
    """Images with the places marked that the model's answer depends on."""
    names = summary.dataset.class_names
    items = summary.looked
    rows = -(-len(items) // COLUMNS)
    figure = canvas(0.5 + rows * 2.15)
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for cell in axes[len(items) :]:
        cell.set_axis_off()
    for cell, item in zip(axes, items, strict=False):
        reading = item.shown.reading
        right = reading.said == reading.true
        picture(cell, item.shown)
        _mark(cell, item)
        truth = "" if right else f"\nis {plain(names[reading.true], 13)}"
        cell.set_title(
            f"{plain(names[reading.said], 15)}{truth}", size=10, color=GOOD if right else FAILED, pad=3
        )
        fall = f"{sure(reading.probability)} → {sure(item.least)}"
        cell.set_xlabel(fall, size=10, color=INK, labelpad=3)
    title(figure, _statement(items))
    return figure


def _statement(items: tuple[Looked, ...]) -> str:
    one = sum(item.least < item.shown.reading.probability / 2 for item in items)
    return (
        f"In {one or 'none'} of {len(items)} images one place decides: covered, it more than halves the "
        "model's confidence"
    )


def _mark(axes: "Axes", item: Looked) -> None:
    """Red over a picture, the stronger the more the answer depends on what is there."""
    height, width = item.shown.pixels.shape[:2]
    rows, columns = item.drops.shape
    # The value of a patch stands at its centre; those at the edges are carried on to the edges of the image.
    falls = np.pad(np.clip(item.drops, 0, None), 1, mode="edge")
    share = falls / max(FAINT, float(falls.max()))
    red: Any = np.zeros((*share.shape, 4))
    red[..., :3] = np.array([0.86, 0.08, 0.12])
    red[..., 3] = OPAQUE * share
    down, across = height / (rows + 1), width / (columns + 1)
    edges = (-across / 2 - 0.5, width + across / 2 - 0.5, height + down / 2 - 0.5, -down / 2 - 0.5)
    axes.imshow(red, extent=edges, interpolation="bilinear")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
