"""The audit in plain lines."""

from typing import Any


def describe(audit: dict[str, Any], class_names: tuple[str, ...]) -> list[str]:
    """The audit in plain lines, for `tune plan`."""
    images, copies = audit["images"], audit["duplicates"]
    shape = "×".join(str(side) for side in images["shape"])
    counts = [entry["train"] for entry in audit["classes"]]
    values = audit["values"]
    names: dict[str, dict[str, str]] = audit.get("names") or {}
    table = (audit.get("reading") or {}).get("rows") or []
    known = audit.get("known_groups")
    lines = [
        *(["the data were read like this:"] if table else []),
        *(f"  {term + ':':<12} {told}" for term, told in table),
        f"images: {images['train']:,} for training, {images['test']:,} for the test, {shape}",
        *_size_lines(images["original_sizes"]),
        f"classes: {len(class_names)}, {min(counts):,} to {max(counts):,} training images each"
        f" (imbalance {audit['imbalance']:.2f})",
        "  "
        + ", ".join(f"{entry['name']} {entry['train']:,}" for entry in audit["classes"][:30])
        + (" …" if len(counts) > 30 else ""),
        f"pixel values: {values['min']} to {values['max']}, mean {values['mean']:.1f}",
        *(
            [
                f"groups that you named: {known['train']:,} in {images['train']:,} training images,"
                f" {known['test']:,} in {images['test']:,} test images; no split that is drawn divides one"
            ]
            if known
            else []
        ),
        f"duplicate groups: {copies['groups']['train']:,} in {images['train']:,} training images,"
        f" {copies['groups']['test']:,} in {images['test']:,} test images;"
        f" the largest has {copies['largest_group']:,}",
        f"  {copies['rule']}",
        f"  images with a near-copy: {copies['images_with_copy']['train']:,} train,"
        f" {copies['images_with_copy']['test']:,} test; with an exact copy:"
        f" {copies['exact']['train']:,} train,"
        f" {copies['exact']['test']:,} test",
        _leak_line(copies["leaked_test_images"], images["test"], copies["dissolved"]),
        *(
            f"  {_place(pair['a'], names)} and {_place(pair['b'], names)} correlate {pair['correlation']:.3f}"
            f"{' when one is mirrored' if pair['mirrored'] else ''}"
            for pair in copies["examples"]
        ),
        *_trouble_lines(audit),
    ]
    return [*lines, *(f"note: {note}" for note in audit["notes"])]


def _size_lines(sizes: list[list[int]] | None) -> list[str]:
    if not sizes or len(sizes) < 2:
        return []
    shown = ", ".join(f"{h}×{w} ({count:,})" for h, w, count in sizes[:5])
    return [
        f"  original sizes (height×width): {shown}"
        + (f" and {len(sizes) - 5} more" if len(sizes) > 5 else "")
    ]


def _leak_line(leaked: list[int], images: int, dissolved: float) -> str:
    if leaked:
        text = f"leaked test images: {len(leaked):,} of {images:,} have a near-copy among the training images"
    elif dissolved:
        text = "leaked test images: not known"
    else:
        return "leaked test images: none has a near-copy among the training images"
    return text + (f"; of {dissolved:.0%} of all images only exact copies are known" if dissolved else "")


def names_mentioned(audit: dict[str, Any], names: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """The files or rows of the images that the audit mentions by number: by split, then by number."""
    found: dict[str, set[int]] = {"train": set(), "test": set()}
    for pair in audit["duplicates"]["examples"]:
        for split, row in (pair["a"], pair["b"]):
            found[split].add(row)
    found["train"] |= {row for pair in audit["label_conflicts"] for row in pair}
    for split, rows in audit["constant_images"].items():
        found[split] |= set(rows[:100])
    return {split: {str(row): names[split][row] for row in sorted(rows)} for split, rows in found.items()}


def _place(where: list[str | int], names: dict[str, dict[str, str]]) -> str:
    name = names.get(str(where[0]), {}).get(str(where[1]))
    return f"{where[0]} image {where[1]}" + (f" ({name})" if name else "")


def _trouble_lines(audit: dict[str, Any]) -> list[str]:
    lines = []
    constant = audit["constant_images"]
    if constant["train"] or constant["test"]:
        lines.append(
            f"images of one single value: {len(constant['train'])} train, {len(constant['test'])} test"
        )
    if audit["corrupt"]:
        lines.append(f"unreadable images, left out: {len(audit['corrupt'])}")
        lines += [f"  {why}" for why in audit["corrupt"][:5]]
    if audit["label_conflicts"]:
        pairs = ", ".join(f"{i} and {j}" for i, j in audit["label_conflicts"][:5])
        lines.append(
            f"near-copies whose labels differ: {len(audit['label_conflicts'])} pairs"
            f" (training images {pairs})"
        )
    return lines
