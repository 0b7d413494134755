"""Reads a finished or interrupted run and writes its report; never imports Keras nor reads the data."""

SECTIONS: tuple[str, ...] = (
    "reports.sections.answer:render",
    "reports.sections.leaderboard:render",
    "reports.sections.classes:render",
    "reports.sections.confusion:render",
    "reports.sections.mistakes:render",
    "reports.sections.looked:render",
    "reports.sections.validity:render",
    "reports.sections.importance:render",
    "reports.sections.search:render",
    "reports.sections.failures:render",
    "reports.sections.usage:render",
)
"""The sections of a report in their order: `render(summary) -> str`, Markdown with a heading, "" if there is
nothing to say."""

FOLDED: tuple[str, ...] = (
    "reports.sections.calibration:render",
    "reports.sections.curves:render",
    "reports.sections.more_data:render",
    "reports.sections.tradeoffs:render",
    "reports.sections.augmentation:render",
    "reports.sections.audit:render",
    "reports.sections.model:render",
    "reports.sections.environment:render",
)
"""Those that follow, each closed until the reader opens it."""

# below SECTIONS, which it needs; as a function, so that it is `reports.write` and not the module of that name
from reports.write import make_ready, write  # noqa: E402

__all__ = ["FOLDED", "SECTIONS", "make_ready", "write"]
