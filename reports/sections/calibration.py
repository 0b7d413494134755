"""Whether the model is right as often as it says."""

from reports import figures
from reports.markdown import join, percent, points
from reports.summary import RunSummary


def render(summary: RunSummary) -> str:
    """Calibration error and the reliability diagram."""
    if summary.final is None or summary.final.calibration is None:
        return ""
    facts = summary.final.calibration
    gap = facts.confidence - facts.accuracy
    if abs(gap) < 0.01:
        word = "about as sure as it is right"
    else:
        word = "surer than it is right" if gap > 0 else "right more often than it claims"
    text = (
        f"On average the model is {word}: it claims {percent(facts.confidence)} and reaches "
        f"{percent(facts.accuracy)}. Image by image its confidence is off by {points(facts.error)} points "
        "(expected calibration error, 15 bins; 0 is perfect)."
    )
    return join(["## Calibration", text, figures.place("calibration", summary)])
