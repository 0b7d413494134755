"""Data that users bring themselves: folders, CSV files, archives of arrays."""

import os
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
from tests.tuner.datasets.conftest import Load
from tuner.datasets.audit.text import describe
from tuner.errors import DataError, UsageError
from tuner.run.resume import dataset_record

X, Y = noise(40), cycle(40, 2)
X_TEST, Y_TEST = noise(10, seed=1), cycle(10, 2)
NAMES = np.array(["cat", "dog"])


def test_a_folder_with_a_folder_for_each_class(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", X, NAMES[Y])
    data = load_data(root)
    assert data.name == "pets"
    assert data.class_names == ("cat", "dog")
    assert data.image_shape == (8, 8, 1)
    assert (len(data.train_images), len(data.test_images)) == (32, 8)
    assert data.traits.augmentation == 1.0
    assert not data.traits.flips
    by_class = np.concatenate([X[Y == 0], X[Y == 1]])
    assert sorted(map(bytes, by_class)) == sorted(map(bytes, [*data.train_images, *data.test_images]))


@pytest.mark.parametrize("names", [("train", "test", "valid"), ("Training", "testing", "val")])
def test_a_folder_with_splits(load_data: Load, tmp_path: Path, names: tuple[str, ...]) -> None:
    root = image_folder(tmp_path / "pets", X, NAMES[Y], names[0])
    image_folder(root, X_TEST, NAMES[Y_TEST], names[1])
    image_folder(root, noise(6, seed=2), NAMES[cycle(6, 2)], names[2])
    data = load_data(root)
    assert (len(data.train_images), len(data.test_images)) == (46, 10)
    assert any("validation images were joined" in note for note in data.audit["notes"])


def test_a_test_folder_of_its_own_and_one_without_labels(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", X, NAMES[Y], "train")
    write(root / "test" / "1.png", png_bytes(X_TEST[0]))
    apart = image_folder(tmp_path / "later", X_TEST, NAMES[Y_TEST])
    data = load_data(root, test=apart)
    assert len(data.test_images) == 10
    assert any("have no labels and were left out" in note for note in data.audit["notes"])


def test_an_archive_of_folders(load_data: Load, tmp_path: Path) -> None:
    for i in range(40):
        write(tmp_path / f"top/{NAMES[Y[i]]}/{i}.png", png_bytes(X[i]))
    import shutil

    archive = shutil.make_archive(str(tmp_path / "pets"), "zip", tmp_path, "top")
    data = load_data(archive)
    assert data.class_names == ("cat", "dog")
    assert data.name == "pets"


def test_images_that_a_csv_lists(load_data: Load, tmp_path: Path) -> None:
    for i in range(40):
        write(tmp_path / "d" / "img" / f"{i}.png", png_bytes(X[i]))
    rows = [f"img/{i}.png,{NAMES[Y[i]]},s{i // 4}" for i in range(40)]
    table = write(tmp_path / "d" / "list.csv", "\n".join(["file,species,subject", *rows]))
    data = load_data(table, label_column="species", group_column="subject")
    assert data.class_names == ("cat", "dog")
    assert data.audit["known_groups"] == {"train": 8, "test": 2}
    assert len(np.intersect1d(data.train_groups, data.test_groups)) == 0

    without_header = write(tmp_path / "d" / "plain.csv", "\n".join(row.rsplit(",", 1)[0] for row in rows))
    assert len(load_data(without_header).train_images) == 32

    ids = write(tmp_path / "ids.csv", "\n".join(["id,label", *(f"{i},{Y[i]}" for i in range(40))]))
    data = load_data(tmp_path / "d" / "img", labels=ids, group_regex=r"^(\d)\d?\.")
    assert data.class_names == ("0", "1")
    assert sum(data.audit["known_groups"].values()) <= 10


def test_lists_that_lead_out_of_the_folder_are_refused(load_data: Load, tmp_path: Path) -> None:
    write(tmp_path / "outside.png", png_bytes(X[0]))
    write(tmp_path / "d" / "a.png", png_bytes(X[0]))
    for name in ("../outside.png", str(tmp_path / "outside.png")):
        table = write(tmp_path / "d" / "list.csv", f"file,label\na.png,1\n{name},0\n")
        with pytest.raises(DataError, match=r"data row 2 .* lies outside"):
            load_data(table)
    table = write(tmp_path / "d" / "list.csv", "file,label\na.png,1\nb.png,0\n")
    with pytest.raises(DataError, match=r"data row 2 .*: no image 'b.png'"):
        load_data(table)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_pixels_with_labels_at_either_end(load_data: Load, tmp_path: Path, header: bool, last: bool) -> None:
    names = pixel_header(64, "species", last=last) if header else None
    file = write(tmp_path / "my.csv", csv_text(X, NAMES[Y], header=names, last=last))
    data = load_data(file)
    assert data.class_names == ("cat", "dog")
    assert data.image_shape == (8, 8, 1)
    assert data.name == "my"


def test_numbers_at_either_end_are_told_apart_or_asked_for(load_data: Load, tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", csv_text(X, Y))
    assert (load_data(first).train_labels < 2).all()
    last = write(tmp_path / "last.csv", csv_text(X, Y + 3, last=True))
    assert load_data(last).class_names == ("3", "4")
    unclear = X.copy()
    unclear[:, 7, 7, 0] = Y
    file = write(tmp_path / "unclear.csv", csv_text(unclear, Y))
    with pytest.raises(UsageError, match=r"cannot tell[\s\S]*--label-column first, or --label-column last"):
        load_data(file)
    assert load_data(file, label_column="first").image_shape == (8, 8, 1)
    with pytest.raises(UsageError, match="expected first, last or a number from 1 to 65"):
        load_data(file, label_column="species")


def test_row_numbers_groups_and_separators(load_data: Load, tmp_path: Path) -> None:
    lines = csv_text(X, Y, header=pixel_header(64)).splitlines()
    lines = [
        f"{'id' if i == 0 else i};{'patient' if i == 0 else i // 8};" + line.replace(",", ";")
        for i, line in enumerate(lines)
    ]
    data = load_data(write(tmp_path / "my.csv", "\ufeff" + "\r\n".join(lines)), group_column="patient")
    assert data.image_shape == (8, 8, 1)
    assert sum(data.audit["known_groups"].values()) == 6
    with pytest.raises(UsageError, match=r"--group-column: no column 'patent'; did you mean 'patient'"):
        load_data(tmp_path / "my.csv", group_column="patent")


@pytest.mark.parametrize("packing", ["plain", "gz"])
def test_images_and_labels_in_two_files(load_data: Load, tmp_path: Path, packing: str) -> None:
    images = write(tmp_path / "images.csv", csv_text(X, None), packing)
    labels = write(tmp_path / "labels.csv", "\n".join(NAMES[Y]), packing)
    data = load_data(images, labels=labels)
    assert data.class_names == ("cat", "dog")
    assert len(data.train_images) + len(data.test_images) == 40
    test = write(tmp_path / "more.csv", csv_text(X_TEST, None), packing)
    with pytest.raises(UsageError, match="no labels for --test"):
        load_data(images, labels=labels, test=test)
    write(tmp_path / "labels_test.csv", "\n".join(NAMES[Y_TEST]), packing)
    data = load_data(images, labels=labels, test=test)
    assert (len(data.train_images), len(data.test_images)) == (40, 10)
    short = write(tmp_path / "short.csv", "\n".join(NAMES[Y[:39]]))
    with pytest.raises(DataError, match="40 images and 39 labels"):
        load_data(images, labels=short)


def test_shapes_are_inferred_or_asked_for(load_data: Load, tmp_path: Path) -> None:
    colour = write(tmp_path / "colour.csv", csv_text(noise(20, (6, 6, 3)), cycle(20, 2)))
    assert load_data(colour, label_column="first").image_shape == (6, 6, 3)
    oblong = write(tmp_path / "oblong.csv", csv_text(noise(20, (6, 4, 1)), cycle(20, 2)))
    with pytest.raises(UsageError, match=r"24 pixel values a row[\s\S]*--image-shape"):
        load_data(oblong, label_column="first")
    assert load_data(oblong, label_column="first", image_shape=(6, 4, 1)).image_shape == (6, 4, 1)
    with pytest.raises(UsageError, match="--image-shape 5x5x1 is 25 values"):
        load_data(oblong, label_column="first", image_shape=(5, 5, 1))


def test_train_and_test_files_beside_each_other(load_data: Load, tmp_path: Path) -> None:
    write(tmp_path / "d" / "my_train.csv", csv_text(X, Y, header=pixel_header(64)))
    write(tmp_path / "d" / "my_test.csv", csv_text(X_TEST, Y_TEST, header=pixel_header(64)))
    data = load_data(tmp_path / "d")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)
    write(tmp_path / "d" / "my_test.csv", csv_text(X_TEST, None, header=pixel_header(64, None)))
    data = load_data(tmp_path / "d")
    assert (len(data.train_images), len(data.test_images)) == (32, 8)
    assert any("has no labels and was left out" in note for note in data.audit["notes"])


@pytest.mark.parametrize(
    "arrays",
    [
        {"x_train": X[..., 0], "y_train": Y, "x_test": X_TEST[..., 0], "y_test": Y_TEST},
        {
            "train_images": X,
            "train_labels": Y[:, None],
            "test_images": X_TEST,
            "test_labels": Y_TEST[:, None],
        },
        {
            "X_train": X.reshape(40, 64),
            "y_train": np.eye(2)[Y],
            "X_test": X_TEST.reshape(10, 64),
            "y_test": np.eye(2)[Y_TEST],
        },
        {
            "x_train": X.astype(float),
            "y_train": NAMES[Y],
            "x_test": X_TEST.astype(np.int16),
            "y_test": NAMES[Y_TEST],
        },
    ],
)
def test_archives_of_arrays(load_data: Load, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    data = load_data(write(tmp_path / "my.npz", npz_bytes(**arrays)))
    assert (data.train_images == X).all()
    assert (data.test_images == X_TEST).all()
    assert (data.train_labels == Y).all()


def test_archives_without_a_test_split_and_with_groups(load_data: Load, tmp_path: Path) -> None:
    file = write(tmp_path / "my.npz", npz_bytes(x=X, y=Y, subject=cycle(40, 10)))
    data = load_data(file, group_column="subject")
    assert data.audit["known_groups"] == {"train": 8, "test": 2}
    chw = write(tmp_path / "chw.npz", npz_bytes(images=noise(40, (3, 9, 9)), labels=Y))
    assert load_data(chw).image_shape == (9, 9, 3)
    with pytest.raises(DataError, match=r"has the arrays foo\nexpected x_train"):
        load_data(write(tmp_path / "odd.npz", npz_bytes(foo=X)))


def test_idx_files(load_data: Load, tmp_path: Path) -> None:
    write(tmp_path / "d" / "train-images-idx3-ubyte", idx_bytes(X[..., 0]), "gz")
    write(tmp_path / "d" / "train-labels-idx1-ubyte", idx_bytes(Y.astype(np.uint8)), "gz")
    data = load_data(tmp_path / "d")
    assert len(data.train_images) == 32
    images, labels = sorted((tmp_path / "d").iterdir())
    assert len(load_data(images, labels=labels).train_images) == 32


def test_groups_by_file_name(load_data: Load, tmp_path: Path) -> None:
    for i in range(40):
        write(tmp_path / "d" / NAMES[Y[i]] / f"person{i // 4}-{i}.png", png_bytes(X[i]))
    data = load_data(tmp_path / "d", group_regex=r"person(\d+)")
    assert data.audit["known_groups"] == {"train": 8, "test": 2}
    assert data.audit["duplicates"]["groups"] == {"train": 32, "test": 8}  # no two images are alike
    record = dataset_record(data, seed=0)
    assert (record.groups["train"], record.duplicate_groups["train"]) == (8, 32)
    lines = describe(data.audit, data.class_names)
    assert any(line.startswith("groups that you named: 8 in 32 training images, 2 in 8") for line in lines)
    with pytest.raises(UsageError, match="matches none of 40 file names"):
        load_data(tmp_path / "d", group_regex="patient")
    with pytest.raises(UsageError, match="is no regular expression"):
        load_data(tmp_path / "d", group_regex="(")


def test_what_cannot_be_searched_on_is_refused(load_data: Load, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    def file(labels: np.ndarray, images: np.ndarray = X) -> Path:
        return write(tmp_path / "my.csv", csv_text(images, labels, header=pixel_header(images[0].size)))

    with pytest.raises(DataError, match="all 40 images have one class, '0'"):
        load_data(file(Y * 0))
    few = np.where(np.arange(40) < 4, 0, 1)
    with pytest.raises(DataError, match="class '0' has 4 training images, too few for 5 folds"):
        load_data(file(few))
    with pytest.raises(DataError, match="40 different labels for 40 images"):
        load_data(file(np.arange(40)))
    with pytest.raises(DataError, match=r"label '0.5'; expected a whole number or a name"):
        load_data(file(Y / 2))
    with pytest.raises(DataError, match="images of 2×2 pixels; expected at least 4×4"):
        load_data(file(Y, noise(40, (2, 2, 1))))
    with pytest.raises(DataError, match="nothing to read; expected a folder"):
        load_data(empty)
    with pytest.raises(UsageError, match="no file or folder"):
        load_data(file(Y), test=tmp_path / "nowhere.csv")


def test_a_list_of_images_stands_in_a_folder_of_anything(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "project"
    image_folder(root, X, NAMES[Y])
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*.png"))
    (root / "list.csv").write_text("\n".join(["path,label", *(f"{name},{name[:3]}" for name in names)]))
    (root / "venv").mkdir()
    (root / "venv" / "python").symlink_to("/usr/bin/env")
    (root / "all").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    (root / os.fsdecode(b"caf\xe9.txt")).write_text("")
    data = load_data(root / "list.csv")
    assert len(data.train_labels) + len(data.test_images) == len(names) == 40
