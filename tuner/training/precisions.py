"""`python -m tuner.training.precisions` prints, as JSON, what a training step takes in each precision.

Milliseconds of processor time, which other work on the machine changes little; one thread, as workers have.
"""

import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from search_spaces import cnn
from search_spaces.family import Params, Task
from tuner.training import steps
from tuner.training.models import compile_

POLICIES = ("float32", "mixed_bfloat16")
SHAPE, CLASSES = (28, 28, 1), 10
TURNS, STEPS = 3, 8


def step_milliseconds() -> dict[str, float]:
    """Of each policy: the median of turns that alternate, with the default CNN on small images."""
    params = cnn.space(Task(SHAPE, CLASSES, 4000)).default()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (int(params["batch_size"]), *SHAPE)).astype(np.uint8)
    targets = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, len(images))]
    models = {policy: _model(policy, params) for policy in POLICIES}
    times: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    for turn in range(1 + TURNS):
        for policy, model in models.items():
            start = time.process_time()
            steps.train(model, STEPS * [(images, targets)], STEPS * [0.001])
            if turn:  # the first one compiles
                times[policy].append(1000 * (time.process_time() - start) / STEPS)
    return {policy: statistics.median(each) for policy, each in times.items()}


def _model(policy: str, params: Params) -> Any:
    import keras

    keras.config.set_dtype_policy(policy)
    model = cnn.build(params, SHAPE, CLASSES)
    compile_(model, cnn.FAMILY.recipe(params), CLASSES)
    return model


if __name__ == "__main__":
    sys.stdout.write(json.dumps(step_milliseconds()) + "\n")
