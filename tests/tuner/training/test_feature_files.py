"""Features on disk: pieces are whole or not there, none is computed twice, and readers never see a half."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from tuner.training import feature_files
from tuner.training.feature_files import Facts, Store, store

TRAIN, TEST, WIDTH = 5, 3, 4


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prepared data set in a cache, of pieces of two images."""
    monkeypatch.setattr(feature_files, "PIECE", 2)
    directory = tmp_path / "cache" / "datasets" / "mine-0123-v1"
    directory.mkdir(parents=True)
    (directory / "dataset.json").write_text(json.dumps({"fingerprint": "0123", "format": 1}))
    for part, count in (("train", TRAIN), ("test", TEST)):
        np.save(directory / f"{part}_images.npy", np.zeros((count, 8, 8, 3), np.uint8))
    return directory


def features(start: int, stop: int) -> np.ndarray:
    return np.arange(start * WIDTH, stop * WIDTH).reshape(-1, WIDTH).astype(np.float16)


def fill(there: Store) -> None:
    for number in there.missing():
        piece = there.pieces()[number]
        piece.write(features(piece.start, piece.stop))


def test_pieces_cover_all_images_and_the_first_view_comes_first(dataset: Path) -> None:
    there = store(dataset, {"backbone": "x"}, ({}, {"mirror": True}))
    found = [(piece.view, piece.part, piece.start, piece.stop) for piece in there.pieces()]
    assert found == [
        (0, "train", 0, 2),
        (0, "train", 2, 4),
        (0, "train", 4, 5),
        (0, "test", 0, 2),
        (0, "test", 2, 3),
        (1, "train", 0, 2),
        (1, "train", 2, 4),
        (1, "train", 4, 5),
    ]
    assert there.missing() == list(range(8))


def test_what_is_complete_is_joined_and_mapped(dataset: Path) -> None:
    there = store(dataset, {"backbone": "x"}, ({},))
    fill(there)
    train, test = there.load(0, "train"), there.load(0, "test")
    np.testing.assert_array_equal(train, features(0, TRAIN))
    np.testing.assert_array_equal(test, features(0, TEST))
    assert isinstance(train, np.memmap)
    assert sorted(path.name for path in there.directories[0].iterdir()) == ["test.npy", "train.npy"]
    assert there.missing() == []
    np.testing.assert_array_equal(there.load(0, "train"), train)


def test_a_process_that_is_killed_loses_its_own_piece_only(dataset: Path) -> None:
    there = store(dataset, {"backbone": "x"}, ({},))
    first = there.pieces()[0]
    first.write(features(0, 2))
    half = first.directory / ".train-00000002.npy.77.tmp"
    half.write_bytes(b"\x93NUMPY half a file")
    assert there.missing() == [1, 2, 3, 4]
    fill(there)
    np.testing.assert_array_equal(there.load(0, "train"), features(0, TRAIN))
    there.clear_away()
    assert half.exists()  # its process may still be at work
    os.utime(half, (0, time.time() - 2 * feature_files.STALE_SECONDS))
    there.clear_away()
    assert not half.exists()


def test_parts_that_are_not_there_are_no_features(dataset: Path) -> None:
    there = store(dataset, {"backbone": "x"}, ({},))
    there.pieces()[0].write(features(0, 2))
    with pytest.raises(FileNotFoundError):
        there.load(0, "train")


def test_whatever_decides_features_decides_where_they_are(dataset: Path) -> None:
    usual = store(dataset, {"backbone": "x"}, ({},)).directories
    assert store(dataset, {"backbone": "x"}, ({}, {"mirror": True})).directories[0] == usual[0]
    assert store(dataset, {"backbone": "y"}, ({},)).directories != usual
    (dataset / "dataset.json").write_text(json.dumps({"fingerprint": "4567", "format": 1}))
    assert store(dataset, {"backbone": "x"}, ({},)).directories != usual


def test_facts(dataset: Path) -> None:
    there = store(dataset, {"backbone": "x"}, ({},))
    assert there.facts() is None
    there.tell(Facts(1280, 3_000_000, 0.01))
    assert there.facts() == Facts(1280, 3_000_000, 0.01)
