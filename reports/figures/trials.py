"""Figures of the search: its history, the slots, what mattered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts import Parameter, Trial
from reports.figures.style import (
    BASELINE,
    COLOURS,
    DEFAULT,
    FAILED,
    INK,
    STOPPED,
    WINNER,
    canvas,
    plain,
    tidy,
    title,
)
from reports.markdown import duration, percent, plural, value
from reports.summary import RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {"complete": "complete", "pruned": "stopped early", "failed": "failed", "unfinished": "unfinished"}


def history(summary: RunSummary) -> "Figure":
    """Score of every trial in the order of their numbers, with the best so far."""
    figure = canvas(3.5)
    axes = figure.subplots()
    trials = summary.search.trials
    complete = [(t.number, t.score) for t in trials if t.state == "complete" and t.score is not None]
    lowest = floor(summary)
    _dots(axes, [t for t in trials if t.state == "pruned"], lambda t: t.number, lowest)
    _dots(axes, [t for t in trials if t.state == "complete"], lambda t: t.number, lowest)
    if complete:
        numbers, scores = zip(*complete, strict=True)
        axes.step(
            [*numbers, trials[-1].number],
            [*np.maximum.accumulate(scores), max(scores)],
            where="post", color=WINNER, linewidth=1.5, label="best so far", zorder=1,
        )  # fmt: skip
    failed = [t.number for t in trials if t.state == "failed"]
    if failed:
        low = axes.get_ylim()[0]
        axes.plot(failed, [low] * len(failed), "x", color=FAILED, label="failed", clip_on=False, markersize=7)
    _mark(axes, summary, lambda t: t.number)
    axes.set(xlabel="trial", ylabel=f"validation {summary.metric}")
    axes.set_xlim(-0.02 * len(trials) - 0.5, 1.02 * len(trials) - 0.5)
    whole_numbers(axes)
    score_axis(axes, summary)
    tidy(axes)
    legend(figure)
    title(figure, _history_statement(summary))
    return figure


def _history_statement(summary: RunSummary) -> str:
    best = summary.search.best
    if best is None or best.score is None:
        return "No trial is complete yet"
    score = percent(best.score) if summary.metric.endswith("accuracy") else f"{best.score:.3f}"
    if summary.final is None:
        return f"Trial {best.number} has the best score so far, {score}"
    if summary.final.best_trial == best.number:
        return f"Trial {best.number} had the best score, {score}, and won"
    won = summary.final.best_trial
    return f"Trial {best.number} had the best score, {score}; trial {won} won on fresh folds"


def floor(summary: RunSummary) -> float | None:
    """Where the score axis begins: scores far below those of the complete trials would flatten these."""
    scores = [t.score for t in summary.search.of_state("complete") if t.score is not None]
    low = min((t.score for t in summary.search.trials if t.score is not None), default=0.0)
    if not scores:
        return None
    span = max(max(scores) - min(scores), 0.01)
    return min(scores) - 3 * span if low < min(scores) - 4 * span else None


def timeline(summary: RunSummary) -> "Figure":
    """When each slot worked on which trial."""
    trials = [t for t in summary.search.trials if t.started is not None and t.seconds is not None]
    slots = sorted({t.worker for t in trials})
    ends = [(t.started or 0.0) + (t.seconds or 0.0) for t in trials]
    unit, word = (60.0, "minutes") if max(ends) > 180 else (1.0, "seconds")
    figure = canvas(1.35 + 0.38 * len(slots))
    axes = figure.subplots()
    for state in ("complete", "pruned", "failed", "unfinished"):
        mine = [t for t in trials if t.state == state]
        if mine:
            axes.barh(
                [slots.index(t.worker) for t in mine],
                [(t.seconds or 0.0) / unit for t in mine],
                left=[(t.started or 0.0) / unit for t in mine],
                height=0.72, color=COLOURS[state], edgecolor="white", linewidth=0.8, label=WORDS[state],
            )  # fmt: skip
    axes.set_yticks(range(len(slots)), [f"slot {slot}" for slot in slots])
    axes.set_xlim(0, max(ends) / unit)
    axes.set_xlabel(f"{word} since the search began")
    axes.invert_yaxis()
    tidy(axes, grid="x")
    legend(figure)
    busy = sum(t.seconds or 0.0 for t in trials) / (len(slots) * max(ends))
    many = plural(len(slots), "slot was", "slots were")
    title(figure, f"{many} at work in {percent(min(1.0, busy), 0)} of {duration(max(ends))}")
    return figure


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
    axes.set_xlabel("share of the importance (line: middle 80 % over random halves of the trials)")
    tidy(axes, grid="x")
    first, second = items[-1], items[-2] if len(items) > 1 else None
    sure = second is None or (first.low or 0.0) > (second.high or 0.0)
    many = "mattered most" if sure else "seems to matter most, but the ranges overlap"
    title(figure, f"{plain(first.param)} {many}")
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
            _dots(axes, [t for t in mine if t.state == state], position, floor(summary))
        _mark(axes, summary, position, param)
        axes.set_xlabel(plain(param))
        tidy(axes)
    panels[0].set_ylabel(f"validation {summary.metric}")
    score_axis(panels[0], summary)
    legend(figure, panels[:1])
    many = "each of the two most important parameters" if len(params) == 2 else plain(params[0])
    title(figure, f"Score of every trial against {many}")
    return figure


def _positions(axes: "Axes", trials: Sequence[Trial], param: str, facts: Parameter | None) -> Any:
    """Where a trial stands on the x axis; sets the axis up for numbers, logarithms or choices."""
    numeric = facts is None or facts.kind in {"int", "float"}
    if numeric and all(isinstance(t.params[param], int | float) for t in trials):
        if facts is not None and facts.log:
            from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        else:
            from matplotlib.ticker import MaxNLocator

            axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        return lambda t: t.params[param]
    choices = sorted({value(t.params[param]) for t in trials})
    axes.set_xticks(range(len(choices)), [plain(choice, 16) for choice in choices])
    axes.set_xlim(-0.5, len(choices) - 0.5)
    return lambda t: choices.index(value(t.params[param])) + 0.3 * ((t.number * 0.618) % 1 - 0.5)


def _dots(axes: "Axes", trials: Sequence[Trial], position: Any, lowest: float | None) -> None:
    """Trials of one state; those below the axis as triangles on it."""
    shown = [t for t in trials if t.score is not None]
    inside = [t for t in shown if lowest is None or (t.score or 0.0) >= lowest]
    below = [t for t in shown if t not in inside]
    done = bool(shown) and shown[0].state == "complete"
    colour = WINNER if done else STOPPED
    if inside:
        axes.plot(
            [position(t) for t in inside], [t.score or 0.0 for t in inside], "o", markersize=6,
            color=colour, markerfacecolor=WINNER if done else "white",
            label=WORDS["complete"] if done else "stopped early (its last score)", zorder=3 if done else 2,
        )  # fmt: skip
    if below and lowest is not None:
        axes.plot(
            [position(t) for t in below], [lowest] * len(below), "v", markersize=6, color=colour,
            markerfacecolor="white", label="stopped early, below the axis", zorder=2,
        )  # fmt: skip


def _mark(axes: "Axes", summary: RunSummary, position: Any, param: str = "") -> None:
    """The default (trial 0) and the trial that won."""
    trials = [t for t in summary.search.trials if t.score is not None and (not param or param in t.params)]
    best = summary.final.best_trial if summary.final else getattr(summary.search.best, "number", None)
    for trial in trials:
        if trial.number == 0:
            axes.plot(
                [position(trial)],
                [trial.score or 0.0],
                "D",
                color=DEFAULT,
                markersize=8,
                label="default",
                zorder=5,
            )
        if trial.number == best and (summary.final or trial.state == "complete"):
            label = "winner" if summary.final else "best so far"
            axes.plot(
                [position(trial)], [trial.score or 0.0], "*", color=WINNER, markersize=16, label=label,
                markeredgecolor="white", zorder=6,
            )  # fmt: skip


def legend(figure: "Figure", panels: Any = None) -> None:
    """One legend below everything, in one row, each label once."""
    found: dict[str, Any] = {}
    for axes in panels if panels is not None else figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            found.setdefault(label, handle)
    if found:
        figure.legend(
            list(found.values()), list(found), loc="outside lower center", ncols=len(found), frameon=False,
            fontsize=9, labelcolor=INK, edgecolor=BASELINE, handletextpad=0.4, columnspacing=1.4,
        )  # fmt: skip


def whole_numbers(axes: "Axes") -> None:
    """Ticks of the x axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def score_axis(axes: "Axes", summary: RunSummary) -> None:
    """Accuracies in per cent, other metrics as they are."""
    if summary.metric.endswith("accuracy"):
        axes.yaxis.set_major_formatter(percent_ticks())


def percent_ticks() -> Any:
    """Fractions as "40 %"."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _: f"{100 * share:.4g} %")
