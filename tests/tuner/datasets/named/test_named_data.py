"""The registered data sets, in each format that people have them in."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.builders import (
    csv_text,
    cycle,
    idx_bytes,
    image_folder,
    noise,
    npz_bytes,
    pixel_header,
    write,
)
from tests.tuner.datasets.conftest import Load
from tuner.datasets import DATASETS, default_cache_dir, default_data_dir, source, statuses
from tuner.datasets.base import DataOptions, Dataset
from tuner.errors import DataError, UsageError

MNIST = (28, 28, 1)
LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
LabelsOfTest = Callable[[Dataset], NDArray[np.int32]]


@pytest.fixture
def digits28() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    return noise(60, MNIST), cycle(60, 10), noise(20, MNIST, 1), cycle(20, 10)[::-1]


def test_digits(load_data: Load) -> None:
    data = load_data("digits")
    assert data.image_shape == (8, 8, 1)
    assert data.class_names == tuple("0123456789")
    assert len(data.train_images) + len(data.test_images) == 1797
    assert data.train_images.max() == 255
    assert dict(data.audit["reading"]["rows"])["values"] == "0 to 16; 0 to 16 became 0 to 255"
    assert data.traits.augmentation == 0.5
    assert not data.traits.flips
    assert len(np.intersect1d(data.train_groups, data.test_groups)) == 0


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("layout", ["npz", "idx", "csv", "csv-header"])
def test_formats_of_mnist(
    layout: str,
    name: str,
    packing: str,
    options: DataOptions,
    load_data: Load,
    labels_of_test: LabelsOfTest,
    digits28: tuple[NDArray[np.uint8], ...],
) -> None:
    x, y, x_test, y_test = digits28
    folder = options.data_dir / name
    if layout == "npz":
        arrays = {
            "x_train": x[..., 0],
            "y_train": y.astype(np.uint8),
            "x_test": x_test[..., 0],
            "y_test": y_test,
        }
        write(folder / f"{name}.npz", npz_bytes(**arrays), packing)
    elif layout == "idx":
        for split, images, labels in (("train", x, y), ("t10k", x_test, y_test)):
            write(folder / f"{split}-images-idx3-ubyte", idx_bytes(images[..., 0]), packing)
            write(folder / f"{split}-labels-idx1-ubyte", idx_bytes(labels.astype(np.uint8)), packing)
    else:
        header = pixel_header(784) if layout == "csv-header" else None
        write(folder / f"{name}_train.csv", csv_text(x, y, header=header), packing)
        write(folder / f"{name}_test.csv", csv_text(x_test, y_test, header=header), packing)
    data = load_data(name)
    assert (data.train_images == x).all()
    assert (data.train_labels == y).all()
    assert (data.test_images == x_test).all()
    assert (labels_of_test(data) == y_test).all()
    assert data.traits.flips == (name == "fashion-mnist")
    told = dict(data.audit["reading"]["rows"])
    assert ("y_train" if layout == "npz" else "label") in told["labels"]
    assert "test" in told["test split"] or "t10k" in told["test split"]


def test_the_digit_recognizer_files_of_kaggle(options: DataOptions, load_data: Load) -> None:
    x, y = noise(100, MNIST), cycle(100, 10)
    write(options.data_dir / "mnist" / "train.csv", csv_text(x, y, header=pixel_header(784)))
    write(options.data_dir / "mnist" / "test.csv", csv_text(x[:5], None, header=pixel_header(784, None)))
    data = load_data("mnist")
    assert (len(data.train_images), len(data.test_images)) == (80, 20)
    assert any("has none" in note for note in data.audit["notes"])
    assert any("20 images are held out" in note for note in data.audit["notes"])


def test_what_keras_downloaded_is_used(
    options: DataOptions, load_data: Load, tmp_path: Path, digits28: tuple[NDArray[np.uint8], ...]
) -> None:
    x, y, x_test, y_test = digits28
    arrays = {"x_train": x[..., 0], "y_train": y, "x_test": x_test[..., 0], "y_test": y_test}
    write(tmp_path / "keras" / "datasets" / "mnist.npz", npz_bytes(**arrays))
    assert (load_data("mnist").train_images == x).all()


def asl_labels(n: int, *, renumbered: bool) -> NDArray[np.int64]:
    labels = cycle(n, 24)
    return labels if renumbered else labels + (labels >= 9)


@pytest.mark.parametrize("packing", ["plain", "gz", "zip"])
@pytest.mark.parametrize("renumbered", [False, True])
@pytest.mark.parametrize("second", ["test", "valid"])
def test_sign_language(
    second: str,
    renumbered: bool,
    packing: str,
    options: DataOptions,
    load_data: Load,
    labels_of_test: LabelsOfTest,
) -> None:
    x, x_test = noise(120, MNIST), noise(48, MNIST, 1)
    for split, images in (("train", x), (second, x_test)):
        labels = asl_labels(len(images), renumbered=renumbered)
        text = csv_text(images, labels, header=pixel_header(784))
        write(options.data_dir / "asl" / f"sign_mnist_{split}.csv", text, packing)
    data = load_data("asl")
    assert any("test split of these photographs" in note for note in data.audit["notes"])
    assert data.class_names == LETTERS
    assert (data.train_images == x).all()
    assert (data.train_labels == cycle(120, 24)).all()
    assert (labels_of_test(data) == cycle(48, 24)).all()
    assert data.traits.noun == "photographs"
    assert any("test split of this copy" in note for note in data.audit["notes"]) == (second == "valid")


def test_sign_language_with_three_files(options: DataOptions, load_data: Load) -> None:
    for split, seed, n in (("train", 0, 120), ("valid", 1, 48), ("test", 2, 24)):
        text = csv_text(noise(n, MNIST, seed), asl_labels(n, renumbered=False), header=pixel_header(784))
        write(options.data_dir / "asl" / f"sign_mnist_{split}.csv", text)
    data = load_data("asl")
    assert (len(data.train_images), len(data.test_images)) == (168, 24)


def test_the_letter_that_is_no_still_image_is_refused(options: DataOptions, load_data: Load) -> None:
    labels = asl_labels(120, renumbered=False)
    labels[6] = 9
    for split in ("train", "test"):
        text = csv_text(noise(120, MNIST), labels, header=pixel_header(784))
        write(options.data_dir / "asl" / f"sign_mnist_{split}.csv", text)
    with pytest.raises(DataError, match=r"data row 7 .*: label 9; expected 0 to 24 without 9"):
        load_data("asl")


@pytest.fixture
def cats_and_dogs() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    return noise(16, (100, 100, 3)), np.repeat([0, 1], 8), noise(4, (100, 100, 3), 1), np.array([0, 0, 1, 1])


def write_cats_dogs_csvs(
    folder: Path, x: NDArray[np.uint8], y: NDArray[np.integer], suffix: str, packing: str
) -> None:
    write(folder / f"input{suffix}.csv", csv_text(x, None), packing)
    write(folder / f"labels{suffix}.csv", "\n".join(f"{label:.1f}" for label in y), packing)


@pytest.mark.parametrize("packing", ["gz", "zip"])
def test_cats_and_dogs_of_files_and_of_folders_agree(
    packing: str,
    options: DataOptions,
    load_data: Load,
    labels_of_test: LabelsOfTest,
    cats_and_dogs: tuple[NDArray[np.uint8], ...],
    tmp_path: Path,
) -> None:
    x, y, x_test, y_test = cats_and_dogs
    write_cats_dogs_csvs(options.data_dir / "cats-dogs", x, y, "", packing)
    write_cats_dogs_csvs(options.data_dir / "cats-dogs", x_test, y_test, "_test", packing)
    of_files = load_data("cats-dogs")
    names = np.array(["dogs", "cats"])
    folder = tmp_path / "other" / "cats-dogs"
    image_folder(folder, x, names[y], "train")
    image_folder(folder, x_test, names[y_test], "test")
    of_folders = load_data("cats-dogs", data_dir=tmp_path / "other")
    assert of_files.class_names == of_folders.class_names == ("dog", "cat")
    assert of_files.traits.flips
    # Folders come in the order of their names: cats before dogs.
    order, order_test = np.argsort(1 - y, kind="stable"), np.argsort(1 - y_test, kind="stable")
    assert (of_folders.train_images == x[order]).all()
    assert (of_files.train_images == x).all()
    assert (of_folders.train_labels == y[order]).all()
    assert (of_files.train_labels == y).all()
    assert (labels_of_test(of_folders) == y_test[order_test]).all()
    assert (labels_of_test(of_files) == y_test).all()


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "digits"])
def test_missing_files_say_which_where_and_how(name: str, options: DataOptions, load_data: Load) -> None:
    with pytest.raises(DataError) as error:
        load_data(name)
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    assert repr(name) in lines[0]
    assert str(options.data_dir / name) in lines[1]
    assert "error:" not in str(error.value)


def test_half_of_the_files_say_what_is_missing(options: DataOptions, load_data: Load) -> None:
    write(options.data_dir / "mnist" / "train-images-idx3-ubyte", idx_bytes(noise(3, MNIST)[..., 0]))
    with pytest.raises(DataError, match=r"incomplete: only train-images-idx3-ubyte[\s\S]*t10k-labels"):
        load_data("mnist")


def test_every_data_set_has_a_status(options: DataOptions) -> None:
    found = {status.name: status for status in statuses(options)}
    assert list(found) == list(DATASETS)
    assert found["digits"].present
    assert not found["asl"].present
    assert "kaggle.com" in found["asl"].detail
    assert "sign_mnist_train.csv" in found["asl"].detail
    for status in found.values():
        assert status.summary
        assert (str(options.data_dir / status.name) in status.detail) == (not status.present)
        assert len(status.detail.splitlines()) == (1 if status.present else 3)


def test_unknown_names_get_a_hint(load_data: Load, options: DataOptions) -> None:
    with pytest.raises(UsageError, match=r"no data set 'mnits'; did you mean 'mnist'\?\nknown: digits"):
        load_data("mnits")
    with pytest.raises(UsageError, match=r"no file or folder 'sub/data\.csv'"):
        load_data("sub/data.csv")
    with pytest.raises(UsageError, match="--label-column is for a path"):
        load_data("digits", label_column="x")
    assert source("asl", options).name == "asl"


def test_directories_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNE_DATA_DIR", str(tmp_path / "d"))
    monkeypatch.setenv("TUNE_CACHE_DIR", str(tmp_path / "c"))
    assert (default_data_dir(), default_cache_dir()) == (tmp_path / "d", tmp_path / "c")
    monkeypatch.delenv("TUNE_DATA_DIR")
    monkeypatch.delenv("TUNE_CACHE_DIR")
    assert default_data_dir().name == default_cache_dir().name == "tune-images"


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys, tuner.datasets; tuner.datasets.DATASETS;"
        "print([m for m in 'numpy pandas sklearn scipy PIL platformdirs'.split() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
