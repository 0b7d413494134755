"""Writes the report of a run: Markdown, JSON, CSV and figures, each file whole or not at all."""

import importlib
import sys
from pathlib import Path

from reports import FOLDED, SECTIONS, tables
from reports.as_json import as_json
from reports.facts.journal import MIN_SCORED
from reports.facts.summary import RunSummary
from reports.figures import FIGURES
from reports.figures.style import canvas, save
from reports.markdown import folded, join, unbroken_percents
from reports.page import page
from tuner.files import is_disk_error, write_json, write_text
from tuner.registry import resolve


def make_ready(trials: int) -> None:
    """Imports what the report of so many trials needs: half of its work, done before time is short."""
    canvas(1.0)
    importlib.import_module("matplotlib.backends.backend_agg")
    if trials >= MIN_SCORED:
        importlib.import_module("optuna.importance")


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
    write_text(folder / "leaderboard.csv", tables.leaderboard(summary))
    write_text(folder / "trials.csv", tables.trials(summary))
    write_text(folder / "mistakes.csv", tables.mistakes(summary))
    report = folder / "report.md"
    text = markdown(summary)
    write_text(report, text)
    _page(text, folder)
    return report


def _page(text: str, folder: Path) -> None:
    """Writes the report as one page; without that, the report is there all the same."""
    try:
        write_text(folder / "report.html", page(text, folder))
    except Exception as error:
        if is_disk_error(error):
            raise
        sys.stderr.write(f"warning: report.html could not be written: {error}\n")


def markdown(summary: RunSummary) -> str:
    """The whole report."""
    shown = [resolve(section)(summary) for section in SECTIONS]
    closed = [_closed(resolve(section)(summary)) for section in FOLDED]
    return unbroken_percents(join([*shown, "## Further details", *closed])) + "\n"


def _closed(section: str) -> str:
    """A section whose heading is what opens it."""
    heading, _, body = section.partition("\n")
    return folded(heading.removeprefix("## "), body.strip()) if section else ""


def figures(summary: RunSummary, folder: Path) -> None:
    """Draws the figures that the run has facts for; those of an earlier report that it lacks now go."""
    for name, drawing in FIGURES.items():
        path = folder / "figures" / f"{name}.png"
        if drawing.wanted(summary):
            save(drawing.draw(summary), path)
        else:
            path.unlink(missing_ok=True)
