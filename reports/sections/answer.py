"""The answer: what won, by how much over what, how sure, what to try next, how to use it."""

from reports import figures
from reports.facts.final import Final
from reports.facts.models import Accuracy, Model
from reports.facts.rival import rival
from reports.facts.summary import RunSummary
from reports.facts.trials import Trial
from reports.markdown import (
    METRICS,
    code,
    decimals_for,
    duration,
    escape,
    interval,
    join,
    listed,
    milliseconds,
    percent,
    plural,
    score,
    value,
)
from reports.sections import leading, next_steps, versus


def render(summary: RunSummary) -> str:
    """Title, the answer in one paragraph and its chart, settings, weak points, what next, sample images."""
    title = f"# {escape(summary.name)}: {_headline(summary)}"
    missing = "\n".join(f"> {sentence}  " for sentence in _warnings(summary)).rstrip()
    final = summary.final if summary.final is not None and summary.final.winner.test is not None else None
    answer = " ".join(part for part in (_result(summary), cost(summary)) if part)
    return join(
        [
            title,
            missing,
            next_steps.weak(summary, final) if final else "",
            answer,
            figures.place("leaderboard", summary),
            " ".join(part for part in (_settings(summary, final), _worst(final)) if part) if final else "",
            next_steps.steps(summary, final) if final and summary.state == "done" else "",
            _use(summary),
            figures.place("samples", summary),
            _caption(summary),
        ]
    )


NAMES = {"pretrained": "classifier on pretrained features"}
"""Names of models, for spaces whose own name does not describe one."""


def model_name(summary: RunSummary) -> str:
    """Such as "tuned CNN" or "default CNN" for the spaces of that family, else with the space's own name."""
    family = "CNN" if summary.space.startswith("cnn") else NAMES.get(summary.space, code(summary.space))
    is_default = summary.final is not None and summary.final.is_default
    return f"{'default' if is_default else 'tuned'} {family}"


def _headline(summary: RunSummary) -> str:
    final = summary.final
    if final is None or final.winner.test is None or final.saved is None:
        return "an unfinished search" if summary.state != "done" else "the search"
    share = percent(final.saved.mean, decimals_for(final.saved.interval))
    together = f"{final.shipped.seeds} seeds of " if final.shipped.seeds > 1 else ""
    article = "the" if final.is_default else "a"
    return f"{together}{article} {model_name(summary)} with {share} test accuracy"


def _warnings(summary: RunSummary) -> list[str]:
    """Warnings that the reader needs before the numbers."""
    states = {
        "interrupted": "This run was interrupted.",
        "searching": "This run has not ended: it is searching, or was stopped in the search.",
        "finishing": "This run has not ended: it is retraining, or was stopped while it did.",
    }
    first = [states[summary.state]] if summary.state in states else []
    return [*first, *_leading(summary), *summary.missing]


def _leading(summary: RunSummary) -> list[str]:
    """Who is ahead while the retrainings go on."""
    if summary.final is not None:
        return []
    said = leading.sentence(summary.finalists, summary.metric, summary.dataset.held_out)
    return [f"{said[0].upper()}{said[1:]}. Nothing has been tested yet."] if said else []


def _result(summary: RunSummary) -> str:
    final = summary.final
    if final is None or final.winner.test is None or final.saved is None:
        return _search_only(summary)
    digits = decimals_for(final.winner.test.interval)
    opening = _opening(summary, final, final.saved, final.winner.test)
    first = f"**{opening}{versus.against(summary, final, digits)}.**"
    told = versus.default(summary, final) + versus.caveats(summary, final) + versus.every(final)
    return f"{first} {_metric(summary, final, rival(final))}{told}".strip()


def _opening(summary: RunSummary, final: Final, saved: Accuracy, one: Accuracy) -> str:
    """The saved model and its accuracy; where other seeds were trained, also that of a single one."""
    name, noun, seeds = model_name(summary), escape(summary.dataset.noun), len(one.per_seed)
    share, sure = percent(saved.mean, decimals_for(saved.interval)), _sure(summary, saved)
    if seeds < 2:
        return f"The {name}, trained once, reads {share} of unseen {noun} correctly ({sure})"
    many = final.shipped.seeds
    what = f"The saved model, {many} seeds of the {name} together," if many > 1 else f"The saved {name}"
    alone = percent(one.mean, decimals_for(one.interval))
    apart = f" ({interval(one.interval, decimals_for(one.interval))})" if one.interval else ""
    mean = (
        f"One seed alone reads {alone} on average"
        if many > 1
        else f"Over {seeds} seeds it reads {alone} on average"
    )
    return f"{what} reads {share} of unseen {noun} correctly ({sure}). {mean}{apart}"


def _sure(summary: RunSummary, accuracy: Accuracy) -> str:
    if accuracy.interval:
        return f"95 % interval {interval(accuracy.interval, decimals_for(accuracy.interval))}"
    groups = plural(summary.dataset.groups.get("test", 0), "group")
    return f"no interval: the test images form only {groups} of near-copies"


