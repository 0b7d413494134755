import shutil
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tuner.cli.console
from tests.helpers.builders import csv_text


def digits(count: int) -> NDArray[np.uint8]:
    """The first handwritten digits of scikit-learn, as the data set `digits` has them."""
    from sklearn.datasets import load_digits

    grey = np.rint(load_digits().images[:count] * 255 / 16)
    images: NDArray[np.uint8] = grey.astype(np.uint8)[..., None]
    return images


@pytest.fixture(scope="session")
def used(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `runs/digits` and new pictures in every form: photos/ (b.png is a negative), photos.zip,
    digits.csv, digits.npz."""
    place = tmp_path_factory.mktemp("used")
    shutil.copytree(small_run, place / "runs" / "digits")
    images = digits(40)
    (place / "photos").mkdir()
    for name, image in zip("abcdefgh", images, strict=False):
        pixels = 255 - image if name == "b" else image
        Image.fromarray(pixels[..., 0]).save(place / "photos" / f"{name}.png")
    with zipfile.ZipFile(place / "photos.zip", "w") as archive:
        archive.write(place / "photos" / "a.png", "some/a.png")
    (place / "digits.csv").write_text(csv_text(images, None))
    np.savez(place / "digits.npz", x_test=images)
    return place


Command = Callable[..., int]


def tune(patch: pytest.MonkeyPatch, *words: str) -> int:
    """`tune(patch, "predict", "digits", "photos")` in this process: the exit code."""
    patch.setattr("sys.argv", ["tune", *words])
    with pytest.raises(SystemExit) as ended:
        tuner.cli.console.main()
    code: Any = ended.value.code
    return int(code)


@pytest.fixture
def command(used: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`command("predict", "digits", "photos")`: the same in the folder `used`."""
    monkeypatch.chdir(used)
    return partial(tune, monkeypatch)
