"""A backbone trained on ImageNet, frozen or trained further, with a new head."""

import os
from pathlib import Path
from typing import Any

from search_spaces.augmentation import augmentation_parameters, augmented
from search_spaces.backbones.weights import BACKBONES as ALL_BACKBONES
from search_spaces.backbones.weights import VARIABLE as WEIGHTS_VARIABLE
from search_spaces.backbones.weights import Backbone, WeightsError, application
from search_spaces.family import Family, Params, Recipe, Task
from search_spaces.layers import class_probabilities, dropout, image_input, resized
from search_spaces.space import Categorical, Float, Parameter, SearchSpace
from search_spaces.training import fine_tune_rate, training_parameters
from search_spaces.training import recipe as common_recipe

RESOLUTIONS = (32, 64, 96, 128, 160, 192, 224)


BACKBONES = {name: backbone for name, backbone in ALL_BACKBONES.items() if backbone.application}
"""Those of `keras.applications`."""


def space(task: Task) -> SearchSpace:
    """Dropout, rate, decay and augmentation; on a GPU also whether the backbone is trained.

    The images are enlarged to at least 96 pixels: smaller ones leave a backbone that halves five
    times with one or two pixels.
    """
    side = max(*task.image_shape[:2], 96)
    resolution = next((size for size in RESOLUTIONS if size >= side), RESOLUTIONS[-1])
    training = training_parameters(task, learning_rate=1e-3)
    parameters: dict[str, Parameter] = {
        "backbone": Categorical(
            tuple(BACKBONES), "mobilenet-v2", searched=False, summary="network of keras.applications"
        ),
        "weights": Categorical(
            ("imagenet", "none"), "imagenet", searched=False, summary="weights to start from"
        ),
        "resolution": Categorical(
            RESOLUTIONS, resolution, searched=False, summary="side to which images are resized, pixels"
        ),
        "fine_tune": Categorical(
            (False, True), default=False, searched=task.gpu, summary="whether the backbone is trained, too"
        ),
        "fine_tune_rate": fine_tune_rate(("fine_tune", (True,)), "the backbone"),
        "dropout": Float(0.0, 0.5, 0.2, step=0.05, maximum=0.95, summary="dropout before the classes"),
        **training,
        **augmentation_parameters(task),
    }
    return SearchSpace("transfer", parameters)


def build(params: Params, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The network, uncompiled: raw uint8 images to class probabilities.

    The backbone's batch norms keep ImageNet's statistics also while it is trained: those of small
    batches would undo what it has learned.

    Raises:
        WeightsError: the weights are not on this machine and cannot be downloaded.
    """
    import keras
    from keras import layers

    backbone = BACKBONES[str(params["backbone"])]
    inputs, x = image_input(image_shape, shrunk=False)
    x = _three_channels(augmented(x, params))
    side = int(params["resolution"])
    if (side, side) != image_shape[:2]:
        x = resized(x, side, side)
    x = layers.Rescaling(255 * backbone.scale, backbone.offset, dtype="float32")(x)
    trained = _backbone(backbone, str(params["weights"]), side)
    trained.trainable = bool(params["fine_tune"])
    for layer in trained.layers:
        if isinstance(layer, layers.BatchNormalization):  # `training=False` is not heard inside `fit`
            layer.trainable = False
    x = layers.GlobalAveragePooling2D()(trained(x, training=False))
    x = dropout(x, float(params["dropout"]))
    return keras.Model(inputs, class_probabilities(x, classes), name="transfer")


def recipe(params: Params) -> Recipe:
    """The common recipe; a rate of its own where the backbone is trained."""
    if not params["fine_tune"]:
        return common_recipe(params)
    return common_recipe({**params, "learning_rate": params["fine_tune_rate"]})


def _three_channels(x: Any) -> Any:
    from keras import layers

    if x.shape[-1] == 3:
        return x
    if x.shape[-1] == 1:
        return layers.Concatenate()([x, x, x])
    return layers.Conv2D(3, 1, dtype="float32", name="to_three_channels")(x)


def _backbone(backbone: Backbone, weights: str, side: int) -> Any:
    shape = (side, side, 3)
    if weights == "none":
        return application(backbone, None, shape)
    own = _own_weights(backbone)
    try:
        return application(backbone, own or "imagenet", shape)
    except Exception as error:  # Keras raises a bare Exception where a download fails
        what = f"from {own}" if own else "by download"
        raise WeightsError(
            f"ImageNet weights of {backbone.application} cannot be loaded {what}: {error}\n"
            f"put {backbone.file} into a folder and name it in {WEIGHTS_VARIABLE},"
            " or start from random weights with --set weights=none"
        ) from error


def _own_weights(backbone: Backbone) -> str | None:
    """The user's own weights file, if the environment names one."""
    named = os.environ.get(WEIGHTS_VARIABLE)
    if not named:
        return None
    path = Path(named).expanduser()
    file = path / backbone.file if path.is_dir() else path
    if not file.is_file():
        raise WeightsError(f"{WEIGHTS_VARIABLE}={named}: no file {str(file)!r}; expected {backbone.file}")
    return str(file)


FAMILY = Family(
    name="transfer",
    summary="backbone with ImageNet weights, frozen or trained further, for 32 pixels and more",
    space=space,
    build=build,
    recipe=recipe,
)
