"""How the search went: trials, finalists, what it cost."""

from reports import figures
from reports.markdown import NONE, code, duration, escape, join, percent, plural, score, sentence, size, table
from reports.sections.answer import trials
from reports.summary import RunSummary

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
        "there, a few of them to the end (pruner `screen`)."
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
            _sentences(summary),
            figures.place("history", summary),
            figures.place("timeline", summary),
            _finalists(summary),
            _cost(summary),
        ]
    )


def saved_share(summary: RunSummary) -> float | None:
    """Share of the epochs that stopping early has saved, of all trials trained to the end."""
    ended = sum(summary.search.count(state) for state in ("complete", "pruned", "failed"))
    full = ended * summary.epochs
    return 1 - summary.search.epochs_trained / full if full else None


def _sentences(summary: RunSummary) -> str:
    search, config = summary.search, summary.config
    text = (
        f"{trials(summary).capitalize()}. Algorithm {code(config.get('algorithm'))} ({config.get('engine')}) "
    )
    text += "chose the configurations"
    text += PRUNERS.get(str(config.get("pruner")), f", pruner {code(config.get('pruner'))} which to stop.")
    saved = saved_share(summary)
    if saved is not None and saved > 0:
        full = sum(search.count(state) for state in ("complete", "pruned", "failed")) * summary.epochs
        text += (
            f" They trained for {plural(search.epochs_trained, 'epoch')} in place of {full:,}, which saved "
            f"{percent(saved, 0)}."
        )
    if search.images_per_second:
        text += f" Through all workers went {search.images_per_second:,.0f} training images a second."
    text += f" {STOPPED_BY.get(search.stopped_by or '', '')}"
    notes = " ".join(sentence(note) for note in summary.notes)
    return f"{text.strip()} {notes}".strip()


def _finalists(summary: RunSummary) -> str:
    final = summary.final
    if final is None or not final.finalists:
        return ""
    rows = []
    for item in final.finalists:
        bold = "**" if item.trial == final.best_trial else ""
        rows.append(
            [
                f"{bold}{item.trial}{bold}",
                score(item.search_score, summary.metric) if item.search_score is not None else NONE,
                ", ".join(score(fold, summary.metric) for fold in item.folds),
                f"{bold}{score(item.mean, summary.metric)}{bold}",
            ]
        )
    count = len(final.finalists)
    many = "best complete trial was" if count == 1 else f"{count} best complete trials were"
    text = (
        f"The {many} trained again on fresh folds with fresh seeds, and the winner was named by the mean: "
        "the score in the search is the best of many, and flatters."
    )
    return join([text, table(["trial", "in the search", "fresh folds", "mean"], rows, "rrrr")])


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
