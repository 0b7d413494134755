"""Layouts as people have them: read right, or asked about; never silently wrong."""

import itertools
import pickle
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.builders import (
    csv_text,
    cycle,
    image_folder,
    noise,
    npz_bytes,
    pixel_header,
    png_bytes,
    write,
)
from tests.tuner.datasets.conftest import Load, left, row
from tuner.datasets.audit.text import describe
from tuner.datasets.base import Dataset
from tuner.errors import DataError, UsageError

X, Y = noise(40), cycle(40, 2)
X_TEST, Y_TEST = noise(10, seed=1), cycle(10, 2)
NAMES = np.array(["cat", "dog"])


def accounted(data: Dataset, root: Path) -> None:
    """Every file is used, or named as left out."""
    files = sum(path.is_file() for path in root.rglob("*"))
    assert data.audit["reading"]["used"] + sum(left(data).values()) == files


def both(root: Path, train: str, test: str, names: np.ndarray = NAMES) -> Path:
    image_folder(root, X, names[Y], train)
    return image_folder(root, X_TEST, names[Y_TEST], test)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("asl_alphabet_train", "asl_alphabet_test"),
        ("asl_alphabet_train/asl_alphabet_train", "asl_alphabet_test/asl_alphabet_test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("seg_train", "seg_test"),
        ("train_images", "test_images"),
        ("Training Data", "Test Data"),
        ("trainset", "testset"),
        ("train-set", "test-set"),
        ("images_train", "images_test"),
        ("images/TRAIN", "images/TEST"),
        ("data/pets/train", "data/pets/Testing"),
    ],
)
def test_splits_in_other_spellings_are_no_classes(
    load_data: Load, tmp_path: Path, train: str, test: str
) -> None:
    data = load_data(both(tmp_path / "pets", train, test))
    assert data.class_names == ("cat", "dog")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)
    assert "folder" in row(data, "test split")
    accounted(data, tmp_path / "pets")


def test_a_train_among_buses_is_a_class(load_data: Load, tmp_path: Path) -> None:
    data = load_data(image_folder(tmp_path / "d", X, np.array(["bus", "train"])[Y]))
    assert data.class_names == ("bus", "train")


@pytest.mark.parametrize("names", [("train", "test"), ("seg_train", "seg_test"), ("Train 1", "Test 1")])
def test_two_classes_named_like_splits_need_a_word(
    load_data: Load, tmp_path: Path, names: tuple[str, str]
) -> None:
    root = image_folder(tmp_path / "d", X, np.array(names)[Y])
    with pytest.raises(UsageError, match="--folders classes"):
        load_data(root)
    assert load_data(root, folders="classes").class_names == tuple(sorted(names))


def test_splits_inside_the_classes(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            write(root / NAMES[label] / name / f"{i}.png", png_bytes(image))
    data = load_data(root)
    assert (data.class_names, len(data.train_images), len(data.test_images)) == (("cat", "dog"), 40, 10)


def test_the_test_part_of_another_folder(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y])
    other = both(tmp_path / "other", "train", "test")
    data = load_data(root, test=other)
    assert len(data.test_images) == 10
    assert left(data) == {f"images of another split in {other}": 40}


@pytest.mark.parametrize("suffix", ["", ".png"])
@pytest.mark.parametrize("digits", [1, 4])
def test_a_kaggle_root(load_data: Load, tmp_path: Path, suffix: str, digits: int) -> None:
    root = tmp_path / "d"
    for i, image in enumerate(X):
        write(root / "train" / f"{i:0{digits}}.png", png_bytes(image))
    write(root / "test" / "900.png", png_bytes(X_TEST[0]))
    rows = [f"{i}{suffix}" if digits == 1 or not suffix else f"{i:0{digits}}{suffix}" for i in range(40)]
    write(
        root / "train.csv", "\n".join(["id,label", *(f"{name},{NAMES[Y[i]]}" for i, name in enumerate(rows))])
    )
    write(root / "sample_submission.csv", "id,label\n900,cat\n")
    data = load_data(root)
    assert data.class_names == ("cat", "dog")
    assert len(data.train_images) + len(data.test_images) == 40
    assert left(data)["images that train.csv does not list"] == 1
    assert row(data, "labels") == "column 'label' of train.csv"
    accounted(data, root)


