"""Pieces of networks that the families share; what is saved of them are stock Keras layers."""

from typing import Any

LARGEST_SIDE = 128
"""Pixels of the longer side that networks from scratch see: more of them cost them time, and are of use to
networks that have learnt from photographs of that size."""

FILTER_STEP = 8
"""Filters are searched in multiples of it: between them a layer costs what it does at the next one. Libraries
for CPUs work on blocks of 8 or 16 channels, tensor cores of NVIDIA on multiples of 8; 33 filters in the first
block take 1.29 times as long as 32 (28 x 28 pixels, a training step on Zen 5 in bfloat16)."""

SMALLEST_MAP = 3
"""Pixels below which a side is not halved any further."""


def seen_shape(image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Of images as networks from scratch see them: shrunk to `LARGEST_SIDE` on the longer side."""
    height, width, channels = image_shape
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    return (max(1, round(height * scale)), max(1, round(width * scale)), channels)


def image_input(image_shape: tuple[int, int, int], *, shrunk: bool = True) -> tuple[Any, Any]:
    """(input of raw uint8 images, the same as float32 from 0 to 1, in the size that `seen_shape` says).

    Args:
        image_shape: (height, width, channels).
        shrunk: False to leave large images as they are.
    """
    from keras import Input, layers

    inputs = Input(image_shape, dtype="uint8", name="images")
    x = layers.Rescaling(1 / 255, dtype="float32", name="rescale")(inputs)
    height, width, _ = seen_shape(image_shape)
    return inputs, resized(x, height, width) if shrunk and (height, width) != image_shape[:2] else x


def class_probabilities(x: Any, classes: int) -> Any:
    """Probabilities (batch, classes), or of class 1 (batch, 1) where there are two classes.

    In float32 also under a mixed precision policy, where bfloat16 would leave two digits of them.
    """
    from keras import layers

    if classes == 2:
        return layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)


def halvings(image_shape: tuple[int, int, int]) -> int:
    """How often the shorter side can be halved before it falls below `SMALLEST_MAP` pixels."""
    side, count = min(image_shape[:2]), 0
    while halves(side):
        side, count = side // 2, count + 1
    return count


def halves(side: int) -> bool:
    """Whether a side of so many pixels may be halved."""
    return side // 2 >= SMALLEST_MAP


def pool_size(x: Any) -> tuple[int, int]:
    """2 for each side of the feature map `x` that may be halved, else 1."""
    height, width = x.shape[1:3]
    return (2 if halves(height) else 1, 2 if halves(width) else 1)


def norm_relu(x: Any, *, batch_norm: bool = True) -> Any:
    """Batch norm, unless switched off, and ReLU."""
    from keras import layers

    return layers.ReLU()(norm(x) if batch_norm else x)


def norm(x: Any) -> Any:
    """Batch norm.

    The momentum is 0.9: with Keras' default of 0.99 the first epochs are evaluated with statistics
    that lag far behind, and an early look at a trial says almost nothing about it.
    """
    from search_spaces.norm import BatchNormalization

    return BatchNormalization(momentum=0.9)(x)


def convolution(x: Any, filters: int, kernel: int = 3, *, strides: int = 1, batch_norm: bool = True) -> Any:
    """A convolution that keeps the size; without a bias where a batch norm follows and has one."""
    from keras import layers

    return layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=not batch_norm)(x)


def dropout(x: Any, share: float) -> Any:
    """Dropout, left out at 0."""
    from keras import layers

    return layers.Dropout(share)(x) if share else x


def map_dropout(x: Any, share: float) -> Any:
    """Dropout of whole feature maps, left out at 0."""
    from search_spaces.map_dropout import SpatialDropout2D

    return SpatialDropout2D(share)(x) if share else x


def resized(x: Any, height: int, width: int) -> Any:
    """Images of another size, bilinear.

    Keras' resizing takes itself to be training unless told otherwise, and dropout after it then does too,
    in every call of the model that does not say `training=False`.
    """
    from keras import layers

    return layers.Resizing(height, width, dtype="float32", name="resize")(x, training=False)
