import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.builders import csv_text, cycle, noise, pixel_header, write
from tests.tuner.datasets.conftest import Load
from tuner.datasets import cache, load
from tuner.datasets.base import DataOptions, Dataset
from tuner.datasets.formats.files import Entry
from tuner.errors import DataError


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return write(tmp_path / "my.csv", csv_text(noise(40), cycle(40, 2), header=pixel_header(64)))


def age(path: Path) -> None:
    """As if the file had been written an hour ago, as far as the system lets one say so."""
    os.utime(path, (time.time() - 3600, time.time() - 3600))


def test_a_second_load_maps_what_the_first_prepared(load_data: Load, csv_file: Path) -> None:
    first, second = load_data(csv_file), load_data(csv_file)
    assert first.directory == second.directory
    assert first.fingerprint == second.fingerprint
    assert isinstance(second.train_images, np.memmap)
    assert not second.train_images.flags.writeable
    assert (first.train_images == second.train_images).all()
    assert Dataset.open(first.directory) == first


def test_content_decides_and_time_and_place_do_not(load_data: Load, csv_file: Path, tmp_path: Path) -> None:
    first = load_data(csv_file)
    age(csv_file)
    assert load_data(csv_file).directory == first.directory
    moved = write(tmp_path / "elsewhere" / "my.csv", csv_file.read_bytes())
    assert load_data(moved).directory == first.directory
    csv_file.write_text(csv_text(noise(40, seed=1), cycle(40, 2), header=pixel_header(64)))
    changed = load_data(csv_file)
    assert changed.directory != first.directory
    assert changed.fingerprint != first.fingerprint


def test_options_decide_too(load_data: Load, csv_file: Path) -> None:
    assert load_data(csv_file).directory != load_data(csv_file, image_shape=(4, 16, 1)).directory


def test_digests_are_remembered_of_files_that_have_settled(
    tmp_path: Path, csv_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(csv_file, csv_file.name)]
    first = cache.fingerprint(entries, {}, tmp_path / "cache")
    assert not (tmp_path / "cache" / "fingerprints").exists()  # it may still be being written to
    monkeypatch.setattr(cache, "_SETTLED", -1.0)
    assert cache.fingerprint(entries, {}, tmp_path / "cache") == first
    monkeypatch.setattr(cache, "_content", None)  # would fail if it were read again
    assert cache.fingerprint(entries, {}, tmp_path / "cache") == first


def test_a_second_start_is_quick(load_data: Load, csv_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_data(csv_file)
    start = time.process_time()
    load_data(csv_file)
    assert time.process_time() - start < 0.2


@pytest.mark.parametrize("damage", ["facts", "array", "missing"])
def test_a_half_written_cache_is_made_again(load_data: Load, csv_file: Path, damage: str) -> None:
    first = load_data(csv_file)
    expected = np.array(first.train_images)
    if damage == "facts":
        (first.directory / "dataset.json").write_text("{")
    elif damage == "array":
        os.truncate(first.directory / "train_images.npy", 200)
    else:
        (first.directory / "test_labels.npy").unlink()
    assert not cache.is_complete(first.directory)
    assert (load_data(csv_file).train_images == expected).all()
    assert cache.is_complete(first.directory)


def test_what_a_killed_process_left_is_cleared_away(load_data: Load, csv_file: Path) -> None:
    first = load_data(csv_file)
    left = first.directory.with_name(f".{first.directory.name}.999.tmp")
    first.directory.rename(left)
    load_data(csv_file)
    assert not left.exists()
    assert cache.is_complete(first.directory)


def test_three_processes_at_once(csv_file: Path, options: DataOptions) -> None:
    code = (
        "import sys, pathlib, tuner.datasets as d; from tuner.datasets.base import DataOptions\n"
        "path, data, cache = map(pathlib.Path, sys.argv[1:])\n"
        "print(d.load(str(path), DataOptions(data, cache)).directory)"
    )
    command = [sys.executable, "-c", code, *map(str, (csv_file, options.data_dir, options.cache_dir))]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate(timeout=60)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    (directory,) = map(Path, found)
    assert cache.is_complete(directory)
    assert [path.name for path in directory.parent.iterdir() if path.suffix == ".tmp"] == []


def test_no_array_but_that_of_labels_holds_test_labels(load_data: Load, csv_file: Path) -> None:
    directory = load_data(csv_file).directory
    assert sorted(path.name for path in directory.iterdir()) == [
        *("audit.json", "dataset.json", "test_groups.npy", "test_images.npy", "test_labels.npy"),
        *("test_names.json", "train_groups.npy", "train_images.npy", "train_labels.npy", "train_names.json"),
    ]
    assert set(json.loads((directory / "dataset.json").read_text())["files"]) == {
        path.name for path in directory.iterdir()
    } - {"dataset.json"}


def test_a_cache_that_cannot_be_written_says_so(csv_file: Path, tmp_path: Path) -> None:
    blocked = write(tmp_path / "file", b"")
    with pytest.raises(DataError, match=r"cannot write to the cache[\s\S]*TUNE_CACHE_DIR"):
        load(str(csv_file), DataOptions(tmp_path, blocked))
