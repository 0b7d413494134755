"""A small head on features that a network with ImageNet weights gives: minutes where a CNN takes hours.

The network is fixed, so its features of an image are computed once and shared by every trial, fold and
seed; only the head is trained. The saved model is the whole: raw images, resized and scaled, the
network, the head.

Fine-tuning goes on from there: the head, once trained, and the last stages of the network are trained
together on images that augmentation changes (`unfrozen`).
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

from search_spaces.augmentation import augmentation_parameters, augmented
from search_spaces.backbones import weights
from search_spaces.family import HEAD, Family, Features, Params, Recipe, Task
from search_spaces.layers import class_probabilities, dropout, image_input, resized
from search_spaces.space import Categorical, Float, Int, Parameter, SearchSpace
from search_spaces.training import fine_tune_rate, training_parameters
from search_spaces.training import recipe as common_recipe

RESOLUTIONS = (96, 128, 160, 192, 224)

LEAST_SIDE = 32
"""Pixels of the shorter side of images below which features are not the default."""

FEW_IMAGES = 1000
"""Below this many training images a mirror image of each helps: by 0.7 points of accuracy with 40 images,
0.2 with 100, 0.1 with 300 (cats and dogs, 224 pixels, 12 draws); with 1,600 by nothing."""

MIRROR = {"mirror": True}

FINE_TUNE_BATCH = 32
"""Images a step of fine-tuning."""


def suits(task: Task) -> bool:
    """Whether images look like what the networks have learnt from: in colour, and not tiny."""
    height, width, channels = task.image_shape
    return channels == 3 and min(height, width) >= LEAST_SIDE


def space(task: Task) -> SearchSpace:
    """Head, dropout, rate, decay and label smoothing; on a GPU also fine-tuning; the features' own are fixed.

    Resolution is what matters most, and is the highest that pays: of cats and dogs, 100 pixels a side, five
    folds of the training images say 0.907 at 96 pixels, 0.940 at 128, 0.958 at 160, 0.965 at 192 and 0.973
    at 224; shrunk to 32 pixels before, 0.839 at 96, 0.865 at 128, and 0.882 at 160 and at 224 alike.
    """
    small = max(task.image_shape[:2]) < 64
    two = task.flips and task.train_images < FEW_IMAGES
    training = training_parameters(task)
    parameters: dict[str, Parameter] = {
        "backbone": Categorical(
            tuple(weights.BACKBONES), _backbone(), searched=False, summary="network with ImageNet weights"
        ),
        "resolution": Categorical(
            RESOLUTIONS, 160 if small else 224, searched=False, summary="side that images get, pixels"
        ),
        "views": Int(
            1, 4, 2 if two else 1, maximum=16, searched=False, summary="versions of each image to train on"
        ),
        "head": Categorical(("linear", "hidden"), "linear", summary="what follows the features"),
        "dense_units": Int(
            64,
            512,
            256,
            log=True,
            minimum=1,
            maximum=8192,
            active_if=("head", ("hidden",)),
            summary="units of the hidden layer",
        ),
        "dropout": Float(0.0, 0.6, 0.2, step=0.05, maximum=0.95, summary="dropout of features"),
        **training,
        "batch_size": replace(training["batch_size"], default=_batch_size(task)),
        "label_smoothing": replace(training["label_smoothing"], searched=True),
        "unfrozen": Int(
            0, 1, 0, maximum=4, searched=task.gpu, summary="last stages of the network that are trained, too"
        ),
        "fine_tune_rate": fine_tune_rate(("unfrozen", (1, 2, 3, 4)), "some of the network"),
        **{
            name: replace(parameter, searched=False)
            for name, parameter in augmentation_parameters(task).items()
        },
    }
    return SearchSpace("pretrained", parameters)


def _batch_size(task: Task) -> int:
    """Some 20 steps an epoch at least, where there are images enough for batches of 8 or more."""
    steps = task.train_images / 20
    return next((size for size in (8, 16, 32) if steps < 2 * size), 64 if task.train_images < 8000 else 128)


def _backbone() -> str:
    """The network whose weights are here, else the one that is easiest to get."""
    try:
        found = weights.installed()
    except weights.WeightsError:  # who asks for features is told
        found = None
    return "efficientnet-lite0" if found is None else found.backbone


def build(params: Params, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The whole network, uncompiled: raw uint8 images to class probabilities.

    Raises:
        WeightsError: the weights are not on this machine.
    """
    import keras

    if params["unfrozen"]:
        inputs, features = _augmented_features(params, image_shape)
    else:
        inputs = keras.Input(image_shape, dtype="uint8", name="images")
        features = extractor(params, image_shape)(inputs)
    part = head(params, int(features.shape[-1]), classes)
    return keras.Model(inputs, part(features), name="pretrained")


def recipe(params: Params) -> Recipe:
    """The common recipe; a rate of its own where some of the network is trained, too."""
    if not params["unfrozen"]:
        return common_recipe(params)
    return common_recipe({**params, "learning_rate": params["fine_tune_rate"], "batch_size": FINE_TUNE_BATCH})


