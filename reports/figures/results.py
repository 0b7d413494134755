"""Figures of the end of a run: leaderboard, learning curves, calibration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reports.facts.answers import BINS, bin_of
from reports.facts.curves import Curve
from reports.facts.final import Final
from reports.facts.models import Accuracy
from reports.facts.rival import compared_with, rival
from reports.facts.summary import RunSummary
from reports.figures.parts import legend, percent_ticks, whole_numbers
from reports.figures.style import BASELINE, DEFAULT, FAILED, INK, STOPPED, WINNER, canvas, plain, tidy, title
from reports.markdown import decimals_for, interval, percent, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENSEMBLE = "tuned, all seeds together"
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
    sure = ", with 95 % interval" if any(a.interval for _, a in rows) else ""
    below = " (arrow: further to the left)" if any(a.mean < start for _, a in rows) else ""
    axes.set_xlabel(f"test accuracy{sure}{below}")
    tidy(axes, grid="x")
    title(figure, _leader_statement(summary.final) if summary.final else "")
    return figure


def axis_start(rows: Sequence[tuple[str, Accuracy]]) -> float:
    """Where the accuracy axis begins: at 0, or where a model far behind would squeeze the others together."""
    lows = sorted(accuracy.interval[0] if accuracy.interval else accuracy.mean for _, accuracy in rows)
    if len(lows) < 3:
        return 0.0
    top, second = max(accuracy.mean for _, accuracy in rows), lows[1]
    near = top - second < 0.35 * (top - lows[0])
    return max(0.0, second - 0.3 * (top - second)) if near else 0.0


def _leader_statement(final: Final) -> str:
    """How the winner stands to the model that the answer measures it by."""
    who = "The default" if final.is_default else "The tuned model"
    other = rival(final)
    found = compared_with(final, other.name) if other is not None else None
    if other is None or found is None:
        return "Accuracy on the test images"
    once = f", one seed at a time, is {{}} ({found.told})" if final.ensemble is not None else " is {}"
    if not float(points(abs(found.difference))):
        return f"{who}{once.format(f'level with {plain(other.name)}')}"
    side = "ahead of" if found.difference > 0 else "behind"
    told = f"{points(abs(found.difference))} points {side} {plain(other.name)}"
    return f"{who}{once.format(told)}"


def ranked(summary: RunSummary) -> list[tuple[str, Accuracy]]:
    """Models and the ensemble with their test accuracy, best first; the winner once, also as the default."""
    if summary.final is None:
        return []
    rows = [(model.name, model.test) for model in summary.final.distinct if model.test is not None]
    if summary.final.ensemble is not None:
        rows.append((ENSEMBLE, summary.final.ensemble))
    return sorted(rows, key=lambda row: -row[1].mean)


def curve_groups(summary: RunSummary) -> list[tuple[str, list[Curve]]]:
    """The trainings with validation of the winner and each neural baseline, winner first."""
    if summary.final is None:
        return []
    groups = []
    for model in (model for model in summary.final.distinct if model.neural):
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


def kept_epochs(summary: RunSummary, name: str) -> int:
    """Epochs that a model was retrained for: fewer than its curves have where it stopped early."""
    assert summary.final is not None
    return next(model.epochs for model in summary.final.models if model.name == name)


def end_gap(curves: Sequence[Curve], epochs: int) -> float:
    """Training minus validation accuracy after so many epochs at most, mean over the trainings."""
    ends = [min(epochs, len(curve.validation)) - 1 for curve in curves]
    return float(np.mean([c.train[end] - c.validation[end] for c, end in zip(curves, ends, strict=True)]))


def learning_curves(summary: RunSummary) -> "Figure":
    """Accuracy in training and validation by epoch, a panel for each neural model."""
    groups = curve_groups(summary)[:PANELS]
    columns = 2 if len(groups) == 4 else min(3, len(groups))
    rows = -(-len(groups) // columns)
    figure = canvas(0.9 + 2.35 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    several = any(len(curves) > 1 for _, curves in groups)
    for axes, (name, curves) in zip(panels.ravel(), groups, strict=False):
        colour = {"tuned": WINNER, "default": DEFAULT}.get(name, BASELINE)
        epochs = kept_epochs(summary, name)
        _curves(axes, curves, colour, "validation (thin: each fold)" if several else "validation")
        if epochs < max(len(curve.validation) for curve in curves):
            axes.axvline(epochs, color=INK, linewidth=1, linestyle=":", label="epochs of the retraining")
        apart = points(end_gap(curves, epochs), sign=True)
        axes.set_title(f"{plain(name, 24)}: gap {apart}", size=10, color=INK, loc="left")
        whole_numbers(axes)
        tidy(axes)
    for axes in panels.ravel()[len(groups) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy")
        axes.yaxis.set_major_formatter(percent_ticks())
    for axes in panels.ravel()[max(0, len(groups) - columns) : len(groups)]:
        axes.set_xlabel("epoch")
    legend(figure, panels.ravel()[: len(groups)])
    gap = end_gap(groups[0][1], kept_epochs(summary, groups[0][0]))
    side = "above" if gap >= 0 else "below"
    title(
        figure, f"{plain(groups[0][0])}: training accuracy ends {points(abs(gap))} points {side} validation"
    )
    return figure


def _curves(axes: "Axes", curves: Sequence[Curve], colour: str, label: str) -> None:
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
    axes.plot(epochs, held[:length], color=colour, linewidth=2.2, label=label)


def calibration(summary: RunSummary) -> "Figure":
    """Accuracy against confidence, and how many images have that confidence."""
    assert summary.final is not None
    assert summary.final.calibration is not None
    facts = summary.final.calibration
    sure, right, images = (np.array(column) for column in zip(*facts.bins, strict=True))
    figure = canvas(3.5)
    left, other = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=BASELINE, linestyle=(0, (4, 2)), linewidth=1.2, label="as sure as right")
    left.vlines(
        sure, np.minimum(sure, right), np.maximum(sure, right), color=FAILED, linewidth=2, alpha=0.6,
        label="how far it is off",
    )  # fmt: skip
    area = 20 + 180 * images / images.max()
    left.scatter(
        sure, right, s=area, color=WINNER, edgecolors="white", zorder=3,
        label="images of like confidence (larger: more)",
    )  # fmt: skip
    left.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.03), ylim=(0, 1.05))
    middle = (bin_of(sure) + 0.5) / BINS
    other.bar(middle, images / images.sum(), width=0.85 / BINS, color=WINNER)
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


def more_data(summary: RunSummary) -> "Figure":
    """The winner's validation accuracy by the number of groups it was trained on, fold by fold."""
    assert summary.final is not None
    assert summary.final.data_curve is not None
    points_ = summary.final.data_curve.points
    grouped = summary.dataset.grouped
    sizes = [point.groups if grouped else point.images for point in points_]
    figure = canvas(3.2)
    axes = figure.subplots()
    for fold in zip(*(point.folds for point in points_), strict=False):
        axes.plot(sizes[: len(fold)], fold, color=STOPPED, linewidth=1, marker=".", label="each fold")
    axes.plot(sizes, [point.mean for point in points_], color=WINNER, linewidth=2, marker="o", label="mean")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("duplicate groups trained on" if grouped else "images trained on")
    axes.set_ylabel("validation accuracy")
    axes.set_ylim(top=min(1.01, axes.get_ylim()[1]))
    axes.yaxis.set_major_formatter(percent_ticks())
    tidy(axes)
    legend(figure)
    curve = summary.final.data_curve
    word = "" if curve.sure else ", which may be chance"
    gain = points(abs(curve.gain))
    told = f"{gain} points {'higher' if curve.gain > 0 else 'lower'}{word}" if float(gain) else "the same"
    title(figure, f"With twice the data the score was {told}")
    return figure
