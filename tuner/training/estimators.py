"""Fits the baselines that are scikit-learn estimators."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.baselines.base import Baseline, flatten
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training import models, scores
from tuner.training.data import TrainingData
from tuner.training.fit import finite, write_predictions

SAMPLE = 2000
"""Training images on which the training accuracy is measured."""


def fit(
    spec: TrialSpec, context: WorkContext, baseline: Baseline, data: TrainingData, key: str
) -> TrialResult:
    """Fits an estimator on flattened pixels in 0 to 1; one "epoch" stands for the whole fit.

    Raises:
        TrialFailedError: it predicts values that are not numbers.
    """
    assert baseline.estimator is not None
    start = time.perf_counter()
    estimator = baseline.estimator(spec.seed)
    labels = data.labels[data.rows]
    estimator.fit(flatten(data.images[data.rows]), labels)
    probabilities = _predicted(estimator, data.held_out, data.classes)
    seconds = time.perf_counter() - start
    one = flatten(data.held_out[:1])
    validation = data.held_out_labels
    some = _predicted(estimator, data.images[data.rows[:SAMPLE]], data.classes)
    report = EpochReport(
        epoch=1,
        loss=scores.log_loss(some, labels[:SAMPLE]),
        accuracy=scores.accuracy(some, labels[:SAMPLE]),
        val_loss=None if validation is None else scores.log_loss(probabilities, validation),
        val_accuracy=None if validation is None else scores.accuracy(probabilities, validation),
        score=None if validation is None else scores.score(context.metric, probabilities, validation),
        images=len(data.rows),
        seconds=seconds,
        learning_rate=0.0,
    )
    return TrialResult(
        state="complete",
        seconds=seconds,
        epochs=[report],
        output=write_predictions(RunDir(Path(context.run_dir)), key, probabilities),
        best_epoch=1,
        latency_ms=models.latency_ms(lambda: estimator.predict_proba(one)),
    )


def _predicted(estimator: Any, images: NDArray[np.uint8], classes: int) -> scores.Probabilities:
    """Probabilities (n, classes); of classes that the estimator has not seen, 0."""
    probabilities = np.zeros((len(images), classes), np.float32)
    probabilities[:, estimator.classes_] = estimator.predict_proba(flatten(images))
    return finite(probabilities)
