"""The winner itself: its layers and how it was trained."""

from reports.facts.summary import RunSummary
from reports.markdown import block, folded, join, plural


def render(summary: RunSummary) -> str:
    """Keras' own summary of the model, folded."""
    if summary.final is None:
        return ""
    winner = summary.final.winner
    layers = folded("Layers", block(winner.summary, "text")) if winner.summary.strip() else ""
    how = "fine-tuned: " if summary.final.fine_tuned else ""
    text = (
        f"Trial {summary.final.best_trial}, {how}trained on training and validation images together for "
        f"{plural(winner.epochs, 'epoch')}, the length of its schedule."
    )
    return join(["## The model", text, layers])
