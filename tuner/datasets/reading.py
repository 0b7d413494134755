"""The reading that was taken of a user's files: what was used for what, and what was left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Left = tuple[str, str]
"""A file that is not used: why, and its name."""


@dataclass(frozen=True)
class Unused:
    """Files that are not used, for one reason.

    Attributes:
        why: the reason, in a few words.
        count: of files.
        example: the name of one.
    """

    why: str
    count: int
    example: str


@dataclass(frozen=True)
class Reading:
    """Where each part of a data set was read from, filled by every reader.

    Attributes:
        images, labels, test: the source of the images, of the labels (which column, file or level of
            folders) and of the test split ("" where none came with the data).
        values: the range of the values as stored and how they became 0 to 255; "" where they are 8 bits.
        unused: files that are not used, by reason.
        used: number of files that are used.
    """

    images: str = ""
    labels: str = ""
    test: str = ""
    values: str = ""
    unused: tuple[Unused, ...] = ()
    used: int = 0


def counted(left: Iterable[Left]) -> tuple[Unused, ...]:
    """Files that are not used, counted by reason, with the first of each as an example."""
    reasons: dict[str, list[str]] = {}
    for why, name in left:
        reasons.setdefault(why, []).append(name)
    return tuple(Unused(why, len(names), names[0]) for why, names in reasons.items())


def rows(
    reading: Reading,
    classes: Sequence[tuple[str, int]],
    shape: Sequence[int],
) -> list[list[str]]:
    """The small table of the reading: pairs of a term and its value.

    Args:
        reading: as the reader filled it.
        classes: name and training images of each.
        shape: (height, width, channels).
    """
    height, width, channels = shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    shown = ", ".join(f"{name} {train:,}" for name, train in classes[:30])
    table = [
        ["images", reading.images],
        ["labels", reading.labels],
        ["test split", reading.test or "none came with the data: a fifth is held out"],
        ["classes", f"{len(classes)}: {shown}" + (" …" if len(classes) > 30 else "")],
        ["shape", f"{height}×{width} pixels, {colour}"],
        ["values", reading.values],
        ["files used", f"{reading.used:,}"],
        *(["not used", f"{item.count:,} {item.why}, such as {item.example}"] for item in reading.unused),
    ]
    if not reading.unused:
        table.append(["not used", "none"])
    return table


def as_json(reading: Reading, table: list[list[str]]) -> dict[str, Any]:
    """The reading as `audit.json` has it."""
    return {
        "rows": table,
        "used": reading.used,
        "unused": [{"why": i.why, "count": i.count, "example": i.example} for i in reading.unused],
    }
