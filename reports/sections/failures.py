"""Trials that failed, and why."""

from reports.facts.summary import RunSummary
from reports.markdown import NONE, code, escape, join, plural, table

SHOWN = 20


def render(summary: RunSummary) -> str:
    """A table of the failed trials; empty if none failed, as the answer says."""
    search = summary.search
    failed = search.of_state("failed")
    if not failed:
        return ""
    rows = [
        [str(trial.number), escape(trial.reason) or NONE, code(trial.message) if trial.message else NONE]
        for trial in failed[:SHOWN]
    ]
    many = plural(len(failed), "trial").capitalize()
    more = f"; the first {SHOWN} are" if len(failed) > SHOWN else ":"
    text = f"{many} of {len(search.trials):,} failed{more if more == ':' else more + ':'}"
    return join(["## Failures", text, table(["trial", "reason", "message"], rows, "rll")])
