"""The convolutional network of the course."""

from typing import Any

from search_spaces.family import Recipe
from tuner.baselines.base import COURSE, Baseline, fixed_family

SUMMARY = "Conv 75, 50, 25 with batch norm and pooling, Dense 512"


def layers(x: Any, classes: int) -> Any:
    """As published: norm after the activation, dropout between the second block's two."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    for filters, share in ((75, 0.0), (50, 0.2), (25, 0.0)):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        if share:
            x = layers.Dropout(share)(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(2, strides=2, padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(0.3)(x)
    return class_probabilities(x, classes)


RECIPE = Recipe(
    optimizer="rmsprop",
    learning_rate=1e-3,
    batch_size=32,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

CHANGES = (
    "it names no optimizer, rate or batch size, so Keras' defaults hold: RMSprop at 0.001, batches "
    "of 32; pixels are rescaled inside the model; two classes get one sigmoid output"
)

BASELINE = Baseline(
    name="course-cnn",
    summary=SUMMARY,
    source=COURSE,
    published="0.948 validation accuracy on ASL after 20 epochs",
    changes=CHANGES,
    published_epochs=20,
    family=fixed_family("course-cnn", SUMMARY, layers, RECIPE),
)