def test_classes_in_file_names(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for i, image in enumerate(X):
        write(root / "train" / f"{NAMES[Y[i]]}.{i}.png", png_bytes(image))
    write(root / "test1" / "1.png", png_bytes(X_TEST[0]))
    with pytest.raises(UsageError, match=r"would give 2 classes: cat 20, dog 20"):
        load_data(root)
    data = load_data(root, label_regex=r"^([a-z]+)\.")
    assert data.class_names == ("cat", "dog")
    assert left(data) == {"test images that --label-regex does not match": 1}


@pytest.mark.parametrize("other", ["testing.csv", "test_with_labels.csv", "eval.csv", "test.csv"])
def test_test_files_in_other_spellings(load_data: Load, tmp_path: Path, other: str) -> None:
    write(tmp_path / "d" / "train.csv", csv_text(X, Y, header=pixel_header(64)))
    write(tmp_path / "d" / other, csv_text(X_TEST, Y_TEST, header=pixel_header(64)))
    write(tmp_path / "d" / "validation.csv", csv_text(noise(6, seed=3), cycle(6, 2), header=pixel_header(64)))
    write(tmp_path / "d" / "readme.txt", "words")
    data = load_data(tmp_path / "d")
    assert (len(data.train_images), len(data.test_images)) == (46, 10)
    accounted(data, tmp_path / "d")


def test_archives_of_arrays_side_by_side_and_by_position(load_data: Load, tmp_path: Path) -> None:
    write(tmp_path / "d" / "train.npz", npz_bytes(x=X, y=Y))
    write(tmp_path / "d" / "val.npz", npz_bytes(x=noise(6, seed=3), y=cycle(6, 2)))
    data = load_data(tmp_path / "d")
    assert len(data.train_images) + len(data.test_images) == 46
    for order in ((X, Y, X_TEST, Y_TEST), (X, X_TEST, Y, Y_TEST)):
        file = write(tmp_path / "p.npz", npz_bytes(**{f"arr_{i}": array for i, array in enumerate(order)}))
        data = load_data(file)
        assert np.array_equal(data.train_images, X)
        assert np.array_equal(data.test_images, X_TEST)


@pytest.mark.parametrize("column", ["data set", "split", "Usage"])
def test_a_list_with_a_column_of_splits(load_data: Load, tmp_path: Path, column: str) -> None:
    rows = [f"file,species,{column}"]
    for i, image in enumerate(X):
        write(tmp_path / "d" / "img" / f"{i}.png", png_bytes(image))
        rows.append(f"img/{i}.png,{NAMES[Y[i]]},{'Training' if i < 32 else 'test'}")
    data = load_data(write(tmp_path / "d" / "list.csv", "\n".join(rows)))
    assert data.class_names == ("cat", "dog")
    assert (len(data.train_images), len(data.test_images)) == (32, 8)


def test_two_archives_of_splits(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path / "a", X, NAMES[Y])
    image_folder(tmp_path / "b", X_TEST, NAMES[Y_TEST])
    shutil.make_archive(str(tmp_path / "d" / "train"), "zip", tmp_path / "a")
    shutil.make_archive(str(tmp_path / "d" / "test"), "zip", tmp_path / "b")
    data = load_data(tmp_path / "d")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)


def grey_levels(high: int, dtype: Any = np.int64) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, high + 1, (40, 8, 8)).astype(dtype)
    values[0, 0, :2] = 0, high
    return values


@pytest.mark.parametrize(
    ("values", "high"),
    [
        *((grey_levels(high), high) for high in (1, 16, 255, 1023, 4095, 65535)),
        (grey_levels(1).astype(bool), 1),
        (grey_levels(65535, np.uint16), 65535),
        (grey_levels(16, np.float64), 16),
        (grey_levels(255).astype(np.float32) / 255, 1),
    ],
)
def test_ranges_of_values(load_data: Load, tmp_path: Path, values: np.ndarray, high: int) -> None:
    data = load_data(
        write(
            tmp_path / "d.npz",
            npz_bytes(
                x_train=values,
                y_train=Y,
                x_test=values[:10] // 2 if values.dtype.kind != "b" else values[:10],
                y_test=Y_TEST,
            ),
        )
    )
    expected = np.rint(values.astype(np.float64) * 255 / high)
    assert np.abs(data.train_images[..., 0] - expected).max() <= 1
    assert data.test_images.max() <= (255 if values.dtype.kind == "b" else 128)  # one scale for both
    assert ("became 0 to 255" in row(data, "values")) == (high != 255)


