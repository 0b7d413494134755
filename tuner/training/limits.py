"""Looks at a model before it is trained: how large it is, and how fast."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from search_spaces.family import Family
from tuner.constraints import REFUSED, Constraints
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.training import models
from tuner.training.data import TrainingData


@dataclass(frozen=True)
class Look:
    """Facts about a model before its training.

    Attributes:
        latency_ms: median time to predict one image, None where there is no limit of it.
        refused: the result of a trial that is not trained.
    """

    latency_ms: float | None = None
    refused: TrialResult | None = None


def look(spec: TrialSpec, context: WorkContext, family: Family, data: TrainingData) -> Look:
    """Builds the model of a trial and holds it against the limits of the run.

    The default, trial 0, is a baseline and trained in any case. A trial that goes on after a pause
    is not measured again, as a time is never quite the same twice.
    """
    limits = Constraints(context.max_parameters, context.max_latency_ms)
    if limits == Constraints() or spec.purpose != "trial" or spec.resume_from:
        return Look()
    start = time.perf_counter()
    model = plain(family, spec, data.shape, context.classes)
    parameters, latency = int(model.count_params()), None
    if limits.max_latency_ms is not None:
        one = data.one
        latency = models.latency_ms(lambda: on_cpu(model, one))
    broken = limits.broken(parameters, latency)
    if not broken or spec.number == 0:
        return Look(latency)
    seconds = time.perf_counter() - start
    return Look(
        latency,
        TrialResult(
            "refused", seconds, reason=REFUSED, message=broken, parameters=parameters, latency_ms=latency
        ),
    )


def plain(family: Family, spec: TrialSpec, shape: tuple[int, int, int], classes: int) -> Any:
    """The model in full precision, as the one that is saved at the end of a run."""
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        with keras.device("cpu:0"):
            return family.build(spec.params, shape, classes)
    finally:
        keras.config.set_dtype_policy(policy)


def on_cpu(model: Any, image: Any) -> Any:
    """One prediction; the result is waited for. A worker has one CPU thread."""
    import keras

    with keras.device("cpu:0"):
        return np.asarray(model.predict_on_batch(image))
