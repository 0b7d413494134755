"""The answer: what won, by how much over what, how sure, what it cost, how to use it."""

from reports import figures
from reports.facts.comparisons import Comparison
from reports.facts.final import Final
from reports.facts.models import Accuracy, Model
from reports.facts.summary import RunSummary
from reports.markdown import (
    METRICS,
    code,
    decimals_for,
    duration,
    escape,
    interval,
    join,
    percent,
    plural,
    points,
    score,
)


def render(summary: RunSummary) -> str:
    """Title, the answer in one paragraph, sample test images."""
    title = f"# {escape(summary.name)}: {_headline(summary)}"
    missing = "\n".join(f"> {sentence}  " for sentence in _warnings(summary)).rstrip()
    answer = " ".join(part for part in (_result(summary), cost(summary)) if part)
    return join([title, missing, answer, _use(summary), figures.place("samples", summary), _caption(summary)])


def model_name(summary: RunSummary) -> str:
    """Such as "CNN" for the spaces of that family, else the space's own name."""
    return "CNN" if summary.space.startswith("cnn") else code(summary.space)


def _headline(summary: RunSummary) -> str:
    final = summary.final
    if final is None or final.winner.test is None:
        return "an unfinished search" if summary.state != "done" else "the search"
    accuracy = final.saved or final.winner.test
    share = percent(accuracy.mean, decimals_for(accuracy.interval))
    together = f"{final.shipped.seeds} seeds of " if final.saved else ""
    return f"{together}a tuned {model_name(summary)} with {share} test accuracy"


def _warnings(summary: RunSummary) -> list[str]:
    """What the reader has to know before the numbers."""
    states = {
        "interrupted": "This run was interrupted.",
        "searching": "This run has not ended: it is searching, or was stopped in the search.",
    }
    states["finishing"] = "This run has not ended: it is retraining, or was stopped while it did."
    first = [states[summary.state]] if summary.state in states else []
    return [*first, *summary.missing]


def _result(summary: RunSummary) -> str:
    final = summary.final
    if final is None or final.winner.test is None:
        return _search_only(summary)
    digits = decimals_for(final.winner.test.interval)
    opening = _opening(summary, final, final.winner.test)
    best = _best(final)
    closing = f", {_against(final, best, digits)}" if best else ""
    return f"**{opening}{closing}.** {_metric(summary, final, best)}{_default(final)}{_every(final)}".strip()


def _opening(summary: RunSummary, final: Final, one: Accuracy) -> str:
    """What is saved and what it reads; where that is several seeds together, also what one of them does."""
    name, noun = model_name(summary), escape(summary.dataset.noun)
    alone = percent(one.mean, decimals_for(one.interval))
    if final.saved is None:
        return f"The tuned {name} reads {alone} of unseen {noun} correctly ({_sure(summary, one)})"
    share = percent(final.saved.mean, decimals_for(final.saved.interval))
    apart = f" ({interval(one.interval, decimals_for(one.interval))})" if one.interval else ""
    return (
        f"The saved model, {final.shipped.seeds} seeds of the tuned {name} together, reads {share} of unseen "
        f"{noun} correctly ({_sure(summary, final.saved)}); one seed alone reads {alone}{apart}"
    )


def _sure(summary: RunSummary, accuracy: Accuracy) -> str:
    if accuracy.interval:
        return f"95 % interval {interval(accuracy.interval, decimals_for(accuracy.interval))}"
    groups = plural(summary.dataset.duplicate_groups.get("test", 0), "group")
    return f"no interval: the test images form only {groups} of near-copies"


def _metric(summary: RunSummary, final: Final, best: Model | None) -> str:
    """What the search maximised, where that is not accuracy."""
    metric = summary.metric
    if metric == "accuracy":
        return ""
    other = f", that of {code(best.name)} {score(best.scores[metric], metric)}" if best else ""
    return (
        f"The search maximised {METRICS[metric]}: on the test images that of the tuned model is "
        f"{score(final.winner.scores[metric], metric)}{other}. "
    )


def _best(final: Final) -> Model | None:
    """The baseline, the default left out, with the highest test accuracy."""
    known = [model for model in final.baselines if model.test is not None and model.name != "default"]
    return max(known, key=lambda model: model.test.mean if model.test else 0.0, default=None)


