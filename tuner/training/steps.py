"""Training steps, many of them in one call where Keras runs on TensorFlow.

What happens between two calls (arrays are handed over, a rate is set, a loss is read) takes as long as the
step itself where images are small.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

Batch = tuple[NDArray[Any], NDArray[np.float32]]
"""Images (n, …) and their targets (n, outputs)."""

MANY = 32
"""Steps in one call, at most."""

BYTES = 1 << 24
"""Of the images in one call, unless those of one step have more."""

SHORT = 500
"""A training of fewer steps goes without TensorFlow's graph optimizer, which takes a fifth of a second: by it
steps of wide networks become some 3 % faster, others none."""


@contextmanager
def compiled_for(steps: int) -> Iterator[None]:
    """Inside, TensorFlow compiles on a processor for a training of so many steps."""
    import keras

    if keras.backend.backend() != "tensorflow" or steps >= SHORT:
        yield
        return
    import tensorflow as tf  # noqa: TID251 - Keras has no such option

    if tf.config.get_visible_devices("GPU"):
        yield
        return
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def train(
    model: Any,
    batches: Iterable[Batch],
    rates: Sequence[float],
    class_weights: dict[int, float] | None = None,
    parts: int = 1,
) -> tuple[float, float]:
    """One optimizer step for each batch; mean loss and accuracy over all of them.

    Args:
        model: compiled.
        batches: all of one size.
        rates: the learning rate of each step.
        class_weights: the weight of an image by its class; None where all count the same.
        parts: into so many equal parts each batch is divided; the optimizer adds up what they give.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return _in_few_calls(model, _divided(batches, parts), np.repeat(rates, parts), class_weights)
    loss = accuracy = 0.0
    for (images, targets), rate in zip(_divided(batches, parts), np.repeat(rates, parts), strict=True):
        model.optimizer.learning_rate = rate
        logs = model.train_on_batch(images, targets, class_weight=class_weights, return_dict=True)
        loss += float(logs["loss"])
        accuracy += float(logs["accuracy"])
    return loss / (parts * len(rates)), accuracy / (parts * len(rates))


def _divided(batches: Iterable[Batch], parts: int) -> Iterator[Batch]:
    for images, targets in batches:
        yield from zip(np.split(images, parts), np.split(targets, parts), strict=True)


def _in_few_calls(
    model: Any, batches: Iterator[Batch], rates: NDArray[np.float64], class_weights: dict[int, float] | None
) -> tuple[float, float]:
    """The same on TensorFlow; a model keeps its compiled function."""
    model.reset_metrics()
    done = 0
    for images, targets in _stacked(batches):
        data = [images, targets]
        if class_weights is not None:
            data.append(_weights(targets, class_weights))
        if not hasattr(model, "train_many"):
            model.train_many = _compiled(model, data)
        model.train_many(rates[done : done + len(images)].astype(np.float32), *data)
        done += len(images)
    logs = model.get_metrics_result()
    return float(logs["loss"]), float(logs["accuracy"])


def _stacked(batches: Iterator[Batch]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Images (steps, n, …) and targets (steps, n, outputs) of as many steps as one call takes."""
    for first in batches:
        more = int(np.clip(BYTES // first[0].nbytes, 1, MANY)) - 1
        yield tuple(np.stack(arrays) for arrays in zip(first, *islice(batches, more), strict=True))


def _weights(targets: NDArray[np.float32], class_weights: dict[int, float]) -> NDArray[np.float32]:
    """Weights (steps, n) of images with targets (steps, n, outputs)."""
    labels = targets.argmax(axis=-1) if targets.shape[-1] > 1 else targets[..., 0].astype(int)
    weights = np.array([class_weights[label] for label in range(len(class_weights))], np.float32)
    return np.take(weights, labels)


def _compiled(model: Any, data: Sequence[NDArray[Any]]) -> Any:
    """A function of rates (steps,) and data (steps, n, …) that takes any number of steps."""
    import tensorflow as tf  # noqa: TID251 - a loop around Keras' own step, which Keras does not offer

    def train_many(rates: Any, *data: Any) -> None:
        def step(number: Any) -> tuple[Any]:
            model.optimizer.learning_rate.assign(rates[number])
            model.train_step(tuple(array[number] for array in data))
            return (number + 1,)

        tf.while_loop(lambda number: number < tf.size(rates), step, (0,), parallel_iterations=1)

    signature = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in data]
    return tf.function(train_many, [tf.TensorSpec((None,), tf.float32), *signature], autograph=False)
