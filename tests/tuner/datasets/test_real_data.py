"""The real data sets, where they are on disk."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.builders import csv_text, write
from tuner.datasets import load
from tuner.datasets.audit.build import describe
from tuner.datasets.base import DataOptions, Dataset

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def real_options(real_data_dir: Path, cache_dir: Path) -> DataOptions:
    return DataOptions(real_data_dir, cache_dir, download=False)


@pytest.fixture(scope="module")
def asl(real_options: DataOptions) -> Dataset:
    start = time.process_time()
    data = load("asl", real_options)
    assert time.process_time() - start < 20  # of all cores together
    return data


def test_sign_language_has_its_groups(asl: Dataset) -> None:
    assert (len(asl.train_images), len(asl.test_images)) == (5306, 1866)
    assert asl.classes == 24
    copies = asl.audit["duplicates"]
    assert copies["threshold"] == 0.95
    assert copies["groups"] == {"train": 245, "test": 88}
    assert copies["leaked_test_images"] == []
    assert asl.audit["label_conflicts"] == []
    assert len(np.intersect1d(asl.train_groups, asl.test_groups)) == 0
    assert "245 in 5,306 training images, 88 in 1,866 test images" in "\n".join(
        describe(asl.audit, asl.class_names)
    )


def test_a_second_start_takes_a_fifth_of_a_second(asl: Dataset, real_options: DataOptions) -> None:
    start = time.process_time()
    again = load("asl", real_options)
    assert len(again.train_images) == 5306
    assert time.process_time() - start < 0.2


def test_by_name_and_by_path_agree(asl: Dataset, real_options: DataOptions) -> None:
    by_path = load(str(real_options.data_dir / "asl"), real_options)
    assert (by_path.train_images == asl.train_images).all()
    assert (by_path.train_labels == asl.train_labels).all()


def test_cats_and_dogs_as_csv_files_agree_with_the_folder(real_options: DataOptions, tmp_path: Path) -> None:
    folder = real_options.data_dir / "cats-dogs"
    some = {
        split: sorted((folder / split).rglob("*.jpg"))[:: 20 if split == "train" else 10]
        for split in ("train", "test")
    }
    for split, suffix in (("train", ""), ("test", "_test")):
        for path in some[split]:
            write(tmp_path / "few" / "cats-dogs" / path.relative_to(folder), path.read_bytes())
        images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in some[split]])
        labels = [int(path.parent.name == "cats") for path in some[split]]
        write(tmp_path / "csv" / "cats-dogs" / f"input{suffix}.csv", csv_text(images, None))
        write(tmp_path / "csv" / "cats-dogs" / f"labels{suffix}.csv", "\n".join(map(str, labels)))
    of_folders = load("cats-dogs", replace(real_options, data_dir=tmp_path / "few"))
    of_files = load("cats-dogs", replace(real_options, data_dir=tmp_path / "csv"))
    assert (of_files.train_images == of_folders.train_images).all()
    assert (of_files.test_images == of_folders.test_images).all()
    assert (of_files.train_labels == of_folders.train_labels).all()
    assert of_files.class_names == of_folders.class_names == ("dog", "cat")
    assert len(of_files.train_images) == 100


def test_rows_are_read_quickly(real_data_dir: Path) -> None:
    """In no more than three times what pandas alone takes for the same file, in one run."""
    import pandas as pd

    from tuner.datasets.formats.files import Entry, Reader
    from tuner.datasets.named.common import read_numbered

    path = real_data_dir / "asl" / "sign_mnist_train.csv.gz"
    ours, plain = [], []
    with Reader() as reader:
        for _ in range(3):
            start = time.process_time()
            images, labels = read_numbered(reader, Entry(path, path.name), (28, 28, 1), 24)
            ours.append(time.process_time() - start)
            start = time.process_time()
            pd.read_csv(path)
            plain.append(time.process_time() - start)
    assert (images.shape, labels.shape) == ((5306, 28, 28, 1), (5306,))
    assert min(ours) < 3 * min(plain)


def test_mnist(real_options: DataOptions) -> None:
    """Only that it is found and read; the search for copies has a test of its own."""
    from tuner.datasets import quiet, source

    found = source("mnist", real_options)
    raw = found.read(found.files(real_options, quiet), real_options, quiet)
    assert raw.train_images.shape == (60_000, 28, 28, 1)
    assert raw.test_images is not None
    assert raw.test_images.shape == (10_000, 28, 28, 1)
    assert np.bincount(raw.train_labels).tolist()[:3] == [5923, 6742, 5958]
