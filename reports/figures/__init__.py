"""The figures of a report: which there are, whether a run has what they need, and how to draw them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.facts.final import Final
from reports.facts.summary import RunSummary
from reports.figures import confusions, doubtful, looked, mattered, pictures, results, tradeoffs, trials
from reports.markdown import image, listed, milliseconds, percent, points, score
from reports.tradeoffs import differ, front

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        wanted: whether the run has what it shows.
        draw: makes it, if it is wanted.
        alt: its alternative text.
    """

    wanted: Callable[[RunSummary], bool]
    draw: Callable[[RunSummary], "Figure"]
    alt: Callable[[RunSummary], str]


def place(name: str, summary: RunSummary) -> str:
    """Markdown that shows a figure, or nothing where the run lacks what it needs."""
    drawing = FIGURES[name]
    return image(f"figures/{name}.png", drawing.alt(summary)) if drawing.wanted(summary) else ""


def _final(summary: RunSummary) -> Final:
    assert summary.final is not None
    return summary.final


FEW = 4
"""Trials, or pieces of their work, of which fewer need no figure."""


def _compared(summary: RunSummary) -> bool:
    """Whether there is another model than the winner."""
    final = summary.final
    return final is not None and len(results.ranked(summary)) > 1 + (final.ensemble is not None)


def _several_scored(summary: RunSummary) -> bool:
    return len(summary.search.ranked()) >= FEW


def _timed(summary: RunSummary) -> bool:
    trained = [trial for trial in summary.search.trials if trial.seconds]
    return sum(len(trial.stints) for trial in trained) >= FEW and all(trial.stints for trial in trained)


def _leaderboard_alt(summary: RunSummary) -> str:
    rows = results.ranked(summary)
    each = [f'"{name}" {percent(accuracy.mean)}' for name, accuracy in rows]
    return f"Test accuracy of {len(rows)} models: {listed(each)}"


def _importance_alt(summary: RunSummary) -> str:
    items = [f"{item.param} {percent(item.importance, 0)}" for item in summary.search.importance]
    return f"Importance of the searched parameters: {listed(items)}"


def _slices_alt(summary: RunSummary) -> str:
    return f"Score of every trial against {listed([i.param for i in summary.search.importance[:2]])}"


def _curves_alt(summary: RunSummary) -> str:
    gaps = [
        f"{name} {points(results.end_gap(mine, results.kept_epochs(summary, name)))}"
        for name, mine in results.curve_groups(summary)
    ]
    return f"Learning curves; points between training and validation accuracy at the end: {listed(gaps)}"


def _confusion_alt(summary: RunSummary) -> str:
    pairs, names = _final(summary).pairs, summary.dataset.class_names
    worst = f"; most often {names[pairs[0].true]} is read as {names[pairs[0].said]}" if pairs else ""
    return f"Confusion matrix of {len(names)} classes{worst}"


def _tradeoffs_alt(summary: RunSummary) -> str:
    best = [
        f"trial {t.number}: {t.parameters:,} with {score(t.score or 0, summary.metric)}"
        for t in front(summary.search)
    ]
    timed = [
        f"{model.name} {milliseconds(model.latency_ms or 0.0)} ms"
        for model in tradeoffs.timed_models(summary)
    ]
    latency = f"; test accuracy against latency: {listed(timed)}" if timed else ""
    return f"Score of every trial against its number of parameters; best for its size {listed(best)}{latency}"


def _history_alt(summary: RunSummary) -> str:
    best = summary.search.best
    reached = "" if best is None or best.score is None else score(best.score, summary.metric)
    told = f": {reached}, by trial {best.number}" if best is not None and reached else ""
    return f"Score of every trial, and the best so far{told}"


def _pairs_alt(summary: RunSummary) -> str:
    names = summary.dataset.class_names
    shown = [
        f'"{names[pair.true]}" read as "{names[pair.said]}"' for pair, _ in pictures.shown_pairs(summary)
    ]
    return f"Test images of the most confused pairs: {listed(shown)}"