def _metric(summary: RunSummary, final: Final, best: Model | None) -> str:
    """The metric that the search maximised, where that is not accuracy."""
    metric = summary.metric
    if metric == "accuracy":
        return ""
    other = f", that of {code(best.name)} {score(best.scores[metric], metric)}" if best else ""
    return (
        f"The search maximised {METRICS[metric]}: on the test images that of the {model_name(summary)} is "
        f"{score(final.winner.scores[metric], metric)}{other}. "
    )


def after_epochs(summary: RunSummary, trial: Trial | None) -> str:
    """Such as " after 8 of 20 epochs", where a trial was not trained for as many as a finalist is."""
    if trial is None or trial.epochs >= summary.epochs:
        return ""
    return f" after {trial.epochs} of {summary.epochs} epochs"


def _search_only(summary: RunSummary) -> str:
    best = summary.search.best
    if best is None or best.score is None:
        return "**No trial is complete, so there is no result yet.**"
    reached = score(best.score, summary.metric)
    return (
        f"**The best of the trials so far, number {best.number}, has a validation "
        f"{METRICS[summary.metric]} of {reached}{after_epochs(summary, best)}.** That is optimistic: it is "
        "the best of several, on the images it was chosen by."
    )


def _settings(summary: RunSummary, final: Final) -> str:
    """The winner's settings, where they are not the default's."""
    on = _backbone(final)
    if final.is_default:
        return f"{on}Its settings are the default ones of the space {code(summary.space)}."
    chosen = final.winner.params
    changed = [
        f"{code(p.name)} {escape(value(chosen[p.name]))} (default {escape(value(p.default))})"
        for p in summary.parameters
        if p.searched and p.name in chosen and value(chosen[p.name]) != value(p.default)
    ]
    return f"{on}Its settings, where they are not the default: {listed(changed)}." if changed else on.strip()


def _backbone(final: Final) -> str:
    """Of a model on pretrained features, what they are features of."""
    chosen = final.winner.params
    if "backbone" not in chosen or "resolution" not in chosen:
        return ""
    name, side = escape(value(chosen["backbone"])), value(chosen["resolution"])
    further = "; the last stages of that network were then trained further" if chosen.get("unfrozen") else ""
    return f"Its features are those of {name}, trained on ImageNet, at {side} pixels a side{further}. "


def _worst(final: Final) -> str:
    """The class that is least often recognised, and what it is taken for."""
    known = [item for item in final.classes if item.recall is not None]
    worst = min(known, key=lambda item: item.recall or 0.0, default=None)
    if worst is None or worst.recall is None or worst.recall == 1:
        return ""
    index = final.classes.index(worst)
    several = len(final.classes) > 2  # of two there is only one other
    taken = next((pair for pair in final.pairs if several and pair.true == index), None)
    most = f", most often read as {escape(final.classes[taken.said].name)}" if taken else ""
    alone = "one seed alone recognises " if final.shipped.seeds > 1 else ""
    recall = f"{alone}{percent(worst.recall, 0)}{' of it' if alone else ' recognised'}"
    return f"The hardest class is **{escape(worst.name)}**: {recall}{most}."


def cost(summary: RunSummary) -> str:
    """Size, speed, time and trials in a sentence."""
    search, final, parts = summary.search, summary.final, []
    if final is not None:
        parts.append(plural(final.shipped.parameters, "parameter"))
        if final.shipped.latency_ms is not None:
            parts.append(f"{milliseconds(final.shipped.latency_ms)} ms an image")
    if search.trials:
        where = f" in {duration(search.seconds)}{_where(summary)}" if search.seconds else ""
        parts.append(f"{'found' if final else 'searched'}{where}: {trials(summary)}")
    if not parts:
        return ""
    total = sum(summary.seconds.values())
    whole = f" (with retraining and baselines {duration(total)})" if final and total else ""
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}{whole}."


def _where(summary: RunSummary) -> str:
    devices = summary.environment.get("devices") or []
    kinds = [str(device.get("kind", "cpu")).lower() for device in devices]
    gpus = sum(kind != "cpu" for kind in kinds)
    if gpus:
        return f" on {plural(gpus, 'GPU')}"
    workers = int(summary.environment.get("workers") or 0)
    return f" on {plural(workers, 'CPU core')}" if workers else ""


def trials(summary: RunSummary) -> str:
    """Such as "50 trials, 31 stopped early, none failed"."""
    search = summary.search
    pruned, failed, open_ = (search.count(state) for state in ("pruned", "failed", "unfinished"))
    parts = [
        plural(len(search.trials) - open_, "trial"),
        f"{pruned or 'none'} stopped early",
        f"{failed or 'none'} failed",
    ]
    return ", ".join(parts) + (f", {open_} unfinished" if open_ else "")


def _use(summary: RunSummary) -> str:
    if summary.final is None:
        return f"Go on with it: {code(summary.command)}"
    return (
        'Use it: `keras.saving.load_model("model/model.keras").predict(images)` takes raw pixels from 0 to '
        "255 ([how](#use-the-model))."
    )


def _caption(summary: RunSummary) -> str:
    if not summary.shown:
        return ""
    return (
        "*Below each image what the model says and how sure it is; in red a mistake, with what it really is.*"
    )
