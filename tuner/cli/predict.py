"""`tune predict`: a saved model on new pictures."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tuner.datasets.formats.files import Reader
from tuner.errors import UsageError
from tuner.use import sheet, unsure
from tuner.use.answers import Rows, Table, Tally, as_json, decided, written
from tuner.use.description import Description, Place
from tuner.use.pictures import Picture, Source, sources
from tuner.use.predictor import INVERT, Answer, Invert, Predictor
from tuner.use.unsure import Threshold

UNREADABLE = 1
"""Exit code where a picture could not be read."""

TOLD_EVERY = 2.0
"""Seconds between two lines of progress."""


@dataclass(frozen=True)
class Options:
    """The options of `tune predict`; the command's help explains each."""

    top: int = 1
    as_json: bool = False
    csv: Path | None = None
    submission: bool = False
    sheet: Path | None = None
    unsure: float | None = None
    invert: Invert = "auto"
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.top < 1:
            raise UsageError(f"--top {self.top}: expected a whole number from 1")
        if self.invert not in INVERT:
            raise UsageError(f"--invert {self.invert!r}: expected one of {', '.join(INVERT)}")
        if self.unsure is not None and not 0 < self.unsure < 1:
            raise UsageError(f"--unsure {self.unsure:g}: expected an accuracy above 0 and below 1, as 0.99")
        if self.submission and self.csv is None:
            raise UsageError("--submission says how --csv FILE is written; expected both")


def predict(place: Place, files: Sequence[str], options: Options) -> int:
    """Predicts, and writes what is asked for."""
    found = sources(files, sys.stdin)  # before Keras is imported: a wrong name is told at once
    predictor = Predictor.load(place)
    threshold = _threshold(predictor, options.unsure)
    if not options.quiet:
        sys.stderr.write(f"{predictor.description.kind}\n")
    known = [source.count for source in found]
    count = None if None in known else sum(number or 0 for number in known)
    with Reader() as reader, ExitStack() as stack:
        pictures = _pictures(found, reader, predictor.description)
        answers = predictor.answers(pictures, count, options.invert, options.top)
        longest = max((source.longest for source in found), default=0)
        table = Table.of(longest, predictor.description.labels, threshold)
        out = _Output(options, table, threshold, predictor.description.seeds, count)
        if options.csv is not None:
            file = stack.enter_context(written(options.csv))
            out.rows = Rows(file, options.top, options.submission, threshold)
            out.rows.header()
        for answer in answers:
            out.add(answer)
    return out.end()


def _pictures(found: Sequence[Source], reader: Reader, model: Description) -> Iterator[Picture]:
    for source in found:
        yield from source.read(reader, model.image_shape, model.scale)


def _threshold(predictor: Predictor, wanted: float | None) -> Threshold | None:
    if wanted is None:
        return None
    held_out = predictor.description.held_out
    if held_out is None:
        raise UsageError(
            f"--unsure {wanted:g}: nothing is known of this model on held-out images\n"
            "runs of this version keep that in model/model.json"
        )
    return unsure.choose(held_out, wanted)


@dataclass
class _Output:
    """Where answers go, one after the other."""

    options: Options
    table: Table
    threshold: Threshold | None
    seeds: int
    count: int | None
    rows: Rows | None = None
    kept: list[Answer] = field(default_factory=list)
    told: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tally = Tally(self.threshold, self.options.invert == "auto", self.seeds)

    def add(self, answer: Answer) -> None:
        self.tally.add(answer)
        if self.rows is not None:
            self.rows.add(answer)
        if self.options.sheet is not None and len(self.kept) < sheet.MOST and answer.labels:
            self.kept.append(answer)
        if self.options.as_json:
            sys.stdout.write(as_json(answer, self.threshold) + "\n")
        elif self.rows is None:
            sys.stdout.write(self.table.line(answer) + "\n")
        if self.tally.pictures == 1:
            sys.stdout.flush()
        self._progress()

    def _progress(self) -> None:
        if self.options.quiet or time.monotonic() - self.told < TOLD_EVERY:
            return
        self.told = time.monotonic()
        of = "" if self.count is None else f" of {self.count:,}"
        sys.stderr.write(f"{self.tally.pictures:,}{of} pictures\n")

    def end(self) -> int:
        """Writes the sheet, says what the reader should know, and returns the exit code."""
        if self.options.sheet is not None and self.kept:
            sure = [decided(answer, self.threshold) for answer in self.kept]
            sheet.draw(self.kept, sure, self.options.sheet)
        if not self.options.quiet:
            for line in self.tally.lines():
                sys.stderr.write(f"{line}\n")
            self._say_where()
        return UNREADABLE if self.tally.unreadable else 0

    def _say_where(self) -> None:
        if self.options.csv is not None:
            sys.stderr.write(f"{self.tally.pictures:,} rows: {self.options.csv}\n")
        if self.options.sheet is not None and self.kept:
            left = self.tally.pictures - self.tally.unreadable - len(self.kept)
            more = f", {left:,} more are not on it" if left else ""
            sys.stderr.write(f"{len(self.kept)} pictures: {self.options.sheet}{more}\n")
