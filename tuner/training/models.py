"""Compiled Keras models: from a family and its parameters, and back to a file."""

import io
import os
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from search_spaces.family import HEAD, Family, Params, Recipe
from tuner.training.plain import as_saved, is_random

LATENCY_CALLS = 30

T = TypeVar("T")


def compile_(model: Any, recipe: Recipe, classes: int, micro_batches: int = 1) -> None:
    """Makes a model ready for `steps.train`.

    With more than one micro-batch, the weights change once in so many calls.
    """
    import keras

    if classes == 2:
        loss = keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
        metric = keras.metrics.BinaryAccuracy(name="accuracy")
    else:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
    if keras.backend.backend() == "jax":
        _let_jax_compile(model)
    model.compile(optimizer=optimizer(recipe, micro_batches), loss=loss, metrics=[metric])
    # Without its state TensorFlow would trace the first step twice.
    model.optimizer.build(model.trainable_variables)


def _let_jax_compile(model: Any) -> None:
    """Has training steps compiled that move images, as those of augmentation do.

    Keras marks such layers as unfit, for XLA on TensorFlow cannot move images. With one of them on JAX each
    step would run operation by operation.
    """
    for layer in model.layers:
        if hasattr(layer, "get_random_transformation") or is_random(layer):
            layer.supports_jit = True


def optimizer(recipe: Recipe, micro_batches: int = 1) -> Any:
    """The recipe's Keras optimizer, with averaged weights where it wants them."""
    import keras

    common: dict[str, Any] = {"learning_rate": recipe.learning_rate}
    if recipe.ema:
        # Keras averages at every call, also at those that only add to the gradients.
        common |= {"use_ema": True, "ema_momentum": recipe.ema ** (1 / micro_batches)}
    if micro_batches > 1:
        common["gradient_accumulation_steps"] = micro_batches
    if recipe.optimizer == "sgd":
        decay = recipe.weight_decay or None
        return keras.optimizers.SGD(momentum=recipe.momentum, weight_decay=decay, **common)
    if recipe.optimizer == "adamw":
        from tuner.training.adamw import AdamW

        return AdamW(weight_decay=recipe.weight_decay, **common)
    kinds = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}
    return kinds[recipe.optimizer](**common)


def with_averaged_weights(model: Any, recipe: Recipe, do: Callable[[], T]) -> T:
    """Calls `do` while the model has its averaged weights, then gives it its own back, exactly.

    Keras' `SwapEMAWeights` adds and subtracts the two on TensorFlow, which changes last bits.
    """
    if not recipe.ema:
        return do()
    own = [np.array(variable) for variable in model.trainable_variables]
    take_averaged_weights(model)
    try:
        return do()
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)


def take_averaged_weights(model: Any) -> None:
    """Gives the model its averaged weights, if it has any."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        # On JAX the two now share one buffer, which a call of the model would give away.
        variable.assign(np.array(variable))


def predict(model: Any, images: NDArray[np.uint8], batch_size: int = 256) -> NDArray[np.float32]:
    """Class probabilities (n, classes) of raw images (n, height, width, channels).

    The last batch is filled up, since another shape would compile the model again.
    """
    size = min(batch_size, len(images))
    outputs = []
    for start in range(0, len(images), size):
        batch = np.asarray(images[start : start + size])
        missing = size - len(batch)
        if missing:
            batch = np.concatenate([batch, np.repeat(batch[:1], missing, axis=0)])
        outputs.append(np.asarray(model.predict_on_batch(batch), dtype=np.float32)[: size - missing])
    raw = np.concatenate(outputs)
    return np.concatenate([1 - raw, raw], axis=1) if raw.shape[1] == 1 else raw


def latency_ms(predict_one: Callable[[], object]) -> float:
    """Median milliseconds of a call, after a few to warm up."""
    times = []
    for _ in range(LATENCY_CALLS):
        start = time.perf_counter()
        predict_one()
        times.append(time.perf_counter() - start)
    return float(np.median(times[5:]) * 1000)


def to_save(model: Any, family: Family, params: Params, shape: tuple[int, int, int], classes: int) -> Any:
    """The same model in full precision, which every machine runs, and without random layers.

    Weights are float32 already. It predicts the same however it is called. Where `model` is the head alone,
    trained on features, what is saved is the whole.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        plain = family.build(params, shape, classes)
    finally:
        keras.config.set_dtype_policy(policy)
    trained = plain.get_layer(HEAD) if family.features is not None and model.name == HEAD else plain
    trained.set_weights(model.get_weights())
    return as_saved(plain)


def summary(model: Any) -> str:
    """The model's layers, as Keras prints them, 80 columns wide."""
    with redirect_stdout(io.StringIO()):
        lines: list[str] = []
        model.summary(line_length=80, print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines)


def save(model: Any, path: Path) -> None:
    """Writes a `.keras` file, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp.keras")
    try:
        model.save(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
