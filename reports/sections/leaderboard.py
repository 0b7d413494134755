"""Winner, default and baselines side by side, and what may be said of the differences."""

from reports import figures
from reports.figures.results import ENSEMBLE, ranked
from reports.findings import Model
from reports.markdown import (
    NONE,
    code,
    decimals_for,
    duration,
    escape,
    interval,
    join,
    percent,
    points,
    table,
)
from reports.summary import RunSummary


def render(summary: RunSummary) -> str:
    """The leaderboard as figure and table; nothing before models are tested."""
    if summary.final is None or not ranked(summary):
        return ""
    return join(
        [
            "## Leaderboard",
            figures.place("leaderboard", summary),
            _table(summary),
            _reading(summary),
            _sources(summary),
        ]
    )


def _table(summary: RunSummary) -> str:
    assert summary.final is not None
    models = {model.name: model for model in summary.final.models}
    verdicts = {item.baseline: item for item in summary.final.comparisons}
    rows = []
    for name, accuracy in ranked(summary):
        digits = max(1, decimals_for(accuracy.interval))
        bold = "**" if name == "tuned" else ""
        shown = f"{bold}{percent(accuracy.mean, digits)}{bold}"
        shown += f" ({interval(accuracy.interval, digits)})" if accuracy.interval else ""
        label = f"*{name}*" if name == ENSEMBLE else f"{bold}{code(name)}{bold}"
        compared = _compared(verdicts.get(name))
        if name == "default" and summary.final.best_trial == 0:
            compared = NONE, "the same"
        rows.append([label, shown, *compared, *_size(models.get(name))])
    header = [
        "model",
        "test accuracy",
        "tuned minus it",
        "tuned is",
        "parameters",
        "one training",
        "ms an image",
        "gap",
    ]
    return table(header, rows, "lrrlrrrr")


def _compared(found: object) -> tuple[str, str]:
    from reports.findings import Comparison

    if not isinstance(found, Comparison):
        return NONE, NONE
    apart = f" ({interval(found.interval)})" if found.interval else ""
    return f"{points(found.difference, sign=True)}{apart}", found.verdict


def _size(model: Model | None) -> tuple[str, str, str, str]:
    if model is None:
        return NONE, NONE, NONE, NONE
    return (
        f"{model.parameters:,}" if model.parameters else NONE,
        duration(model.seconds) if model.seconds is not None else NONE,
        f"{model.latency_ms:.2g}" if model.latency_ms is not None else NONE,
        points(model.gap, sign=True) if model.gap is not None else NONE,
    )


def _reading(summary: RunSummary) -> str:
    assert summary.final is not None
    final = summary.final
    seeds = len(final.winner.test.per_seed) if final.winner.test else 0
    sentences = [
        "Accuracies in per cent, differences in percentage points, 95 % intervals in parentheses.",
        f"Each neural model was trained {seeds} times from different seeds, and its accuracy is the mean."
        if seeds > 1
        else "Each neural model was trained once, from a single seed.",
        "A difference is judged image by image on the same test images; *tuned is* corrects for the number "
        "of comparisons (Holm), so an interval that just misses 0 may still be *not distinguishable*."
        if len(final.comparisons) > 1
        else "",
        "*gap*: training accuracy (with its augmentation) minus test accuracy.",
        f"*{ENSEMBLE}* averages the probabilities of the {seeds} trained models; its interval leaves out the "
        "noise of the seed."
        if final.ensemble
        else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _sources(summary: RunSummary) -> str:
    assert summary.final is not None
    lines = [
        f"- {code(model.name)}: {escape(model.source)}" for model in summary.final.models if model.source
    ]
    return "\n".join(lines)
