"""The convolutional network of the course, with its augmentation."""

from typing import Any

from tuner.baselines import course_cnn
from tuner.baselines.base import COURSE, Baseline, fixed_family

SUMMARY = "course-cnn with rotation, zoom, shifts and horizontal flip"


def layers(x: Any, classes: int) -> Any:
    """Rotation 10 degrees, zoom 0.1 of each side, shifts 0.1, horizontal flip, then course-cnn.

    Flips are part of the recipe, also where a mirrored image is another class.
    """
    from keras import layers

    x = layers.RandomFlip("horizontal", dtype="float32")(x)
    x = layers.RandomRotation(10 / 360, fill_mode="nearest", dtype="float32")(x)
    x = layers.RandomZoom(0.1, 0.1, fill_mode="nearest", dtype="float32")(x)
    x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", dtype="float32")(x)
    return course_cnn.layers(x, classes)


BASELINE = Baseline(
    name="course-cnn-augmented",
    summary=SUMMARY,
    source=COURSE,
    published="trained for 20 epochs on ASL",
    changes="Keras' augmentation layers take the place of ImageDataGenerator; their order is ours, and so "
    "is that a zoom may stretch an image; as in course-cnn, optimizer, rate and batches are Keras' "
    "defaults; pixels are rescaled inside the model; two classes get one sigmoid output",
    published_epochs=20,
    family=fixed_family("course-cnn-augmented", SUMMARY, layers, course_cnn.RECIPE),
)
