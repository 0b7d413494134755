"""Sentences on each thing that a run directory lacks."""

from collections.abc import Mapping
from typing import Any

from reports.facts.final import Final
from reports.facts.trials import Search
from tuner.run_dir import RunDir


def missing(files: RunDir, run: Mapping[str, Any], search: Search, final: Final | None) -> tuple[str, ...]:
    """A sentence for each thing that the reader has to know before the numbers."""
    sentences = []
    asked = (run.get("config") or {}).get("trials")
    ended = sum(trial.state != "unfinished" for trial in search.trials)
    if not search.trials:
        sentences.append("No trial has been run yet.")
    elif run.get("state") != "done" and asked and ended < asked:
        sentences.append(f"{ended or 'None'} of the {asked:,} trials {'is' if ended == 1 else 'are'} done.")
    if final is None and run.get("state") == "finishing":
        sentences.append(
            "The search is done. Its best trials, the default and the baselines are being trained again; "
            "this report is replaced by the whole one when they have been compared on the test images."
        )
    elif final is None and run.get("state") != "done":
        sentences.append(
            "The winner has not been retrained, and nothing was compared on the test images, so that there "
            "is no model, no leaderboard and no test image here yet: run the same command again to continue."
        )
    if final is not None and run.get("state") != "done":
        sentences.append("The winner and the comparison are those of before this run was extended.")
    if final is not None and final.winner.test is None:
        sentences.append("The predictions of the winner on the test images are missing (`predictions.npz`).")
    absent = [
        f"`{path.name}`"
        for path in (files.audit, files.histories, files.images)
        if final and not path.exists()
    ]
    if absent:
        sentences.append(f"The run directory has no {', '.join(absent)}; what they would show is left out.")
    return tuple(sentences)
