import time
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.builders import noise
from tuner.datasets.audit import duplicates
from tuner.datasets.audit.duplicates import find_duplicates, join_known, numbered
from tuner.datasets.audit.vectors import exact_copies, unit_vectors


def near_copy(image: np.ndarray, seed: int, amount: float = 6.0) -> np.ndarray:
    shifted = image + np.random.default_rng(seed).normal(0, amount, image.shape)
    return np.clip(shifted, 0, 255).astype(np.uint8)


def components(close: np.ndarray) -> np.ndarray:
    """Connected components by the book, for comparison."""
    group = np.full(len(close), -1)
    for start in range(len(close)):
        todo = [start] if group[start] < 0 else []
        while todo:
            i = todo.pop()
            if group[i] < 0:
                group[i] = start
                todo += np.flatnonzero(close[i]).tolist()
    return numbered(group)


def test_vectors_multiply_to_correlations() -> None:
    images = noise(6, (9, 7, 3))
    expected = np.corrcoef(images.reshape(6, -1).astype(float))
    vectors = unit_vectors(images)
    assert vectors @ vectors.T == pytest.approx(expected, abs=1e-5)


def test_large_images_are_averaged_over_blocks() -> None:
    small = noise(4, (20, 20, 1))
    large = small.repeat(5, 1).repeat(5, 2)
    assert unit_vectors(large, 20) == pytest.approx(unit_vectors(small, 20), abs=1e-5)
    assert unit_vectors(noise(2, (101, 70, 3))).shape == (2, 25 * 23 * 3)


def test_copies_across_splits_share_a_group() -> None:
    train, test = noise(40), noise(20, seed=1)
    train[7] = near_copy(train[3], 0)
    test[5] = near_copy(train[3], 1)
    test[6] = train[9]
    found = find_duplicates([train, test])
    groups = found.groups
    assert found.threshold == 0.99
    assert groups[3] == groups[7] == groups[45]
    assert groups[9] == groups[46]
    assert len(np.unique(groups)) == 60 - 3
    assert np.flatnonzero(found.exact).tolist() == [9, 46]
    assert groups[:5].tolist() == [0, 1, 2, 3, 4]


def test_the_threshold_drops_where_copies_are_the_rule() -> None:
    originals = noise(30)
    copies = np.array([near_copy(image, i) for i, image in enumerate(originals)])
    far = np.array([near_copy(image, i, 20) for i, image in enumerate(originals)])
    found = find_duplicates([np.concatenate([originals, copies, far])])
    assert found.threshold == 0.95
    assert "copies are the rule" in found.rule
    assert (found.groups[:30] == found.groups[60:]).all()
    assert len(np.unique(found.groups)) == 30


def test_a_giant_group_is_no_evidence() -> None:
    square = np.zeros((16, 16, 1), np.uint8)
    square[4:12, 4:12] = 250
    images = np.array([near_copy(square, i, 3) for i in range(100)])
    images[1] = images[0]
    found = find_duplicates([images])
    assert "only exact copies count" in found.rule
    assert len(np.unique(found.groups)) == 99
    assert found.groups[0] == found.groups[1]


def test_constant_images_are_copies_only_of_equal_ones() -> None:
    images = noise(10)
    images[2], images[3], images[4] = 0, 0, 7
    found = find_duplicates([images])
    assert found.groups[2] == found.groups[3] != found.groups[4]
    assert len(np.unique(found.groups)) == 9


@pytest.mark.parametrize("threshold", [0.95, 0.99])
def test_the_bound_rules_out_no_pair(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 24 * 24))
    images = np.repeat(base, 10, 0) + rng.normal(size=(600, 24 * 24)) * rng.uniform(0.05, 0.4, (600, 1))
    pixels = np.clip(images * 40 + 128, 0, 255).astype(np.uint8).reshape(600, 24, 24, 1)
    monkeypatch.setattr(duplicates, "_TILE", 128)
    monkeypatch.setattr(duplicates, "_SAMPLE", 100)
    monkeypatch.setattr(duplicates, "_BOUND_FROM", 0)
    monkeypatch.setattr(duplicates, "STRICT", threshold)
    monkeypatch.setattr(duplicates, "COMMON", 2.0)  # keeps the strict threshold
    monkeypatch.setattr(duplicates, "LOOSE", min(threshold, 0.95))
    vectors = unit_vectors(pixels)
    monkeypatch.setattr(duplicates, "_FEW", 10**9)
    assert duplicates._bounding(vectors, threshold) is not None
    expected = components(vectors @ vectors.T > threshold)
    assert find_duplicates([pixels]).groups.tolist() == expected.tolist()
    assert 60 < len(np.unique(expected)) < 600


def test_known_groups_join_those_of_copies() -> None:
    groups = np.array([0, 0, 1, 2, 3, 4], np.int32)
    known = np.array([-1, 5, 5, -1, 9, -1])
    assert join_known(groups, known).tolist() == [0, 0, 0, 1, 2, 3]


def test_exact_copies() -> None:
    images = noise(4)
    images[3] = images[1]
    assert exact_copies([images[:2], images[2:]]).tolist() == [0, 1, 2, 1]


def test_many_images_are_compared_tile_by_tile() -> None:
    images = noise(10_000, (16, 16, 1))
    images[9_999] = images[17]
    found = find_duplicates([images])
    assert len(np.unique(found.groups)) == 9_999


@pytest.mark.slow
@pytest.mark.real_data
def test_the_whole_of_mnist_in_under_a_minute_and_a_gigabyte(real_data_dir: Path) -> None:
    resource = pytest.importorskip("resource")
    with np.load(real_data_dir / "mnist" / "mnist.npz") as arrays:
        splits = [arrays["x_train"][..., None], arrays["x_test"][..., None]]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = find_duplicates(splits)
    assert time.process_time() - start < 120  # of two cores together
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # KiB
    assert 70_000 - len(np.unique(found.groups)) == 3
