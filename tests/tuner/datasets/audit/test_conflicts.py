import numpy as np

from tuner.datasets.audit.conflicts import among_test_images


def test_near_copies_with_different_labels_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 12, 12, 1)).astype(np.uint8)
    images[3] = np.clip(images[1].astype(int) + rng.integers(-2, 3, (12, 12, 1)), 0, 255)
    images[5] = images[4]
    groups = np.array([0, 1, 0, 1, 2, 2, 3, 3], np.int32)  # 0 and 3: named by the user, no copies
    labels = np.array([0, 0, 1, 1, 1, 1, 0, 1], np.int32)
    assert among_test_images(images, groups, labels, 0.99) == [[1, 3]]
