from typing import Any

import numpy as np
import pytest

from search_spaces import cnn
from search_spaces.augmentation import augmented
from search_spaces.family import Task
from search_spaces.layers import image_input

OFF = {"rotation": 0.0, "shift": 0.0, "zoom": 0.0, "contrast": 0.0, "brightness": 0.0, "augmentation": 1.0}
WARPED = dict.fromkeys(("rotation", "shift", "zoom"), "warp")
LAYERS = ("rotation", "shift", "zoom", "contrast", "brightness")


def blocks(shape: tuple[int, int, int]) -> Any:
    """Six times the same image of coarse random blocks."""
    coarse = np.random.default_rng(0).integers(0, 256, (shape[0] // 4, shape[1] // 4, shape[2]))
    image = np.kron(coarse, np.ones((4, 4, 1), int)).astype(np.uint8)
    return np.repeat(image[None], 6, axis=0)


def only_augmentation(shape: tuple[int, int, int], params: dict[str, Any]) -> Any:
    import keras

    space = cnn.FAMILY.space(Task(shape, 5, 5000))
    inputs, x = image_input(shape)
    return keras.Model(inputs, augmented(x, {**space.default(), **params}))


def names(model: Any) -> list[str]:
    return [layer.name for layer in model.layers if layer.name.startswith("augment")]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    import keras

    keras.utils.set_random_seed(1)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 3), (100, 100, 1)])
def test_varies_in_training_and_is_idle_otherwise(shape: tuple[int, int, int]) -> None:
    model = only_augmentation(shape, {"augmentation": 1.6, "cutout": 0.3, "flip": True})
    images = blocks(shape)
    first, second = (np.asarray(model(images, training=True)) for _ in range(2))
    assert first.shape == images.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert (np.abs(first - second).mean(axis=(1, 2, 3)) > 0.01).all()
    assert np.abs(first - first[:1]).mean(axis=(1, 2, 3))[1:].min() > 0.01  # not one change a batch
    np.testing.assert_allclose(model.predict_on_batch(images), images / np.float32(255), atol=1e-6)


@pytest.mark.parametrize("dial", LAYERS)
def test_each_dial_alone_changes_the_images(dial: str) -> None:
    strength = cnn.FAMILY.space(Task((28, 28, 1), 5, 5000)).default()[dial]
    model = only_augmentation((28, 28, 1), {**OFF, dial: strength})
    assert names(model) == [f"augment_{WARPED.get(dial, dial)}"]
    images = blocks((28, 28, 1))
    changed = np.abs(np.asarray(model(images, training=True)) - images / 255).mean(axis=(1, 2, 3))
    assert changed.mean() > 1e-3


@pytest.mark.parametrize("dial", WARPED)
def test_the_warp_does_as_the_stock_layer_of_each_dial(dial: str) -> None:
    from keras import layers

    stock = {
        "rotation": layers.RandomRotation(30 / 360, fill_mode="nearest"),
        "shift": layers.RandomTranslation(0.2, 0.2, fill_mode="nearest"),
        "zoom": layers.RandomZoom(0.3, fill_mode="nearest"),
    }
    images = np.repeat(blocks((28, 28, 1)), 60, axis=0)
    ours = only_augmentation((28, 28, 1), {**OFF, dial: {"rotation": 30.0, "shift": 0.2, "zoom": 0.3}[dial]})
    plain = images / np.float32(255)
    both = np.asarray(ours(images, training=True)), np.asarray(stock[dial](plain, training=True))
    moved, expected = (np.abs(changed - plain).mean(axis=(1, 2, 3)) for changed in both)
    assert moved.mean() == pytest.approx(expected.mean(), rel=0.1)
    assert moved.std() == pytest.approx(expected.std(), rel=0.2)


@pytest.mark.parametrize("params", [{"augmentation": 0.0}, OFF])
def test_strength_0_leaves_every_layer_out(params: dict[str, float]) -> None:
    assert names(only_augmentation((28, 28, 1), {**params, "flip": False})) == []


def test_cutout_erases_one_square_of_its_side() -> None:
    model = only_augmentation((40, 40, 1), {"augmentation": 0.0, "cutout": 0.25})
    images = np.full((20, 40, 40, 1), 255, np.uint8)
    erased = np.asarray(model(images, training=True))[..., 0] == 0.5
    assert np.isin(erased.any(axis=2).sum(axis=1), [10, 11]).all()
    assert np.isin(erased.any(axis=1).sum(axis=1), [10, 11]).all()
    assert len({mask.tobytes() for mask in erased}) > 10


def test_the_strongest_setting_is_legal() -> None:
    widest = cnn.FAMILY.space(Task((28, 28, 1), 5, 5000)).with_settings(
        ["augmentation=3", "rotation=90", "shift=0.5", "zoom=0.5", "contrast=2", "brightness=1"]
    )
    model = only_augmentation((28, 28, 1), widest.default())
    assert np.isfinite(np.asarray(model(blocks((28, 28, 1)), training=True))).all()


def test_varies_inside_train_on_batch() -> None:
    """With a rate of 0 the loss differs from step to step only by the augmentation."""
    import keras

    def losses(augmentation: float) -> set[float]:
        shape = (12, 12, 1)
        space = cnn.FAMILY.space(Task(shape, 3, 5000))
        params = space.complete(
            {"augmentation": augmentation, "dropout": 0.0, "batch_norm": False, "filters": 4, "depth": 2}
        )
        model = cnn.build(params, shape, 3)
        model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
        return {float(model.train_on_batch(blocks(shape), np.arange(6) % 3)) for _ in range(3)}

    assert len(losses(1.0)) == 3
    assert len(losses(0.0)) == 1


def test_the_global_seed_decides() -> None:
    import keras

    def draw(seed: int) -> Any:
        keras.utils.set_random_seed(seed)
        model = only_augmentation((12, 12, 1), {})
        return np.asarray(model(blocks((12, 12, 1)), training=True))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert np.abs(draw(1) - draw(2)).max() > 0.01
