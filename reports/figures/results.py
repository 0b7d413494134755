"""Figures of the end of a run: leaderboard, learning curves, confusion, calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.facts import Accuracy, Curve
from reports.figures.style import BASELINE, DEFAULT, FAILED, INK, WINNER, canvas, plain, tidy, title
from reports.figures.trials import legend, percent_ticks, whole_numbers
from reports.markdown import decimals_for, interval, percent, points
from reports.summary import RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENSEMBLE = "tuned, all seeds together"
MOST_CLASSES = 45
PANELS = 6


def leaderboard(summary: RunSummary) -> "Figure":
    """Test accuracy of every model with its 95 % interval."""
    rows = ranked(summary)
    figure = canvas(0.95 + 0.36 * len(rows))
    axes = figure.subplots()
    start = axis_start(rows)
    for index, (name, accuracy) in enumerate(rows):
        colour = {"tuned": WINNER, ENSEMBLE: WINNER, "default": DEFAULT}.get(name, BASELINE)
        if accuracy.mean < start:
            axes.plot([start], [index], "<", color=colour, markersize=9, clip_on=False, zorder=3)
        elif accuracy.interval:
            axes.plot(accuracy.interval, [index, index], color=colour, linewidth=3, solid_capstyle="round")
        face = "white" if name == ENSEMBLE else colour
        if accuracy.mean >= start:
            axes.plot(
                [accuracy.mean], [index], "o", color=colour, markerfacecolor=face, markersize=9, zorder=3
            )
        digits = max(1, decimals_for(accuracy.interval))
        told = percent(accuracy.mean, digits)
        told += f"  ({interval(accuracy.interval, digits)})" if accuracy.interval else ""
        axes.text(1.02, index, told, va="center", size=9, color=INK, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [plain(name, 28) for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if start > 0:
        axes.set_xlim(left=start)
    axes.xaxis.set_major_formatter(percent_ticks())
    axes.set_xlabel("test accuracy" + (", with 95 % interval" if any(a.interval for _, a in rows) else ""))
    tidy(axes, grid="x")
    title(figure, _leader_statement(rows))
    return figure


def axis_start(rows: Sequence[tuple[str, Accuracy]]) -> float:
    """Where the accuracy axis begins: at 0, or where a model far behind would squeeze the others together."""
    lows = sorted(accuracy.interval[0] if accuracy.interval else accuracy.mean for _, accuracy in rows)
    if len(lows) < 3:
        return 0.0
    top, second = max(accuracy.mean for _, accuracy in rows), lows[1]
    near = top - second < 0.35 * (top - lows[0])
    return max(0.0, second - 0.3 * (top - second)) if near else 0.0


def _leader_statement(rows: Sequence[tuple[str, Accuracy]]) -> str:
    single = [name for name, _ in rows if name != ENSEMBLE]
    if len(single) < 2:
        return "Accuracy on the test images"
    if single[0] == "tuned":
        known = dict(rows)
        ahead = points(known["tuned"].mean - known[single[1]].mean)
        return f"The tuned model is ahead of the next, {plain(single[1])}, by {ahead} points"
    return f"{plain(single[0])} has a higher test accuracy than the tuned model"


def ranked(summary: RunSummary) -> list[tuple[str, Accuracy]]:
    """Models and the ensemble with their test accuracy, best first."""
    if summary.final is None:
        return []
    rows = [(model.name, model.test) for model in summary.final.models if model.test is not None]
    if summary.final.ensemble is not None:
        rows.append((ENSEMBLE, summary.final.ensemble))
    return sorted(rows, key=lambda row: -row[1].mean)


def curve_groups(summary: RunSummary) -> list[tuple[str, list[Curve]]]:
    """The trainings with validation of the winner and each neural baseline, winner first."""
    if summary.final is None:
        return []
    groups = []
    for model in (model for model in summary.final.models if model.neural):
        winner = model.kind == "winner"
        mine = [
            curve
            for curve in summary.curves
            if curve.model == model.name
            and curve.validation
            and (not winner or curve.trial in {None, summary.final.best_trial})
        ]
        if mine:
            groups.append((model.name, mine))
    return groups


def mean_curve(curves: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    """Mean over trainings, as far as all of them got: a mean of fewer would jump where one ends."""
    shortest = min(len(curve) for curve in curves)
    mean: NDArray[np.float64] = np.mean([curve[:shortest] for curve in curves], axis=0)
    return mean


def end_gap(curves: Sequence[Curve]) -> float:
    """Training minus validation accuracy after the last epoch, mean over the trainings."""
    return float(np.mean([curve.train[-1] - curve.validation[-1] for curve in curves]))


def learning_curves(summary: RunSummary) -> "Figure":
    """Accuracy in training and validation by epoch, a panel for each neural model."""
    groups = curve_groups(summary)[:PANELS]
    columns = 2 if len(groups) == 4 else min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = canvas(0.9 + 2.35 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (name, curves) in zip(panels.ravel(), groups, strict=False):
        colour = {"tuned": WINNER, "default": DEFAULT}.get(name, BASELINE)
        _curves(axes, curves, colour)
        axes.set_title(
            f"{plain(name, 24)}: gap {points(end_gap(curves), 0)} points", size=10, color=INK, loc="left"
        )
        whole_numbers(axes)
        tidy(axes)
    for axes in panels.ravel()[len(groups) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(percent_ticks())
    for axes in panels.ravel()[max(0, len(groups) - columns) : len(groups)]:
        axes.set_xlabel("epoch")
    legend(figure, panels.ravel()[:1])
    gap = end_gap(groups[0][1])
    side = "above" if gap >= 0 else "below"
    title(
        figure, f"{plain(groups[0][0])}: training accuracy ends {points(abs(gap))} points {side} validation"
    )
    return figure


def _curves(axes: "Axes", curves: Sequence[Curve], colour: str) -> None:
    """Mean lines with the gap shaded; each validation curve thin behind them."""
    train, held = mean_curve([c.train for c in curves]), mean_curve([c.validation for c in curves])
    length = min(len(train), len(held))
    epochs = np.arange(1, length + 1)
    for curve in curves:
        axes.plot(
            range(1, len(curve.validation) + 1), curve.validation, color=colour, linewidth=0.8, alpha=0.45
        )
    axes.fill_between(epochs, held[:length], train[:length], color=colour, alpha=0.12, linewidth=0)
    axes.plot(epochs, train[:length], color=INK, linewidth=1.6, linestyle=(0, (4, 2)), label="training")
    axes.plot(epochs, held[:length], color=colour, linewidth=2.2, label="validation (thin: each fold)")


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
    figure = canvas(1.5 + 0.36 * count + 0.075 * letters * upright if small else 7.9)
    axes = figure.subplots()
    # the square root of a share gives its darkness, so that rare confusions can be seen beside the diagonal
    drawn = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto" if small else "equal")
    axes.set_xticks(range(count), names, rotation=90 if upright else 0)
    axes.set_yticks(range(count), names)
    axes.set(xlabel="the model says", ylabel="true class")
    tidy(axes, grid="none")
    axes.tick_params(labelsize=size)
    _cell_numbers(axes, shares, size)
    bar = figure.colorbar(drawn, ax=axes, fraction=0.035, pad=0.02, format=percent_ticks())
    bar.ax.tick_params(labelsize=9, colors=INK)
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
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", size=size - 1, color=colour)


def calibration(summary: RunSummary) -> "Figure":
    """Accuracy against confidence, and how many images have that confidence."""
    assert summary.final is not None
    assert summary.final.calibration is not None
    facts = summary.final.calibration
    sure, right, images = (np.array(column) for column in zip(*facts.bins, strict=True))
    figure = canvas(3.5)
    left, other = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=BASELINE, linestyle=(0, (4, 2)), linewidth=1.2, label="as sure as right")
    left.vlines(sure, np.minimum(sure, right), np.maximum(sure, right), color=FAILED, linewidth=2, alpha=0.6)
    area = 20 + 180 * images / images.max()
    left.scatter(
        sure, right, s=area, color=WINNER, zorder=3, label="images of like confidence", edgecolors="white"
    )
    left.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.03), ylim=(0, 1.05))
    other.bar(sure, images / images.sum(), width=0.07, color=WINNER)
    other.set(xlabel="confidence", ylabel="share of test images", xlim=(0, 1.05))
    for axes in (left, other):
        axes.xaxis.set_major_formatter(percent_ticks())
        axes.yaxis.set_major_formatter(percent_ticks())
        tidy(axes)
    legend(figure, [left])
    gap = facts.confidence - facts.accuracy
    many = f"{points(abs(gap))} points {'less' if gap > 0 else 'more'} often than it claims"
    title(figure, f"The model is right {many if abs(gap) >= 0.0005 else 'as often as it claims'} on average")
    return figure
