"""Trains one model once, as a work item says, and reports each epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.family import Family, Recipe
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir, write_arrays
from tuner.training import models, scores
from tuner.training.data import TrainingData
from tuner.training.schedules import learning_rate

OnEpoch = Callable[[EpochReport], bool]
"""Told of each epoch; answers whether to go on."""

PATIENCE = 5
"""Epochs without a better validation score after which early stopping ends a training."""

PROBE_STEPS = 12


class TrialFailedError(Exception):
    """A training that cannot go on, with a reason in a word."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass
class Fit:
    """One training under way."""

    spec: TrialSpec
    context: WorkContext
    family: Family
    data: TrainingData

    def __post_init__(self) -> None:
        import keras

        keras.utils.set_random_seed(self.spec.seed)
        keras.config.set_dtype_policy(self.context.precision)
        recipe = self.family.recipe(self.spec.params)
        self.batch_size = min(recipe.batch_size, len(self.data.rows))
        steps = self.data.steps(self.batch_size) * self.spec.epochs
        self.recipe: Recipe = replace(recipe, ema=averaging(recipe.ema, steps))
        shape = self.data.images.shape
        self.shape = (int(shape[1]), int(shape[2]), int(shape[3]))
        self.classes = self.context.classes
        self.model: Any = models.compiled(
            self.family, self.spec.params, self.recipe, self.shape, self.classes
        )
        self.class_weights = self.data.class_weights() if self.context.class_weights else None

    def epoch(self, epoch: int, most_steps: int | None = None) -> EpochReport:
        """Trains one epoch (from 1) and scores the averaged weights on the validation images."""
        start = time.perf_counter()
        steps = self.data.steps(self.batch_size)
        loss_sum = accuracy_sum = rate = 0.0
        done = 0
        for step, (images, targets) in enumerate(self.data.batches(self.batch_size, self.spec.seed, epoch)):
            rate = learning_rate(self.recipe, (epoch - 1) * steps + step, steps, self.spec.epochs)
            self.model.optimizer.learning_rate = rate
            logs = self.model.train_on_batch(
                images, targets, class_weight=self.class_weights, return_dict=True
            )
            loss_sum += float(logs["loss"])
            accuracy_sum += float(logs["accuracy"])
            done += 1
            if done == most_steps:
                break
        if not math.isfinite(loss_sum):
            raise TrialFailedError("nan", f"the loss became {loss_sum} in epoch {epoch}")
        loss, accuracy, score = self._validate()
        return EpochReport(
            epoch=epoch,
            loss=loss_sum / done,
            accuracy=accuracy_sum / done,
            val_loss=loss,
            val_accuracy=accuracy,
            score=score,
            images=done * self.batch_size,
            seconds=time.perf_counter() - start,
            learning_rate=rate,
        )

    def _validate(self) -> tuple[float, float, float] | tuple[None, None, None]:
        labels = self.data.held_out_labels
        if labels is None:
            return None, None, None
        probabilities = self.predict()
        if not np.isfinite(probabilities).all():
            raise TrialFailedError("nan", "the model predicts values that are not numbers")
        loss, accuracy = scores.log_loss(probabilities, labels), scores.accuracy(probabilities, labels)
        if self.context.metric == "accuracy":
            return loss, accuracy, accuracy
        return loss, accuracy, scores.score(self.context.metric, probabilities, labels)

    def predict(self) -> scores.Probabilities:
        """Probabilities of the held-out images, by the averaged weights."""
        return models.with_averaged_weights(
            self.model, self.recipe, lambda: models.predict(self.model, self.data.held_out)
        )

    def finish(self, epochs: list[EpochReport], seconds: float, key: str) -> TrialResult:
        """Writes the predictions, and the model if it is to be kept."""
        run = RunDir(Path(self.context.run_dir))
        output, latency, summary = "", None, ""
        if self.spec.purpose != "trial":
            output = write_predictions(run, key, self.predict())
        if self.spec.split is None:
            models.take_averaged_weights(self.model)
            plain = models.in_float32(self.model, self.family, self.spec.params, self.shape, self.classes)
            one = np.asarray(self.data.held_out[:1])
            latency = models.latency_ms(lambda: plain.predict_on_batch(one))
            if self.spec.save:
                summary = models.summary(plain)
                models.save(plain, run.fitted_model(key))
        return TrialResult(
            state="complete",
            seconds=seconds,
            epochs=epochs,
            parameters=int(self.model.count_params()),
            output=output,
            best_epoch=best_epoch(epochs),
            latency_ms=latency,
            summary=summary,
        )


def train(
    spec: TrialSpec, context: WorkContext, family: Family, data: TrainingData, key: str, on_epoch: OnEpoch
) -> TrialResult:
    """Trains a Keras model to the end of its schedule, or until told to stop.

    Raises:
        TrialFailedError: the loss is not a number any more.
    """
    start = time.perf_counter()
    fit = Fit(spec, context, family, data)
    epochs: list[EpochReport] = []
    if spec.purpose == "probe":
        fit.epoch(1, most_steps=2)
        epochs.append(fit.epoch(1, most_steps=PROBE_STEPS))
        return TrialResult(
            "complete", time.perf_counter() - start, epochs, parameters=int(fit.model.count_params())
        )
    for epoch in range(1, spec.epochs + 1):
        epochs.append(fit.epoch(epoch))
        if not on_epoch(epochs[-1]):
            return TrialResult(
                "stopped", time.perf_counter() - start, epochs, parameters=int(fit.model.count_params())
            )
        if spec.purpose == "baseline" and epoch - best_epoch(epochs) >= PATIENCE:
            break
    return fit.finish(epochs, time.perf_counter() - start, key)


def averaging(ema: float, steps: int) -> float:
    """The momentum of averaged weights in a training of `steps` steps.

    The average spans a tenth of the training at most: a longer memory would hold on to the poor
    weights of the start.
    """
    return max(0.0, min(ema, 1 - 10 / steps)) if ema else 0.0


def best_epoch(epochs: list[EpochReport]) -> int:
    """The earliest epoch with the highest score; the last one where nothing was scored."""
    scored = [(report.score, -report.epoch) for report in epochs if report.score is not None]
    return -max(scored)[1] if scored else len(epochs)


def write_predictions(run: RunDir, key: str, probabilities: scores.Probabilities) -> str:
    """Writes `fits/<key>.npz` and returns its path relative to the run directory."""
    path = run.fits / f"{key}.npz"
    write_arrays(path, {"probabilities": probabilities})
    return str(path.relative_to(run.path))
