"""The network of a tutorial that tells cats from dogs in 100 x 100 pixels."""

from typing import Any

from search_spaces.family import Recipe, Task
from tuner.baselines.base import Baseline, fixed_family

SUMMARY = "two Conv 32 with pooling, Dense 64, sigmoid"


def layers(x: Any, classes: int) -> Any:
    """Conv 32, pool, Conv 32, pool, Dense 64, one sigmoid."""
    from keras import layers

    from search_spaces.layers import class_probabilities

    for _ in range(2):
        x = layers.Conv2D(32, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    return class_probabilities(x, classes)


def fits(task: Task) -> bool:
    """Two classes, and a pixel left after both poolings."""
    return task.classes == 2 and min(task.image_shape[:2]) >= 10


RECIPE = Recipe(
    optimizer="adam",
    learning_rate=1e-3,
    batch_size=64,
    schedule="constant",
    ema=0.0,
    early_stopping=True,
)

BASELINE = Baseline(
    name="cats-dogs-cnn",
    summary=SUMMARY,
    source="tutorial on 2,000 photographs of cats and dogs as CSV files of 100 x 100 pixels",
    changes="only two convolutions with pooling, Dense 64 and a sigmoid are known of it; 32 filters of "
    "3 x 3, ReLU, Adam at 0.001, batches of 64 and 5 epochs are ours; pixels are rescaled inside the model",
    published_epochs=5,
    family=fixed_family("cats-dogs-cnn", SUMMARY, layers, RECIPE),
    fits=fits,
)
