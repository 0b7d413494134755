"""The network with its real weights, which the test environment has."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from search_spaces.backbones import efficientnet_lite0, torch_file, weights

DOGS = range(151, 269)
"""ImageNet's classes that are breeds of dogs."""


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[Any]]:
    return torch_file.read(weights.find("efficientnet-lite0").path, weights.digest("efficientnet-lite0"))


def images_of(folder: Path, count: int) -> NDArray[np.uint8]:
    files = sorted(folder.glob("*.jpg"))[:count]
    return np.stack([np.asarray(Image.open(file).convert("RGB").resize((224, 224))) for file in files])


@pytest.mark.real_data
def test_its_own_classes_are_right(arrays: dict[str, NDArray[Any]], real_data_dir: Path) -> None:
    import keras

    train = real_data_dir / "cats-dogs" / "train"
    inputs = keras.Input((224, 224, 3))
    maps = weights.feature_maps("efficientnet-lite0", inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(maps))
    matrix, bias = efficientnet_lite0.top(arrays)

    def share_of_dogs(folder: str) -> float:
        features = model.predict_on_batch(images_of(train / folder, 60).astype(np.float32))
        classes = (features @ matrix + bias).argmax(axis=1)
        return float(np.isin(classes, DOGS).mean())

    assert share_of_dogs("dogs") > 0.9
    assert share_of_dogs("cats") < 0.3


def test_only_stock_layers_that_are_not_trained() -> None:
    import keras

    inputs = keras.Input((64, 48, 3))
    model = keras.Model(inputs, weights.feature_maps("efficientnet-lite0", inputs))
    assert model.output_shape == (None, 2, 2, 1280)
    assert not model.trainable_variables
    modules = {type(layer).__module__ for layer in model._flatten_layers()}
    assert all(module.startswith("keras.") for module in modules)
