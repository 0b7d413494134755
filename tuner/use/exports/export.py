"""Writes a saved model in other formats, and compares each with it."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import RunError, UsageError
from tuner.files import read_json, write_json
from tuner.registry import unknown
from tuner.use.description import LABELS, Place
from tuner.use.exports import card, images, parity, script
from tuner.use.exports.formats import FORMATS, INT8, Format, write_int8
from tuner.use.exports.images import Reference
from tuner.use.exports.parity import Parity
from tuner.use.predictor import Predictor, without_chatter

PARITY = "parity.json"
DOCUMENTS: dict[str, Callable[[Place, Path], Path]] = {"card": card.write, "script": script.write}
"""Files other than models that are written of a run."""
CALIBRATION = 256
"""Training images on which the ranges of 8-bit values are measured."""


@dataclass(frozen=True)
class Exported:
    """The result of one format.

    Attributes:
        path: what was written.
        parity: beside the Keras model; None of what is no model.
        removed: whether it disagreed too often and was removed.
    """

    path: Path
    parity: Parity | None = None
    removed: bool = False


def check(formats: Sequence[str], quantize: str | None) -> list[Format]:
    """The formats of `--to`, those that are models.

    Raises:
        UsageError: no such format, or one whose runtime is not installed.
    """
    for name in formats:
        if name not in FORMATS and name not in DOCUMENTS:
            raise UsageError(f"--to: {unknown('format', name, [*FORMATS, *DOCUMENTS])}")
    if quantize not in {None, "int8"}:
        raise UsageError(f"--quantize {quantize!r}: expected int8")
    if quantize and "litert" not in formats:
        raise UsageError("--quantize int8 is for LiteRT: expected --to litert")
    wanted = [FORMATS[name] for name in formats if name in FORMATS] + ([INT8] if quantize else [])
    for each in wanted:
        each.check()
    return wanted


def export(place: Place, formats: Sequence[str], quantize: str | None, to: Path) -> Iterator[Exported]:
    """Writes each format, and compares it.

    Args:
        place: of the saved model.
        formats: names.
        quantize: "int8" for a second LiteRT file, or None.
        to: folder to write to.

    Raises:
        UsageError: as `check`; or the training images that are needed are not on this machine.
        RunError: a converter failed.
    """
    wanted = check(formats, quantize)
    if os.environ.setdefault("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise UsageError("exports are made through TensorFlow: expected KERAS_BACKEND=tensorflow, or unset")
    to.mkdir(parents=True, exist_ok=True)
    if wanted:
        predictor = Predictor.load(place)
        reference = images.find(place, predictor.description)
        yield from _models(predictor, reference, wanted, to)
    for name in formats:
        if name in DOCUMENTS:
            with without_chatter():
                path = DOCUMENTS[name](place, to)
            yield Exported(path)


def _models(
    predictor: Predictor, reference: Reference, wanted: Sequence[Format], to: Path
) -> Iterator[Exported]:
    expected = predictor.probabilities(reference.images)
    labels = list(predictor.description.labels)
    (to / LABELS).write_text(json.dumps(labels, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for each in wanted:
        path = to / each.file
        with _telling(each), without_chatter():
            if each is INT8:
                write_int8(predictor.model, labels, path, _calibration(reference))
            else:
                each.write(predictor.model, labels, path)
            found = parity.predictions(each.open(path), reference.images)
        compared = _compare(each, path, expected, found, reference)
        keeps = compared.holds or each is INT8  # which is told what it costs instead
        if not keeps:
            _remove(path)
        _record(to, compared)
        yield Exported(path, compared, removed=not keeps)


def _compare(
    each: Format, path: Path, expected: NDArray[Any], found: NDArray[Any], reference: Reference
) -> Parity:
    return Parity(
        format=each.name,
        file=path.name,
        images=len(expected),
        on=reference.what,
        largest_difference=float(np.abs(found - expected).max()),
        agreement=float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
        accuracy=parity.accuracy(found, reference.labels),
        keras_accuracy=parity.accuracy(expected, reference.labels),
        bytes=sum(file.stat().st_size for file in _files(path)),
    )


def _files(path: Path) -> list[Path]:
    beside = [path.with_suffix(".bin")] if path.suffix == ".xml" else []
    return [*beside, *([file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path])]


def _remove(path: Path) -> None:
    for file in _files(path):
        file.unlink(missing_ok=True)
    if path.is_dir():
        shutil.rmtree(path)


def _record(to: Path, compared: Parity) -> None:
    """Adds a comparison to those that are there, in place of an earlier one of its format."""
    path = to / PARITY
    rows = [row for row in read_json(path) if row["format"] != compared.format] if path.exists() else []
    write_json(path, [*rows, compared.to_json()])


def _calibration(reference: Reference) -> NDArray[np.uint8]:
    if reference.training is None:
        raise UsageError(
            "--quantize int8 measures ranges on training images, which are not in the cache of this machine\n"
            "run tune plan with the run's data set first"
        )
    rows = np.sort(np.random.default_rng(0).permutation(len(reference.training))[:CALIBRATION])
    return np.asarray(reference.training[rows])


class _telling:  # noqa: N801  # reads as a statement
    """Turns what a converter or runtime raises into an error that names the format."""

    def __init__(self, each: Format) -> None:
        self.each = each

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, UsageError):
            why = " ".join(str(error).split())[:300] or type(error).__name__
            raise RunError(f"the export to {self.each.name} failed: {why}") from error


def line(exported: Exported) -> str:
    """One format in a line."""
    found = exported.parity
    if found is None:
        return f"{exported.path}"
    said = (
        f"{found.format}: {exported.path}, {found.bytes / 1e6:.2f} MB; the same class as Keras on "
        f"{100 * found.agreement:.2f} % of {found.images:,} {found.on}, largest difference of a probability "
        f"{found.largest_difference:.1e}"
    )
    if found.format == INT8.name and found.accuracy is not None and found.keras_accuracy is not None:
        said += f"; accuracy {100 * found.accuracy:.2f} % instead of {100 * found.keras_accuracy:.2f} %"
    if exported.removed:
        said += f"; under {100 * parity.LEAST_AGREEMENT:.1f} %, and so removed"
    return said
