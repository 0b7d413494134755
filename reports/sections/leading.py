"""Who leads before anything is tested: the finalists on the fresh folds, in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports.markdown import METRICS, listed, score
from reports.statistics.intervals import fold_half_width


def sentence(finalists: Sequence[Mapping[str, Any]], metric: str, held_out: float) -> str:
    """Such as "on 3 fresh folds trial 16 leads (accuracy 88.1 %, …); then …"; "" without folds.

    Args:
        finalists: best first, as `run.json` has them.
        metric: that the search maximised.
        held_out: validation images of a fold divided by its training images.
    """
    if not finalists or not finalists[0]["folds"]:
        return ""
    first, *others = finalists
    folds = first["folds"]
    noise = ""
    if len(folds) > 1:
        half = fold_half_width(folds, held_out)
        low, high = (score(min(1.0, max(0.0, first["mean"] + side)), metric) for side in (-half, half))
        noise = f", 95 % interval {low} to {high}"
    said = (
        f"on {len(folds)} fresh fold{'s' if len(folds) > 1 else ''} {_name(first)} leads "
        f"({METRICS[metric]} {score(first['mean'], metric)}{noise})"
    )
    behind = [
        f"{_name(row)} {score(row['mean'], metric) if len(row['folds']) == len(folds) else '(fell behind)'}"
        for row in others
    ]
    return f"{said}; then {listed(behind)}" if behind else said


def _name(row: Mapping[str, Any]) -> str:
    return f"trial {row['trial']}" if row["trial"] else "the default"