def _augmented_features(params: Params, image_shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Input of raw uint8 images, and features of them, augmented; not rounded, as they are not kept."""
    from keras import layers

    with _float32():
        inputs, x = image_input(image_shape, shrunk=False)
        x = layers.Rescaling(255.0, name="as_pixels")(augmented(x, params))
        target = size(params, image_shape)
        return inputs, _means(x, target, str(params["backbone"]), int(params["unfrozen"]))


def extractor(params: Params, image_shape: tuple[int, int, int]) -> Any:
    """Raw uint8 images to features (batch, width), rounded to float16 as they are kept.

    In float32 before that, also under a mixed precision policy. So a head finds in the saved model what it
    was trained on. The same model is given again as long as no other one is asked for: it never changes.
    """
    return _extractor(str(params["backbone"]), size(params, image_shape), image_shape)


@lru_cache(maxsize=1)
def _extractor(backbone: str, target: tuple[int, int], image_shape: tuple[int, int, int]) -> Any:
    import keras
    from keras import layers

    with _float32():
        inputs = keras.Input(image_shape, dtype="uint8", name="images")
        x = layers.Rescaling(1.0, dtype="float32", name="as_float")(inputs)
        means = _means(x, target, backbone)
        rounded = layers.Activation("linear", dtype="float16", name="rounded")(means)
        return keras.Model(inputs, rounded, name="features", trainable=False)


def _means(x: Any, target: tuple[int, int], backbone: str, unfrozen: int = 0) -> Any:
    """The mean of each of the last feature maps of images, float32 of 0 to 255, brought to a size."""
    from keras import layers

    if x.shape[-1] == 1:
        x = layers.Concatenate(name="three_channels")([x, x, x])
    elif x.shape[-1] != 3:
        raise ValueError(f"images of {x.shape[-1]} channels; expected 1 or 3")
    if target != tuple(x.shape[1:3]):
        x = resized(x, *target)
    maps = weights.feature_maps(backbone, x, unfrozen)
    return layers.GlobalAveragePooling2D(name="means")(maps)


def head(params: Params, width: int, classes: int) -> Any:
    """Features (batch, width) to class probabilities."""
    import keras
    from keras import layers

    kept = "float32" if params["unfrozen"] else "float16"  # as gradients of float16 vanish
    inputs = keras.Input((width,), dtype=kept, name="features")
    x = layers.Activation("linear", dtype="float32", name="as_float")(inputs)
    x = dropout(x, float(params["dropout"]))
    if params["head"] == "hidden":
        # In float32 under a mixed policy too: it costs nothing here.
        x = layers.Dense(int(params["dense_units"]), activation="relu", dtype="float32")(x)
        x = dropout(x, float(params["dropout"]))
    return keras.Model(inputs, class_probabilities(x, classes), name=HEAD)


def size(params: Params, image_shape: tuple[int, int, int]) -> tuple[int, int]:
    """(height, width) that images get: as many pixels as a square of the resolution, in their own shape."""
    height, width, _ = image_shape
    scale = int(params["resolution"]) / math.sqrt(height * width)
    return max(32, round(height * scale)), max(32, round(width * scale))


def identity(params: Params, image_shape: tuple[int, int, int]) -> dict[str, Any]:
    """All that decides the features of an image; raises `WeightsError` where there are no weights."""
    name = str(params["backbone"])
    height, width = size(params, image_shape)
    return {"backbone": name, "weights": weights.digest(name), "height": height, "width": width}


def views(params: Params) -> tuple[Mapping[str, Any], ...]:
    """The image itself, its mirror image where that keeps its class, and draws of augmentation."""
    names = ("augmentation", "cutout", "rotation", "shift", "zoom", "contrast", "brightness", "flip")
    dials = {name: params[name] for name in names}
    first: list[Mapping[str, Any]] = [{}, MIRROR] if params["flip"] else [{}]
    count = int(params["views"])
    # "warp" names how they are drawn since 0.2.0: features of earlier draws are others.
    return tuple([*first, *({**dials, "draw": draw, "warp": True} for draw in range(count))][:count])


def variants(space: SearchSpace) -> list[Params]:
    """Parameters that between them need all features that a trial of the space may need."""
    choices: list[list[Any]] = []
    for name in ("backbone", "resolution", "views"):
        parameter = space.parameters[name]
        if not parameter.searched:
            choices.append([parameter.default])
        elif isinstance(parameter, Categorical):
            choices.append(list(parameter.choices))
        else:
            choices.append([parameter.high])
    usual = space.default()
    return [
        {**usual, "backbone": backbone, "resolution": resolution, "views": count}
        for backbone, resolution, count in product(*choices)
    ]


@contextmanager
def _float32() -> Iterator[None]:
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


FAMILY = Family(
    name="pretrained",
    summary="head on features of a network with ImageNet weights; for photographs",
    space=space,
    build=build,
    recipe=recipe,
    features=Features(identity, extractor, head, views, variants, "unfrozen"),
)
