"""A saved model has no random layer, and predicts the same however it is called."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Task
from tuner.registry import resolve
from tuner.training import models, plain
from tuner.training.ensemble import averaged

SHAPE = (32, 32, 3)
STRONGEST = ("augmentation=1.6", "cutout=0.3", "flip=true")


def trained(family: Family, seed: int = 0) -> tuple[Any, dict[str, Any]]:
    """A model with every random layer that the family has, and its parameters."""
    import keras

    keras.utils.set_random_seed(seed)
    space = family.space(Task(SHAPE, 3, 500))
    own = ["weights=none", "resolution=64"] if family.name == "transfer" else []
    wanted = [text for text in (*STRONGEST, *own) if text.partition("=")[0] in space.parameters]
    params = space.with_settings(wanted).default()
    return family.build(params, SHAPE, 3), params


def spread(model: Any, images: Any, ways: list[Any]) -> float:
    """The largest difference from `predict` in any other way of calling the model."""
    expected = model.predict(images, verbose=0)
    return max(float(np.abs(np.asarray(way(images)) - expected).max()) for way in ways)


def ways_of(model: Any) -> list[Any]:
    return [model, lambda x: model(x, training=False), model.predict_on_batch]


def exported(model: Any, folder: Path) -> Any:
    import keras

    model.export(folder / "exported", verbose=False)
    return keras.layers.TFSMLayer(str(folder / "exported"), call_endpoint="serve")


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCH_SPACES)
def test_every_family_predicts_the_same_however_it_is_called(name: str, tmp_path: Path) -> None:
    import keras

    family = resolve(SEARCH_SPACES[name])
    model, params = trained(family)
    images = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)
    expected = model.predict(images, verbose=0)
    models.save(models.to_save(model, family, params, SHAPE, 3), tmp_path / "model.keras")
    saved = keras.saving.load_model(tmp_path / "model.keras")
    assert not [layer.name for layer in saved.layers if plain.is_random(layer)]
    # Features are rounded to float16, where a last bit of float32 may decide: then a digit less is the same.
    same = 1e-5 if family.features is None else 1e-4
    assert np.abs(saved.predict(images, verbose=0) - expected).max() < same
    assert spread(saved, images, ways_of(saved)) < same
    if family.features is not None:  # whose views were made before; `test_photograph_exports` exports one
        return
    assert spread(saved, images, [exported(saved, tmp_path)]) < same
    # As it was trained it does not: a call makes the layers after the random ones train, too.
    assert [layer.name for layer in model.layers if plain.is_random(layer)]
    if name != "transfer":  # whose backbone says the same of every image while its weights are random
        assert spread(model, images, [model]) > 1e-4


def test_an_ensemble_of_models_that_an_earlier_version_saved(tmp_path: Path) -> None:
    family = resolve(SEARCH_SPACES["cnn"])
    old = [trained(family, seed)[0] for seed in range(2)]
    images = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)
    expected = np.mean([model.predict(images, verbose=0) for model in old], axis=0)
    whole = averaged([plain.as_saved(model) for model in old])
    assert np.abs(whole.predict(images, verbose=0) - expected).max() < 1e-5
    assert spread(whole, images, [*ways_of(whole), exported(whole, tmp_path)]) < 1e-5


def test_models_of_a_users_own_family_lose_their_random_layers_too() -> None:
    """In a sequential model, in a nested one; a random crop stays, as it makes the size."""
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input(SHAPE), layers.RandomFlip(), layers.RandomCrop(24, 24)])
    outer = keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / 255), layers.RandomZoom(0.5), inner])
    inputs = keras.Input(SHAPE, dtype="uint8")
    x = layers.GlobalAveragePooling2D()(layers.RandomRotation(0.5)(outer(inputs)))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    images = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)
    expected = model.predict(images, verbose=0)
    saved = plain.as_saved(model)
    assert np.abs(saved.predict(images, verbose=0) - expected).max() < 1e-6
    assert spread(saved, images, [saved, lambda x: saved(x, training=False)]) < 1e-6
    assert plain.as_saved(saved).count_params() == model.count_params()


def test_a_layer_that_resizes_does_not_make_those_after_it_train() -> None:
    """Keras' `Resizing` is one of its layers for images, all of which train unless they are told not to."""
    import keras
    from keras import layers

    pictures, numbers = keras.Input(SHAPE, dtype="uint8"), keras.Input((16 * 16 * 3,))
    small = layers.Resizing(16, 16)(layers.Rescaling(1 / 255)(pictures))
    features = keras.Model(pictures, layers.Flatten()(small))
    said = layers.Dense(3, activation="softmax")(layers.Dropout(0.5)(numbers))
    inputs = keras.Input(SHAPE, dtype="uint8")
    model = keras.Model(inputs, keras.Model(numbers, said)(features(inputs)))
    images = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)
    expected = model.predict(images, verbose=0)
    assert spread(model, images, [model]) > 1e-4
    saved = plain.as_saved(model)
    assert np.abs(saved.predict(images, verbose=0) - expected).max() < 1e-6
    assert spread(saved, images, [saved, lambda x: saved(x, training=False)]) < 1e-6
