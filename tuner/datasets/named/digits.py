"""The 1,797 handwritten digits, 8×8 pixels, that scikit-learn carries: no download."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.files import Entry
from tuner.datasets.reading import Reading


@dataclass(frozen=True)
class Digits:
    """Optical recognition of handwritten digits (E. Alpaydin, C. Kaynak, UCI, 1998), its test part."""

    name: str = "digits"
    summary: str = "1,797 handwritten digits of 8×8 pixels, 10 classes; comes with scikit-learn"
    traits: Traits = Traits(augmentation=0.5)
    how: str = "comes with scikit-learn"

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """The file inside scikit-learn, so that its content is part of the fingerprint."""
        spec = importlib.util.find_spec("sklearn")
        places = list(spec.submodule_search_locations or []) if spec else []
        paths = [Path(place, "datasets", "data", "digits.csv.gz") for place in places]
        return [Entry(path, path.name) for path in paths if path.is_file()]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Grey values 0–16, scaled to 0–255."""
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
        names = tuple(str(digit) for digit in range(10))
        note = "grey values 0 to 16 were scaled to 0 to 255"
        reading = Reading(
            labels="the last column of digits.csv.gz", values="0 to 16; 0 to 16 became 0 to 255"
        )
        return RawData(names, images, bunch.target.astype(np.int32), notes=(note,), reading=reading)


SOURCE = Digits()
