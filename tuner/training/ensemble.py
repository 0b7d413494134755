"""The model that is saved for use: the mean of trained models' probabilities, at a temperature, as one."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.family import HEAD
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.run_dir import RunDir
from tuner.training import models, temperature
from tuner.training.plain import as_saved


def combine(spec: TrialSpec, context: WorkContext, key: str) -> TrialResult:
    """Saves the models of `spec.members`, their average and the temperature on top, as one `.keras` file.

    Heads on the same features become one network with several heads: hardly larger or slower than one.
    """
    import keras

    start = time.perf_counter()
    run = RunDir(Path(context.run_dir))
    loaded = [keras.saving.load_model(run.fitted_model(member), compile=False) for member in spec.members]
    test = np.load(Path(context.dataset_dir) / "test_images.npy", mmap_mode="r")
    one = np.asarray(test[:1])
    features = resolve(spec.model).fixed(spec.params) if len(loaded) > 1 else None
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        if features is None:
            # Those that an earlier version has saved still have their random layers.
            members = [as_saved(member) for member in loaded]
            whole = averaged(members) if len(members) > 1 else members[0]
        else:
            network = as_saved(features.extractor(spec.params, one.shape[1:]))
            whole = averaged([member.get_layer(HEAD) for member in loaded], network)
        whole = temperature.model_of(whole, spec.temperature) if spec.temperature != 1 else whole
    finally:
        keras.config.set_dtype_policy(policy)
    models.save(whole, run.fitted_model(key))
    return TrialResult(
        "complete",
        time.perf_counter() - start,
        parameters=int(whole.count_params()),
        latency_ms=models.latency_ms(lambda: whole.predict_on_batch(one)),
    )


def averaged(members: list[Any], network: Any = None) -> Any:
    """One model of stock layers from raw images to the mean of the members' probabilities.

    Args:
        members: Keras models that take the images, or what `network` makes of them.
        network: what all of them see the images through; None where each takes the images themselves.
    """
    import keras

    for number, member in enumerate(members):
        member.name = f"seed_{number}"  # all were built under one name, and layers need their own
    first = (network or members[0]).inputs[0]
    images = keras.Input(first.shape[1:], dtype=first.dtype, name="images")
    seen = images if network is None else network(images)
    mean = keras.layers.Average(name="mean_of_seeds")([member(seen) for member in members])
    return keras.Model(images, mean, name="ensemble")
