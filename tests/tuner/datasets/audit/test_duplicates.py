import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.builders import cycle, noise
from tests.helpers.pictures import few_scenes, panning, photographs, silhouettes
from tuner.datasets.audit import duplicates, pairs
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
    found = find_duplicates([images], cycle(100, 2).astype(np.int32))
    assert "only exact copies count" in found.rule
    assert found.dissolved == 1
    assert len(np.unique(found.groups)) == 99
    assert found.groups[0] == found.groups[1]


def test_few_scenes_are_kept_whole_where_their_labels_are_their_own() -> None:
    images, scene = few_scenes(8, 60)
    found = find_duplicates([images], (scene % 2).astype(np.int32))
    assert found.groups.tolist() == scene.tolist()
    assert (found.scenes, found.dissolved) == (8, 0)
    assert "only 8 scenes" in found.rule
    by_chance = np.random.default_rng(0).integers(0, 2, len(scene)).astype(np.int32)
    mixed = find_duplicates([images], by_chance)
    assert mixed.scenes == 0
    assert mixed.dissolved > 0.8


@pytest.mark.parametrize(("scenes", "step"), [(6, 1), (6, 3), (16, 3)])
def test_frames_of_a_moving_camera_are_one_scene(scenes: int, step: int) -> None:
    """Of 64 pixels some move from frame to frame; every fourth frame is in the test split."""
    images, scene = panning(scenes, 25, step)
    test = np.arange(len(images)) % 4 == 3
    labels = np.where(test, -1, scene % 2)
    order = np.concatenate([np.flatnonzero(~test), np.flatnonzero(test)])
    found = find_duplicates([images[~test], images[test]], labels[order].astype(np.int32))
    assert found.dissolved == 0
    assert (found.scenes >= 5) == (scenes == 6)
    assert len(np.unique(found.groups)) <= 1.2 * scenes
    assert np.isin(found.groups[(~test).sum() :], found.groups[: (~test).sum()]).mean() > 0.95
    assert all(len(np.unique(scene[order][found.groups == group])) == 1 for group in np.unique(found.groups))
    assert "frames of one scene" in found.rule


def test_silhouettes_that_are_sorted_by_class_are_no_frames() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.argsort(digits.target, kind="stable")
    images = (digits.images * 255 / 16).astype(np.uint8)[order, ..., None]
    found = find_duplicates([images], digits.target[order].astype(np.int32))
    assert len(np.unique(found.groups)) == 1796
    assert "frames" not in found.rule


def test_labels_of_the_test_split_decide_nothing() -> None:
    images, scene = few_scenes(8, 60)
    labels = np.where(np.arange(len(scene)) % 2, scene % 2, -1).astype(np.int32)
    assert find_duplicates([images], labels).scenes == 8


def test_exact_copies_do_not_make_copies_the_rule() -> None:
    """An oversampled class among digits: nothing but the copies is joined."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * 255 / 16).astype(np.uint8)[..., None]
    again = np.random.default_rng(0).choice(len(images), len(images) // 4, replace=False)
    alone = find_duplicates([images])
    found = find_duplicates([np.concatenate([images, images[again]])])
    assert found.threshold == 0.99
    assert len(np.unique(found.groups)) == len(np.unique(alone.groups))
    assert (found.groups[again] == found.groups[len(images) :]).all()


def changed(images: np.ndarray, how: str) -> np.ndarray:
    """Copies as a camera, an editor or an augmented data set makes them."""
    if how == "mirrored":
        return images[:, :, ::-1]
    if how == "shifted":  # as far as two pixels of 100
        return np.roll(images, 1, 2)
    what, amount = how.split()
    size = images.shape[1]
    made = []
    for image in images[..., 0]:
        picture = Image.fromarray(image)
        if what == "turned":
            made.append(picture.rotate(float(amount), Image.Resampling.BICUBIC))
        else:
            cut = size * (1 - float(amount))
            made.append(picture.resize((size, size), box=(size - cut, 0, size, cut)))
    return np.stack([np.asarray(picture) for picture in made])[..., None]


HIDDEN = ["mirrored", "shifted", "cropped 0.02", "cropped 0.1", "turned 3", "turned -6"]


@pytest.mark.parametrize("how", HIDDEN)
def test_detail_confirms_copies_that_pixels_hide(how: str) -> None:
    images = photographs(400, side=64)
    again = np.arange(40)
    found = find_duplicates([images, changed(images[again], how)])
    assert (found.groups[again] == found.groups[400:]).mean() > 0.9
    assert len(np.unique(found.groups)) >= 400  # and nothing else is joined
    assert "fine detail" in found.rule


def test_many_copies_of_one_photograph_are_one_group() -> None:
    """More of them than the neighbours that are looked at, and some of the same pixels."""
    images = photographs(600, side=64)
    first = images[:5]
    ways = [*HIDDEN, "cropped 0.04", "cropped 0.07", "turned -2", "turned 1"]
    noisy = [np.array([near_copy(image, seed, 2) for image in first]) for seed in range(4)]
    groups = find_duplicates([images, *(changed(first, how) for how in ways), *noisy]).groups
    assert (groups[600:].reshape(-1, 5) == groups[:5]).mean() > 0.95
    assert len(np.unique(groups)) >= 600


def test_detail_is_used_where_every_photograph_has_copies() -> None:
    """As data sets have that were augmented before they were split."""
    images = photographs(150, side=64)
    found = find_duplicates([images, changed(images, "cropped 0.05"), changed(images, "turned 3")])
    assert (found.groups.reshape(3, 150) == found.groups[:150]).mean() > 0.95
    assert len(np.unique(found.groups)) >= 150


@pytest.mark.parametrize("made", ["silhouettes", "digits"])
def test_outlines_are_no_detail(made: str) -> None:
    """Detail of silhouettes is their outline: what they have in common confirms nothing."""
    from sklearn.datasets import load_digits

    digits = (load_digits().images * 255 / 16).astype(np.uint8)[..., None]
    images = silhouettes(1000) if made == "silhouettes" else digits
    vectors = unit_vectors(images)
    close = vectors @ vectors.T
    fine = unit_vectors(images, detail=True)
    both = np.triu((close > 0.9) & (fine @ fine.T > 0.6), 1)
    assert both.sum() > 1000  # the rule for photographs would join these
    found = find_duplicates([images])
    assert "fine detail" not in found.rule
    assert len(np.unique(found.groups)) > 0.95 * len(images)


def test_silhouettes_among_photographs_stay_apart() -> None:
    """As in a shop's catalogue: detail proves nothing of a part of the images, so it is not used."""
    images = np.concatenate([photographs(800, side=28), silhouettes(200)])
    assert len(np.unique(find_duplicates([images]).groups)) > 990


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
    monkeypatch.setattr(pairs, "_TILE", 128)
    monkeypatch.setattr(pairs, "_SAMPLE", 100)
    monkeypatch.setattr(pairs, "_BOUND_FROM", 0)
    monkeypatch.setattr(duplicates, "STRICT", threshold)
    monkeypatch.setattr(duplicates, "COMMON", 2.0)  # keeps the strict threshold
    monkeypatch.setattr(duplicates, "LOOSE", min(threshold, 0.95))
    monkeypatch.setattr(duplicates, "is_telling", lambda *_: False)
    vectors = unit_vectors(pixels)
    monkeypatch.setattr(pairs, "_FEW", 10**9)
    assert pairs._bounding(vectors, threshold) is not None
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
