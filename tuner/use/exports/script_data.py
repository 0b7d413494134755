"""How `train_best.py` reads the images: from the files that the run has read, where a few plain lines do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import datasets
from tuner.datasets.base import DataOptions, Dataset
from tuner.errors import TuneError
from tuner.files import write_atomically
from tuner.use.exports.layer_code import literal

ROWS, ARRAYS = "test_rows.txt", "data.npz"
BASE = ("import keras", "from keras import layers")
PATHS = {"data_dir", "labels", "test"}


@dataclass(frozen=True)
class Reading:
    """Lines that leave x_train, y_train, x_test and y_test: uint8 images, and class numbers.

    Attributes:
        imports: that they need.
        code: the lines; with `whole` they leave `images` and `labels` of both parts together instead.
    """

    imports: tuple[str, ...]
    code: tuple[str, ...]
    whole: bool = False


def lines(
    config: Mapping[str, Any], dataset: Dataset, labels: NDArray[Any], to: Path, needed: Sequence[str] = ()
) -> list[str]:
    """Imports and reading, by the first of the ways that gives exactly the run's images and labels.

    Where none does, the images are written as arrays beside the script.

    Args:
        config: of the run, as `run.json` has it.
        dataset: as it was prepared for the run.
        labels: of its test images.
        to: folder of the script.
        needed: imports of what follows in the script.
    """
    for reading in _readings(config, dataset):
        if (found := _checked(reading, dataset, labels, to)) is not None:
            return _section(found, needed)
    arrays = _parts(dataset, labels)
    write_atomically(to / ARRAYS, lambda file: np.savez_compressed(file, **arrays))
    code = [
        f"# {ARRAYS} has the images as the run has prepared them, and its split.",
        f'with np.load(Path(__file__).with_name("{ARRAYS}")) as data:',
        *(f'    {name} = data["{name}"]' for name in arrays),
    ]
    return _section(Reading(("from pathlib import Path", "import numpy as np"), tuple(code)), needed)


def _parts(dataset: Dataset, labels: NDArray[Any]) -> dict[str, Any]:
    return {
        "x_train": dataset.train_images,
        "y_train": dataset.train_labels,
        "x_test": dataset.test_images,
        "y_test": labels,
    }


def _section(reading: Reading, needed: Sequence[str]) -> list[str]:
    imports = {*reading.imports, *BASE, *needed}
    own = [line for line in imports if "pathlib" in line]
    others = sorted(imports - set(own), key=lambda line: (line.startswith("from"), line))
    return [
        *(f"{line}\n" for line in own),
        *others,
        "",
        "# 1. The images: raw pixels from 0 to 255, and the number of the class of each.",
        "",
        *reading.code,
        "",
    ]


def _checked(reading: Reading, dataset: Dataset, labels: NDArray[Any], to: Path) -> Reading | None:
    """The reading, completed by the split; None if it does not give the run's images."""
    found: dict[str, Any] = {}
    try:
        exec("\n".join([*reading.imports, *reading.code]), found)  # noqa: S102 - lines of this module
        if reading.whole:
            rows = _test_rows(found["images"], found["labels"], dataset, labels)
            return None if rows is None else _split(reading, rows, to)
        same = all(np.array_equal(found[name], part) for name, part in _parts(dataset, labels).items())
    except Exception:  # noqa: BLE001 - whatever it is, these lines do not read these files
        return None
    return reading if same else None


def _split(reading: Reading, rows: NDArray[np.int64], to: Path) -> Reading:
    np.savetxt(to / ROWS, rows, fmt="%d")
    code = (
        "",
        f"# {ROWS} has the rows that the run has held out for the test, near-copies together.",
        f'rows = np.loadtxt(Path(__file__).with_name("{ROWS}"), dtype=int)',
        "test = np.isin(np.arange(len(images)), rows)",
        "x_train, y_train = images[~test], labels[~test]",
        "x_test, y_test = images[test], labels[test]",
    )
    return Reading(("from pathlib import Path", *reading.imports), (*reading.code, *code))