def test_fractions_from_minus_one(load_data: Load, tmp_path: Path) -> None:
    values = X.astype(np.float32) / 127.5 - 1
    data = load_data(write(tmp_path / "d.npz", npz_bytes(x_train=values, y_train=Y, x_test=values, y_test=Y)))
    assert np.array_equal(data.train_images, X)


@pytest.mark.parametrize("high", [1, 16])
def test_ranges_of_values_in_csv_files(load_data: Load, tmp_path: Path, high: int) -> None:
    values = grey_levels(high)
    file = write(tmp_path / "d.csv", csv_text(values, Y, header=pixel_header(64)))
    data = load_data(file)
    assert {int(value) for value in np.unique(data.train_images)} <= {
        round(v * 255 / high) for v in range(high + 1)
    }
    fractions: np.ndarray = X / np.float64(255)
    unit = write(
        tmp_path / "u.csv",
        csv_text(fractions, Y, header=pixel_header(64)),
    )
    assert {*map(bytes, load_data(unit).train_images)} <= {*map(bytes, X)}


def test_a_test_split_of_another_scale_is_refused(load_data: Load, tmp_path: Path) -> None:
    file = write(tmp_path / "d.npz", npz_bytes(x_train=X / 255, y_train=Y, x_test=X_TEST, y_test=Y_TEST))
    with pytest.raises(DataError, match="expected 0 to 1, as in the training images"):
        load_data(file)


@pytest.mark.parametrize("high", [255, 1023, 4095])
def test_deep_images_that_use_a_part_of_their_range(load_data: Load, tmp_path: Path, high: int) -> None:
    values = grey_levels(high, np.uint16)
    for i, image in enumerate(values):
        path = tmp_path / "d" / str(NAMES[Y[i]]) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    data = load_data(tmp_path / "d")
    assert len(np.unique(data.train_images)) > 200
    assert data.audit["scale"]["high"] == high


def test_arrays_with_transparency(load_data: Load, tmp_path: Path) -> None:
    images = np.concatenate([noise(40, (8, 8, 3)), np.full((40, 8, 8, 1), 255, np.uint8)], -1)
    data = load_data(write(tmp_path / "d.npz", npz_bytes(x=images, y=Y)))
    assert data.image_shape == (8, 8, 3)
    assert {*map(bytes, data.train_images)} <= {*map(bytes, images[..., :3].copy())}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("pixel", [(0, 255), (0, 0), (7, 9)])
def test_labels_beside_a_pixel_with_fewer_values(
    load_data: Load, tmp_path: Path, last: bool, pixel: tuple[int, int]
) -> None:
    images, labels = noise(160), np.random.default_rng(0).permutation(cycle(160, 16))
    at = 0 if last else 7
    images[:, at, at, 0] = np.array(pixel)[cycle(160, 2)]
    data = load_data(write(tmp_path / "d.csv", csv_text(images, labels, last=last)))
    assert data.class_names == tuple(map(str, range(16)))


def test_labels_that_are_sorted_by_class(load_data: Load, tmp_path: Path) -> None:
    images, labels = noise(700, (4, 4, 1)), np.repeat([0, 1], [600, 100])
    images[:600, 3, 3, 0] = np.array([0, 255])[cycle(600, 2)]
    data = load_data(write(tmp_path / "d.csv", csv_text(images, labels)))
    assert data.class_names == ("0", "1")
    assert row(data, "labels") == "column 1 of d.csv"


