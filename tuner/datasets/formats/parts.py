"""One split of a user's own arrays, and the splits that a NumPy archive holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.datasets.base import DataOptions, Images
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.npz import names_in, read_arrays, to_images, to_label_texts
from tuner.errors import DataError, UsageError

_SPLIT_NAMES = {
    "train": ("train", "training", ""),
    "test": ("test", "testing"),
    "valid": ("val", "valid", "validation"),
}
_IMAGE_KEYS = ("x", "images", "image", "data", "features", "arr_0")
_LABEL_KEYS = ("y", "labels", "label", "target", "targets", "arr_1")


@dataclass(frozen=True)
class Part:
    """One split as read.

    Attributes:
        images: uint8 (n, height, width, channels).
        labels: as texts, or None where the file has none.
        groups: names of known groups, or None.
        what: names the file in an error.
    """

    images: Images
    labels: list[str] | None
    groups: list[str] | None
    what: str
    notes: tuple[str, ...] = ()

    def where(self, item: int) -> str:
        """An item (from 0) in an error."""
        return f"{self.what}, item {item + 1} (from 1, header not counted)"


def npz_parts(reader: Reader, entry: Entry, options: DataOptions) -> dict[str, Part]:
    """The splits of an archive: `x_train, y_train, x_test, y_test`, `train_images, train_labels`, `x, y`."""
    names = {name.lower(): name for name in names_in(reader, entry)}
    parts: dict[str, Part] = {}
    for split, words in _SPLIT_NAMES.items():
        image_key = _key(names, _IMAGE_KEYS, words)
        if image_key is None:
            continue
        label_key = _key(names, _LABEL_KEYS, words)
        arrays = read_arrays(reader, entry, [key for key in (image_key, label_key) if key])
        what = f"{entry}, {names[image_key]}"
        images = to_images(arrays[image_key], what, options.image_shape)
        labels = to_label_texts(arrays[label_key], f"{entry}, {names[label_key]}") if label_key else None
        parts[split] = Part(
            images, labels, _npz_groups(reader, entry, names, options, split, len(images)), what
        )
    if "train" not in parts:
        raise DataError(
            f"{entry} has the arrays {', '.join(sorted(names)[:10]) or 'none'}\n"
            "expected x_train and y_train (x_test and y_test too, if there is a test split), or x and y"
        )
    return parts


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


def _key(names: dict[str, str], kinds: Sequence[str], words: Sequence[str]) -> str | None:
    for word in words:
        for kind in kinds:
            for key in (f"{kind}_{word}", f"{word}_{kind}") if word else (kind,):
                if key in names:
                    return key
    return None
