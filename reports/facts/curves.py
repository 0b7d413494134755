"""Learning curves of what was trained after the search."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Curve:
    """One training after the search; accuracies are fractions of 1, by epoch.

    Attributes:
        validation: empty where it was trained on train + validation.
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
            validation=tuple(
                float(epoch["val_accuracy"])
                for epoch in entry["epochs"]
                if epoch.get("val_accuracy") is not None
            ),
            seconds=sum(float(epoch.get("seconds") or 0.0) for epoch in entry["epochs"]),
            device=entry.get("device", ""),
        )
        for entry in json.loads(path.read_text())
    )
