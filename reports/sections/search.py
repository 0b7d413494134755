"""How the search went: trials, finalists, what it cost."""

from collections.abc import Sequence

from reports import figures
from reports.facts.summary import RunSummary
from reports.facts.trials import Search, Trial
from reports.markdown import (
    NONE,
    code,
    duration,
    escape,
    join,
    listed,
    percent,
    plural,
    score,
    sentence,
    size,
    table,
    value,
)
from reports.sections.answer import after_epochs, trials

SHOWN = 10
STOPPED_BY = {
    "trials": "It ended when all its trials were done.",
    "budget": "It ended when its share of the time budget was used up.",
    "interrupt": "It was interrupted.",
    "target": "It ended when the target score was reached.",
    "plateau": "It ended when the best score no longer rose.",
    "exhausted": "It ended when every configuration of the space had been tried.",
}
PRUNERS = {
    "none": ", and each was trained to its end.",
    "screen": (
        "; all were trained for a few epochs, and those with the best scores and trends went on from "
        "there (pruner `screen`)."
    ),
}
STAGES = {
    "setup": "preparing the data, starting workers",
    "search": "search",
    "finalists": "finalists on fresh folds",
    "retraining": "retraining and baselines",
    "report": "report",
}


def render(summary: RunSummary) -> str:
    """Sentences, history, timeline, finalists, cost."""
    if not summary.search.trials:
        return ""
    return join(
        [
            "## How the search went",
            _why_space(summary),
            _sentences(summary),
            _refused(summary),
            _warm_start(summary),
            figures.place("history", summary),
            figures.place("timeline", summary),
            _finalists(summary),
            _best_trials(summary),
            _cost(summary),
        ]
    )


def _why_space(summary: RunSummary) -> str:
    """Why it is this search space, where the run chose it."""
    return f"The search space is {code(summary.space)}: {summary.why_space}." if summary.why_space else ""


def saved_share(summary: RunSummary) -> float | None:
    """Share of the epochs that stopping early has saved, of all trials trained to the end."""
    full = _full(summary)
    return 1 - summary.search.epochs_trained / full if full else None


def _full(summary: RunSummary) -> int:
    """Epochs of all trials that were begun, had each been trained to the end."""
    ended = sum(summary.search.count(state) for state in ("complete", "pruned", "failed"))
    return (ended - sum(trial.refused for trial in summary.search.trials)) * summary.epochs


def _refused(summary: RunSummary) -> str:
    """How many trials were not trained, as their models break a limit, and what that means."""
    refused = [trial for trial in summary.search.trials if trial.refused]
    default = next(iter(summary.search.trials), None)
    parts = []
    if refused:
        slow = sum("--max-latency-ms" in trial.message for trial in refused)
        large = sum("--max-parameters" in trial.message for trial in refused)
        most, slowest = summary.config.get("max_parameters"), summary.config.get("max_latency_ms")
        why = [f"{large:,} for more than {plural(most, 'parameter')}"] if large and most else []
        why += [f"{slow:,} for more than {slowest:g} ms an image"] if slow and slowest else []
        many = plural(len(refused), "configuration was", "configurations were")
        parts.append(f"{many} refused before training, counted as stopped early: {' and '.join(why)}.")
    if default is not None and not default.feasible:
        parts.append(
            "The default configuration breaks a limit itself: it was trained as a baseline, and could "
            "not win."
        )
    return " ".join(parts)


def _warm_start(summary: RunSummary) -> str:
    """The trials that began with winners of earlier runs, and what they were worth."""
    everyone = summary.search.trials
    started = [trial for trial in everyone if trial.warm_start]
    if not started:
        return ""
    best = _best_score(summary, started)
    rest = [trial for trial in everyone[1:] if not trial.warm_start]
    compared = (
        ("the best of the other trials", _best_score(summary, rest)),
        ("the default", _best_score(summary, everyone[:1])),
    )
    others = [f"{who} {found}" for who, found in compared if found]
    first, last = started[0].number, started[-1].number
    if first < last:
        text = f"Trials {first} to {last} were warm starts: the winners of earlier runs."
    else:
        text = f"Trial {first} was a warm start: the winner of an earlier run."
    if not best:
        text += " None of them was among the best few, which went on."
    else:
        reached = "On validation the best of them reached" if len(started) > 1 else "On validation it reached"
        text += f" {reached} {best}"
        text += f", {' and '.join(others)}." if others else "."
    rows = [
        [str(t.number), code(t.warm_start), _score(summary, t.score) or NONE, t.state, str(t.epochs)]
        for t in started
    ]
    return join([text, table(["trial", "winner of", "on validation", "state", "epochs"], rows, "rlrlr")])


def _best_score(summary: RunSummary, trials: Sequence[Trial]) -> str:
    """The best score of a complete trial; "" where there is none."""
    scores = [t.score for t in trials if t.state == "complete" and t.feasible and t.score is not None]
    return _score(summary, max(scores, default=None))


def _score(summary: RunSummary, score: float | None) -> str:
    if score is None:
        return ""
    return percent(score) if summary.metric.endswith("accuracy") else f"{score:.3f}"


