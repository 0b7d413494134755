"""A plain convolutional network: blocks that halve the image, then a dense or a pooling head."""

from collections.abc import Callable
from functools import partial
from typing import Any

from search_spaces.augmentation import augmentation_parameters, augmented
from search_spaces.family import Family, Params, Task
from search_spaces.layers import (
    FILTER_STEP,
    class_probabilities,
    convolution,
    dropout,
    halves,
    halvings,
    image_input,
    map_dropout,
    norm_relu,
    pool_size,
    seen_shape,
)
from search_spaces.space import Categorical, Float, Int, Parameter, SearchSpace
from search_spaces.training import recipe, training_parameters

WIDEST = 512
"""Blocks do not grow beyond this many filters: at 3 x 3 pixels more of them only cost time."""


def parameters(task: Task) -> dict[str, Parameter]:
    """The parameters of the family, those that rarely pay fixed.

    Defaults and ranges are where small CNNs did best on 28 x 28 hands and digits. The default
    depth leaves at least 3 pixels; from 64 pixels on, global pooling replaces a dense head, and on
    a GPU two convolutions in a block replace one. On a CPU the second one takes four times as long
    (100 x 100 pixels: 48 instead of 180 images a second in one thread), and in 15 epochs on cats
    and dogs two of 16 filters did worse than one of 32 (validation accuracy 0.68 and 0.78, one
    run each), though they took longer.
    """
    large = min(task.image_shape[:2]) >= 64
    depth = min(max(halvings(seen_shape(task.image_shape)), 2), 6)
    return {
        "filters": Int(
            16,
            128 if task.gpu else 64,
            32,
            log=True,
            step=FILTER_STEP,
            minimum=1,
            maximum=1024,
            summary="filters of block 1",
        ),
        "depth": Int(depth - 1, depth + 1, depth, minimum=1, maximum=8, summary="number of blocks"),
        "growth": Float(
            1.0, 2.0, 2.0, step=0.25, maximum=4.0, searched=False, summary="filters of a block to the last"
        ),
        "convs_per_block": Int(
            1, 2, 2 if large and task.gpu else 1, maximum=4, searched=False, summary="convolutions in a block"
        ),
        "kernel_size": Categorical((3, 5), 3, searched=False, summary="side of the convolutions, pixels"),
        "batch_norm": Categorical((True, False), default=True, searched=False, summary="batch norm"),
        "head": Categorical(
            ("dense", "pooling"), "pooling" if large else "dense", summary="what follows the blocks"
        ),
        "dense_units": Int(
            64,
            512,
            256,
            log=True,
            minimum=1,
            maximum=8192,
            searched=False,
            active_if=("head", ("dense",)),
            summary="units of the dense head",
        ),
        "dropout": Float(0.0, 0.5, 0.3, step=0.05, maximum=0.95, summary="dropout before the classes"),
        "conv_dropout": Float(0.0, 0.2, 0.0, step=0.05, maximum=0.95, summary="dropout of feature maps"),
        **training_parameters(task),
        **augmentation_parameters(task),
    }


def space(task: Task) -> SearchSpace:
    """Nine parameters: size, head, dropout, rate, decay, augmentation; the others are fixed."""
    return SearchSpace("cnn", parameters(task), cost_for(task))


BESIDE = 3.6e6
"""Multiplications for an image in the time that a training step takes for all else: with 28 x 28 pixels and
three blocks 64 filters take 5.9 times as long as 16 (Zen 5, bfloat16)."""


def cost_for(task: Task) -> Callable[[Params], float] | None:
    """What training takes by the parameters; None on GPUs, where wide networks cost little."""
    return None if task.gpu else partial(cost, image_shape=task.image_shape)


def cost(params: Params, image_shape: tuple[int, int, int]) -> float:
    """Multiplications for an image, and what takes as long as so many.

    On Sign Language MNIST the logarithm of multiplications correlated with that of a trial's seconds by 0.98.
    """
    height, width, channels = seen_shape(image_shape)
    kernel, total = int(params["kernel_size"]) ** 2, BESIDE
    for filters in _filters(params):
        for _ in range(int(params["convs_per_block"])):
            total += height * width * kernel * channels * filters
            channels = filters
        height, width = (side // 2 if halves(side) else side for side in (height, width))
    dense = height * width * channels * int(params["dense_units"])
    return total + (dense if params["head"] == "dense" else 0)


def _filters(params: Params) -> list[int]:
    """Of each block."""
    first, growth = int(params["filters"]), float(params["growth"])
    widest = max(first, WIDEST)
    return [min(round(first * growth**index), widest) for index in range(int(params["depth"]))]


def build(params: Params, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The network, uncompiled: raw uint8 images to class probabilities."""
    import keras
    from keras import layers

    inputs, x = image_input(image_shape)
    x = augmented(x, params)
    for filters in _filters(params):
        x = _block(x, filters, params)
    if params["head"] == "dense":
        x = layers.Flatten()(x)
        # In float32 under a mixed policy too: it costs little time, and in bfloat16 some accuracy.
        x = layers.Dense(int(params["dense_units"]), activation="relu", dtype="float32")(x)
    else:
        x = layers.GlobalAveragePooling2D()(x)
    x = dropout(x, float(params["dropout"]))
    return keras.Model(inputs, class_probabilities(x, classes), name="cnn")


def _block(x: Any, filters: int, params: Params) -> Any:
    """Convolutions, the last of them pooled before its batch norm.

    The maximum commutes with the monotone ReLU, and (for positive scales) with the norm: the
    network learns as well as in the usual order, and each step takes about half the time on a CPU,
    as norm and ReLU see a quarter of the pixels.
    """
    from keras import layers

    batch_norm = bool(params["batch_norm"])
    kernel, count = int(params["kernel_size"]), int(params["convs_per_block"])
    for _ in range(count - 1):
        x = norm_relu(convolution(x, filters, kernel, batch_norm=batch_norm), batch_norm=batch_norm)
    x = convolution(x, filters, kernel, batch_norm=batch_norm)
    pool = pool_size(x)
    if pool != (1, 1):
        x = layers.MaxPooling2D(pool)(x)
    x = norm_relu(x, batch_norm=batch_norm)
    return map_dropout(x, float(params["conv_dropout"]))


FAMILY = Family(
    name="cnn",
    summary="plain CNN of 16-64 filters: size, head, dropout, learning rate, augmentation",
    space=space,
    build=build,
    recipe=recipe,
)