def _mistakes_alt(summary: RunSummary) -> str:
    worst, names = pictures.wrong_ones(summary)[0].reading, summary.dataset.class_names
    return (
        "The mistakes made with most confidence; the first: "
        f'"{names[worst.true]}" read as "{names[worst.said]}" with {percent(worst.probability, 0)}'
    )


def _looked_alt(summary: RunSummary) -> str:
    names = summary.dataset.class_names
    told = [
        f'"{names[item.shown.reading.said]}" from {pictures.sure(item.shown.reading.probability)} to '
        f"{pictures.sure(item.least)}"
        for item in summary.looked
    ]
    return f"Places that the model's answers depend on; with the worst covered they fall: {listed(told)}"


def _calibration_alt(summary: RunSummary) -> str:
    facts = _final(summary).calibration
    assert facts is not None
    claimed, right = percent(facts.confidence), percent(facts.accuracy)
    return (
        f"Reliability diagram and histogram of confidence: on average {claimed} is claimed, {right} is right"
    )


def _samples_alt(summary: RunSummary) -> str:
    chosen = pictures.random_ones(summary)
    right = sum(item.reading.said == item.reading.true for item in chosen)
    return f"{len(chosen)} random test images with what the model says of them; it is right on {right}"


def _more_data_alt(summary: RunSummary) -> str:
    curve = _final(summary).data_curve
    assert curve is not None
    points_ = [f"{p.images:,} images {percent(p.mean)}" for p in curve.points]
    return f"Validation accuracy of the winner by how much it was trained on: {listed(points_)}"


def _doubtful_alt(summary: RunSummary) -> str:
    first = _final(summary).doubtful_labels["items"][0]
    return (
        f'Training images whose label is hard or wrong; the first is labelled "{first["label"]}" and read as '
        f'"{first["predicted"]}"'
    )


def _augmentation_alt(summary: RunSummary) -> str:
    assert summary.augmented is not None
    versions, images = summary.augmented.shape[0], min(pictures.AUGMENTED, summary.augmented.shape[1])
    return f"{images} training images, each as it is and {versions - 1} times as augmentation changes it"


FIGURES: dict[str, Drawing] = {
    "samples": Drawing(lambda s: bool(s.shown), pictures.samples, _samples_alt),
    "leaderboard": Drawing(_compared, results.leaderboard, _leaderboard_alt),
    "importance": Drawing(lambda s: bool(s.search.importance), mattered.importance, _importance_alt),
    "slices": Drawing(lambda s: bool(s.search.importance), mattered.slices, _slices_alt),
    "history": Drawing(_several_scored, trials.history, _history_alt),
    "timeline": Drawing(_timed, trials.timeline, lambda _: "When each slot worked on which trial"),
    "tradeoffs": Drawing(lambda s: differ(s.search), tradeoffs.tradeoffs, _tradeoffs_alt),
    "learning-curves": Drawing(lambda s: bool(results.curve_groups(s)), results.learning_curves, _curves_alt),
    "more-data": Drawing(
        lambda s: s.final is not None and s.final.data_curve is not None, results.more_data, _more_data_alt
    ),
    "augmentation": Drawing(lambda s: s.augmented is not None, pictures.augmentation, _augmentation_alt),
    "confusion": Drawing(
        lambda s: s.final is not None and s.final.confusion is not None, confusions.confusion, _confusion_alt
    ),
    "confused-pairs": Drawing(
        pictures.new_pairs,
        pictures.confused_pairs,
        _pairs_alt,
    ),
    "mistakes": Drawing(
        lambda s: bool(pictures.wrong_ones(s)),
        pictures.mistakes,
        _mistakes_alt,
    ),
    "looked": Drawing(lambda s: bool(s.looked), looked.looked, _looked_alt),
    "doubtful-labels": Drawing(
        lambda s: s.final is not None and s.doubtful is not None, doubtful.doubtful, _doubtful_alt
    ),
    "calibration": Drawing(
        lambda s: s.final is not None and s.final.calibration is not None,
        results.calibration,
        _calibration_alt,
    ),
}
"""By file name in `figures/`, in the order of the report."""
