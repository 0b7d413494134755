"""Learning curves of what was trained after the search."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Curve:
    """One training after the search; accuracies are fractions of 1, by epoch.

    Attributes:
        validation: empty where it was trained on train + validation. On a line between the epochs that were
            validated, which need not be all of them.
        device: that it was trained on; "" in runs of earlier versions.
    """

    model: str
    purpose: str
    trial: int | None
    train: tuple[float, ...]
    validation: tuple[float, ...]
    seconds: float
    device: str = ""


def read_curves(path: Path) -> tuple[Curve, ...]:
    """Those in `histories.json`; none where there is no such file."""
    if not path.exists():
        return ()
    return tuple(
        Curve(
            model=entry["model"],
            purpose=entry["purpose"],
            trial=entry.get("trial"),
            train=tuple(float(epoch["accuracy"]) for epoch in entry["epochs"]),
            validation=_between([epoch.get("val_accuracy") for epoch in entry["epochs"]]),
            seconds=sum(float(epoch.get("seconds") or 0.0) for epoch in entry["epochs"]),
            device=entry.get("device", ""),
        )
        for entry in json.loads(path.read_text())
    )


def _between(known: Sequence[float | None]) -> tuple[float, ...]:
    """With the missing ones on straight lines between their neighbours; empty where all are missing."""
    epochs = [epoch for epoch, value in enumerate(known) if value is not None]
    values = [value for value in known if value is not None]
    return tuple(np.interp(np.arange(len(known)), epochs, values).tolist()) if epochs else ()
