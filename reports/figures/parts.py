"""Parts of figures: trials as dots, legends, ticks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.facts.summary import RunSummary
from reports.facts.trials import Trial
from reports.figures.style import (
    BASELINE,
    DEFAULT,
    INK,
    STOPPED,
    WINNER,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {"complete": "complete", "pruned": "stopped early", "failed": "failed", "unfinished": "unfinished"}


def floor(summary: RunSummary) -> float | None:
    """Where the score axis begins: scores far below those of the complete trials would flatten these."""
    scores = [t.score for t in summary.search.of_state("complete") if t.score is not None]
    low = min((t.score for t in summary.search.trials if t.score is not None), default=0.0)
    if not scores:
        return None
    span = max(max(scores) - min(scores), 0.01)
    return min(scores) - 3 * span if low < min(scores) - 4 * span else None


def dots(axes: "Axes", trials: Sequence[Trial], position: Any, lowest: float | None) -> None:
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
            label=WORDS["complete"] if done else "stopped early (last score)", zorder=3 if done else 2,
        )  # fmt: skip
    if below and lowest is not None:
        axes.plot(
            [position(t) for t in below], [lowest] * len(below), "v", markersize=6, color=colour,
            markerfacecolor="white", label="stopped, below the axis", zorder=2,
        )  # fmt: skip


def mark(axes: "Axes", summary: RunSummary, position: Any, param: str = "") -> None:
    """The default (trial 0) and the trial that won."""
    trials = [t for t in summary.search.trials if t.score is not None and (not param or param in t.params)]
    best = summary.final.best_trial if summary.final else getattr(summary.search.best, "number", None)
    word = "winner" if summary.final else "best so far"
    for trial in trials:
        first = trial.number == 0
        chosen = trial.number == best and (summary.final is not None or trial.state == "complete")
        if first:
            axes.plot(
                [position(trial)], [trial.score or 0.0], "D", color=DEFAULT, markersize=10 if chosen else 8,
                label=f"default, the {word}" if chosen else "default", zorder=5,
            )  # fmt: skip
        elif chosen:
            axes.plot(
                [position(trial)], [trial.score or 0.0], "*", color=WINNER, markersize=16, label=word,
                markeredgecolor="white", zorder=6,
            )  # fmt: skip


def legend(figure: "Figure", panels: Any = None) -> None:
    """One legend below everything, in one row, each label once."""
    found: dict[str, Any] = {}
    for axes in panels if panels is not None else figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            found.setdefault(label, handle)
    columns = len(found) if sum(len(label) + 5 for label in found) < 68 else -(-len(found) // 2)
    if found:
        figure.legend(
            list(found.values()), list(found), loc="outside lower center", ncols=columns, frameon=False,
            fontsize=9, labelcolor=INK, edgecolor=BASELINE, handletextpad=0.4, columnspacing=1.4,
        )  # fmt: skip


def whole_numbers(axes: "Axes") -> None:
    """Ticks of the x axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))


def score_axis(axes: "Axes", summary: RunSummary) -> None:
    """Metrics in per cent, the AUC as it is."""
    if summary.metric != "auc":
        axes.yaxis.set_major_formatter(percent_ticks())


def log_axis(axes: "Axes", values: Sequence[float], *, counts: bool = False) -> None:
    """A logarithmic x axis for `values`, labelled at 1, 2 and 5; a long range at fewer, a short one evenly.

    Large `counts` are shown as "20k" and "1M".
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    def shown(x: float, _: object) -> str:
        if counts and x >= 1e6:
            return f"{x / 1e6:g}M"
        return f"{x / 1e3:g}k" if counts and x >= 1e3 else f"{x:g}"

    axes.set_xscale("log")
    span = max(values) / min(values) if values else 1.0
    steps = (1,) if span > 60 else (1, 3) if span > 20 else (1, 2, 5) if span > 4 else (1, 1.5, 2, 3, 5, 7)
    axes.xaxis.set_major_locator(MaxNLocator(3) if span < 2 else LogLocator(10, subs=steps))
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(FuncFormatter(shown))


def percent_ticks() -> Any:
    """Fractions as "40 %"."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _: f"{100 * share:.4g} %")
