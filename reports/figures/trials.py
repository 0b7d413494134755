"""Figures of the search: its history and the slots."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.facts.summary import RunSummary
from reports.facts.trials import Stint, Trial
from reports.figures.parts import WORDS, dots, floor, legend, mark, score_axis, whole_numbers
from reports.figures.style import (
    COLOURS,
    FAILED,
    WINNER,
    canvas,
    tidy,
    title,
)
from reports.markdown import METRICS, duration, percent, plural, score

if TYPE_CHECKING:
    from matplotlib.figure import Figure


PAUSED = "paused, went on later"
OUTCOMES = {PAUSED: "#8fb8d6"} | {WORDS[state]: colour for state, colour in COLOURS.items()}
"""Colours of the pieces of work in the timeline."""


def history(summary: RunSummary) -> "Figure":
    """Score of every trial in the order of their numbers, with the best so far."""
    figure = canvas(3.5)
    axes = figure.subplots()
    trials = summary.search.trials
    complete = [(t.number, t.score) for t in trials if t.state == "complete" and t.score is not None]
    lowest = floor(summary)
    dots(axes, [t for t in trials if t.state == "pruned"], lambda t: t.number, lowest)
    dots(axes, [t for t in trials if t.state == "complete"], lambda t: t.number, lowest)
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
    mark(axes, summary, lambda t: t.number)
    axes.set(xlabel="trial", ylabel=f"validation {METRICS[summary.metric]}")
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
    reached = score(best.score, summary.metric)
    if summary.final is None:
        return f"Trial {best.number} has the best score so far, {reached}"
    if summary.final.best_trial == best.number:
        return f"Trial {best.number} had the best score, {reached}, and won"
    won = summary.final.best_trial
    return f"Trial {best.number} had the best score, {reached}; trial {won} won on fresh folds"


def outcomes(trial: Trial) -> list[tuple[str, Stint]]:
    """Each piece of work on a trial with how it ended: the last as the trial did, others in a pause."""
    paused = [(PAUSED, stint) for stint in trial.stints[:-1]]
    return paused + [(WORDS[trial.state], stint) for stint in trial.stints[-1:]]


def _rows(stints: Sequence[Stint]) -> dict[int, str]:
    """What each slot is called, in the order of the timeline: with its device where there are several."""
    devices = {stint.slot: stint.device for stint in stints}
    named = len(set(devices.values())) > 1 or not {"", "cpu"}.issuperset(devices.values())
    slots = sorted(devices, key=lambda slot: (devices[slot] if named else "", slot))
    return {slot: f"{devices[slot]}, slot {slot}" if named else f"slot {slot}" for slot in slots}


def timeline(summary: RunSummary) -> "Figure":
    """When each slot worked, and how each piece of work ended."""
    stints = [pair for trial in summary.search.trials for pair in outcomes(trial)]
    rows = _rows([stint for _, stint in stints])
    slots = list(rows)
    end = max(stint.started + stint.seconds for _, stint in stints)
    unit, word = (60.0, "minutes") if end > 180 else (1.0, "seconds")
    figure = canvas(1.35 + 0.38 * len(slots))
    axes = figure.subplots()
    for state in OUTCOMES:
        mine = [stint for its, stint in stints if its == state]
        if mine:
            axes.barh(
                [slots.index(stint.slot) for stint in mine],
                [stint.seconds / unit for stint in mine],
                left=[stint.started / unit for stint in mine],
                height=0.72, color=OUTCOMES[state], edgecolor="white", linewidth=0.8, label=state,
            )  # fmt: skip
    axes.set_yticks(range(len(slots)), list(rows.values()))
    axes.set_xlim(0, end / unit)
    axes.set_xlabel(f"{word} since the search began")
    axes.invert_yaxis()
    tidy(axes, grid="x")
    legend(figure)
    busy = sum(stint.seconds for _, stint in stints) / (len(slots) * end)
    many = plural(len(slots), "slot was", "slots were")
    title(figure, f"{many} busy for {percent(min(1.0, busy), 0)} of {duration(end)}")
    return figure
