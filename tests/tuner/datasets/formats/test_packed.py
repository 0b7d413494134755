"""Archives, and files that hold arrays or images of many: tar, Parquet, HDF5, MATLAB's files."""

import io
import json
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.builders import cycle, image_folder, noise, png_bytes, write
from tests.tuner.datasets.conftest import Load, left
from tuner.datasets.base import Dataset
from tuner.datasets.formats.roles import BESIDE
from tuner.errors import DataError, UsageError

X, Y = noise(40), cycle(40, 2)
X_TEST, Y_TEST = noise(10, seed=1), cycle(10, 2)
NAMES = np.array(["cat", "dog"])


def used(data: Dataset) -> int:
    return int(data.audit["reading"]["used"])


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".tar.gz", "w:gz"), (".tgz", "w:gz"), (".tar", "w"), (".tar.xz", "w:xz")]
)
def test_tar_archives(load_data: Load, tmp_path: Path, suffix: str, mode: Any) -> None:
    image_folder(tmp_path / "a", X, NAMES[Y], "train")
    image_folder(tmp_path / "a", X_TEST, NAMES[Y_TEST], "test")
    write(tmp_path / "a" / "._x", "of macOS")
    archive = tmp_path / f"pets{suffix}"
    with tarfile.open(archive, mode) as file:
        file.add(tmp_path / "a", ".")
    data = load_data(archive)
    assert data.name == "pets"
    assert np.array_equal(np.sort(data.train_images, 0), np.sort(X, 0))
    assert (len(data.test_images), used(data)) == (10, 50)
    assert left(data) == {"hidden files or files of the operating system": 1}
    assert data.train_names[0] == "train/cat/000.png"


def test_two_tar_archives_are_splits_and_one_is_batches(load_data: Load, tmp_path: Path) -> None:
    for split, images, labels in (("train", X, Y), ("test", X_TEST, Y_TEST)):
        image_folder(tmp_path / split, images, NAMES[labels])
        (tmp_path / "d").mkdir(exist_ok=True)
        with tarfile.open(tmp_path / "d" / f"{split}.tar.gz", "w:gz") as file:
            file.add(tmp_path / split, "")
    data = load_data(tmp_path / "d")
    assert (len(data.train_images), len(data.test_images)) == (40, 10)


def cifar100(images: np.ndarray, labels: np.ndarray) -> bytes:
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    batch = {b"data": planes, b"fine_labels": labels.tolist(), b"coarse_labels": (labels * 0).tolist()}
    return pickle.dumps(batch, protocol=2)


def test_the_archive_of_cifar_100(load_data: Load, tmp_path: Path) -> None:
    images = noise(40, (32, 32, 3))
    root = tmp_path / "cifar-100-python"
    write(root / "train", cifar100(images, Y))
    write(root / "test", cifar100(noise(10, (32, 32, 3), seed=1), Y_TEST))
    names = {b"fine_label_names": [b"apple", b"bee"], b"coarse_label_names": [b"thing"]}
    write(root / "meta", pickle.dumps(names, protocol=2))
    with tarfile.open(tmp_path / "cifar-100-python.tar.gz", "w:gz") as file:
        file.add(root, root.name)
    data = load_data(tmp_path / "cifar-100-python.tar.gz")
    assert np.array_equal(data.train_images, images)
    assert (data.class_names, len(data.test_images), used(data)) == (("apple", "bee"), 10, 3)


def test_tar_archives_that_lead_out_or_are_none(load_data: Load, tmp_path: Path) -> None:
    def archive(name: str, kind: bytes = tarfile.REGTYPE) -> Path:
        item = tarfile.TarInfo(name)
        item.type, item.linkname = kind, "/etc/passwd"
        with tarfile.open(tmp_path / "d.tar.gz", "w:gz") as file:
            file.addfile(item, io.BytesIO(b""))
        return tmp_path / "d.tar.gz"

    with pytest.raises(DataError, match="expected names inside the archive"):
        load_data(archive("../evil.png"))
    with pytest.raises(DataError, match="symbolic link"):
        load_data(archive("cat/1.png", tarfile.SYMTYPE))
    whole = archive("cat/1.png").read_bytes()
    for damaged in (whole[:30], b"no archive", b""):
        with pytest.raises(DataError, match=r"d\.tar\.gz"):
            load_data(write(tmp_path / "d.tar.gz", damaged))


def parquet(
    path: Path, images: Sequence[bytes | None], labels: Sequence[Any], names: Any = (), **more: Any
) -> Path:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    rows = [None if image is None else {"bytes": image, "path": None} for image in images]
    table = pa.table({"image": rows, "label": labels, **more})
    if len(names):
        facts = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(facts)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def test_parquet_files_of_the_datasets_library(load_data: Load, tmp_path: Path) -> None:
    root = tmp_path / "d"
    pngs = [png_bytes(image) for image in X]
    parquet(root / "data" / "train-00000-of-00002.parquet", pngs[:20], Y[:20].tolist(), NAMES)
    parquet(root / "data" / "train-00001-of-00002.parquet", [*pngs[20:], None], [*Y[20:].tolist(), 0], NAMES)
    tests = [png_bytes(image) for image in X_TEST]
    parquet(root / "data" / "test-00000-of-00001.parquet", [*tests, tests[0]], [*Y_TEST.tolist(), -1], NAMES)
    write(root / "README.md", "words")
    data = load_data(root)
    assert data.class_names == ("cat", "dog")
    assert {*map(bytes, data.train_images)} == {*map(bytes, X)}
    assert len(data.test_images) == 10
    assert used(data) == 3
    assert left(data) == {
        "files that are no part of this layout": 1,
        "train rows without an image": 1,
        "test images without labels": 1,
    }
    assert data.train_names[0] == "data/train-00000-of-00002.parquet row 1"


