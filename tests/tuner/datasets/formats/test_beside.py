"""A file beside the one that was named, or is named by an option: used, or named as not used."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.builders import (
    csv_text,
    cycle,
    idx_bytes,
    image_folder,
    noise,
    npz_bytes,
    pixel_header,
    png_bytes,
    write,
)
from tests.tuner.datasets.conftest import Load, left, row
from tuner.datasets.formats.roles import BESIDE
from tuner.errors import DataError, UsageError

X, Y = noise(40), cycle(40, 2)
X_TEST, Y_TEST = noise(10, seed=1), cycle(10, 2)
HEADER = pixel_header(64)


def array(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


@pytest.mark.parametrize("test", ["test.csv", "testing.csv", "eval.csv", "test_with_labels.csv"])
def test_the_other_splits_beside_a_file_are_used(load_data: Load, tmp_path: Path, test: str) -> None:
    train = write(tmp_path / "train.csv", csv_text(X, Y, header=HEADER))
    write(tmp_path / test, csv_text(X_TEST, Y_TEST, header=HEADER))
    write(tmp_path / "val.csv", csv_text(noise(6, seed=2), cycle(6, 2), header=HEADER))
    write(tmp_path / "test.json", "{}")
    data = load_data(train)
    assert (len(data.train_images), len(data.test_images)) == (46, 10)
    assert test in row(data, "test split")
    assert row(data, "files used") == "3"


def test_several_test_files_beside_a_file_are_asked_about(load_data: Load, tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", csv_text(X, Y, header=HEADER))
    for name in ("test.csv", "eval.csv"):
        write(tmp_path / name, csv_text(X_TEST, Y_TEST, header=HEADER))
    with pytest.raises(UsageError, match="could be the test split: eval"):
        load_data(train)
    data = load_data(train, test=tmp_path / "eval.csv")
    assert len(data.test_images) == 10
    assert left(data) == {BESIDE: 1}


def test_what_is_beside_a_file_and_no_split_of_it_is_told_or_is_nothing(
    load_data: Load, tmp_path: Path
) -> None:
    data = write(tmp_path / "data.csv", csv_text(X, Y, header=HEADER))
    write(tmp_path / "birds_test.csv", csv_text(X_TEST, Y_TEST, header=HEADER))
    assert left(load_data(data)) == {}
    write(tmp_path / "test.csv", csv_text(X_TEST, Y_TEST, header=HEADER))
    assert left(load_data(data)) == {BESIDE: 1}


def test_labels_beside_images(load_data: Load, tmp_path: Path) -> None:
    for name, values in (("Xtrain", X), ("ytrain", Y), ("Xtest", X_TEST), ("ytest", Y_TEST)):
        array(tmp_path / f"{name}.npy", values)
    data = load_data(tmp_path / "Xtrain.npy")
    assert np.array_equal(data.train_labels, Y)
    assert np.array_equal(data.test_images, X_TEST)
    for split, images, labels in (("Train", X, Y), ("Test", X_TEST, Y_TEST)):
        write(tmp_path / f"d/csv{split}Images 40x64.csv", csv_text(images, None))
        write(tmp_path / f"d/csv{split}Label 40x1.csv", "\n".join(map(str, labels)))
    data = load_data(tmp_path / "d")
    assert np.array_equal(data.train_images, X)
    assert np.array_equal(data.train_labels, Y)
    assert len(data.test_images) == 10


def test_a_test_split_of_mnist_files_beside_one_of_them(load_data: Load, tmp_path: Path) -> None:
    for split, images, labels in (("train", X, Y), ("t10k", X_TEST, Y_TEST)):
        write(tmp_path / f"{split}-images-idx3-ubyte", idx_bytes(images[..., 0]))
        write(tmp_path / f"{split}-labels-idx1-ubyte", idx_bytes(labels.astype(np.uint8)))
    data = load_data(tmp_path / "train-images-idx3-ubyte")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)


def test_labels_and_test_of_arrays_stand_in_the_table(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write(root / "photos.npz", npz_bytes(x=X, y=1 - Y))
    write(root / "words.txt", "not used")
    labels = array(root / "truth.npy", Y)
    test = write(tmp_path / "other.npz", npz_bytes(x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST))
    data = load_data(root / "photos.npz", labels=labels)
    assert left(data) == {"labels in photos.npz, as --labels has others": 1}
    labels.rename(tmp_path / "truth.npy")
    data = load_data(root, labels=tmp_path / "truth.npy")
    assert row(data, "labels") == "truth.npy"
    assert left(data) == {
        "files that are no part of this layout": 1,
        "labels in photos.npz, as --labels has others": 1,
    }
    data = load_data(root, test=test)
    assert np.array_equal(data.test_images, X_TEST)
    assert row(data, "files used") == "2"
    assert left(data) == {
        "files that are no part of this layout": 1,
        "images of another split in other.npz": 40,
    }
    write(root / "more.txt", "later")
    assert left(load_data(root, test=test))["files that are no part of this layout"] == 2


def test_two_test_splits_are_one_too_many(load_data: Load, tmp_path: Path) -> None:
    both = write(tmp_path / "d.npz", npz_bytes(x_train=X, y_train=Y, x_test=X_TEST, y_test=Y_TEST))
    other = write(tmp_path / "other.npz", npz_bytes(x=X_TEST, y=Y_TEST))
    with pytest.raises(UsageError, match="has one of its own"):
        load_data(both, test=other)


def test_a_test_split_alone_is_no_data_set(load_data: Load, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a test or validation split alone"):
        load_data(write(tmp_path / "d.npz", npz_bytes(x_test=X_TEST, y_test=Y_TEST)))


def test_the_other_splits_beside_a_folder_are_used(load_data: Load, tmp_path: Path) -> None:
    for name, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST), ("val", noise(6, seed=2), Y[:6])):
        image_folder(tmp_path / "d" / name, images, labels)
    image_folder(tmp_path / "d" / "other", noise(4, seed=3), Y[:4])
    data = load_data(tmp_path / "d" / "train")
    assert (len(data.train_images), len(data.test_images)) == (46, 10)
    assert (row(data, "test split"), row(data, "files used"), left(data)) == ("test beside it", "56", {})
    data = load_data(tmp_path / "d" / "train", test=tmp_path / "d" / "other")
    assert (len(data.test_images), left(data)) == (4, {"images of test beside it": 10})


def test_a_test_folder_beside_one_that_has_no_labels_is_told(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path / "train", X, Y)
    for i, image in enumerate(noise(7, seed=1)):
        write(tmp_path / "test" / f"{i}.png", png_bytes(image))
    data = load_data(tmp_path / "train")
    assert (len(data.train_images) + len(data.test_images)) == 40
    assert left(data) == {"images of test beside it, in no class folders": 7}


def test_the_other_splits_beside_an_archive_are_used(load_data: Load, tmp_path: Path) -> None:
    for name, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        image_folder(tmp_path / name, images, labels)
        shutil.make_archive(str(tmp_path / name), "zip", tmp_path / name)
        shutil.rmtree(tmp_path / name)
    data = load_data(tmp_path / "train.zip")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)
    assert row(data, "test split") == "test.zip beside it"


def test_a_split_in_another_format_beside_a_file_is_told(load_data: Load, tmp_path: Path) -> None:
    train = write(tmp_path / "train.csv", csv_text(X, Y, header=HEADER))
    write(tmp_path / "test.npz", npz_bytes(x=X_TEST, y=Y_TEST))
    assert left(load_data(train)) == {BESIDE: 1}


def test_labels_out_of_the_order_of_their_ids_are_refused(load_data: Load, tmp_path: Path) -> None:
    """With nothing in the images to join them by, row by row would be another reading than by id."""
    write(tmp_path / "d" / "x_train.csv", csv_text(X, None, header=pixel_header(64, None)))
    rows = [f"{i},{Y[i]}" for i in range(40)]
    write(tmp_path / "d" / "y_train.csv", "\n".join(["id,label", *rows]))
    assert len(load_data(tmp_path / "d").train_images) == 32
    write(tmp_path / "d" / "y_train.csv", "\n".join(["id,label", *reversed(rows)]))
    with pytest.raises(DataError, match="column 'id' is not in order"):
        load_data(tmp_path / "d")


@pytest.mark.parametrize("last", [False, True])
def test_a_border_pixel_of_two_values_is_not_taken_for_the_labels(
    load_data: Load, tmp_path: Path, *, last: bool
) -> None:
    images, labels = noise(160), np.random.default_rng(0).permutation(cycle(160, 16))
    images[:, 0 if last else 7, 0 if last else 7, 0] = cycle(160, 2)
    path = write(tmp_path / "d.csv", csv_text(images, labels, last=last))
    with pytest.raises(UsageError, match="--label-column first, or --label-column last"):
        load_data(path)
    data = load_data(path, label_column="last" if last else "first")
    assert len(data.class_names) == 16


@pytest.mark.parametrize("value", [0, 7])
def test_images_that_are_all_one_are_refused(load_data: Load, tmp_path: Path, value: int) -> None:
    image_folder(tmp_path, np.full((40, 8, 8, 1), value, np.uint8), Y)
    with pytest.raises(DataError, match="all 40 images are copies of each other"):
        load_data(tmp_path)


def test_folders_of_one_image_each_are_no_classes(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path, noise(3), "abc")
    with pytest.raises(DataError, match=r"3 class folders for 3 images.*\n.*is this the right folder"):
        load_data(tmp_path)


def lists(root: Path, *names: str) -> Path:
    """A folder of images, and a list of some of them for each name."""
    number = 0
    for name, images, labels in zip(
        names, (X, X_TEST, noise(6, seed=2)), (Y, Y_TEST, cycle(6, 2)), strict=False
    ):
        rows = ["file,label"]
        for image, label in zip(images, labels, strict=True):
            write(root / "img" / f"{number}.png", png_bytes(image))
            rows.append(f"img/{number}.png,{label}")
            number += 1
        write(root / name, "\n".join(rows))
    return root


@pytest.mark.parametrize("named", ["", "train_list.csv"])
def test_lists_of_all_splits_are_used(load_data: Load, tmp_path: Path, named: str) -> None:
    root = lists(tmp_path / "d", "train_list.csv", "test_list.csv", "val_list.csv")
    data = load_data(root / named)
    assert (len(data.train_images), len(data.test_images), left(data)) == (46, 10, {})
    write(root / "test_list.csv", "file\nimg/40.png")
    data = load_data(root / named)
    assert left(data)[".csv files"] == 1
    assert len(data.train_images) + len(data.test_images) == 46


def test_lists_that_could_all_be_the_training_images_are_asked_about(load_data: Load, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"several files list images.*: a\.csv, b\.csv"):
        load_data(lists(tmp_path, "a.csv", "b.csv"))


def test_a_list_means_the_images_of_its_own_split(load_data: Load, tmp_path: Path) -> None:
    for split, images in (("train", X), ("test", X_TEST)):
        for i, image in enumerate(images):
            write(tmp_path / "d" / split / f"{i:03}.png", png_bytes(image))
    write(
        tmp_path / "d" / "train.csv", "\n".join(["id,label", *(f"{i},{label}" for i, label in enumerate(Y))])
    )
    data = load_data(tmp_path / "d")
    assert {*map(bytes, data.train_images), *map(bytes, data.test_images)} == {*map(bytes, X)}
    assert left(data) == {"images that train.csv does not list": 10}


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_rows_of_colours_in_arrays_in_either_order(
    load_data: Load, tmp_path: Path, kind: str, planes: bool
) -> None:
    steps = np.random.default_rng(0).integers(-6, 7, (40, 8, 8, 3)).cumsum(1).cumsum(2)
    images = np.clip(steps + np.array([40, 128, 210]), 0, 255).astype(np.uint8)
    rows = (images.transpose(0, 3, 1, 2) if planes else images).reshape(40, -1)
    if kind == "npz":
        write(tmp_path / "d" / "d.npz", npz_bytes(x=rows, y=Y))
    else:
        (tmp_path / "d").mkdir()
        array(tmp_path / "d" / "x_train.npy", rows)
        array(tmp_path / "d" / "y_train.npy", Y)
    data = load_data(tmp_path / "d")
    assert {*map(bytes, data.train_images)} <= {*map(bytes, images)}
    assert any("colours" in note for note in data.audit["notes"])


@pytest.mark.parametrize("kind", ["npz", "npy", "csv"])
def test_the_test_split_has_the_colour_order_of_the_training_images(
    load_data: Load, tmp_path: Path, kind: str
) -> None:
    """Its own pixels, of one colour each and so alike in no order, would say otherwise."""
    steps = np.random.default_rng(0).integers(-6, 7, (40, 8, 8, 3)).cumsum(1).cumsum(2)
    images = np.clip(steps + np.array([40, 128, 210]), 0, 255).astype(np.uint8)
    tests = noise(10, (8, 8, 3), seed=1)
    rows, test_rows = (each.transpose(0, 3, 1, 2).reshape(len(each), -1) for each in (images, tests))
    root = tmp_path / "d"
    if kind == "npz":
        write(root / "d.npz", npz_bytes(x_train=rows, y_train=Y, x_test=test_rows, y_test=Y_TEST))
    elif kind == "npy":
        root.mkdir()
        for name, values in (("x_train", rows), ("y_train", Y), ("x_test", test_rows), ("y_test", Y_TEST)):
            array(root / f"{name}.npy", values)
    else:
        write(root / "train.csv", csv_text(rows, Y, header=pixel_header(192)))
        write(root / "test.csv", csv_text(test_rows, Y_TEST, header=pixel_header(192)))
    assert {*map(bytes, load_data(root).test_images)} == {*map(bytes, tests)}


def test_labels_beside_images_that_have_their_own(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write(root / "data.csv", csv_text(X, Y, header=HEADER))
    names = write(root / "labels.csv", "id,name\n0,cat\n1,dog")
    data = load_data(root)
    assert row(data, "labels") == "column 'label' of data.csv"
    assert left(data) == {"files that are no part of this layout": 1}
    write(names, "\n".join(["label", *map(str, 1 - Y)]))
    with pytest.raises(UsageError, match=r"data\.csv has labels, column 'label', and the file of labels"):
        load_data(root)
    data = load_data(root / "data.csv", labels=names)
    assert row(data, "labels") == "column 'label' of labels.csv"
    assert left(data) == {"columns of data.csv that are no pixels": 1}
    by_image = dict(zip(map(bytes, X), (1 - Y).tolist(), strict=True))
    assert [by_image[bytes(image)] for image in data.train_images] == data.train_labels.tolist()


def test_columns_that_are_no_pixels_are_named(load_data: Load, tmp_path: Path) -> None:
    lines = csv_text(X, Y, header=HEADER).splitlines()
    more = ["writer,is_test", *(f"w{i},{i % 2}" for i in range(40))]
    text = "\n".join(f"{a},{b}" for a, b in zip(more, lines, strict=True))
    data = load_data(write(tmp_path / "d.csv", text))
    assert data.image_shape == (8, 8, 1)
    assert left(data) == {"columns of d.csv that are no pixels": 2}
