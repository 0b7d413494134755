"""The parameters of training that the families share, and the recipe they stand for."""

from typing import Literal, cast

from search_spaces.family import Params, Recipe, Task
from search_spaces.space import Categorical, Float, Int, Parameter, ParamValue

ADAPTIVE = ("adamw", "adam", "rmsprop")


def training_parameters(task: Task, learning_rate: float = 3e-3) -> dict[str, Parameter]:
    """Learning rate and weight decay, searched, and what matters little, fixed.

    Args:
        task: fewer than 8,000 training images get smaller batches.
        learning_rate: default of the adaptive optimizers; searched from a third to five times it.
    """
    return {
        "optimizer": Categorical((*ADAPTIVE, "sgd"), default="adamw", searched=False, summary="optimizer"),
        "learning_rate": Float(
            learning_rate / 3,
            learning_rate * 5,
            learning_rate,
            log=True,
            minimum=1e-6,
            maximum=1.0,
            active_if=("optimizer", ADAPTIVE),
            summary="peak learning rate",
        ),
        # Plain gradients need steps of another size, so their rate is a parameter of its own.
        "sgd_learning_rate": Float(
            0.01,
            0.2,
            0.05,
            log=True,
            minimum=1e-6,
            maximum=10.0,
            active_if=("optimizer", ("sgd",)),
            summary="peak learning rate of sgd with momentum 0.9",
        ),
        "weight_decay": Float(
            5e-3,
            0.3,
            0.05,
            log=True,
            minimum=0.0,
            maximum=10.0,
            active_if=("optimizer", ("adamw",)),
            summary="decoupled weight decay, times the learning rate a step",
        ),
        "label_smoothing": Float(
            0.0, 0.2, 0.1, step=0.05, maximum=0.9, searched=False, summary="label smoothing"
        ),
        "batch_size": Int(
            32,
            256,
            64 if task.train_images < 8000 else 128,
            log=True,
            minimum=1,
            maximum=8192,
            searched=False,
            summary="images a step",
        ),
    }


def fine_tune_rate(active_if: tuple[str, tuple[ParamValue, ...]], trained: str) -> Float:
    """The rate of training on from ImageNet weights; `trained` says what is, besides the head."""
    return Float(
        1e-5,
        1e-3,
        1e-4,
        log=True,
        minimum=1e-7,
        maximum=1.0,
        active_if=active_if,
        summary=f"peak learning rate where {trained} is trained, too",
    )


def recipe(params: Params) -> Recipe:
    """Warm-up, constant rate, linear to zero; averaged weights; the number of epochs is fixed.

    A constant rate with averaged weights shows early which configurations will be good: of the
    schedules tried, a pruner lost the least accuracy with it (0.006; cosine 0.017).
    """
    optimizer = cast("Literal['adamw', 'adam', 'sgd', 'rmsprop']", params["optimizer"])
    rate = params["sgd_learning_rate" if optimizer == "sgd" else "learning_rate"]
    return Recipe(
        optimizer=optimizer,
        learning_rate=float(rate),
        weight_decay=float(params["weight_decay"]) if optimizer == "adamw" else 0.0,
        batch_size=int(params["batch_size"]),
        label_smoothing=float(params["label_smoothing"]),
    )