def test_images_and_labels_are_joined_by_their_id(load_data: Load, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(40)
    images = [f"id,{','.join(pixel_header(64, None))}"]
    images += [f"{i},{','.join(map(str, X[i].ravel()))}" for i in range(40)]
    file = write(tmp_path / "x.csv", "\n".join(images))
    labels = write(tmp_path / "y.csv", "\n".join(["id,label", *(f"{i},{NAMES[Y[i]]}" for i in order)]))
    data = load_data(file, labels=labels)
    by_image = dict(zip(map(bytes, X), Y.tolist(), strict=True))
    assert [by_image[bytes(image)] for image in data.train_images] == data.train_labels.tolist()


def test_pixel_columns_are_ordered_by_their_numbers(load_data: Load, tmp_path: Path) -> None:
    names = [f"pixel{i}" for i in range(64)]

    def text(images: np.ndarray, labels: np.ndarray, order: list[int]) -> str:
        lines = [",".join(["label", *(names[i] for i in order)])]
        lines += [
            ",".join([str(label), *(str(image.ravel()[i]) for i in order)])
            for image, label in zip(images, labels, strict=True)
        ]
        return "\n".join(lines)

    write(tmp_path / "d" / "train.csv", text(X, Y, sorted(range(64), key=lambda i: names[i])))
    write(tmp_path / "d" / "test.csv", text(X_TEST, Y_TEST, [*range(63, -1, -1)]))
    data = load_data(tmp_path / "d")
    assert np.array_equal(data.train_images, X)
    assert np.array_equal(data.test_images, X_TEST)


def smooth(n: int) -> np.ndarray:
    """Colour images whose neighbouring pixels are alike and whose colours are not."""
    steps = np.random.default_rng(0).integers(-6, 7, (n, 8, 8, 3)).cumsum(1).cumsum(2)
    clipped: np.ndarray = np.clip(steps + np.array([40, 128, 210]), 0, 255)
    return clipped.astype(np.uint8)


@pytest.mark.parametrize("planes", [False, True])
def test_rows_of_colours_in_either_order(load_data: Load, tmp_path: Path, planes: bool) -> None:
    images = smooth(40)
    stored = images.transpose(0, 3, 1, 2) if planes else images
    file = write(tmp_path / "d.csv", csv_text(stored, Y, header=pixel_header(192)))
    data = load_data(file)
    assert {*map(bytes, data.train_images)} <= {*map(bytes, images)}
    assert any("colours" in note for note in data.audit["notes"])
    forced = load_data(file, pixel_order="pixels" if planes else "planes")
    assert not {*map(bytes, forced.train_images)} & {*map(bytes, images)}


@pytest.mark.parametrize("suffix", ["jfif", "avif", "jp2", "tga", "pnm", ""])
def test_images_with_other_suffixes(load_data: Load, tmp_path: Path, suffix: str) -> None:
    formats = {"jfif": "JPEG", "avif": "AVIF", "jp2": "JPEG2000", "tga": "TGA", "pnm": "PPM", "": "PNG"}
    for i, image in enumerate(X):
        path = (
            tmp_path
            / "d"
            / str(NAMES[Y[i]])
            / (f"{i}.{suffix}" if suffix and Y[i] else f"{i}" if Y[i] else f"{i}.png")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).convert("L" if suffix != "avif" else "RGB").save(
            path, formats[suffix] if Y[i] else "PNG"
        )
    data = load_data(tmp_path / "d")
    assert len(data.train_images) + len(data.test_images) == 40


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_photographs_of_telephones(load_data: Load, tmp_path: Path, kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    suffix = {"HEIF": "heic", "AVIF": "avif"}[kind]
    for i in range(20):
        path = tmp_path / "d" / str(NAMES[Y[i]]) / f"{i}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = 8 * i + 40 * int(Y[i])
        Image.new("RGB", (64, 48), (shade, shade, 255 - shade)).save(path, kind, quality=95)
    data = load_data(tmp_path / "d", image_shape=(12, 16, 3))
    means = np.concatenate([data.train_images, data.test_images]).mean((1, 2))
    labels = np.concatenate([data.train_labels, np.load(data.directory / "test_labels.npy")])
    shades = sorted((int(label), round(float(mean[0]))) for label, mean in zip(labels, means, strict=True))
    expected = sorted((int(Y[i]), 8 * i + 40 * int(Y[i])) for i in range(20))
    assert np.abs(np.array(shades) - np.array(expected)).max() <= 6
    accounted(data, tmp_path / "d")


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_tiff_files_of_32_bits(load_data: Load, tmp_path: Path, dtype: Any) -> None:
    values = grey_levels(4095, dtype) if dtype is np.int32 else (X[..., 0] / 255).astype(np.float32)
    for i, image in enumerate(values):
        path = tmp_path / "d" / str(NAMES[Y[i]]) / f"{i:02}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    data = load_data(tmp_path / "d")
    expected = np.rint(values * (255 / (4095 if dtype is np.int32 else 1))).astype(np.uint8)
    assert {*map(bytes, data.train_images)} <= {*map(bytes, expected)}
    assert "became 0 to 255" in row(data, "values")


def test_letters_sorted_by_class_without_a_header(load_data: Load, tmp_path: Path) -> None:
    """A–Z Handwritten: 26 classes one after the other, a border pixel that is nearly always 0."""
    images, labels = noise(520, (6, 6, 1)), np.repeat(np.arange(26), 20)
    images[:, 5, 5, 0] = np.where(np.arange(520) % 50 == 0, 255, 0)
    data = load_data(write(tmp_path / "A_Z Handwritten Data.csv", csv_text(images, labels)))
    assert data.class_names == tuple(map(str, range(26)))
    by_image = dict(zip(map(bytes, images), labels.tolist(), strict=True))
    assert [by_image[bytes(image)] for image in data.train_images] == data.train_labels.tolist()


@pytest.mark.parametrize("kind", ["unknown", "empty folder", "zero bytes", "heic"])
def test_a_class_that_loses_all_its_images(load_data: Load, tmp_path: Path, kind: str) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y])
    (root / "owl").mkdir()
    for i in range({"empty folder": 0, "zero bytes": 2}.get(kind, 8)):
        name = {"unknown": f"{i}.xyz", "zero bytes": f"{i}.png", "heic": f"{i}.heic"}[kind]
        write(root / "owl" / name, b"" if kind == "zero bytes" else b"12345")
    with pytest.raises(DataError, match="owl"):
        load_data(root)


