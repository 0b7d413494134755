"""The figure of what a smaller or faster model would cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts.models import Model
from reports.facts.summary import RunSummary
from reports.figures.parts import dots, floor, legend, log_axis, mark, percent_ticks, score_axis
from reports.figures.results import axis_start, ranked
from reports.figures.style import BASELINE, DEFAULT, GRID, INK, WINNER, canvas, plain, tidy, title
from reports.markdown import METRICS
from reports.tradeoffs import advice, front, measure, sized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_GAP = 0.075
"""Least distance of two labels, as a share of the height of the panel."""


def tradeoffs(summary: RunSummary) -> "Figure":
    """Score against parameters of every trial; test accuracy against latency of every trained model."""
    timed = timed_models(summary)
    figure = canvas(3.7)
    panels: Any = figure.subplots(1, 2 if timed else 1, squeeze=False)[0]
    _trials(panels[0], summary)
    if timed:
        _models(panels[1], summary, timed)
    legend(figure, panels[:1])
    won = summary.final.best_trial if summary.final is not None else None
    best = measure(summary.search, won)
    told = advice(front(summary.search), best, summary.metric, won=best.number == won)
    title(figure, told.rstrip("."))
    return figure


def timed_models(summary: RunSummary) -> list[Model]:
    """The models whose accuracy and latency are known, if there are at least two."""
    models = summary.final.distinct if summary.final is not None else ()
    known = [model for model in models if model.test is not None and model.latency_ms]
    return known if len(known) > 1 else []


def _trials(axes: "Axes", summary: RunSummary) -> None:
    trials, chosen, lowest = sized(summary.search), front(summary.search), floor(summary)

    def position(trial: Any) -> float:
        return float(trial.parameters or np.nan)

    for state in ("pruned", "complete"):
        dots(axes, [t for t in trials if t.state == state], position, lowest)
    axes.step(
        [*(position(t) for t in chosen), max(position(t) for t in trials)],
        [*(t.score or 0.0 for t in chosen), chosen[-1].score or 0.0], where="post", color=INK,
        linewidth=1.2, label="best for its size", zorder=1,
    )  # fmt: skip
    mark(axes, summary, position)
    log_axis(axes, [position(t) for t in trials], counts=True)
    axes.set(xlabel="parameters (log scale)", ylabel=f"validation {METRICS[summary.metric]}")
    score_axis(axes, summary)
    tidy(axes)


def _models(axes: "Axes", summary: RunSummary, models: Sequence[Model]) -> None:
    start = axis_start(ranked(summary))
    heights = {}
    for model in models:
        assert model.test is not None
        colour = {"tuned": WINNER, "default": DEFAULT}.get(model.name, BASELINE)
        inside = model.test.mean >= start
        heights[model.name] = max(start, model.test.mean)
        axes.plot(
            [model.latency_ms or np.nan], [heights[model.name]], "o" if inside else "v", color=colour,
            markersize=8, markeredgecolor="white", clip_on=False, zorder=3,
        )  # fmt: skip
    log_axis(axes, [model.latency_ms or np.nan for model in models])
    axes.set(xlabel="latency, ms for one image (log scale)", ylabel="test accuracy")
    axes.yaxis.set_major_formatter(percent_ticks())
    axes.set_ylim(*_limits(list(heights.values()), start))
    tidy(axes)
    low, high = axes.get_ylim()
    places = spread([(heights[m.name] - low) / (high - low) for m in models])
    for model, place in zip(models, places, strict=True):
        axes.annotate(
            plain(model.name, 22), xy=(model.latency_ms or np.nan, heights[model.name]), xycoords="data",
            xytext=(1.04, place), textcoords="axes fraction", va="center", size=9, color=INK, zorder=2,
            arrowprops={"arrowstyle": "-", "color": GRID, "linewidth": 1.2, "shrinkA": 1, "shrinkB": 4},
        )  # fmt: skip


def _limits(heights: Sequence[float], start: float) -> tuple[float, float]:
    low, high = min(heights), max(heights)
    room = 0.06 * max(high - low, 0.01)
    return (start or low - room), high + room


def spread(heights: Sequence[float]) -> list[float]:
    """Places of labels, as close to the heights (0 to 1) as keeps neighbours `LABEL_GAP` apart."""
    order = np.argsort(heights, kind="stable")
    gap = min(LABEL_GAP, 1.0 / max(1, len(heights)))
    places = np.clip(np.array(heights, dtype=float)[order], 0.0, 1.0)
    for _ in range(200):
        for i in range(len(places) - 1):
            short = gap - (places[i + 1] - places[i])
            if short > 1e-6:
                places[i] -= short / 2
                places[i + 1] += short / 2
        places = np.clip(places, 0.0, 1.0)
    result = np.empty(len(places))
    result[order] = places
    return [float(place) for place in result]