def _comparison(final: Final, name: str) -> Comparison:
    return next(item for item in final.comparisons if item.baseline == name)


def _against(final: Final, model: Model, digits: int) -> str:
    assert model.test is not None
    found = _comparison(final, model.name)
    apart = f"difference {interval(found.interval, digits)}: " if found.interval else ""
    told = _told(found, len(final.comparisons))
    many = [m for m in final.baselines if m.name != "default"]
    which = "the best baseline" if len(many) > 1 else "the one baseline"
    which += " that was tested" if set(final.untested) - {"default"} else ""
    return (
        f"{_points(found.difference, digits)} {which}, {code(model.name)} "
        f"({percent(model.test.mean, digits)}; {apart}{told})"
    )


def _told(found: Comparison, many: int) -> str:
    """The verdict; where only the correction for many comparisons stands against a difference, that too."""
    low, high = found.interval or (0.0, 0.0)
    corrected = found.verdict == "not distinguishable" and (low > 0 or high < 0)
    return f"{found.verdict}, corrected for {many} comparisons" if corrected else found.verdict


def _points(difference: float, digits: int) -> str:
    shown = points(abs(difference), digits)
    if not float(shown):
        return "no more than" if difference <= 0 else "hardly more than"
    return f"{shown} {'point' if shown == '1' else 'points'} {'more' if difference > 0 else 'less'} than"


def _default(final: Final) -> str:
    if final.best_trial == 0:
        return "The search found nothing better than the default configuration, which won. "
    if "default" in final.untested:
        return (
            f"What the search itself was worth is not known: `default` was not retrained{_on_folds(final)}. "
        )
    if not any(item.baseline == "default" for item in final.comparisons):
        return ""
    found = _comparison(final, "default")
    digits = decimals_for(found.interval)
    told = _told(found, len(final.comparisons))
    apart = f"{interval(found.interval, digits)}: {told}" if found.interval else told
    if found.difference <= 0:
        lost = f"{points(found.difference, digits)} points, " if found.difference else ""
        return f"The search itself gained nothing over the default configuration ({lost}{apart}). "
    shown = points(found.difference, digits)
    unit = "point" if shown == "1" else "points"
    return f"The search itself was worth {shown} {unit} over the default configuration ({apart}). "


def _on_folds(final: Final) -> str:
    """What the default reached beside the winner where both were finalists."""
    means = {item.trial: item.mean for item in final.finalists}
    if 0 not in means:
        return ""
    default, won = percent(means[0]), percent(means[final.best_trial])
    return f" (on the fresh folds of the validation it reached {default}, the winner {won})"


def _every(final: Final) -> str:
    if not final.comparisons:
        return "There is no baseline to compare it with. "
    others = [c for c in final.comparisons if final.best_trial or c.baseline != "default"]
    if final.better_than_every and len(others) > 1:
        tested = " that were tested" if final.untested else ""
        return f"It is better than every one of the {len(others)} others{tested}. "
    return ""


def _search_only(summary: RunSummary) -> str:
    best = summary.search.best
    if best is None or best.score is None:
        return "**No trial is complete, so there is no result yet.**"
    reached = score(best.score, summary.metric)
    return (
        f"**The best of the trials so far, number {best.number}, has a validation "
        f"{METRICS[summary.metric]} of {reached}.** That flatters: it is the best of several, on the images "
        "it was chosen on."
    )


def cost(summary: RunSummary) -> str:
    """Size, speed, time and trials in a sentence."""
    search, final, parts = summary.search, summary.final, []
    if final is not None:
        parts.append(plural(final.shipped.parameters, "parameter"))
        if final.shipped.latency_ms is not None:
            parts.append(f"{final.shipped.latency_ms:.2g} ms an image")
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
        f"255 ([how](#use-the-model)).{_first_seed(summary.final)}"
    )


def _first_seed(final: Final) -> str:
    """What the saved file itself scored, where the answer speaks of a mean over seeds."""
    test = final.winner.test
    if final.saved is not None or test is None or len(test.per_seed) < 2:
        return ""
    first, digits = test.per_seed[0], max(1, decimals_for(test.interval))
    return f" That file is the first seed's model, which reads {percent(first, digits)}."


def _caption(summary: RunSummary) -> str:
    if not summary.shown:
        return ""
    return (
        "*Below each image what the model says and how sure it is; in red a mistake, with what it really is.*"
    )
