"""MNIST and data sets in its formats: `.npz` as keras.datasets has it, IDX files, CSV files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Images, Labels, Progress, RawData, Traits
from tuner.datasets.formats.files import Entry, Reader, find, list_files
from tuner.datasets.formats.idx import IDX_FILES, read_idx
from tuner.datasets.formats.npz import read_arrays, to_images, to_label_texts
from tuner.datasets.named.common import check_range, entries_of, folder_of, missing, read_numbered
from tuner.datasets.named.download import Download, fetch
from tuner.datasets.reading import Reading
from tuner.errors import DataError

_SHAPE = (28, 28, 1)
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


@dataclass(frozen=True)
class MnistLike:
    """A data set of 28×28 grey images in the formats of MNIST.

    Attributes:
        class_names: by label.
        downloads: where its files come from, in a format that `read` takes.
        keras: the folder or file that keras.datasets keeps it in, below `~/.keras/datasets`.
    """

    name: str
    summary: str
    traits: Traits
    class_names: tuple[str, ...]
    downloads: tuple[Download, ...]
    keras: str

    @property
    def how(self) -> str:
        """How to get it by hand."""
        urls = " ".join(download.url for download in self.downloads[:1])
        return f"downloaded on first use, unless --no-download, from {urls}"

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """Its files in the data directory, in that of keras.datasets, or downloaded."""
        if found := self._layout(entries_of(self.name, options)):
            return found
        kept = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "datasets", self.keras)
        if kept.exists() and (found := self._layout(list_files(kept))):
            return found
        if not options.download:
            names = (
                f"{self.name}.npz, or the four IDX files, or {self.name}_train.csv and {self.name}_test.csv"
            )
            raise missing(self.name, options, names, self.how)
        paths = [fetch(download, folder_of(self.name, options), progress) for download in self.downloads]
        return [Entry(path, path.name) for path in paths]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads whichever format the files have."""
        notes: tuple[str, ...] = ()
        with Reader() as reader:
            if files[0].base.endswith(".npz"):
                splits = self._read_npz(reader, files[0])
            elif files[0].base.endswith(".csv"):
                splits = [read_numbered(reader, entry, _SHAPE, len(self.class_names) - 1) for entry in files]
                if len(files) == 1:
                    notes = ("train.csv has all the labels there are: a test.csv beside it has none",)
            else:
                splits = self._read_idx(reader, files)
        (images, labels), (test_images, test_labels) = (
            splits[0],
            splits[1] if len(splits) > 1 else (None, None),
        )
        reading = _reading(files)
        return RawData(
            self.class_names, images, labels, test_images, test_labels, notes=notes, reading=reading
        )

    def _layout(self, entries: list[Entry]) -> list[Entry]:
        """The files of the first layout that is there: all it needs, or none."""
        if npz := find(entries, f"{self.name}.npz"):
            return [npz]
        idx = [find(entries, *names) for names in IDX_FILES]
        csvs = [find(entries, f"{self.name}_{split}.csv") for split in ("train", "test")]
        for found in (idx, csvs):
            if all(found):
                return [entry for entry in found if entry]
        alone = find(entries, "train.csv")
        if alone is None and any(idx + csvs):
            there = ", ".join(entry.name for entry in idx + csvs if entry)
            raise DataError(
                f"the data set {self.name!r} is incomplete: only {there} in {entries[0].path.parent}\n"
                f"expected {', '.join(names[0] for names in IDX_FILES)}\n"
                f"or {self.name}_train.csv and {self.name}_test.csv (each may be gzipped)"
            )
        return [alone] if alone else []

    def _read_npz(self, reader: Reader, entry: Entry) -> list[tuple[Images, Labels]]:
        arrays = read_arrays(reader, entry, _ARRAYS)
        if lacking := [name for name in _ARRAYS if name not in arrays]:
            raise DataError(f"{entry} has no array {lacking[0]!r}; expected {', '.join(_ARRAYS)}")
        return [
            self._checked(arrays[f"x_{split}"], arrays[f"y_{split}"], f"{entry}, {{}}_{split}")
            for split in ("train", "test")
        ]

    def _read_idx(self, reader: Reader, files: list[Entry]) -> list[tuple[Images, Labels]]:
        arrays = [read_idx(reader, entry) for entry in files]
        return [
            self._checked(arrays[i], arrays[i + 1], f"{files[i]}, {{}}") for i in range(0, len(arrays), 2)
        ]

    def _checked(self, x: NDArray[np.generic], y: NDArray[np.generic], what: str) -> tuple[Images, Labels]:
        images = to_images(x, what.format("x"), _SHAPE)
        numbers = np.array([int(text) for text in _numeric(to_label_texts(y, what.format("y")), what)])
        check_range(
            numbers, len(self.class_names) - 1, lambda row: f"{what.format('y')}, item {row + 1} (from 1)"
        )
        if images.shape[1:] != _SHAPE or len(images) != len(numbers):
            raise DataError(
                f"{what.format('x')}: images {images.shape} and {len(numbers)} labels\n"
                "expected (images, 28, 28) and a label for each"
            )
        return images, numbers.astype(np.int32)


def _reading(files: Sequence[Entry]) -> Reading:
    """Where labels and test split are in each of the formats."""
    names = [entry.name for entry in files]
    if files[0].base.endswith(".npz"):
        return Reading(
            labels=f"array 'y_train' of {names[0]}", test=f"arrays 'x_test', 'y_test' of {names[0]}"
        )
    if files[0].base.endswith(".csv"):
        return Reading(labels=f"the column of labels of {names[0]}", test="".join(names[1:2]))
    return Reading(labels=names[1], test=" and ".join(names[2:4]))


def _numeric(texts: list[str], what: str) -> list[str]:
    for text in texts:
        if not text.isdecimal():
            raise DataError(f"{what.format('y')}: label {text[:40]!r}; expected a whole number")
    return texts


SOURCE = MnistLike(
    name="mnist",
    summary="70,000 handwritten digits of 28×28 pixels, 10 classes",
    traits=Traits(augmentation=0.5),
    class_names=tuple(str(digit) for digit in range(10)),
    downloads=(
        Download(
            f"{_KERAS}mnist.npz",
            "mnist.npz",
            "sha256",
            "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        ),
    ),
    keras="mnist.npz",
)

FASHION = MnistLike(
    name="fashion-mnist",
    summary="70,000 pictures of clothes of 28×28 pixels, 10 classes (Zalando)",
    traits=Traits(augmentation=0.5, flips=True),
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    downloads=tuple(
        Download(f"{_KERAS}{name}", name, "md5", checksum)
        for name, checksum in (
            ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        )
    ),
    keras="fashion-mnist",
)
