"""Networks of dense layers only: the two- and three-layer networks of introductory courses."""

from dataclasses import replace
from typing import Any

from search_spaces.augmentation import augmentation_parameters, augmented
from search_spaces.family import Family, Params, Task
from search_spaces.layers import class_probabilities, dropout, image_input, norm_relu
from search_spaces.space import Categorical, Float, Int, Parameter, SearchSpace
from search_spaces.training import recipe, training_parameters


def space(task: Task) -> SearchSpace:
    """One to three hidden layers of one width, rate, decay, dropout and augmentation."""
    parameters: dict[str, Parameter] = {
        "layers": Int(1, 3, 2, maximum=8, summary="hidden layers"),
        "units": Int(64, 1024, 512, log=True, minimum=1, maximum=16384, summary="units of a hidden layer"),
        "batch_norm": Categorical((True, False), default=True, searched=False, summary="batch norm"),
        "dropout": Float(0.0, 0.5, 0.2, step=0.05, maximum=0.95, summary="dropout after a hidden layer"),
        **training_parameters(task, learning_rate=1e-3),
        **augmentation_parameters(task),
    }
    cutout = parameters["cutout"]
    assert isinstance(cutout, Float)
    parameters["cutout"] = replace(cutout, searched=False)
    return SearchSpace("mlp", parameters)


def build(params: Params, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The network, uncompiled: raw uint8 images to class probabilities."""
    import keras
    from keras import layers

    inputs, x = image_input(image_shape)
    x = layers.Flatten()(augmented(x, params))
    batch_norm = bool(params["batch_norm"])
    for _ in range(int(params["layers"])):
        x = layers.Dense(int(params["units"]), use_bias=not batch_norm)(x)
        x = dropout(norm_relu(x, batch_norm=batch_norm), float(params["dropout"]))
    return keras.Model(inputs, class_probabilities(x, classes), name="mlp")


FAMILY = Family(
    name="mlp",
    summary="one to three dense hidden layers",
    space=space,
    build=build,
    recipe=recipe,
)
