"""Writes the report of a run: Markdown, JSON, CSV and figures, each file whole or not at all."""

import csv
import io
from pathlib import Path

from reports import SECTIONS
from reports.as_json import as_json
from reports.facts.summary import RunSummary
from reports.figures import FIGURES
from reports.figures.results import ENSEMBLE, ranked
from reports.figures.style import save
from reports.markdown import join
from tuner.files import write_json, write_text
from tuner.registry import resolve

COLUMNS = (
    "model", "kind", "test_accuracy", "ci95_low", "ci95_high", "std", "seeds", "difference", "difference_low",
    "difference_high", "verdict", "balanced_accuracy", "f1_macro", "auc", "validation_accuracy",
    "train_accuracy", "parameters", "epochs", "seconds", "latency_ms", "source",
)  # fmt: skip


def write(run_dir: Path, into: Path | None = None) -> Path:
    """Reads the run directory and writes its report.

    Args:
        run_dir: of a finished or interrupted run.
        into: another directory for the report than that of the run.

    Returns:
        The path of `report.md`.
    """
    summary = RunSummary.load(run_dir)
    folder = into or summary.path
    figures(summary, folder)
    write_json(folder / "report.json", as_json(summary))
    write_text(folder / "leaderboard.csv", leaderboard(summary))
    report = folder / "report.md"
    write_text(report, markdown(summary))
    return report


def markdown(summary: RunSummary) -> str:
    """The whole report."""
    return join([resolve(section)(summary) for section in SECTIONS]) + "\n"


def figures(summary: RunSummary, folder: Path) -> None:
    """Draws the figures that the run has facts for; those of an earlier report that it lacks now go."""
    for name, drawing in FIGURES.items():
        path = folder / "figures" / f"{name}.png"
        if drawing.wanted(summary):
            save(drawing.draw(summary), path)
        else:
            path.unlink(missing_ok=True)


def leaderboard(summary: RunSummary) -> str:
    """The leaderboard as CSV, best first; only the header before models are tested."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _rows(summary):
        writer.writerow({column: "" if row.get(column) is None else row[column] for column in COLUMNS})
    return out.getvalue()


def _rows(summary: RunSummary) -> list[dict[str, object]]:
    if summary.final is None:
        return []
    models = {model.name: model for model in summary.final.models}
    compared = {item.baseline: item for item in summary.final.comparisons}
    rows: list[dict[str, object]] = []
    for name, accuracy in ranked(summary):
        row: dict[str, object] = {
            "model": name,
            "kind": "ensemble" if name == ENSEMBLE else models[name].kind,
        }
        row |= {"test_accuracy": accuracy.mean, "std": accuracy.std, "seeds": len(accuracy.per_seed)}
        if accuracy.interval:
            row |= {"ci95_low": accuracy.interval[0], "ci95_high": accuracy.interval[1]}
        if found := compared.get(name):
            row |= {"difference": found.difference, "verdict": found.verdict}
            if found.interval:
                row |= {"difference_low": found.interval[0], "difference_high": found.interval[1]}
        if model := models.get(name):
            row |= {metric.replace("-", "_"): found for metric, found in model.scores.items()}
            row |= {"validation_accuracy": model.validation, "train_accuracy": model.train_accuracy}
            row |= {"parameters": model.parameters, "epochs": model.epochs, "seconds": model.seconds}
            row |= {"latency_ms": model.latency_ms, "source": model.source}
        rows.append(row)
    return rows
