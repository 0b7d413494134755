"""A model family: a search space, a way to build a model, and a recipe to train it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from search_spaces.space import ParamValue, SearchSpace

Params = Mapping[str, ParamValue]


@dataclass(frozen=True)
class Task:
    """Facts about a task that a space may adapt its defaults to.

    Attributes:
        image_shape: (height, width, channels) in pixels.
        classes: number of classes, at least 2.
        train_images: number of images available for training and validation.
        augmentation: default strength of augmentation that the data set names, 0 to 1.6.
        flips: whether mirrored images keep their class (never so for digits or letters).
        gpu: whether trials run on GPUs, where wider networks cost little.
    """

    image_shape: tuple[int, int, int]
    classes: int
    train_images: int
    augmentation: float = 1.0
    flips: bool = False
    gpu: bool = False


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; everything that is not the network itself.

    Attributes:
        optimizer: a Keras optimizer, by its lower-case name.
        learning_rate: peak learning rate.
        weight_decay: decoupled weight decay (adamw, or sgd with decay), 0 for none.
        momentum: of sgd only.
        batch_size: images a step.
        schedule: "trapezoid" (one warm-up epoch, constant, linear to zero over the last third),
            "cosine" (one warm-up epoch, then half a cosine to zero), or "constant".
        ema: momentum a step of the averaged weights that are evaluated and kept, 0 for none.
        label_smoothing: 0 to below 1.
        early_stopping: True where the number of epochs is chosen on validation data
            (baselines); False where the schedule fixes it.
    """

    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    batch_size: int = 128
    schedule: Literal["trapezoid", "cosine", "constant"] = "trapezoid"
    ema: float = 0.98
    label_smoothing: float = 0.0
    early_stopping: bool = False


HEAD = "head"
"""Name of the model, and of the layer of the whole, that is trained on features."""


@dataclass(frozen=True)
class Features:
    """How a family trains on what a fixed network says of each image, which is computed once.

    Attributes:
        identity: `identity(params, image_shape)`: all that decides the features of an image; JSON values.
        extractor: `extractor(params, image_shape)`: an uncompiled `keras.Model` from raw uint8 images to
            features (batch, width) of float16.
        head: `head(params, width, classes)`: an uncompiled model named `HEAD`, from features to what
            `Family.build` gives; the whole has it as a layer of that name.
        views: `views(params)`: what is done to an image before, for each version that is trained on: {}
            for the image itself, which is the first; {"mirror": True}; or the parameters of
            `search_spaces.augmentation`, with the number of a draw.
        variants: `variants(space)`: parameters that between them need all features that a trial may need.
        unfrozen: name of the parameter that says how much of the network is trained on images together
            with the head, once that is trained alone: 0 for none of it, 1 for the least; "" where there
            is no such parameter.
    """

    identity: Callable[[Params, tuple[int, int, int]], dict[str, Any]]
    extractor: Callable[[Params, tuple[int, int, int]], Any]
    head: Callable[[Params, int, int], Any]
    views: Callable[[Params], tuple[Mapping[str, Any], ...]]
    variants: Callable[[SearchSpace], list[Params]]
    unfrozen: str = ""


@dataclass(frozen=True)
class Family:
    """A model family.

    Attributes:
        name: as in `--space NAME`.
        summary: one line for `tune spaces`.
        space: the search space for a task.
        build: `build(params, image_shape, classes)` returns an uncompiled `keras.Model` from raw
            uint8 images (batch, height, width, channels) to class probabilities (batch, classes),
            or for two classes the probability of class 1 (batch, 1). `params` has every
            parameter of the space.
        recipe: the training recipe that belongs to `params`.
        features: where a head is trained on features of the images; None where all of the model is.
    """

    name: str
    summary: str
    space: Callable[[Task], SearchSpace]
    build: Callable[[Params, tuple[int, int, int], int], Any]
    recipe: Callable[[Params], Recipe]
    features: Features | None = None

    def fixed(self, params: Params) -> Features | None:
        """The features that all training with these parameters is on; None where there is any on images."""
        return None if self.fine_tunes(params) else self.features

    def fine_tunes(self, params: Params) -> bool:
        """Whether a head is trained first, on features, and then some of the network with it, on images."""
        return self.features is not None and bool(params.get(self.features.unfrozen))
