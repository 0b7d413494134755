"""Sign Language MNIST: hand photographs of the letters of the American alphabet that need no movement."""

from dataclasses import dataclass

import numpy as np

from tuner.datasets.base import DataOptions, Labels, Progress, RawData, Traits
from tuner.datasets.formats.files import Entry, Reader, find
from tuner.datasets.named.common import check_range, data_row, entries_of, folder_of, missing, read_numbered
from tuner.datasets.named.download import fetch_from_kaggle
from tuner.datasets.reading import Reading

_SHAPE = (28, 28, 1)
_HANDLE = "datamunge/sign-language-mnist"
_NAMES = ("sign_mnist_train.csv", "sign_mnist_test.csv")
_COURSE = "sign_mnist_valid.csv"
_LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
_KAGGLE_LABELS = tuple(label for label in range(25) if label != 9)

_SEEN = (
    "the range of augmentation in the default search spaces was chosen after runs that had been scored on a"
    " test split of these photographs, which flatters results on them"
)


@dataclass(frozen=True)
class Asl:
    """Kaggle's CSV files, or the copy of them that courses hand out.

    Kaggle numbers the letters 0 to 24 and leaves out 9 (J, like Z, is a movement); course copies number
    the 24 letters 0 to 23 and call the test file "valid".
    """

    name: str = "asl"
    summary: str = "hand signs of 24 letters (no J, no Z), 28×28 pixels (Kaggle's Sign Language MNIST)"
    traits: Traits = Traits(noun="photographs")
    how: str = (
        "downloaded from Kaggle on first use, unless --no-download, with pip install '.[kaggle]'; "
        f"by hand from https://www.kaggle.com/datasets/{_HANDLE} (each may be .gz or in a .zip)"
    )

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The training file, then the test file."""
        found = self._layout(entries_of(self.name, options))
        if found:
            return found
        if not options.download:
            raise missing(self.name, options, " and ".join(_NAMES), self.how)
        paths = fetch_from_kaggle(_HANDLE, _NAMES, folder_of(self.name, options), progress)
        return [Entry(path, path.name) for path in paths]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads the files and makes labels 0 to 23 of either numbering."""
        with Reader() as reader:
            splits = [read_numbered(reader, entry, _SHAPE, 24) for entry in files]
        numbers = np.concatenate([labels for _, labels in splits])
        renumbered = not (numbers == 24).any() and bool((numbers == 9).any())
        notes = ["labels 0 to 23 of this copy are the 24 letters in order"] if renumbered else []
        if not renumbered:
            for entry, (_, given) in zip(files, splits, strict=True):
                check_range(given, 24, data_row(entry), _KAGGLE_LABELS)
        notes.append(_SEEN)
        labels = [given if renumbered else _renumber(given) for _, given in splits]
        images = [pixels for pixels, _ in splits]
        if files[-1].base == _COURSE:
            notes.append(f"{_COURSE} is the test split of this copy")
        if len(files) == 3:  # training, validation and test files
            images = [np.concatenate(images[:2]), images[2]]
            labels = [np.concatenate(labels[:2]), labels[2]]
            notes.append(f"{_COURSE} was joined to the training images; validation folds are drawn anew")
        reading = Reading(labels="the column of labels of each file", test=files[-1].name)
        return RawData(
            _LETTERS, images[0], labels[0], images[1], labels[1], notes=tuple(notes), reading=reading
        )

    def _layout(self, entries: list[Entry]) -> list[Entry]:
        train, test, valid = (find(entries, name) for name in (*_NAMES, _COURSE))
        if train and test:
            return [train, valid, test] if valid else [train, test]
        return [train, valid] if train and valid else []


def _renumber(labels: Labels) -> Labels:
    """From 0–24 without 9 to 0–23."""
    return labels - (labels > 9).astype(np.int32)


SOURCE = Asl()
