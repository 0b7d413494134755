"""Whether the model is right as often as it says."""

from reports import figures
from reports.facts.answers import BINS, Calibration
from reports.facts.summary import RunSummary
from reports.markdown import join, percent, plural, points


def render(summary: RunSummary) -> str:
    """Calibration error and the reliability diagram."""
    if summary.final is None or summary.final.calibration is None:
        return ""
    data = summary.dataset
    groups = plural(data.groups.get("test", 0), "group") if data.grouped else ""
    images = f"{groups} of test images" if groups else plural(data.n_test, "test image")
    facts, saved = summary.final.calibration, summary.final.saved
    gap = facts.confidence - facts.accuracy
    low, high = (saved.interval if saved is not None else None) or (facts.accuracy, facts.accuracy)
    if low <= facts.confidence <= high and abs(gap) >= 0.0005:
        word = "about as sure as it is right, within the interval of its accuracy"
    elif abs(gap) < 0.01:
        word = "about as sure as it is right"
    else:
        word = "surer than it is right" if gap > 0 else "right more often than it claims"
    text = (
        f"On average the saved model is {word}: it claims {percent(facts.confidence)} and reaches "
        f"{percent(facts.accuracy)}. Among images of like confidence, claim and accuracy lie "
        f"{points(facts.error)} points apart on average (expected calibration error, {BINS} bins); with "
        f"{images} chance alone makes that up to {points(facts.chance)} in 95 % of cases{_read(facts)}. "
        f"{_temperature(facts)}"
    )
    return join(["## Calibration", text, figures.place("calibration", summary)])


def _temperature(facts: Calibration) -> str:
    """The effect of the saved model's temperature."""
    loss = f"its log loss is {facts.loss:.3f}"
    if facts.temperature == 1:
        return f"No temperature was fitted; {loss}."
    return (
        f"Its probabilities have a temperature of {facts.temperature:.2f}, fitted on training images that "
        f"its configuration had not seen, which changes no answer; {loss}. Without it they would lie "
        f"{points(facts.raw_error)} points apart, and the log loss be {facts.raw_loss:.3f}."
    )


def _read(facts: Calibration) -> str:
    return ": more than chance" if facts.error > facts.chance else ", so this may be chance"
