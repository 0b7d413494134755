"""One split of a user's own arrays, and the splits that a NumPy archive holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Images
from tuner.datasets.formats.containers import names_in, read_arrays
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.npz import to_images_in_order, to_label_texts
from tuner.datasets.formats.pixel_order import ColourOrder
from tuner.datasets.formats.split_words import rest_of, split_of
from tuner.datasets.formats.values import UNCHANGED, Scale, scale_of
from tuner.datasets.reading import Left
from tuner.errors import DataError, UsageError

_IMAGE_KEYS = ("x", "images", "image", "imgs", "data", "features", "arr_0")
_LABEL_KEYS = ("y", "labels", "label", "target", "targets", "arr_1")


@dataclass(frozen=True)
class Part:
    """One split as read.

    Attributes:
        images: uint8 (n, height, width, channels).
        labels: as texts, or None where the file has none.
        groups: names of known groups, or None.
        what: names the file in an error.
        notes: a sentence for each thing that was done.
        scale: which stored values became 0 to 255.
        labels_from: the file, column or array of the labels.
        left: what is not used.
        names: of each image, or None where its number says it.
        splits: of each image, where a column says it.
        last_axis: the file has its images along the last axis.
        order: how rows of values hold colours; None where there are none.
    """

    images: Images
    labels: list[str] | None
    groups: list[str] | None
    what: str
    notes: tuple[str, ...] = ()
    scale: Scale = UNCHANGED
    labels_from: str = ""
    left: tuple[Left, ...] = ()
    names: tuple[str, ...] | None = None
    splits: list[str] | None = None
    last_axis: bool = False
    order: ColourOrder | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """The notes, and the order of colours."""
        return (*self.notes, str(self.order)) if self.order else self.notes

    def numbered(self) -> tuple[str, ...]:
        """A name for each image: the file and its number in it, from 1."""
        return tuple(f"{PurePath(self.what).name}, item {i + 1}" for i in range(len(self.images)))

    def where(self, item: int) -> str:
        """An item (from 0) in an error."""
        return f"{self.what}, item {item + 1} (from 1, header not counted)"


def npz_parts(
    reader: Reader, entry: Entry, options: DataOptions, given: Scale | None = None, *, last: bool = False
) -> dict[str, Part]:
    """The splits of a file of named arrays: `x_train, y_train, x_test, y_test`, `train_images, …`, `x, y`."""
    names = {name.lower(): name for name in names_in(reader, entry)}
    parts: dict[str, Part] = {}
    used: set[str] = set()
    scale: Scale | None = None
    order = options.pixel_order
    if positional := _positional(reader, entry, names):
        names = positional
    for split in ("train", "test", "valid"):
        image_key = _key(names, _IMAGE_KEYS, split)
        if image_key is None:
            continue
        label_key = _key(names, _LABEL_KEYS, split)
        keys = [key for key in (image_key, label_key) if key]
        found = read_arrays(reader, entry, [names[key].lower() for key in keys])
        arrays = {key: found[names[key].lower()] for key in keys}
        what = f"{entry}, {names[image_key]}"
        arrays[image_key], note = _images_first(
            arrays[image_key], arrays[label_key] if label_key else None, last=last
        )
        last = last or bool(note)
        scale = scale or given or scale_of(arrays[image_key], what)
        images, found_order = to_images_in_order(arrays[image_key], what, options.image_shape, scale, order)
        order = order or (found_order.name if found_order else None)
        labels = to_label_texts(arrays[label_key], f"{entry}, {names[label_key]}") if label_key else None
        parts[split] = Part(
            *(images, labels, _npz_groups(reader, entry, names, options, split, len(images)), what, note),
            scale=scale,
            labels_from=f"array {names[label_key]!r} of {entry.name}" if label_key else "",
            last_axis=last,
            order=found_order,
        )
        used |= {key for key in (image_key, label_key, f"{options.group_column}_{split}".lower()) if key}
    if not parts:
        raise DataError(
            f"{entry} has the arrays {', '.join(sorted(names)[:10]) or 'none'}\n"
            "expected x_train and y_train (x_test and y_test too, if there is a test split), or x and y"
        )
    rest = [name for key, name in names.items() if key not in used | {str(options.group_column).lower()}]
    first = next(iter(parts))
    left = tuple((f"arrays in {entry.name}", name) for name in rest)
    return {**parts, first: replace(parts[first], left=left)}


def labels_in(reader: Reader, entry: Entry) -> tuple[list[str], str]:
    """Labels in a file of named arrays which is one of labels, and where in it they were found.

    Raises:
        DataError: it has several arrays, and none that is named like labels.
    """
    names = {name.lower(): name for name in names_in(reader, entry)}
    keys = [_key(names, _LABEL_KEYS, split) for split in ("train", "test", "valid")]
    key = next((key for key in keys if key), next(iter(names)) if len(names) == 1 else None)
    if key is None:
        raise DataError(
            f"{entry} has the arrays {', '.join(sorted(names)[:10]) or 'none'}; expected y or labels"
        )
    where = f"{entry}, {names[key]}"
    return to_label_texts(
        read_arrays(reader, entry, [key])[key], where
    ), f"array {names[key]!r} of {entry.name}"


def _positional(reader: Reader, entry: Entry, names: dict[str, str]) -> dict[str, str] | None:
    """Names for the four arrays of `savez(file, x_train, y_train, x_test, y_test)`, in any order; or None.

    Images have more values than labels, and training images and labels are as many.
    """
    keys = ["arr_0", "arr_1", "arr_2", "arr_3"]
    if sorted(names) != keys:
        return None
    shapes = {key: array.shape for key, array in read_arrays(reader, entry, keys).items()}
    images = [key for key in keys if math.prod(shapes[key][1:]) >= 16]
    labels = [key for key in keys if key not in images]
    if len(images) != 2 or [shapes[key][0] for key in images] != [shapes[key][0] for key in labels]:
        return None
    return dict(zip(("x_train", "x_test", "y_train", "y_test"), [*images, *labels], strict=True))


def _npz_groups(
    reader: Reader, entry: Entry, names: dict[str, str], options: DataOptions, split: str, images: int
) -> list[str] | None:
    if options.group_column is None:
        return None
    key = f"{options.group_column.lower()}_{split}"
    key = key if key in names else options.group_column.lower()
    if key not in names or (split != "train" and not key.endswith(split)):
        if split == "train":
            raise UsageError(f"--group-column {options.group_column!r}: no such array in {entry}")
        return [""] * images
    groups = to_label_texts(read_arrays(reader, entry, [key])[key], f"{entry}, {names[key]}")
    if len(groups) != images:
        raise DataError(f"{entry}, {names[key]}: {len(groups)} groups for {images} images; expected as many")
    return groups


def _images_first(
    images: NDArray[Any], labels: NDArray[Any] | None, *, last: bool
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Images along the first axis, and a note if they were along the last, as MATLAB's files often have them.

    `last` says that those of the training split were: both axes may be as long as there are labels.
    """
    n = 0 if labels is None or not labels.ndim else max(labels.shape)
    if images.ndim < 2 or images.shape[-1] != n or (images.shape[0] == n and not last):
        return images, ()
    return np.moveaxis(images, -1, 0), ("images were stored along the last axis",)


def _key(names: dict[str, str], kinds: Sequence[str], split: str) -> str | None:
    """The array of a kind and split: `x_train`, `train_set_x`; a plain `x` is of the training split."""
    for kind in kinds:
        for key in names:
            if split_of(key) == split and rest_of(key) == kind:
                return key
    plain = [key for kind in kinds for key in (kind, f"dataset_{kind}") if key in names]
    return plain[0] if plain and split == "train" else None
