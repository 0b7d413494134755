"""A model card: what the model is, how well it was tested, and what it is not for."""

import json
from pathlib import Path
from typing import Any

from reports.markdown import code, escape, join, listed, percent
from tuner.errors import UsageError
from tuner.files import read_json, write_atomically
from tuner.use.description import Place

FILE = "README.md"
"""As model hubs name a card."""


def write(place: Place, to: Path) -> Path:
    """Writes the card of a run's model; returns its path.

    Raises:
        UsageError: the model is not that of a run, whose report has the numbers.
    """
    report = None if place.run is None else place.run / "report.json"
    if report is None or not report.is_file():
        raise UsageError(
            "--to card tells what the report says: expected a run with a report, not a model alone"
        )
    facts = read_json(report)
    if not facts.get("final"):
        raise UsageError(f"{report} has no tested model yet")
    text = join([_front(facts), *_body(facts)]) + "\n"
    write_atomically(to / FILE, lambda file: file.write(text.encode()))
    return to / FILE


def _front(facts: dict[str, Any]) -> str:
    """The metadata, in the format of Hugging Face's `model-index`; JSON is YAML."""
    accuracy, low_high = _accuracy(facts)
    interval = f" (95 % interval {low_high[0]:.4f} to {low_high[1]:.4f})" if low_high else ""
    name = facts["dataset"]["name"]
    metric = {"type": "accuracy", "value": round(accuracy, 4), "name": f"test accuracy{interval}"}
    task = {"type": "image-classification", "name": "image classification"}
    result = {"task": task, "dataset": {"type": name, "name": name, "split": "test"}, "metrics": [metric]}
    rows = {
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "keras"],
        "model-index": [{"name": facts["name"], "results": [result]}],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in rows.items()]
    return "\n".join(["---", *lines, "---"])


def _accuracy(facts: dict[str, Any]) -> tuple[float, list[float] | None]:
    """Of the saved model, with its interval."""
    shipped = facts["final"]["shipped"]
    return float(shipped["test_accuracy"]), shipped["ci95"]


def _body(facts: dict[str, Any]) -> list[str]:
    data, final = facts["dataset"], facts["final"]
    height, width, channels = data["image_shape"]
    seeds = final["shipped"]["seeds"]
    made = f"the average of {seeds} models" if seeds > 1 else "one model"
    colour = "grey" if channels == 1 else "colour"
    return [
        f"# {escape(facts['name'])}",
        f"An image classifier: {made}, {final['shipped']['parameters']:,} parameters. It takes raw pixels "
        f"from 0 to 255, {width}×{height} in {colour}, and tells {len(data['classes'])} classes apart: "
        f"{listed([escape(name) for name in data['classes']])}.",
        "## How well it was tested",
        _tested(facts),
        "## What it was trained on",
        f"{data['n_train']:,} images of the data set {escape(data['name'])} (fingerprint "
        f"{code(data['fingerprint'])}). Its configuration was chosen on validation folds of these, and its "
        f"test images were read {_times(data['test_readings'])}.",
        "## What it is not for",
        "Its accuracy holds for new images of the same kind, made in the same way, with these classes. It "
        "calls every image one of them, whatever is on it. Nothing is known of its accuracy with other "
        "cameras, places or people than those of its data, nor of harm that a wrong answer does: it is not "
        "for decisions about people without someone who checks them.",
        "## How to make it again",
        f"{code(facts['command'])} ({_versions(facts)})",
    ]


def _tested(facts: dict[str, Any]) -> str:
    accuracy, interval = _accuracy(facts)
    data = facts["dataset"]
    sure = f" (95 % interval {percent(interval[0])} to {percent(interval[1])})" if interval else ""
    who = "one of its models alone finds" if facts["final"]["shipped"]["seeds"] > 1 else "it finds"
    worst = min(
        facts["final"]["per_class"], key=lambda row: row["recall"] if row["recall"] is not None else 2
    )
    least = ""
    if worst["recall"] is not None:
        found = percent(worst["recall"])
        least = f" The class {who} least often is {escape(worst['name'])}: {found} of its images."
    leaked = data["leaked_test_images"]
    warned = f" {leaked:,} of the test images have a near-copy among the training images." if leaked else ""
    return (
        f"It reads {percent(accuracy)} of {data['n_test']:,} test images rightly{sure}, none of which it was "
        f"trained on.{least}{warned}"
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _versions(facts: dict[str, Any]) -> str:
    found = facts["environment"]["versions"]
    return ", ".join(
        f"{name} {found[name]}" for name in ("keras", "tensorflow", "jax", "torch") if name in found
    )
