"""Input, one hidden layer, output, trained by plain gradient descent."""

from typing import Any

from search_spaces.family import Recipe
from tuner.baselines.base import Baseline, fixed_family

SUMMARY = "one dense hidden layer, plain SGD"


def layers(x: Any, classes: int) -> Any:
    """Flatten, Dense 512, classes."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    return class_probabilities(x, classes)


RECIPE = Recipe(
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.0,
    batch_size=32,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

BASELINE = Baseline(
    name="three-layer",
    summary=SUMMARY,
    source="three-layer network of a student project on MNIST",
    published="0.99 on MNIST",
    changes="it says only three layers and SGD; 512 units with ReLU, a rate of 0.1 without "
    "momentum, batches of 32 and 30 epochs are ours; pixels are rescaled inside the model; two "
    "classes get one sigmoid output",
    published_epochs=30,
    family=fixed_family("three-layer", SUMMARY, layers, RECIPE),
)