def test_parquet_files_beside_the_one_that_was_named(load_data: Load, tmp_path: Path) -> None:
    pngs = [png_bytes(image) for image in X]
    first = parquet(tmp_path / "train-00000-of-00002.parquet", pngs, Y.tolist(), NAMES)
    parquet(tmp_path / "train-00001-of-00002.parquet", pngs, Y.tolist(), NAMES)
    parquet(tmp_path / "test-00000-of-00001.parquet", pngs[:10], Y[:10].tolist(), NAMES)
    data = load_data(first)
    assert (len(data.train_images), len(data.test_images), used(data)) == (40, 10, 2)
    assert left(data) == {BESIDE: 1}


def test_columns_of_one_parquet_file(load_data: Load, tmp_path: Path) -> None:
    pngs = [png_bytes(image) for image in X]
    who = [f"p{i // 4}" for i in range(40)]
    file = parquet(tmp_path / "pets.parquet", pngs, NAMES[Y].tolist(), person=who, other=Y.tolist())
    data = load_data(file, group_column="person")
    assert (data.name, data.class_names) == ("pets", ("cat", "dog"))
    assert len(np.unique(data.train_groups)) == 8
    assert load_data(file, label_column="other").class_names == ("0", "1")
    with pytest.raises(UsageError, match="--group-column: no column 'persons'; did you mean 'person'"):
        load_data(file, group_column="persons")
    several = parquet(tmp_path / "m.parquet", pngs, [[0, 1]] * 40)
    with pytest.raises(UsageError, match="several labels a row"):
        load_data(several)
    with pytest.raises(DataError, match=r"d\.parquet cannot be read"):
        load_data(write(tmp_path / "d.parquet", b"1234"))


def hdf5(path: Path, **arrays: Any) -> Path:
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def test_hdf5_with_splits_in_groups_or_names_or_files(load_data: Load, tmp_path: Path) -> None:
    splits = {"train/images": X, "train/labels": Y, "test/images": X_TEST, "test/labels": Y_TEST}
    words = {
        "train_set_x": X,
        "train_set_y": Y,
        "list_classes": [b"a", b"b"],
        "test_set_x": X_TEST,
        "test_set_y": Y_TEST,
    }
    for file in (hdf5(tmp_path / "a.h5", **splits), hdf5(tmp_path / "b.hdf5", **words)):
        data = load_data(file)
        assert np.array_equal(data.train_images, X)
        assert np.array_equal(data.train_labels, Y)
        assert np.array_equal(data.test_images, X_TEST)
    assert left(data) == {"arrays in b.hdf5": 1}
    hdf5(tmp_path / "d" / "pets_train_x.h5", x=X)
    hdf5(tmp_path / "d" / "pets_train_y.h5", y=Y[:, None, None, None])
    hdf5(tmp_path / "d" / "pets_test_x.h5", x=X_TEST)
    hdf5(tmp_path / "d" / "pets_test_y.h5", y=Y_TEST[:, None, None, None])
    data = load_data(tmp_path / "d")
    assert np.array_equal(data.train_labels, Y)
    assert (len(data.test_images), used(data)) == (10, 4)
    named = hdf5(tmp_path / "s.h5", x=X, y=[str(name) for name in NAMES[Y]])
    assert load_data(named).class_names == ("cat", "dog")


def test_hdf5_that_is_none_or_leads_out(load_data: Load, tmp_path: Path) -> None:
    import h5py

    with pytest.raises(DataError, match=r"d\.h5 cannot be read"):
        load_data(write(tmp_path / "d.h5", b"1234"))
    secret = hdf5(tmp_path / "secret.h5", x=X)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(secret), "x")
        file["y"] = Y
    with pytest.raises(DataError, match="has the arrays y"):
        load_data(tmp_path / "d.h5")


def test_matlab_files_with_images_along_the_last_axis(load_data: Load, tmp_path: Path) -> None:
    from scipy.io import savemat

    root = tmp_path / "d"
    root.mkdir()
    colour = noise(40, (9, 9, 3))
    savemat(root / "train_9x9.mat", {"X": np.moveaxis(colour, 0, -1), "y": Y[:, None] + 1})
    # As many images as rows of pixels: only the training file says which axis is which.
    savemat(root / "test_9x9.mat", {"X": np.moveaxis(colour[:9], 0, -1), "y": Y[:9, None] + 1})
    data = load_data(root)
    assert np.array_equal(data.train_images, colour)
    assert np.array_equal(data.test_images, colour[:9])
    assert (data.class_names, used(data)) == (("1", "2"), 2)
    assert "images were stored along the last axis" in data.audit["notes"]
    nested = {"dataset": {"train": {"images": X.reshape(40, 64), "labels": Y[:, None]}, "mapping": np.eye(2)}}
    savemat(tmp_path / "emnist.mat", nested)
    data = load_data(tmp_path / "emnist.mat")
    assert len(data.train_images) == 32
    assert left(data) == {"arrays in emnist.mat": 1}
    with pytest.raises(DataError, match=r"bad\.mat cannot be read"):
        load_data(write(tmp_path / "bad.mat", b"1234" * 50))


def test_matlab_files_of_version_7_3(load_data: Load, tmp_path: Path) -> None:
    colour = noise(40, (9, 9, 3))
    stored = np.moveaxis(colour, 0, -1).T  # as MATLAB writes it
    hdf5(tmp_path / "d.mat", X=stored, y=Y[None])
    data = load_data(tmp_path / "d.mat")
    assert {*map(bytes, data.train_images)} <= {*map(bytes, colour)}
