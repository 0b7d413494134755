"""Cats and dogs, 100×100 colour: four CSV files of pixels and labels, or folders of images."""

from dataclasses import dataclass, replace

import numpy as np

from tuner.datasets.base import DataOptions, Images, Labels, Progress, RawData, Traits
from tuner.datasets.formats.csv_layout import look
from tuner.datasets.formats.csv_part import read_csv_part
from tuner.datasets.formats.csvs import read_table, whole_numbers
from tuner.datasets.formats.files import Entry, Listing, Reader, find
from tuner.datasets.formats.folders import sort_out
from tuner.datasets.formats.labelled import read_labelled_pictures
from tuner.datasets.formats.pictures import is_picture
from tuner.datasets.named.common import check_range, entries_of, folder_of, missing
from tuner.errors import DataError

_SHAPE = (100, 100, 3)
_CSVS = ("input.csv", "labels.csv", "input_test.csv", "labels_test.csv")
_CLASSES = ("dog", "cat")


@dataclass(frozen=True)
class CatsDogs:
    """2,000 training and 400 test photographs; a row of the CSV files has 30,000 values, RGB interleaved."""

    name: str = "cats-dogs"
    summary: str = "photographs of cats and dogs, 100×100 pixels in colour, 2 classes"
    traits: Traits = Traits(
        flips=True, noun="photographs", baselines=("majority", "logistic", "cats-dogs-cnn", "course-cnn")
    )
    how: str = "no public download: put there the CSV files, or train/cats, train/dogs, test/cats, test/dogs"

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The four CSV files if they are there, else the images."""
        entries = entries_of(self.name, options)
        csvs = [find(entries, name) for name in _CSVS]
        if all(csvs):
            return [entry for entry in csvs if entry]
        if pictures := [entry for entry in entries if is_picture(entry)]:
            return pictures
        raise missing(self.name, options, ", ".join(_CSVS), self.how)

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """0 is a dog and 1 a cat in either layout."""
        if is_picture(files[0]):
            sorted_out = sort_out(Listing(files), folder_of(self.name, options), options)
            labelled, notes = sorted_out.labelled, sorted_out.notes
            named = [replace(item, label=_class_of(item.label, item.entry)) for item in labelled]
            raw = read_labelled_pictures(named, notes, replace(options, image_shape=_SHAPE), progress)
            test = None if raw.test_labels is None else _swapped(raw.test_labels, raw.class_names)
            return replace(
                raw,
                class_names=_CLASSES,
                train_labels=_swapped(raw.train_labels, raw.class_names),
                test_labels=test,
            )
        with Reader() as reader:
            train = _read(reader, files[0], files[1], options)
            test_part = _read(reader, files[2], files[3], options)
        return RawData(_CLASSES, *train, *test_part)


def _read(reader: Reader, images: Entry, labels: Entry, options: DataOptions) -> tuple[Images, Labels]:
    part = read_csv_part(reader, images, labels, replace(options, image_shape=_SHAPE))
    layout = look(reader, labels)
    if layout.columns != 1:
        raise DataError(f"{labels} has {layout.columns} columns; expected one, the labels")
    numbers = whole_numbers(read_table(reader, layout, [], [0]).texts[0], layout, 0)
    check_range(numbers, 1, layout.row)
    if len(numbers) != len(part.images):
        raise DataError(f"{labels} has {len(numbers)} labels for {len(part.images)} images; expected as many")
    return part.images, numbers.astype(np.int32)


def _class_of(folder: str, entry: Entry) -> str:
    name = folder.lower().rstrip("s")
    if name not in _CLASSES:
        raise DataError(f"{entry} lies in a folder {folder!r}; expected cats or dogs")
    return name


def _swapped(labels: Labels, names: tuple[str, ...]) -> Labels:
    """Labels by the order of `_CLASSES` instead of that of `names`."""
    return np.array([_CLASSES.index(name) for name in names], np.int32)[labels]


SOURCE = CatsDogs()
