"""Training images whose label is hard or wrong."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts.summary import RunSummary
from reports.figures.style import FAILED, INK, canvas, plain, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 4
ROWS = 2


def doubtful(summary: RunSummary) -> "Figure":
    """The most doubtful ones, with their label and what they are read as."""
    assert summary.doubtful is not None
    assert summary.final is not None
    items = apart(summary.final.doubtful_labels)[: COLUMNS * ROWS]
    rows = -(-min(len(items), len(summary.doubtful)) // COLUMNS)
    figure = canvas(0.45 + 2.05 * rows)
    cells = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for cell, item, pixels in zip(cells, items, summary.doubtful, strict=False):
        grey = pixels.shape[-1] == 1
        shown = pixels[..., 0] if grey else np.asarray(pixels[..., :3])
        cell.imshow(shown, cmap="gray" if grey else None, vmin=0, vmax=255, interpolation="nearest")
        cell.set_xticks([])
        cell.set_yticks([])
        told = f"labelled {plain(item['label'], 12)}\nread as {plain(item['predicted'], 12)}"
        cell.set_xlabel(told, size=9, color=FAILED, labelpad=3, linespacing=1.15)
        cell.set_title(plain(_place(item), 20), size=8, color=INK, pad=3)
    for cell in cells[len(items) :]:
        cell.set_axis_off()
    title(figure, "Training images whose label is hard or wrong")
    return figure


def apart(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One of each group of near-copies, the most doubtful first; runs of older versions know no groups."""
    items: list[dict[str, Any]] = told["items"]
    return items[: told.get("apart", len(items))]


def _place(item: dict[str, object]) -> str:
    """The end of the file's name, or the row."""
    return str(item["name"]).rpartition("/")[2] if item["name"] else f"number {item['image']}"
