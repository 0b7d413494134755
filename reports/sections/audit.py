"""The audit of the data: copies, leaks, labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from reports import figures
from reports.facts.summary import RunSummary
from reports.figures.doubtful import apart
from reports.markdown import code, escape, join, listed, percent, plural, sentence, value

SHOWN = 5


def render(summary: RunSummary) -> str:
    """A list of plain sentences."""
    data = summary.dataset
    height, width, channels = data.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    held = plural(data.n_validation, "was", "were").split()[-1]
    first = (
        f"{plural(data.n_train, 'training image')}, of which {data.n_validation:,} {held} held out for "
        f"validation in the search, and {plural(data.n_test, 'test image')}: {kind}, {height}×{width} "
        f"pixels, {len(data.class_names)} classes."
    )
    sentences = [first, *(_audit(summary.audit) if summary.audit else ())]
    if summary.final:
        conflicts = summary.final.test_label_conflicts
        names = {str(image): summary.test_name(image) for pair in conflicts for image in pair}
        sentences.append(_conflicts(conflicts, "test", names))
        sentences.append(_doubtful(summary.final.doubtful_labels))
    table = _reading((summary.audit or {}).get("reading") or {})
    told = "\n".join(f"- {sentence}" for sentence in sentences if sentence)
    return join(["## The data", table, told, figures.place("doubtful-labels", summary)])


def _reading(reading: Mapping[str, Any]) -> str:
    """The table of what was read from where, and of what was left out."""
    found = reading.get("rows") or []
    lines = [f"| {escape(term)} | {escape(told)} |" for term, told in found]
    return "\n".join(["| reading | |", "| --- | --- |", *lines]) if lines else ""


def _audit(audit: Mapping[str, Any]) -> list[str]:
    names: Mapping[str, Mapping[str, str]] = audit.get("names") or {}
    return [
        _classes(audit),
        _values(audit),
        _duplicates(audit.get("duplicates") or {}),
        _conflicts(audit.get("label_conflicts") or (), "training", names.get("train") or {}),
        _constant(audit.get("constant_images") or {}, names),
        _corrupt(audit.get("corrupt") or ()),
        *(sentence(note) for note in audit.get("notes") or ()),
    ]


def _classes(audit: Mapping[str, Any]) -> str:
    classes = audit.get("classes") or []
    if not classes:
        return ""
    smallest = min(classes, key=lambda item: item["train"])
    largest = max(classes, key=lambda item: item["train"])
    if smallest["train"] == largest["train"]:
        return f"Every class has {plural(largest['train'], 'training image')}."
    many = float(audit.get("imbalance") or 1.0)
    ratio = f", {many:.1f} times as many" if many >= 1.15 else ""
    return (
        f"The classes have between {smallest['train']:,} ({escape(smallest['name'])}) and "
        f"{largest['train']:,} ({escape(largest['name'])}) training images{ratio}."
    )


def _values(audit: Mapping[str, Any]) -> str:
    values = audit.get("values") or {}
    if not values:
        return ""
    return (
        f"Pixel values go from {value(values.get('min'))} to {value(values.get('max'))}, "
        f"{float(values.get('mean', 0)):.0f} on average."
    )


def _duplicates(found: Mapping[str, Any]) -> str:
    if not found:
        return ""
    groups, copies, exact = (found.get(key) or {} for key in ("groups", "images_with_copy", "exact"))
    train, test = copies.get("train", 0), copies.get("test", 0)
    text = sentence(found.get("rule", ""))
    if not train and not test:
        if found.get("dissolved"):
            return text
        return f"{text} No image has a near-copy.".strip()
    text += (
        f" {plural(train, 'training image has', 'training images have').capitalize()} a near-copy among the "
        f"training images, {plural(test, 'test image has', 'test images have')} one among the test images: "
        f"{groups.get('train', 0):,} groups and {groups.get('test', 0):,} groups, the largest of "
        f"{plural(found.get('largest_group', 0), 'image')}. Groups were never split between training and "
        "validation."
    )
    same = exact.get("train", 0) + exact.get("test", 0)
    if same:
        text += f" {plural(same, 'image is an exact copy', 'images are exact copies')}."
    return text.strip()


def _conflicts(pairs: Sequence[Sequence[int]], split: str, names: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    shown = [" and ".join(_name(image, names) for image in pair) for pair in pairs[:SHOWN]]
    more = f" and {len(pairs) - SHOWN:,} more" if len(pairs) > SHOWN else ""
    many = plural(len(pairs), "pair of near-copies has", "pairs of near-copies have").capitalize()
    return f"{many} different labels ({split} images {'; '.join(shown)}{more})."


def _name(image: int, names: Mapping[str, str]) -> str:
    """The file or row of an image, else its number."""
    return code(names[str(image)]) if str(image) in names else str(image)


def _constant(images: Mapping[str, Sequence[int]], names: Mapping[str, Mapping[str, str]]) -> str:
    parts = []
    for split, word in (("train", "training"), ("test", "test")):
        numbers = list(images.get(split) or ())
        if numbers:
            shown = listed([_name(number, names.get(split) or {}) for number in numbers[:SHOWN]])
            more = f" and {len(numbers) - SHOWN:,} more" if len(numbers) > SHOWN else ""
            parts.append(f"{plural(len(numbers), f'{word} image')} of one colour ({shown}{more})")
    return f"There {'is' if parts[0].startswith('1 ') else 'are'} {listed(parts)}." if parts else ""


def _corrupt(files: Sequence[str]) -> str:
    if not files:
        return ""
    more = f"; and {len(files) - SHOWN:,} more" if len(files) > SHOWN else ""
    many = plural(len(files), "file", "files").capitalize()
    return f"{many} could not be read: {'; '.join(escape(file) for file in files[:SHOWN])}{more}."


def _doubtful(told: Mapping[str, Any]) -> str:
    """Labels that may be wrong or are hard to predict, by the predictions of models that did not see them."""
    if not told or not told["looked_at"]:
        return ""
    base = f"Of {plural(told['looked_at'], 'training label')} (of {told['of']:,}: those on the fresh folds)"
    if not told["found"]:
        return f"{base} none is confidently disputed by a model that did not see the image."
    shown = [
        f"{_place(item)}, labelled {escape(item['label'])}, read by a model that did not see it as "
        f"{escape(item['predicted'])} ({percent(float(item['probability']), 0)})"
        for item in apart(told)[:SHOWN]
    ]
    more = "; `final.json` names more" if told["found"] > SHOWN else ""
    return (
        f"{base} {told['found']:,} {'is' if told['found'] == 1 else 'are'} hard or wrong, the most doubtful "
        f"first{', one of near-copies' if len(apart(told)) < told['found'] else ''}: "
        f"{'; '.join(shown)}{more}."
    )


def _place(item: Mapping[str, Any]) -> str:
    return escape(str(item["name"])) if item.get("name") else f"number {item['image']}"
