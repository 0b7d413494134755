"""Reads a finished or interrupted run and writes its report; never imports Keras nor reads the data."""

from pathlib import Path

SECTIONS: tuple[str, ...] = (
    "reports.sections.answer:render",
    "reports.sections.leaderboard:render",
    "reports.sections.validity:render",
    "reports.sections.importance:render",
    "reports.sections.search:render",
    "reports.sections.curves:render",
    "reports.sections.classes:render",
    "reports.sections.confusion:render",
    "reports.sections.mistakes:render",
    "reports.sections.calibration:render",
    "reports.sections.audit:render",
    "reports.sections.model:render",
    "reports.sections.failures:render",
    "reports.sections.environment:render",
    "reports.sections.usage:render",
)
"""The sections of a report in their order: `render(summary) -> str`, Markdown, empty if there is nothing "
"to say."""


def write(run_dir: Path | str) -> Path:
    """Writes `report.md`, `report.json`, `leaderboard.csv` and `figures/` of a run; returns the report's path.

    Raises:
        UsageError: there is no run directory at that place.
        DataError: a file in it is not what it should be.
    """
    from reports.write import write as write_report

    return write_report(Path(run_dir))
