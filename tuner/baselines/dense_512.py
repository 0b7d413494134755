"""Two hidden layers of 512: the first network of the course."""

from typing import Any

from search_spaces.family import Recipe
from tuner.baselines.base import COURSE, Baseline, fixed_family

SUMMARY = "two dense hidden layers of 512"


def layers(x: Any, classes: int) -> Any:
    """Flatten, Dense 512, Dense 512, classes."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dense(512, activation="relu")(x)
    return class_probabilities(x, classes)


RECIPE = Recipe(
    optimizer="rmsprop",
    learning_rate=1e-3,
    batch_size=32,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

BASELINE = Baseline(
    name="dense-512",
    summary=SUMMARY,
    source=COURSE,
    published="0.776 validation accuracy on ASL after 20 epochs, 0.979 on MNIST after 5",
    changes="it names no optimizer, rate or batch size, so Keras' defaults hold: RMSprop at 0.001, batches "
    "of 32; pixels are rescaled inside the model; two classes get one sigmoid output",
    published_epochs=20,
    family=fixed_family("dense-512", SUMMARY, layers, RECIPE),
)
