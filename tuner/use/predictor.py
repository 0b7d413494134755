"""A saved model, loaded, and what it says of new pictures. Keras is imported when a model is loaded."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tuner.errors import DataError, UsageError
from tuner.use.description import MODEL, Description, Place, labels_of, read
from tuner.use.pictures import Picture, as_shape, inverted

Invert = Literal["auto", "yes", "no"]
INVERT: tuple[Invert, ...] = ("auto", "yes", "no")

BATCH_VALUES = 1_000_000
LARGEST_BATCH = 64
"""Images in a batch: at most so many, of so many pixel values together. Five CNNs of some 32 filters at 28×28
pixels need 30 MB for 64; for 256, a seventh faster, more than 100."""


@dataclass(frozen=True)
class Answer:
    """A model's answer for one picture.

    Attributes:
        picture: as the model saw it.
        labels: the likeliest classes, the likeliest first; empty where the picture could not be read.
        probabilities: of these, 0 to 1.
        inverted: whether the model saw its negative.
        notes: in what it is unlike the training images.
    """

    picture: Picture
    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    inverted: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Predictor:
    """A loaded model, and what lies beside it."""

    model: Any
    description: Description
    batch: int

    @classmethod
    def load(cls, place: Place) -> Self:
        """Loads a model; nothing in its file is unpickled or run.

        Raises:
            DataError: it is damaged, or no model of this kind.
        """
        with without_chatter():
            model = load_model(place.folder / MODEL)
        found = read(place.folder)
        if found is None:
            height, width, channels = model.input_shape[1:]
            found = Description((height, width, channels), labels_of(place.folder))
        outputs = model.output_shape[-1]
        if outputs != (1 if len(found.labels) == 2 else len(found.labels)):
            raise DataError(
                f"{place.folder / MODEL} has {outputs} outputs, which do not fit {len(found.labels)} labels"
            )
        return cls(model, found, _batch(found.image_shape))

    def probabilities(self, images: Any) -> NDArray[np.float32]:
        """Class probabilities (n, classes) of raw images from 0 to 255, brought to the model's shape.

        Args:
            images: (n, height, width, channels) or (n, height, width), or a list of single ones of
                any size; whole numbers from 0 to 255.

        Raises:
            UsageError: they are no such images.
        """
        from tuner.training import models

        found = [_raw(image) for image in images]
        shaped = [as_shape(image, self.description.image_shape) for image in found]
        if not shaped:
            return np.empty((0, len(self.description.labels)), np.float32)
        return models.predict(self.model, np.stack(shaped), min(self.batch, len(shaped)))

    def answers(
        self, pictures: Iterable[Picture], count: int | None, invert: Invert = "auto", top: int = 1
    ) -> Iterator[Answer]:
        """The model's answers for pictures, in their order; no more than a batch is in memory.

        Args:
            pictures: of the model's shape.
            count: how many there are, if that is known: a few are not filled up to a whole batch.
            invert: whether the model is to see negatives: of those that need it, of all, of none.
            top: how many classes of each to give.
        """
        size = self.batch if count is None else max(1, min(self.batch, count))
        left = iter(pictures)
        while some := list(islice(left, size)):
            readable = [picture for picture in some if picture.pixels is not None]
            said = iter(self._some(readable, size, invert, top))
            yield from (next(said) if picture.pixels is not None else Answer(picture) for picture in some)

    def _some(self, pictures: Sequence[Picture], size: int, invert: Invert, top: int) -> list[Answer]:
        from tuner.training import models

        if not pictures:
            return []
        turned = self._to_invert(pictures, invert)
        seen = [
            inverted(picture) if turn else picture for picture, turn in zip(pictures, turned, strict=True)
        ]
        images = np.stack([picture.pixels for picture in seen if picture.pixels is not None])
        filled = np.concatenate([images, np.repeat(images[:1], size - len(images), axis=0)])
        probabilities = models.predict(self.model, filled, size)[: len(images)]
        notes = self._notes(seen, images)
        return [
            Answer(seen[i], *self._best(row, top), bool(turned[i]), notes[i])
            for i, row in enumerate(probabilities)
        ]

    def _to_invert(self, pictures: Sequence[Picture], invert: Invert) -> NDArray[np.bool_]:
        looks = self.description.looks
        if invert != "auto" or looks is None:
            return np.full(len(pictures), invert == "yes")
        images = np.stack([picture.pixels for picture in pictures if picture.pixels is not None])
        return looks.inverted(images, [picture.colour for picture in pictures])

    def _notes(self, pictures: Sequence[Picture], images: NDArray[np.uint8]) -> list[tuple[str, ...]]:
        looks = self.description.looks
        if looks is None:
            return [()] * len(pictures)
        colours = [picture.colour for picture in pictures]
        sizes = [looks.size_note(*picture.size) for picture in pictures]
        return [
            tuple(note for note in (size, *rest) if note)
            for size, rest in zip(sizes, looks.notes(images, colours), strict=True)
        ]

    def _best(self, row: NDArray[np.float32], top: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
        order = np.argsort(-row, kind="stable")[:top]
        return tuple(self.description.labels[i] for i in order), tuple(float(row[i]) for i in order)


def load_model(path: Path) -> Any:
    """The Keras model of a file, without random layers, which earlier versions have saved.

    Raises:
        DataError: it is no model, or a damaged one.
    """
    from tuner.training.memory import uncollected

    with uncollected():
        import keras

        from tuner.training.plain import as_saved

    try:
        loaded = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras raises at a file that is not one of its own
        why = " ".join(str(error).split())[:200]
        raise DataError(f"{path} cannot be loaded: {why}") from error
    return as_saved(loaded)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keeps from standard error what TensorFlow's C++ code prints while it starts.

    An exception that is raised meanwhile is told as any other, when this has ended.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    sys.stderr.flush()
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _batch(shape: tuple[int, int, int]) -> int:
    height, width, channels = shape
    return max(1, min(LARGEST_BATCH, BATCH_VALUES // (height * width * channels)))


def _raw(image: Any) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    whole = pixels.dtype.kind in "iu" or (
        pixels.dtype.kind == "f" and bool((pixels == np.rint(pixels)).all())
    )
    if pixels.ndim != 3 or pixels.shape[-1] not in {1, 3} or not whole:
        raise UsageError(
            f"an array of shape {pixels.shape} and type {pixels.dtype} is no image\n"
            "expected whole numbers from 0 to 255, (height, width) or (height, width, 1 or 3)"
        )
    if pixels.size and not 0 <= pixels.min() <= pixels.max() <= 255:
        raise UsageError(f"pixel values from {pixels.min()} to {pixels.max()}; expected 0 to 255")
    return pixels.astype(np.uint8)
