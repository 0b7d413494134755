"""A data set, before and after it is prepared."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.formats.files import Entry
from tuner.datasets.reading import Reading

Images = NDArray[np.uint8]
Labels = NDArray[np.int32]
Progress = Callable[[str], None]
"""Takes a short sentence on the work under way; called from the thread that loads."""


@dataclass(frozen=True)
class DataOptions:
    """The command line's options on data.

    Attributes:
        data_dir: where data sets lie or are downloaded to.
        cache_dir: where prepared arrays are kept.
        download: whether the network may be touched.
        labels, label_column, group_column, group_regex, test, image_shape, label_regex, folders,
            label_level, spellings, pixel_order: for paths as data sets, as `tune --help` explains them.
    """

    data_dir: Path
    cache_dir: Path
    download: bool = True
    labels: Path | None = None
    label_column: str | None = None
    group_column: str | None = None
    group_regex: str | None = None
    test: Path | None = None
    image_shape: tuple[int, int, int] | None = None
    label_regex: str | None = None
    folders: str | None = None
    label_level: str | None = None
    spellings: str | None = None
    pixel_order: str | None = None


@dataclass(frozen=True)
class Traits:
    """Facts about a data set that its files do not hold.

    Attributes:
        space: name of its default search space.
        baselines: names of its default baselines.
        augmentation: default strength of augmentation: 1, for digits 0.5.
        flips: whether a mirrored image keeps its class.
        noun: what one image is called in a sentence of the report, plural.
    """

    space: str = "cnn"
    baselines: tuple[str, ...] = ("majority", "logistic", "dense-512", "course-cnn")
    augmentation: float = 1.0
    flips: bool = False
    noun: str = "images"


@dataclass(frozen=True)
class Prepared:
    """A data set in memory, split and grouped; groups are numbered over both splits."""

    train_images: Images
    train_labels: Labels
    train_groups: Labels
    test_images: Images
    test_labels: Labels
    test_groups: Labels


@dataclass(frozen=True)
class RawData:
    """A data set as read from its files, in their order.

    Attributes:
        class_names: by label; at least two.
        train_images: uint8 (n, height, width, channels).
        train_labels: int32 (n,), 0 to classes - 1.
        test_images, test_labels: likewise, or None where a test split is to be held out.
        train_groups, test_groups: ids of known groups (one subject, one patient), or None.
        train_names, test_names: where each image came from ("file.csv row 7", "a/b.jpg"), or
            None where the position says it.
        notes: what was done to the images on the way, a sentence each, for the audit.
        audit: further facts for the audit (original sizes, corrupt files, …).
        reading: what was read from where, and what was left out.
    """

    class_names: tuple[str, ...]
    train_images: Images
    train_labels: Labels
    test_images: Images | None = None
    test_labels: Labels | None = None
    train_groups: NDArray[np.int64] | None = None
    test_groups: NDArray[np.int64] | None = None
    train_names: tuple[str, ...] | None = None
    test_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    audit: dict[str, Any] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)


class Source(Protocol):
    """A data set by name, or a path that holds one.

    Attributes:
        name: of the data set, and of runs on it unless they are given another.
        summary: one line for `tune datasets`.
        traits: what is known beyond the files.
        how: how to get the files by hand, one line ("" for paths).
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def traits(self) -> Traits: ...  # noqa: D102
    @property
    def how(self) -> str: ...  # noqa: D102

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The files that hold it, found or downloaded; raises `DataError` naming what is missing."""
        ...

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads and checks them; raises `DataError` naming file, row and what was expected."""
        ...


@dataclass(frozen=True)
class Dataset:
    """A prepared data set: a directory of arrays that any process maps read-only.

    Holds `train_images.npy` (uint8), `train_labels.npy` (int32), `train_groups.npy` (int32),
    `test_images.npy`, `test_groups.npy`, `test_labels.npy`, `audit.json`, `train_names.json`,
    `test_names.json` (folders in them may tell labels), and `dataset.json` with the fields below. Groups
    are numbered over both splits, so that a group in both is a leak.
    Test labels are not offered here: `tuner.ending.sealed_labels` hands them out.
    """

    directory: Path
    name: str
    class_names: tuple[str, ...]
    fingerprint: str
    traits: Traits

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The data set that was prepared in `directory`, as `tuner.datasets.cache` left it."""
        facts = json.loads((directory / "dataset.json").read_text())
        traits = {**facts["traits"], "baselines": tuple(facts["traits"]["baselines"])}
        return cls(
            directory, facts["name"], tuple(facts["class_names"]), facts["fingerprint"], Traits(**traits)
        )

    @cached_property
    def train_images(self) -> Images:
        """uint8 (n, height, width, channels), memory-mapped."""
        return self._map("train_images")

    @cached_property
    def train_labels(self) -> Labels:
        """int32 (n,), 0 to classes - 1."""
        return np.asarray(self._map("train_labels"))

    @cached_property
    def train_groups(self) -> Labels:
        """int32 (n,): duplicate group of each training image."""
        return np.asarray(self._map("train_groups"))

    @cached_property
    def test_images(self) -> Images:
        """uint8 (n, height, width, channels), memory-mapped."""
        return self._map("test_images")

    @cached_property
    def test_groups(self) -> Labels:
        """int32 (n,): duplicate group of each test image."""
        return np.asarray(self._map("test_groups"))

    @cached_property
    def audit(self) -> dict[str, Any]:
        """The audit, as `tuner.datasets.audit.build` made it."""
        loaded: dict[str, Any] = json.loads((self.directory / "audit.json").read_text())
        return loaded

    @cached_property
    def train_names(self) -> list[str]:
        """The file or row that each training image came from."""
        loaded: list[str] = json.loads((self.directory / "train_names.json").read_text())
        return loaded

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        _, height, width, channels = self.train_images.shape
        return (height, width, channels)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def _map(self, array: str) -> NDArray[Any]:
        mapped: NDArray[Any] = np.load(self.directory / f"{array}.npy", mmap_mode="r")
        return mapped
