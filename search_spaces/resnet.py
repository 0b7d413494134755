"""A small residual network (He et al., 2015, arXiv 1512.03385, the layout for small images)."""

from dataclasses import replace
from typing import Any

from search_spaces.augmentation import augmentation_parameters, augmented
from search_spaces.family import Family, Params, Task
from search_spaces.layers import (
    FILTER_STEP,
    class_probabilities,
    convolution,
    dropout,
    halvings,
    image_input,
    norm,
    norm_relu,
    seen_shape,
)
from search_spaces.space import Float, Int, Parameter, SearchSpace
from search_spaces.training import recipe, training_parameters


def space(task: Task) -> SearchSpace:
    """Width, blocks a stage, stages, dropout, rate, decay and augmentation.

    Each stage after the first halves the image; from 64 pixels on, the stem halves it as well.
    """
    stages = min(max(halvings(seen_shape(task.image_shape)), 2), 3)
    parameters: dict[str, Parameter] = {
        "filters": Int(
            8,
            128 if task.gpu else 32,
            16,
            log=True,
            step=FILTER_STEP,
            minimum=1,
            maximum=512,
            summary="filters of stage 1",
        ),
        "stages": Int(2, 4, stages, searched=False, maximum=6, summary="stages, each half the size"),
        "blocks": Int(1, 3, 1, maximum=16, summary="residual blocks in a stage"),
        "dropout": Float(0.0, 0.5, 0.1, step=0.05, maximum=0.95, summary="dropout before the classes"),
        **training_parameters(task),
        **augmentation_parameters(task),
    }
    cutout = parameters["cutout"]
    assert isinstance(cutout, Float)
    parameters["cutout"] = replace(cutout, searched=False)
    return SearchSpace("resnet", parameters)


def build(params: Params, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The network, uncompiled: raw uint8 images to class probabilities."""
    import keras
    from keras import layers

    inputs, x = image_input(image_shape)
    x = augmented(x, params)
    filters = int(params["filters"])
    x = norm_relu(convolution(x, filters, strides=2 if min(image_shape[:2]) >= 64 else 1))
    for stage in range(int(params["stages"])):
        for block in range(int(params["blocks"])):
            x = _residual(x, filters * 2**stage, strides=2 if stage and not block else 1)
    x = dropout(layers.GlobalAveragePooling2D()(x), float(params["dropout"]))
    return keras.Model(inputs, class_probabilities(x, classes), name="resnet")


def _residual(x: Any, filters: int, strides: int) -> Any:
    from keras import layers

    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = convolution(x, filters, 1, strides=strides)
        shortcut = norm(shortcut)
    x = norm_relu(convolution(x, filters, strides=strides))
    x = norm(convolution(x, filters))
    return layers.ReLU()(layers.Add()([x, shortcut]))


FAMILY = Family(
    name="resnet",
    summary="small residual network of two to four stages",
    space=space,
    build=build,
    recipe=recipe,
)
