"""Figures of what mattered in the search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts.parameters import Parameter
from reports.facts.summary import RunSummary
from reports.facts.trials import Trial
from reports.figures.parts import dots, floor, legend, log_axis, mark, percent_ticks, score_axis
from reports.figures.style import (
    INK,
    WINNER,
    canvas,
    plain,
    tidy,
    title,
)
from reports.markdown import METRICS, value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def importance(summary: RunSummary) -> "Figure":
    """Share of each searched parameter in what made trials good, with the range over resamples."""
    items = summary.search.importance[:12][::-1]
    figure = canvas(1.0 + 0.3 * len(items))
    axes = figure.subplots()
    shares = np.array([item.importance for item in items])
    axes.barh(range(len(items)), shares, height=0.62, color=WINNER)
    for index, item in enumerate(items):
        if item.low is not None and item.high is not None:
            axes.plot([item.low, item.high], [index, index], color=INK, linewidth=1.4)
            axes.plot([item.low, item.high], [index, index], "|", color=INK, markersize=7)
    axes.set_yticks(range(len(items)), [plain(item.param, 30) for item in items])
    axes.set_xlim(0, None)
    axes.xaxis.set_major_formatter(percent_ticks())
    lines = " (line: middle 80 % over random halves of the trials)" if items[0].low is not None else ""
    axes.set_xlabel(f"share of the importance{lines}")
    tidy(axes, grid="x")
    first, second = items[-1], items[-2] if len(items) > 1 else None
    sure = second is None or (first.low or 0.0) > (second.high or 0.0)
    many = "mattered most" if sure else "seems to matter most, but the ranges overlap"
    few = "Importance of the parameters, from too few trials to trust their order"
    title(figure, f"{plain(first.param)} {many}" if first.low is not None else few)
    return figure


def slices(summary: RunSummary) -> "Figure":
    """Score against each of the two most important parameters."""
    params = [item.param for item in summary.search.importance[:2]]
    known = {parameter.name: parameter for parameter in summary.parameters}
    figure = canvas(3.4)
    panels = figure.subplots(1, len(params), sharey=True, squeeze=False)[0]
    trials = [t for t in summary.search.trials if t.score is not None]
    for axes, param in zip(panels, params, strict=True):
        mine = [t for t in trials if param in t.params]
        position = _positions(axes, mine, param, known.get(param))
        for state in ("pruned", "complete"):
            dots(axes, [t for t in mine if t.state == state], position, floor(summary))
        mark(axes, summary, position, param)
        log = " (log scale)" if axes.get_xscale() == "log" else ""
        axes.set_xlabel(f"{plain(param)}{log}")
        tidy(axes)
    panels[0].set_ylabel(f"validation {METRICS[summary.metric]}")
    score_axis(panels[0], summary)
    legend(figure)
    many = "each of the two most important parameters" if len(params) == 2 else plain(params[0])
    title(figure, f"Score of every trial against {many}")
    return figure


def _positions(axes: "Axes", trials: Sequence[Trial], param: str, facts: Parameter | None) -> Any:
    """Where a trial stands on the x axis; sets the axis up for numbers, logarithms or choices."""
    numeric = facts is None or facts.kind in {"int", "float"}
    if numeric and all(isinstance(t.params[param], int | float) for t in trials):
        if facts is not None and facts.log:
            log_axis(axes, [float(t.params[param]) for t in trials])
        else:
            from matplotlib.ticker import MaxNLocator

            whole = facts is not None and facts.kind == "int"
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=whole))
        if facts is not None and facts.step > 1:  # at values that there are, not between them
            seen = sorted({t.params[param] for t in trials})
            axes.set_xticks(seen[:: 1 + len(seen) // 6])
        return lambda t: t.params[param]
    choices = sorted({value(t.params[param]) for t in trials})
    axes.set_xticks(range(len(choices)), [plain(choice, 16) for choice in choices])
    axes.set_xlim(-0.5, len(choices) - 0.5)
    return lambda t: choices.index(value(t.params[param])) + 0.3 * ((t.number * 0.618) % 1 - 0.5)
