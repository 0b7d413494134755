"""The basis of the numbers: groups, seeds, the test split, and anything that was left out."""

from reports.facts.final import Final
from reports.facts.models import Accuracy
from reports.facts.summary import RunSummary
from reports.markdown import (
    decimals_for,
    escape,
    how_often,
    join,
    percent,
    plural,
    points,
    sentence,
    singular,
)
from reports.statistics.intervals import MIN_GROUPS


def render(summary: RunSummary) -> str:
    """A list of plain sentences; nothing before models are tested."""
    final = summary.final
    if final is None or final.winner.test is None:
        return ""
    sentences = [
        _kind(summary),
        _seeds(final),
        _leaks(summary, final),
        _shift(final),
        _readings(final),
        *(sentence(text) for text in final.cut),
    ]
    return join(["## What the numbers rest on", "\n".join(f"- {text}" for text in sentences if text)])


def _kind(summary: RunSummary) -> str:
    data = summary.dataset
    groups = data.groups.get("test", data.n_test)
    noun = escape(data.noun)
    images = plural(data.n_test, "test image")
    if not data.grouped and _dissolved(summary):
        basis = (
            f"Which of the {images} are near-copies of each other is not known for {_share(summary)} of all "
            "images, which hang together in groups too large or too mixed to be copies."
        )
        speak = "The intervals take them for independent ones, and are too narrow if they are not."
    elif not data.grouped:
        basis = f"The {images} have no near-copies among them."
        speak = f"The intervals speak of new {noun} of the same kind."
    else:
        basis = (
            f"The {images} form {plural(groups, 'group')} of near-copies, which rise and fall together, so "
            f"that they are worth little more than {plural(groups, singular(noun), noun)}."
        )
        speak = f"The intervals speak of new {noun} of the same kind, not of new people or places."
    if groups < MIN_GROUPS:
        speak = (
            f"With fewer than {MIN_GROUPS} groups no interval can be given, nor a verdict on any difference."
        )
    return f"{basis} {speak}{_scenes(summary)}"


def _scenes(summary: RunSummary) -> str:
    """That the data are of few scenes, which no number of images makes up for."""
    scenes = ((summary.audit or {}).get("duplicates") or {}).get("scenes") or 0
    if not scenes:
        return ""
    few = "one scene" if scenes == 1 else f"{scenes} scenes"
    return (
        f" More than a tenth of all images each come from {few}, kept whole on one side of every split: for "
        f"these the numbers speak of {few}, not of {plural(summary.dataset.n_test, 'test image')}."
    )


def _dissolved(summary: RunSummary) -> float:
    """Share of all images of which only exact copies are known."""
    return float(((summary.audit or {}).get("duplicates") or {}).get("dissolved") or 0.0)


def _share(summary: RunSummary) -> str:
    return percent(_dissolved(summary), 0)


def _seeds(final: Final) -> str:
    assert final.winner.test is not None
    test = final.winner.test
    if test.std is not None and len(set(test.per_seed)) == 1:
        return (
            f"Each of the winner's {len(test.per_seed)} seeds has the same accuracy, {percent(test.mean)}; "
            f"that seeds vary is in the intervals from the other models.{_saved(final, '')}"
        )
    if test.std is not None:
        digits = max(1, decimals_for((min(test.per_seed), max(test.per_seed))))
        low, high, first = (
            percent(x, digits) for x in (min(test.per_seed), max(test.per_seed), test.per_seed[0])
        )
        return (
            "From seed to seed the winner's accuracy has a standard deviation of "
            f"{points(test.std, digits)} points ({low} to {high} over {len(test.per_seed)} seeds); "
            f"{_held(test)}.{_saved(final, f' ({first}), whatever it scored')}"
        )
    if test.seed_noise:
        noise = "how seeds vary is estimated from the other models"
        return f"The winner was trained from one seed, so there is no verdict on any difference; {noise}."
    return (
        "The winner was trained from one seed, and no other model tells how seeds vary: what another seed "
        "would change is not in the interval, and there is no verdict on any difference."
    )


def _saved(final: Final, first: str) -> str:
    """Which of the seeds is saved."""
    if final.shipped.seeds > 1:
        return " The saved model is all seeds together."
    return f" The saved model is the first seed's{first}."


def _held(test: Accuracy) -> str:
    """Whether the interval is wider for the noise of the seed."""
    if test.seed_added:
        return "the intervals hold this noise"
    return "no more than the choice of test images explains by itself, so it widens no interval"


def _leaks(summary: RunSummary, final: Final) -> str:
    leaked = summary.dataset.leaked_test_images
    if not leaked and _dissolved(summary):
        return (
            "Whether test images have near-copies among the training images is not known: of "
            f"{_share(summary)} of all images only exact copies could be told. Where these are frames of one "
            "scene or images of one person, the accuracy on new ones is lower: name the groups "
            "(`--group-column`, `--group-regex`)."
        )
    if not leaked:
        return "No test image has a near-copy among the training images."
    assert final.winner.test is not None
    text = (
        f"{plural(leaked, 'test image has', 'test images have')} a near-copy among the training images. "
        f"Accuracy on all of them: {percent(final.winner.test.mean)}"
    )
    if final.winner.unleaked is None:
        return f"{text}; without these none are left."
    return f"{text}; on those without a near-copy: {percent(final.winner.unleaked.mean)}."


def _shift(final: Final) -> str:
    shift, winner = final.shift, final.winner
    if shift is None or winner.validation is None or winner.test is None:
        return ""
    folds = plural(len(winner.folds), "fresh fold")
    promised, given = percent(winner.validation), percent(winner.test.mean)
    text = f"Validation over {folds} gave {promised}, the test split {given}"
    if shift.noise is None:
        why = " from one fold" if len(winner.folds) < 2 else ", as the test accuracy has no interval"
        return f"{text}. Whether that is more than chance cannot be told{why}."
    if abs(shift.difference) <= shift.noise:
        return f"{text}: a difference within the noise of both ({points(shift.noise)} points either way)."
    why = (
        "The test images may be harder or from another source, and the winner was chosen by its validation "
        "score, which is a little too high for that."
        if shift.difference < 0
        else "The test images may be easier or closer to the training images, and the final model had "
        "validation images to learn from as well."
    )
    return f"{text}: more than the noise of both explains ({points(shift.noise)} points either way). {why}"


def _readings(final: Final) -> str:
    others = _other_readings(final.other_test_readings)
    if final.test_readings == 1:
        return f"In this run the test labels were read once, after everything had been chosen.{others}"
    return (
        f"The labels of the test split were read {how_often(final.test_readings)}, as the run was extended "
        "after a report: each reading invites choosing by it, which makes its numbers a little less "
        f"trustworthy.{others}"
    )


def _other_readings(times: int) -> str:
    if not times:
        return ""
    return (
        f" Other runs on the same test images have read them {how_often(times)} before: what was chosen "
        "after looking at those reports makes these numbers flatter."
    )