def _sentences(summary: RunSummary) -> str:
    search, config = summary.search, summary.config
    text = (
        f"{trials(summary).capitalize()}. Algorithm {code(config.get('algorithm'))} ({config.get('engine')}) "
    )
    text += "chose the configurations"
    pruner = str(config.get("pruner")) if _pruned(search) else "none"
    text += PRUNERS.get(pruner, f", pruner {code(pruner)} which to stop.")
    if after := after_epochs(summary, search.best):
        text += f" A trial is complete{after}; finalists are trained whole."
    saved = saved_share(summary)
    if saved is not None and saved > 0:
        text += (
            f" They trained for {plural(search.epochs_trained, 'epoch')} in place of {_full(summary):,}, "
            "which saved "
            f"{percent(saved, 0)}."
        )
    if search.images_per_second:
        text += f" Through all workers went {search.images_per_second:,.0f} training images a second."
    text += f" {STOPPED_BY.get(search.stopped_by or '', '')}"
    notes = " ".join(sentence(note) for note in summary.notes)
    return f"{text.strip()} {notes}".strip()


def _pruned(search: Search) -> bool:
    """Whether trials were stopped for their scores: with very few epochs there is nothing to compare."""
    stopped = [t for t in search.of_state("pruned") if not t.refused and t.reason != "budget"]
    return bool(stopped or search.count("unfinished"))


def _finalists(summary: RunSummary) -> str:
    final = summary.final
    if final is None or not final.finalists:
        return ""
    rows = []
    folds = len(final.finalists[0].folds)
    dropped = [item for item in final.finalists if len(item.folds) < folds]
    for item in final.finalists:
        bold = "**" if item is final.finalists[0] else ""
        each = ", ".join(score(fold, summary.metric) for fold in item.folds)
        rows.append(
            [
                f"{bold}{item.named}{bold}",
                score(item.search_score, summary.metric) if item.search_score is not None else NONE,
                *([each] if folds > 1 else []),
                NONE if item in dropped else f"{bold}{score(item.mean, summary.metric)}{bold}",
            ]
        )
    chosen = [item.trial for item in final.finalists if not item.fine_tuned]
    count = len(chosen)
    after = after_epochs(summary, summary.search.best)
    said = f"is the best of many, {after.strip() or 'and so too high'}"
    again = f"trained again on {plural(folds, 'fresh fold')} with fresh seeds"
    text = (
        f"{_who(chosen).capitalize()} were {again}, and the winner was "
        f"named by {'the mean' if folds > 1 else 'that'}: the score in the search {said}. Where the means "
        "are close, other folds could have named another."
        if count > 1
        else f"The winner was {again}, so that what is said of it does not rest on one split."
    )
    if dropped:
        names = listed([f"trial {item.named}" for item in dropped])
        text += f" Too far behind the leader to be trained on all of them: {names}."
    if len(final.finalists) > count:
        text += " The best of them was fine-tuned as well, on the same folds."
    if not folds:
        return (
            f"There was no time to train {_who(chosen)} on the same fresh folds, so the one with the best "
            f"score in the search won. That score {said}."
        )
    header = ["trial", "in the search", *(["fresh folds", "mean"] if folds > 1 else ["fresh fold"])]
    return join([text, table(header, rows, "r" * len(header))])


def _who(chosen: Sequence[int]) -> str:
    """The finalists in words, by their trials; the default, trial 0, is one of them whatever its rank."""
    if 0 not in chosen:
        return f"the {len(chosen)} best complete trials"
    others = f"{len(chosen) - 1} best" if len(chosen) > 2 else "best"
    return f"the default configuration and the {others} of the other trials"


def _best_trials(summary: RunSummary) -> str:
    """The ten best trials with the parameters in which they differ."""
    found = summary.search.ranked()
    if len(found) < 2:
        return ""
    best = found[:SHOWN]
    names = list(dict.fromkeys(name for trial in best for name in trial.params))
    names = [name for name in names if len({value(trial.params.get(name)) for trial in best}) > 1]
    won = summary.final.best_trial if summary.final is not None else None
    rows = [
        [
            f"**{trial.number}**" if trial.number == won else str(trial.number),
            score(trial.score or 0.0, summary.metric),
            str(trial.epochs),
            *(escape(value(trial.params.get(name))) for name in names),
        ]
        for trial in best
    ]
    header = ["trial", "on validation", "epochs", *(code(name) for name in names)]
    stopped = ", then those stopped early, with their last score" if best[-1].state != "complete" else ""
    bold = " Bold: the winner." if any(trial.number == won for trial in best) else ""
    text = f"The best trials{stopped}; all of them are in `trials.csv`.{bold}"
    return join([text, table(header, rows, "r" * len(header))])


def _cost(summary: RunSummary) -> str:
    parts = [
        f"{STAGES.get(stage, escape(stage))} {duration(spent)}"
        for stage, spent in summary.seconds.items()
        if spent
    ]
    if not parts:
        return ""
    return (
        f"Time by stage: {', '.join(parts)}. Training on all slots together took "
        f"{duration(summary.device_seconds)}; the run directory holds {size(summary.disk_bytes)}."
    )