def _test_rows(
    images: NDArray[Any], labels: NDArray[Any], dataset: Dataset, test_labels: NDArray[Any]
) -> NDArray[np.int64] | None:
    """The rows of the test images among all; None if the two parts are not these images in their order."""
    rows, train, test = [], 0, 0
    for row in range(len(images)):
        if _is(images[row], labels[row], dataset.train_images, dataset.train_labels, train):
            train += 1
        elif _is(images[row], labels[row], dataset.test_images, test_labels, test):
            rows.append(row)
            test += 1
        else:
            return None
    whole = (train, test) == (len(dataset.train_labels), len(test_labels))
    return np.array(rows) if whole else None


def _is(image: NDArray[Any], label: int, images: NDArray[Any], labels: NDArray[Any], at: int) -> bool:
    return bool(at < len(labels) and labels[at] == label and np.array_equal(images[at], image))


def _readings(config: Mapping[str, Any], dataset: Dataset) -> Iterator[Reading]:
    """Ways to read what the run has read, the simplest first."""
    if config["dataset"] == "digits":
        yield Reading(
            ("import numpy as np", "from sklearn.datasets import load_digits"),
            (
                "digits = load_digits()",
                'images = np.rint(digits.images * (255 / 16)).astype("uint8")[..., None]',
                "labels = digits.target",
            ),
            whole=True,
        )
    files = [str(path) for path in _files(config)]
    if len(files) in {1, 2} and all(file.lower().endswith((".csv", ".csv.gz")) for file in files):
        for columns in ("", ", header=None"):
            for label in ('"label"', "table.columns[0]", "table.columns[-1]"):
                yield _tables(files, dataset.image_shape, label, columns)
    if len(files) == 1 and files[0].endswith(".npz"):
        shaped = f".reshape(-1, {', '.join(map(str, dataset.image_shape))})"
        code = (
            f"with np.load({literal(files[0])}) as data:",
            f'    x_train, y_train = data["x_train"]{shaped}, data["y_train"].astype(int)',
            f'    x_test, y_test = data["x_test"]{shaped}, data["y_test"].astype(int)',
        )
        yield Reading(("import numpy as np",), code)


def _tables(files: list[str], shape: tuple[int, int, int], label: str, columns: str) -> Reading:
    """One table, or one of training images and one of test images.

    Args:
        files: one or two.
        shape: of an image.
        label: says which column it is in.
        columns: says where their names are not in the first line.
    """
    sides = ", ".join(map(str, shape))
    code = [
        "",
        "def read(path):",
        f'    """Images (n, {sides}) and labels of a table with an image a row."""',
        f"    table = pd.read_csv(path{columns})",
        f"    labels = table.pop({label})",
        f'    return table.to_numpy("uint8").reshape(-1, {sides}), labels.to_numpy()',
        "",
        "",
    ]
    if len(files) == 1:
        code += [
            f"images, labels = read({literal(files[0])})",
            "names, labels = np.unique(labels, return_inverse=True)  # class k of the network is names[k]",
        ]
    else:
        code += [
            f"x_train, y_train = read({literal(files[0])})",
            f"x_test, y_test = read({literal(files[1])})",
            "names = np.unique(y_train)  # class k of the network is names[k]",
            "y_train, y_test = np.searchsorted(names, y_train), np.searchsorted(names, y_test)",
        ]
    return Reading(("import numpy as np", "import pandas as pd"), tuple(code), whole=len(files) == 1)


def _files(config: Mapping[str, Any]) -> list[Path]:
    """The files of the run's data where they still are; none where that is not known."""
    options = {f.name: config[f.name] for f in fields(DataOptions) if config.get(f.name) is not None}
    options |= {name: Path(options[name]) for name in PATHS & set(options)}
    options = {"data_dir": datasets.default_data_dir(), **options}
    options |= {"cache_dir": datasets.default_cache_dir(), "download": False}
    try:
        wanted = DataOptions(**options)
        entries = datasets.source(str(config["dataset"]), wanted).files(wanted, datasets.quiet)
    except (TuneError, TypeError, OSError):
        return []
    return [] if any(entry.member for entry in entries) else [entry.path.resolve() for entry in entries]
