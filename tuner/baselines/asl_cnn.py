"""A convolutional network for Sign Language MNIST with all that helps it generalise."""

from typing import Any

from search_spaces.family import Recipe, Task
from tuner.baselines.base import Baseline, fixed_family

SUMMARY = "Conv 32, 64, 128 with batch norm, dropout and augmentation"


def layers(x: Any, classes: int) -> Any:
    """Three blocks of convolution, norm, pooling and dropout, then Dense 256."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    x = layers.RandomRotation(10 / 360, fill_mode="nearest", dtype="float32")(x)
    x = layers.RandomZoom(0.1, 0.1, fill_mode="nearest", dtype="float32")(x)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", dtype="float32")(x)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(x)
    return class_probabilities(x, classes)


def fits(task: Task) -> bool:
    """Whether a pixel is left after three poolings."""
    return min(task.image_shape[:2]) >= 8


RECIPE = Recipe(
    optimizer="adam",
    learning_rate=1e-3,
    batch_size=64,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

BASELINE = Baseline(
    name="asl-cnn",
    summary=SUMMARY,
    source="student project on Sign Language MNIST",
    published="above 0.98 on ASL",
    changes="it names convolutions, batch norm, dropout, augmentation and early stopping, but no sizes: "
    "those here are ours, and so are the order of the layers, the strength of augmentation and "
    "dropout, Adam at 0.001, batches of 64 and 30 epochs; pixels are rescaled inside the model; two"
    " classes get one sigmoid output",
    published_epochs=30,
    family=fixed_family("asl-cnn", SUMMARY, layers, RECIPE),
    fits=fits,
)
