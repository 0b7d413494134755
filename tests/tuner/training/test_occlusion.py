"""Where a model looks, by covering one place after another."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.training import EDGE, make, train
from tuner.training.occlusion import drops


def test_a_trained_model_looks_at_what_tells_the_classes_apart(tmp_path: Path) -> None:
    """Squares of three pixels say the class: their rows by it, their columns always 4 to 7."""
    make(tmp_path)
    retrained = {"purpose": "retrain", "split": None, "epochs": 6, "save": True, "key": "model"}
    asked = {
        "purpose": "occlusion",
        "epochs": 0,
        "split": None,
        "members": ["model"],
        "images": list(range(6)),
    }
    _, found = train(tmp_path, retrained, {**asked, "key": "looked"})
    assert found["state"] == "complete", found["message"]
    with np.load(tmp_path / found["output"]) as saved:
        looked = saved["drops"]
    assert looked.shape == (6, 7, 7)
    for label, each in enumerate(looked):
        row, column = (np.argwhere(each == each.max())[0] + 1) * EDGE / 8
        assert 1 + 3 * (label % 3) - 1 <= row <= 4 + 3 * (label % 3) + 1
        assert 3 <= column <= 9
        assert each.max() > 0.1


@pytest.mark.parametrize("shape", [(8, 8, 1), (30, 17, 3), (3, 5, 1), (1, 1, 1)])
def test_every_pixel_is_covered_and_counts_as_much_as_the_model_says(shape: tuple[int, int, int]) -> None:
    """A model whose first class is the share of white pixels: covering a part takes that part of it."""
    image, cover = np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)
    seen = np.zeros(shape[:2])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen[:] += (images[..., 0] == 0).sum(axis=0)
        share = images.mean(axis=(1, 2, 3)) / 255
        return np.stack([share, 1 - share], axis=1).astype(np.float32)

    found = drops(predict, image, cover)
    assert seen.min() >= 1
    assert found.shape == tuple(max(1, min(8, side) - 1) for side in shape[:2])
    assert found.sum() == pytest.approx(seen.sum() / seen.size, abs=1e-4)
    if shape == (8, 8, 1):
        assert found == pytest.approx(np.full((7, 7), 4 / 64), abs=1e-5)
