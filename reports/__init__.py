"""Reads a finished or interrupted run and writes its report; never imports Keras nor reads the data."""

SECTIONS: tuple[str, ...] = (
    "reports.sections.answer:render",
    "reports.sections.leaderboard:render",
    "reports.sections.validity:render",
    "reports.sections.importance:render",
    "reports.sections.search:render",
    "reports.sections.tradeoffs:render",
    "reports.sections.curves:render",
    "reports.sections.more_data:render",
    "reports.sections.augmentation:render",
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

# below SECTIONS, which it needs; as a function, so that it is `reports.write` and not the module of that name
from reports.write import write  # noqa: E402

__all__ = ["SECTIONS", "write"]
