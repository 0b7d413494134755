"""EfficientNet-Lite0 as stock Keras layers, with the weights that the extra `pretrained` brings.

The network is EfficientNet-B0 (Tan & Le, 2019, arXiv 1905.11946) without squeeze-and-excitation and with
ReLU6 for swish, as https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite has it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-3


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STEM, HEAD = 32, 1280
STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


def network(shape: tuple[int, int, int], weights: dict[str, NDArray[Any]]) -> Any:
    """From scaled images to feature maps (batch, height / 32, width / 32, 1280), by the weights of a file."""
    from keras import Input, Model

    inputs = Input(shape)
    model = Model(inputs, _layers(inputs), name="efficientnet_lite0")
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_weights_of(layer.name, weights))
    return model


def top(arrays: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weights (1280, 1000) and bias of ImageNet's classes, for mean features."""
    return arrays["_fc.weight"].T, arrays["_fc.bias"]


def _layers(x: Any) -> Any:
    x = _norm(_convolution(x, STEM, 3, 2, "stem"), "stem")
    number, narrow = 0, STEM
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, narrow, stage, stage.stride if repeat == 0 else 1, f"block{number}")
            number, narrow = number + 1, stage.filters
    return _norm(_convolution(x, HEAD, 1, 1, "head"), "head")


def _block(x: Any, narrow: int, stage: _Stage, stride: int, name: str) -> Any:
    """Expand, filter each channel by itself, project; added to what came in where the shape is the same."""
    from keras import layers

    came_in = x
    if stage.expansion > 1:
        wide = narrow * stage.expansion
        x = _norm(_convolution(x, wide, 1, 1, f"{name}_expand"), f"{name}_expand")
    x = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _norm(x, f"{name}_depthwise")
    x = _norm(_convolution(x, stage.filters, 1, 1, f"{name}_project"), f"{name}_project", relu=False)
    return layers.Add(name=f"{name}_add")([came_in, x]) if stride == 1 and narrow == stage.filters else x


def _convolution(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    from keras import layers

    return layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)


def _norm(x: Any, name: str, *, relu: bool = True) -> Any:
    from keras import layers

    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _weights_of(layer: str, arrays: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
    """The weights of a layer, as Keras wants them."""
    place, part, kind = _place(layer)
    if kind == "norm":
        number = {"stem": "_bn0", "head": "_bn1", "expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
        norm = f"{place}{number[part]}"
        return [arrays[f"{norm}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")]
    weight = arrays[f"{place}_{'conv_stem' if part == 'stem' else _named(part)}.weight"]
    return [weight.transpose((2, 3, 0, 1) if part == "depthwise" else (2, 3, 1, 0))]


def _named(part: str) -> str:
    return "conv_head" if part == "head" else f"{part}_conv"


def _place(layer: str) -> tuple[str, str, str]:
    """("_blocks.3.", "expand", "norm") of "block3_expand_norm"; ("", "stem", "conv") of "stem_conv"."""
    words = layer.split("_")
    if words[0].startswith("block"):
        number = words[0].removeprefix("block")
        return f"_blocks.{number}.", words[1], words[-1]
    return "", words[0], words[-1]
