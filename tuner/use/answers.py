"""Answers as lines of a table, JSON or CSV."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tuner.files import inert
from tuner.use.predictor import Answer
from tuner.use.unsure import Threshold

NAME_WIDTH = 40
LABEL_WIDTH = 24


def decided(answer: Answer, threshold: Threshold | None) -> bool:
    """Whether the model is sure enough of an answer."""
    return threshold is None or bool(answer.labels and answer.probabilities[0] >= threshold.confidence)


@dataclass(frozen=True)
class Table:
    """Lines of a table, of which only the width of the columns must be known before.

    Attributes:
        name_width: letters of the column of names.
        label_width: letters of a column of labels.
        threshold: below which the model does not decide.
    """

    name_width: int
    label_width: int
    threshold: Threshold | None = None

    @classmethod
    def of(cls, longest: int, labels: Sequence[str], threshold: Threshold | None) -> "Table":
        """Wide enough for names of so many letters and these labels, within limits."""
        widest = max(len(printable(label)) for label in labels)
        return cls(min(NAME_WIDTH, longest), min(LABEL_WIDTH, widest), threshold)

    def line(self, answer: Answer) -> str:
        """One answer."""
        name = _cut(printable(answer.picture.name), self.name_width, keep_end=True)
        if answer.picture.error:
            return f"{name:{self.name_width}}  cannot be read: {printable(answer.picture.error)}"
        said = [
            f"{_cut(printable(label), self.label_width):{self.label_width}} {percent(probability):>7}"
            for label, probability in zip(answer.labels, answer.probabilities, strict=True)
        ]
        unsure = [] if decided(answer, self.threshold) else ["not sure enough"]
        inverted = ["inverted"] if answer.inverted else []
        notes = "; ".join([*unsure, *inverted, *answer.notes])
        return "  ".join([f"{name:{self.name_width}}", *said, notes]).rstrip()


def percent(probability: float) -> str:
    """Such as "97.3 %"; never 100 % of what is less."""
    shown = f"{100 * probability:.1f}"
    return f"{'>99.9' if shown == '100.0' and probability < 1 else shown} %"


def printable(text: str) -> str:
    """A name as one line of text: what a terminal would act upon, or cannot show, is written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def _cut(text: str, width: int, *, keep_end: bool = False) -> str:
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if keep_end else text[: width - 1] + "…"


def as_json(answer: Answer, threshold: Threshold | None) -> str:
    """One answer as a line of JSON."""
    row: dict[str, Any] = {"file": answer.picture.name}
    if answer.picture.error:
        return json.dumps(row | {"error": answer.picture.error})
    row |= {"label": answer.labels[0], "probability": round(answer.probabilities[0], 6)}
    row["top"] = [
        {"label": label, "probability": round(probability, 6)}
        for label, probability in zip(answer.labels, answer.probabilities, strict=True)
    ]
    row |= {"inverted": answer.inverted, "notes": list(answer.notes)}
    if threshold is not None:
        row["decided"] = decided(answer, threshold)
    return json.dumps(row)


@dataclass(frozen=True)
class Rows:
    """Rows of a CSV file.

    Attributes:
        out: the file.
        top: how many classes of each picture.
        submission: only `id` and `label`, as competitions want them.
        threshold: below which the model does not decide.
    """

    out: IO[str]
    top: int
    submission: bool
    threshold: Threshold | None

    def header(self) -> None:
        """Writes the names of the columns."""
        if self.submission:
            self._write(["id", "label"])
            return
        more = [f"{name}_{place}" for place in range(2, self.top + 1) for name in ("label", "probability")]
        sure = [] if self.threshold is None else ["decided"]
        self._write(["file", "label", "probability", *more, *sure, "inverted", "notes"])

    def add(self, answer: Answer) -> None:
        """Writes one answer; of a picture that could not be read, empty cells and why."""
        label = answer.labels[0] if answer.labels else ""
        if self.submission:
            self._write([answer.picture.identity, label])
            return
        cells: list[object] = []
        for place in range(self.top):
            known = place < len(answer.labels)
            cells += [answer.labels[place], f"{answer.probabilities[place]:.6f}"] if known else ["", ""]
        sure = [] if self.threshold is None else [str(decided(answer, self.threshold)).lower()]
        notes = answer.picture.error or "; ".join(answer.notes)
        self._write([answer.picture.name, *cells, *sure, str(answer.inverted).lower(), notes])

    def _write(self, cells: Sequence[object]) -> None:
        safe = cells if self.submission else [inert(cell) for cell in cells]
        csv.writer(self.out, lineterminator="\n").writerow(safe)


@contextmanager
def written(path: Path) -> Iterator[IO[str]]:
    """A text file that has its name only once all of it is written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass
class Tally:
    """The summary at the end of all pictures.

    Attributes:
        threshold: below which the model does not decide.
        chosen: whether it was measured which pictures to invert.
        seeds: how many trained models the model averages.
    """

    threshold: Threshold | None
    chosen: bool = True
    seeds: int = 1
    pictures: int = 0
    unreadable: int = 0
    inverted: int = 0
    decided: int = 0
    unlike: int = 0

    def add(self, answer: Answer) -> None:
        """Counts one more."""
        self.pictures += 1
        if answer.picture.error:
            self.unreadable += 1
            return
        self.inverted += answer.inverted
        self.unlike += bool(answer.notes)
        self.decided += decided(answer, self.threshold)

    def lines(self) -> list[str]:
        """A sentence for each thing that the reader should know."""
        read = self.pictures - self.unreadable
        found = []
        if self.inverted and self.chosen:
            found.append(
                f"inverted: {self.inverted:,} of {read:,}, light where the training images are dark, or the "
                "reverse; --invert no leaves them as they are"
            )
        if self.unlike:
            found.append(f"unlike the training images: {self.unlike:,} of {read:,}; expect more mistakes")
        if self.threshold is not None and read:
            singly = f", by one model at a time, not by the average of {self.seeds}" if self.seeds > 1 else ""
            found.append(
                f"decided: {self.decided:,} of {read:,} ({percent(self.decided / read)}), those with a "
                f"probability of at least {self.threshold.confidence:.4f} (on held-out training images"
                f"{singly}: {percent(self.threshold.share)}, and {percent(self.threshold.accuracy)} of those "
                "right)"
            )
        if self.unreadable:
            found.append(f"not readable: {self.unreadable:,} of {self.pictures:,}")
        return found
