"""How well each class is read."""

from reports.facts.answers import Class
from reports.facts.summary import RunSummary
from reports.markdown import NONE, escape, folded, join, listed, percent, plural, score, table

FOLD_ABOVE = 12


def render(summary: RunSummary) -> str:
    """The easiest and hardest classes, then all of them in a table."""
    if summary.final is None or not summary.final.classes:
        return ""
    classes = summary.final.classes
    rows = [_row(item) for item in classes]
    header = ["class", "test images", "groups", "recall", "precision", "F1"]
    if not summary.dataset.grouped:
        header.remove("groups")
        rows = [row[:2] + row[3:] for row in rows]
    body = table(header, rows, "l" + "r" * (len(header) - 1))
    if len(rows) > FOLD_ABOVE:
        body = folded(f"All {len(rows)} classes", body)
    found = summary.final.winner.scores
    means = (
        f"Mean over the classes: recall (balanced accuracy) {percent(found['balanced-accuracy'])}, F1 "
        f"{percent(found['f1-macro'])}, area under the ROC curve (AUC, each class against the rest) "
        f"{score(found['auc'], 'auc')}."
    )
    return join(["## Classes", f"{_sentence(classes)} {means}", body, _note()])


def _row(item: Class) -> list[str]:
    shown = [percent(x) if x is not None else NONE for x in (item.recall, item.precision, item.f1)]
    return [escape(item.name), f"{item.images:,}", f"{item.groups:,}", *shown]


def _sentence(classes: tuple[Class, ...]) -> str:
    known = sorted((item for item in classes if item.recall is not None), key=lambda item: item.recall or 0.0)
    absent = [f"**{escape(item.name)}**" for item in classes if not item.images]
    text = ""
    if known and (known[0].recall or 0.0) < 1:
        lowest = [item for item in known[: 3 if len(known) > 4 else 1] if item.recall != 1]
        digits = 0 if (known[0].recall or 0.0) < 0.9 else 1
        worst = [f"**{escape(item.name)}** ({percent(item.recall or 0.0, digits)})" for item in lowest]
        perfect = sum(item.recall == 1 for item in known)
        text = f"Least often recognised: {listed(worst)}."
        if perfect:
            text += f" {plural(perfect, 'class is', 'classes are').capitalize()} always recognised."
    elif known:
        text = "Every test image of every class is recognised."
    if absent:
        text += f" The test split has no image of {listed(absent)}."
    return text.strip()


def _note() -> str:
    return (
        "Recall: share of the images of a class that are recognised; precision: share of the images read as "
        "it that are of it; of all seeds' readings. A class has far fewer images than the test split: each "
        "of these numbers is much less sure than the accuracy above."
    )