@pytest.mark.parametrize(("a", "b"), [("1", "01"), ("ant", "Ant"), ("100", "1e2")])
def test_spellings_of_one_class_or_of_several(load_data: Load, tmp_path: Path, a: str, b: str) -> None:
    root = image_folder(tmp_path / "d", noise(60), np.array([a, b, "x"])[cycle(60, 3)])
    with pytest.raises(UsageError, match=r"one class or several[\s\S]*--spellings merge"):
        load_data(root)
    assert len(load_data(root, spellings="merge").class_names) == 2
    assert set(load_data(root, spellings="keep").class_names) == {a, b, "x"}


def test_spellings_that_differ_between_splits_are_one_class(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y], "train")
    image_folder(root, X_TEST, np.array(["Cat", "Dog"])[Y_TEST], "test")
    data = load_data(root)
    assert data.class_names == ("cat", "dog")
    assert any("'Cat' were taken for the class 'cat'" in note for note in data.audit["notes"])


def test_accents_in_two_spellings_and_in_latin_1(load_data: Load, tmp_path: Path) -> None:
    spelled = np.array([unicodedata.normalize(form, "café") for form in ("NFC", "NFD")])
    names = [spelled[i // 2 % 2] if i % 2 else "thé" for i in range(40)]
    assert load_data(image_folder(tmp_path / "d", X, names)).class_names == ("café", "thé")
    labels = np.array(["pré", "prè"])[Y]
    file = write(tmp_path / "l.csv", csv_text(X, labels, header=pixel_header(64)).encode("latin-1"))
    assert load_data(file).class_names == ("prè", "pré")


def test_nan_is_no_class(load_data: Load, tmp_path: Path) -> None:
    labels = ["nan" if i % 8 == 0 else NAMES[Y[i]] for i in range(40)]
    with pytest.raises(DataError, match="'nan', which is no label"):
        load_data(write(tmp_path / "l.csv", csv_text(X, labels, header=pixel_header(64))))


def test_folders_of_the_system_and_nested_copies(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y])
    image_folder(root, X, NAMES[Y], "d")
    write(root / "@eaDir" / "1.png", png_bytes(X[0]))
    data = load_data(root)
    assert data.class_names == ("cat", "dog")
    assert left(data)["copies of the data set inside itself"] == 40
    accounted(data, root)


def test_folders_inside_class_folders(load_data: Load, tmp_path: Path) -> None:
    names = np.array(["mammal/cat", "mammal/dog", "bird/owl"])[cycle(60, 3)]
    root = image_folder(tmp_path / "d", noise(60), names)
    with pytest.raises(UsageError, match=r"--label-level top: 2 classes[\s\S]*--label-level leaf: 3 classes"):
        load_data(root)
    assert load_data(root, label_level="top").class_names == ("bird", "mammal")
    assert load_data(root, label_level="leaf").class_names == ("cat", "dog", "owl")


def test_images_that_a_list_does_not_name_are_told(load_data: Load, tmp_path: Path) -> None:
    for i, image in enumerate(noise(60)):
        write(tmp_path / "d" / f"{i}.png", png_bytes(image))
    rows = ["file,species", *(f"{i}.png,{NAMES[Y[i]]}" for i in range(40))]
    data = load_data(write(tmp_path / "d" / "list.csv", "\n".join(rows)))
    assert left(data) == {"images that list.csv does not list": 20}
    accounted(data, tmp_path / "d")


@pytest.mark.parametrize("kind", ["white", "empty"])
def test_glyphs_on_transparency(load_data: Load, tmp_path: Path, kind: str) -> None:
    for i, image in enumerate(X):
        glyph = np.full((8, 8, 4), 255, np.uint8)
        glyph[..., 3] = image[..., 0] if kind == "white" else 0
        if kind == "empty":
            glyph[..., :3] = image
        path = tmp_path / "d" / str(NAMES[Y[i]]) / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(glyph).save(path)
    data = load_data(tmp_path / "d")
    assert len({*map(bytes, data.train_images)}) == len(data.train_images)


def test_near_copies_as_many_as_a_class(load_data: Load, tmp_path: Path) -> None:
    images = noise(60)
    images[40:] = images[40]
    root = image_folder(tmp_path / "d", images, [*NAMES[Y], *["cow"] * 20])
    data = load_data(root)
    assert (data.train_labels == data.class_names.index("cow")).sum() == 20
    assert any("'cow' are one" in note for note in data.audit["notes"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", "|", " ", ";"])
def test_csv_files_of_other_programs(load_data: Load, tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = csv_text(X, Y, header=pixel_header(64)).replace(",", delimiter)
    data = load_data(write(tmp_path / "d.csv", text.encode(encoding)))
    assert data.image_shape == (8, 8, 1)


def test_names_with_spaces_that_cannot_be_seen(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y])
    (root / "cat" / "000.png").rename(root / "cat" / "Screenshot 10.04\u202fAM.png")
    data = load_data(root)
    assert len(data.train_images) + len(data.test_images) == 40


def test_faces_with_packed_pixels_and_usage(load_data: Load, tmp_path: Path) -> None:
    usage = ["Training"] * 32 + ["PublicTest"] * 4 + ["PrivateTest"] * 4
    rows = [f"{Y[i]},{' '.join(map(str, X[i].ravel()))},{usage[i]}" for i in range(40)]
    data = load_data(write(tmp_path / "fer2013.csv", "\n".join(["emotion,pixels,Usage", *rows])))
    assert (len(data.train_images), len(data.test_images)) == (36, 4)
    assert np.array_equal(data.train_images, X[:36])


def test_one_hot_columns_and_several_labels(load_data: Load, tmp_path: Path) -> None:
    for i, image in enumerate(X):
        write(tmp_path / "d" / f"{i}.png", png_bytes(image))
    rows = ["image_id,healthy,rust", *(f"{i},{1 - Y[i]},{Y[i]}" for i in range(40))]
    table = write(tmp_path / "d" / "train.csv", "\n".join(rows))
    assert load_data(tmp_path / "d").class_names == ("healthy", "rust")
    table.write_text("\n".join([*rows[:-1], "39,1,1"]))
    with pytest.raises(UsageError, match="multi-label"):
        load_data(tmp_path / "d")


def test_a_class_that_only_the_test_split_has(load_data: Load, tmp_path: Path) -> None:
    root = both(tmp_path / "d", "train", "test")
    write(root / "test" / "owl" / "1.png", png_bytes(noise(1, seed=5)[0]))
    data = load_data(root)
    assert len(data.test_images) == 10
    assert left(data) == {"test images of a class that no training image has": 1}
    assert any("do not count in the accuracy" in note for note in data.audit["notes"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("d.arrow", "to_parquet"), ("d.7z", "unpack it"), ("d.pkl", "run code"), ("d.tfrecord", "TFRecord")],
)
def test_foreign_formats_are_named(load_data: Load, tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        load_data(write(tmp_path / name, b"1234"))


def test_names_of_images_are_kept(load_data: Load, tmp_path: Path) -> None:
    data = load_data(both(tmp_path / "d", "train", "test"))
    assert data.train_names[0] == "train/cat/000.png"
    rows = load_data(write(tmp_path / "d.csv", csv_text(X, Y, header=pixel_header(64))))
    assert rows.train_names[0].startswith("d.csv row ")


def test_the_table_is_told_again_when_a_file_is_added(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", X, NAMES[Y])
    first = load_data(root)
    write(root / "words.txt", "later")
    second = load_data(root)
    assert (first.fingerprint, left(second)) == (second.fingerprint, {".txt files": 1})


def test_pairs_are_not_mistaken(tmp_path: Path) -> None:
    from tuner.datasets.formats.split_words import split_of

    spellings = itertools.product(("train", "Training", "TRAIN"), ("_", "-", " "), ("set", "data", "images"))
    assert {split_of(sep.join((word, rest))) for word, sep, rest in spellings} == {"train"}
    assert split_of("restrained") is None
    assert split_of("protest") is None


def test_pairs_of_npy_files(load_data: Load, tmp_path: Path) -> None:
    for name, array in (("x_train", X), ("y_train", Y), ("x_test", X_TEST), ("y_test", Y_TEST)):
        (tmp_path / "d").mkdir(exist_ok=True)
        np.save(tmp_path / "d" / f"{name}.npy", array)
    data = load_data(tmp_path / "d")
    assert np.array_equal(data.train_images, X)
    assert np.array_equal(data.train_labels, Y)
    assert len(data.test_images) == 10
    accounted(data, tmp_path / "d")


def cifar_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return pickle.dumps({b"data": planes, b"labels": labels.tolist()}, protocol=2)


def test_batches_of_cifar_are_read_and_run_no_code(load_data: Load, tmp_path: Path) -> None:
    images = noise(40, (32, 32, 3))
    root = tmp_path / "d"
    write(root / "data_batch_1", cifar_batch(images[:20], Y[:20]))
    write(root / "data_batch_2", cifar_batch(images[20:], Y[20:]))
    write(root / "test_batch", cifar_batch(noise(10, (32, 32, 3), seed=1), Y_TEST))
    write(root / "batches.meta", pickle.dumps({b"label_names": [b"cat", b"dog"]}, protocol=2))
    data = load_data(root)
    assert np.array_equal(data.train_images, images)
    assert data.class_names == ("cat", "dog")
    accounted(data, root)

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    write(root / "test_batch", pickle.dumps(Evil()))
    with pytest.raises(DataError, match="could run code"):
        load_data(root)
    assert not (tmp_path / "ran").exists()


def test_images_that_the_audit_mentions_have_their_file(load_data: Load, tmp_path: Path) -> None:
    images = X.copy()
    images[3] = images[1]
    data = load_data(image_folder(tmp_path / "d", images, NAMES[Y]))
    lines = describe(data.audit, data.class_names)
    assert any("dog/001.png" in line and "dog/003.png" in line for line in lines)


def test_image_files_that_are_nearly_black_are_told(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path, noise(40) // 16, cycle(40, 2))
    data = load_data(tmp_path)
    assert row(data, "values") == "0 to 15"
    assert "the brightest value in the image files is 15 of 255" in " ".join(data.audit["notes"])


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0001), (-1e-5, 1.0), (-1.0002, 1.0002)])
def test_fractions_that_rounding_took_out_of_their_range(
    load_data: Load, tmp_path: Path, low: float, high: float
) -> None:
    images = low + (high - low) * noise(40).astype(np.float32) / 255
    data = load_data(write(tmp_path / "d.npz", npz_bytes(x=images, y=cycle(40, 2))))
    assert "1 became 0 to 255" in row(data, "values")
    assert data.train_images.max() == 255


def test_two_photographs_are_too_few_and_told_as_that(load_data: Load, tmp_path: Path) -> None:
    alike = np.repeat(noise(2), 20, 0)
    with pytest.raises(DataError, match="by their near-copies too few groups"):
        load_data(image_folder(tmp_path, alike, NAMES[np.repeat([0, 1], 20)]))


@pytest.mark.parametrize("suffix", ["svg", "npy", "txt"])
def test_one_class_that_is_left_is_told_beside_those_that_are_lost(
    load_data: Load, tmp_path: Path, suffix: str
) -> None:
    root = image_folder(tmp_path / "d", X[:20], ["cat"] * 20)
    for i in range(8):
        write(root / "dog" / f"{i}.{suffix}", b"12345")
    with pytest.raises(UsageError, match=rf"all 20 images lie in cat; .*8 .*{suffix}.*, such as dog/0"):
        load_data(root)


def test_signs_without_a_form_make_no_class(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "d", noise(60), np.array(["cat", "cat\u200b", "dog"])[cycle(60, 3)])
    with pytest.raises(UsageError, match=r"'cat' 20, 'cat\\u200b' 20"):
        load_data(root)


def test_a_damaged_parquet_file_beside_other_data_is_left_out(load_data: Load, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write(tmp_path / "d" / "damaged.parquet", b"PAR1 cut off")
    with pytest.raises(DataError, match=r"damaged\.parquet cannot be read"):
        load_data(tmp_path / "d")
    write(tmp_path / "d" / "data.csv", csv_text(X, Y, header=pixel_header(64)))
    data = load_data(tmp_path / "d")
    assert left(data) == {"files that are no part of this layout": 1}
    image_folder(tmp_path / "d", X, NAMES[Y])
    assert left(load_data(tmp_path / "d")) == {".csv files": 1, ".parquet files": 1}


@pytest.mark.parametrize("sign", ["|", ", ", " ", ";"])
def test_labels_that_name_several_classes_are_refused(load_data: Load, tmp_path: Path, sign: str) -> None:
    labels = np.array(["cat", "dog", f"cat{sign}dog"])[cycle(45, 3)]
    rows = [
        f'"{label}",{",".join(map(str, image.ravel()))}'
        for image, label in zip(noise(45), labels, strict=True)
    ]
    path = write(tmp_path / "d.csv", "\n".join([",".join(pixel_header(64)), *rows]))
    with pytest.raises(UsageError, match="names several classes for one image"):
        load_data(path)
    assert len(load_data(path, spellings="keep").class_names) == 3


def test_classes_of_several_words_are_classes(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path, noise(40), np.array(["polar bear", "brown bear"])[cycle(40, 2)])
    assert load_data(tmp_path).class_names == ("brown bear", "polar bear")


def test_columns_of_a_list_that_are_not_used_are_named(load_data: Load, tmp_path: Path) -> None:
    for i, image in enumerate(noise(40)):
        write(tmp_path / "img" / f"{i}.png", png_bytes(image))
    rows = [f"{i}.png,{'ab'[i % 2]},{i}" for i in range(40)]
    write(tmp_path / "list.csv", "\n".join(["file,label,weight", *rows]))
    data = load_data(tmp_path)
    assert {"why": "columns of list.csv", "count": 1, "example": "column 'weight'"} in data.audit["reading"][
        "unused"
    ]


def test_an_order_of_colours_is_for_rows_of_pixels(load_data: Load, tmp_path: Path) -> None:
    image_folder(tmp_path, noise(40), cycle(40, 2))
    with pytest.raises(UsageError, match="--pixel-order is for rows of pixel values"):
        load_data(tmp_path, pixel_order="planes")
