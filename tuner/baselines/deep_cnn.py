"""Five convolutions, one pooling, small steps of plain gradient descent."""

from typing import Any

from search_spaces.family import Recipe, Task
from tuner.baselines.base import Baseline, fixed_family

SUMMARY = "Conv 32, pool, Conv 64, 128, 256, 512, Dense 64"


def layers(x: Any, classes: int) -> Any:
    """Convolutions of 3 x 3 without padding, each with a batch norm; dropout after Dense 64."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    for filters in (32, 64, 128, 256, 512):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        if filters == 32:
            x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.2)(x)
    return class_probabilities(x, classes)


def fits(task: Task) -> bool:
    """Whether a pixel is left after five convolutions, and the dense layer stays small."""
    sides = task.image_shape[:2]
    return min(sides) >= 20 and max(sides) <= 64


RECIPE = Recipe(
    optimizer="sgd",
    learning_rate=0.05,
    momentum=0.0,
    batch_size=16,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

BASELINE = Baseline(
    name="deep-cnn",
    summary=SUMMARY,
    source="student project on MNIST, whose own bar was 0.95",
    published="0.99 on MNIST after 30 epochs",
    changes="it does not say where its batch norm and dropout stand: a norm after each convolution and "
    "after Dense 64, and dropout last, are ours; so are kernels of 3 x 3 without padding, ReLU, a "
    "constant rate and no momentum; pixels are rescaled inside the model; two classes get one "
    "sigmoid output",
    published_epochs=30,
    family=fixed_family("deep-cnn", SUMMARY, layers, RECIPE),
    fits=fits,
)
