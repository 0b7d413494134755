"""Weak points of a run, and what to try next, from facts of this run alone."""

import math

from reports.facts.final import Final
from reports.facts.rival import compared_with
from reports.facts.summary import RunSummary
from reports.facts.weak import Weak, weaknesses
from reports.markdown import code, duration, escape, join, listed, percent, plural, points
from reports.sections.more_data import WORTH, few_scenes

SHOWN = 8
FEW_TRIALS = 20
"""The usual number; with fewer, a search has hardly begun."""
MORE_TRIALS = 50
"""After these hardly more is found (replayed in `tests/benchmarks`)."""
LARGE = 64
"""Pixels a side from which features learned elsewhere have something to see."""


def weak(summary: RunSummary, final: Final) -> str:
    """Warnings about a weak model, as a quotation at the top; "" where nothing is weak."""
    found = weaknesses(final, summary.curves)
    sentences = []
    if found.chance is not None:
        sentences.append(
            f"The winner is hardly better than always naming the most frequent class "
            f"({percent(found.chance)} of the test images): do not use it."
        )
    if found.beaten_by:
        sentences.append(f"{code(found.beaten_by)} is better than the winner beyond chance.")
    if found.rising is not None:
        sentences.append(
            f"The winner was still learning when its {plural(summary.epochs, 'epoch')} were over "
            f"(+{points(found.rising)} points of validation accuracy in the last "
            f"{'quarter of them' if summary.epochs > 7 else 'epoch'}), so its accuracy, and every comparison "
            "here, is of models that are not finished: "
            f"{'a larger `--budget` comes' if _shortened(summary) else 'more `--epochs` come'} first."
        )
    if found.never_said:
        sentences.append(_never(found))
    return "\n".join(f"> {text}  " for text in sentences).rstrip()


def _never(found: Weak) -> str:
    shown = [f"**{escape(name)}**" for name in found.never_said[:SHOWN]]
    more = len(found.never_said) - SHOWN
    names = listed([*shown, f"{more} more"] if more > 0 else shown)
    return f"The winner never answers {names}."


def steps(summary: RunSummary, final: Final) -> str:
    """A short list, most promising first, with what each would cost."""
    found = [*_training(summary, final), *_search(summary, final), *_data(summary, final)]
    if not found:
        found = [
            "Nothing in this run points to an easy gain: training was finished, and more trials are unlikely "
            "to find much. More data, or another `--space` with `--fresh`, are what is left to try."
        ]
    return join(["To try next:", "\n".join(f"- {step}" for step in found)])


def _training(summary: RunSummary, final: Final) -> list[str]:
    found = weaknesses(final, summary.curves)
    if found.rising is None:
        return []
    longer = max(10, 2 * summary.epochs)
    times, asked = longer / max(1, summary.epochs), int(summary.config.get("epochs") or 0)
    options = [f"--epochs {longer}"] if longer > asked or not _shortened(summary) else []
    if _shortened(summary):
        options.insert(0, f"--budget {math.ceil(_seconds(summary, times) / 60)}m")
    return [f"`{' '.join([*options, '--fresh'])}`: the winner was still learning{_cost(summary, times)}."]


def _shortened(summary: RunSummary) -> bool:
    """Whether trials have fewer epochs than were asked for, to hold the budget."""
    return bool(summary.config.get("budget")) and summary.epochs < int(summary.config.get("epochs") or 0)


def _search(summary: RunSummary, final: Final) -> list[str]:
    tried = sum(trial.state != "unfinished" for trial in summary.search.trials)
    steps = []
    longer = weaknesses(final, summary.curves).rising is not None and _shortened(summary)  # as said before
    if (
        summary.config.get("budget")
        and not longer
        and (summary.search.stopped_by == "budget" or final.short_of_time)
    ):
        anew = " with `--fresh`" if _shortened(summary) else ""
        steps.append(f"A larger `--budget`{anew}: this one ended the search or left trainings out.")
    gained = compared_with(final, "default")
    settled = not final.is_default and gained is not None and gained.difference <= 0
    spent = sum(summary.seconds.values())
    room = float(summary.config.get("budget") or 0.0) - spent
    if room > spent and not settled and summary.search.stopped_by == "trials":
        steps.append(f"`--trials {max(MORE_TRIALS, 2 * tried)}`: {duration(room)} of the budget were left.")
    elif tried < FEW_TRIALS and not settled and not _shortened(summary):
        cost = _cost(summary, FEW_TRIALS / max(1, tried), only="search")
        steps.append(f"`--trials {FEW_TRIALS}`: {plural(tried, 'configuration')} so far{cost}.")
    height, width, channels = summary.dataset.image_shape
    if channels == 3 and min(height, width) >= LARGE and summary.space not in {"pretrained", "transfer"}:
        steps.append("`--space pretrained --fresh`: features learned on ImageNet, often far ahead.")
    if channels == 3 and final.winner.params.get("flip") is False:
        steps.append("`--set flip=1 --fresh`, if a mirrored image is of the same class.")
    return steps


def _data(summary: RunSummary, final: Final) -> list[str]:
    curve = final.data_curve
    if few_scenes(summary) or curve is None or curve.noise is None or curve.gain - curve.noise <= WORTH:
        return []
    return [
        f"More data of the same kind: half the data cost {points(curve.gain)} points, so as much again would "
        f"probably bring some, though less ({summary.dataset.n_train:,} more images)."
    ]


def _seconds(summary: RunSummary, times: float, only: str = "") -> float:
    """Of the whole run, were all after its setup, or one stage, so many times as long; 0 if not known."""
    spent = {stage: seconds for stage, seconds in summary.seconds.items() if stage != "report"}
    grows = spent.get(only, 0.0) if only else sum(s for stage, s in spent.items() if stage != "setup")
    return sum(spent.values()) + (times - 1) * grows if grows else 0.0


def _cost(summary: RunSummary, times: float, only: str = "") -> str:
    """Such as ", about 40 minutes in place of 20": the whole run, or with a longer stage."""
    then, now = _seconds(summary, times, only), sum(s for k, s in summary.seconds.items() if k != "report")
    return f"; about {duration(then)} in place of {duration(now)}" if then else ""
