"""The accuracy that a smaller or faster model would cost."""

from reports import figures
from reports.facts.summary import RunSummary
from reports.facts.trials import Trial
from reports.markdown import METRICS, join, score, table
from reports.sections.answer import after_epochs
from reports.tradeoffs import advice, differ, doubt, front, measure

SHOWN = 10


def render(summary: RunSummary) -> str:
    """One sentence, the figure, the front; nothing where all complete trials are of one size."""
    if not differ(summary.search):
        return ""
    won = summary.final.best_trial if summary.final is not None else None
    chosen, best = front(summary.search), measure(summary.search, won)
    told = advice(chosen, best, summary.metric, won=best.number == won)
    epochs = after_epochs(summary, summary.search.best)
    late = " Small networks may gain on large ones in the epochs that are left." if epochs else ""
    text = (
        f"{told} {doubt(chosen, best)} {_winner(summary, chosen)} Each trial was trained once, on one split, "
        f"and scored{epochs or ' at its end'}: small differences may be chance.{late}"
    )
    return join(
        [
            "## Accuracy against size and latency",
            " ".join(text.split()),
            figures.place("tradeoffs", summary),
            _table(summary, chosen) if len(chosen) > 1 else "",
        ]
    )


def _winner(summary: RunSummary, chosen: list[Trial]) -> str:
    """Where the winner is not on the front, as the search alone did not name it."""
    best = summary.final.best_trial if summary.final is not None else None
    if best is None or any(trial.number == best for trial in chosen):
        return ""
    return f"The winner, trial {best}, is not on this front: it was named by the fresh folds."


def _table(summary: RunSummary, chosen: list[Trial]) -> str:
    shown = [*chosen[: SHOWN - 1], chosen[-1]] if len(chosen) > SHOWN else chosen
    best = summary.final.best_trial if summary.final is not None else None
    rows = []
    for trial in shown:
        bold = "**" if trial.number == best else ""
        rows.append(
            [
                f"{bold}{trial.number}{bold}",
                score(trial.score or 0.0, summary.metric),
                f"{trial.parameters or 0:,}",
            ]
        )
    many = "smallest and the best of" if len(chosen) > SHOWN else "trials of"
    won = " Bold: the winner." if any(trial.number == best for trial in shown) else ""
    note = (
        f"The {many} the front: no other complete trial is both as small and as good.{won} `tune status RUN "
        "--trial N` shows the parameters of trial N."
    )
    return join([table(["trial", f"validation {METRICS[summary.metric]}", "parameters"], rows, "rrr"), note])
