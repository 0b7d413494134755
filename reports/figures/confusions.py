"""The confusion matrix as a figure."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.facts.summary import RunSummary
from reports.figures.parts import percent_ticks
from reports.figures.style import INK, canvas, plain, tidy, title
from reports.markdown import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 45


def confusion(summary: RunSummary) -> "Figure":
    """Share of each true class (row) that is read as each class (column)."""
    from matplotlib.colors import PowerNorm

    assert summary.final is not None
    assert summary.final.confusion is not None
    matrix = summary.final.confusion
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    chosen = shown_classes(shares)
    shares = shares[np.ix_(chosen, chosen)]
    names = [plain(summary.dataset.class_names[i], 20) for i in chosen]
    count = len(chosen)
    size = 9 if count <= 26 else 7 if count <= 36 else 6
    small = count < 14
    letters = max(map(len, names))
    upright = letters * count > 75 if small else letters > 2
    figure = canvas(1.5 + 0.36 * count + 0.075 * letters * upright if small else 6.2)
    axes = figure.subplots()
    # the square root of a share gives its darkness, so that rare confusions can be seen beside the diagonal
    drawn = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto" if small else "equal")
    axes.set_xticks(range(count), names, rotation=90 if upright else 0)
    axes.set_yticks(range(count), names)
    axes.set(xlabel="the model says", ylabel="true class")
    tidy(axes, grid="none")
    axes.tick_params(labelsize=size)
    _cell_numbers(axes, shares, size)
    if not small:  # the cells of a small one have their numbers
        bar = figure.colorbar(drawn, ax=axes, fraction=0.035, pad=0.02, format=percent_ticks())
        bar.ax.tick_params(labelsize=9, colors=INK)
        bar.set_label("share of the true class", color=INK, size=9)
        bar.outline.set_visible(False)
    title(figure, _confusion_statement(summary))
    return figure


def shown_classes(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """All classes, or of very many the ones that are read worst, in their order."""
    if len(shares) <= MOST_CLASSES:
        return np.arange(len(shares))
    worst = np.argsort(np.diag(shares), kind="stable")[:MOST_CLASSES]
    return np.sort(worst)


def _confusion_statement(summary: RunSummary) -> str:
    assert summary.final is not None
    pairs = summary.final.pairs
    if not pairs:
        return "No test image is misread"
    true, said = (plain(summary.dataset.class_names[i], 24) for i in (pairs[0].true, pairs[0].said))
    return f"{true} read as {said} is the most frequent mistake"


def _cell_numbers(axes: "Axes", shares: NDArray[np.float64], size: int) -> None:
    """Percentages: in every cell of a small matrix, in a large one where a mistake is frequent."""
    small = len(shares) <= 12
    least = 0.005 if small else 0.095
    for row, column in zip(*np.nonzero(shares >= least), strict=True):
        if row == column and not small:
            continue
        share = shares[row, column]
        colour = "white" if share > 0.35 else INK
        told = percent(share, 0).removesuffix(" %")
        axes.text(column, row, told, ha="center", va="center", size=size - 1, color=colour)
