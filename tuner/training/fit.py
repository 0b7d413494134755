"""Trains one model once, as a work item says, and reports each epoch."""

import itertools
import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.family import HEAD, Family, Recipe
from tuner.files import write_arrays
from tuner.records import EpochReport, State, TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training import again, checkpoint, features, limits, models, scores, steps
from tuner.training.data import TrainingData, load
from tuner.training.schedules import learning_rate

OnEpoch = Callable[[EpochReport], bool]
"""Called after each epoch; answers whether to go on."""

PATIENCE = 5
"""Epochs without a better validation score after which early stopping ends a training."""

WARM_STEPS = 300
"""Steps from which these are counted where there is batch normalisation: three times the memory of the
averages that Keras predicts with. Until then a network that has learnt may answer as by chance."""

PROBES = 3

PROBE_STEPS = 4
"""In each of them."""

HEAD_EPOCHS = 20
"""Epochs of a head alone before some of the network is trained with it: a second."""

_latencies: dict[Hashable, float] = {}
"""Milliseconds for an image by configuration."""


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
    micro_batches: int = 1
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        import keras

        keras.utils.set_random_seed(self.spec.seed)
        keras.config.set_dtype_policy(self.context.precision)
        recipe = self.family.recipe(self.spec.params)
        self.batch_size = min(recipe.batch_size, len(self.data.rows))
        self.micro_batches = parts(self.batch_size, self.micro_batches)
        epoch = self.data.steps(self.batch_size)
        self.recipe: Recipe = replace(recipe, ema=averaging(recipe.ema, epoch * self.spec.epochs))
        self.shape = self.data.shape
        self.classes = self.context.classes
        self.model: Any = again.compiled(
            (
                self.spec.model,
                *self.spec.params.items(),
                self.recipe,
                self.shape,
                self.batch_size,
                self.micro_batches,
                self.context,
            ),
            self._build,
            lambda model: models.compile_(model, self.recipe, self.classes, self.micro_batches),
            keep=self.spec.purpose in {"finalist", "baseline", "retrain"},
        )
        self.class_weights = self.data.class_weights() if self.context.class_weights else None

    def _build(self) -> Any:
        """The trained part: the model, or its head where the family trains on features."""
        params = self.spec.params
        fixed = self.family.fixed(params)
        if fixed is None:
            return self.family.build(params, self.shape, self.classes)
        return fixed.head(params, int(self.data.images.shape[1]), self.classes)

    def begin(self) -> None:
        """Trains the head alone, on features, where that comes first."""
        if not self.family.fine_tunes(self.spec.params):
            return
        assert self.family.features is not None
        params = {**self.spec.params, self.family.features.unfrozen: 0}
        spec = replace(self.spec, purpose="trial", params=params, epochs=HEAD_EPOCHS)
        given = features.inputs(spec, self.context, self.family)
        first = Fit(spec, self.context, self.family, load(spec, self.context, given))
        for epoch in range(1, HEAD_EPOCHS + 1):
            first.epoch(epoch)
        models.take_averaged_weights(first.model)
        self.model.get_layer(HEAD).set_weights(first.model.get_weights())

    @property
    def parameters(self) -> int:
        """Weights of the whole model."""
        fixed = features.parameters(self.spec, self.context, self.family, self.shape)
        return fixed + int(self.model.count_params())

    @property
    def last(self) -> int:
        """The epoch at which it ends, or waits."""
        return self.spec.until or self.spec.epochs

    @property
    def planned_steps(self) -> int:
        """Those that it takes until then."""
        return self.data.steps(self.batch_size) * (self.last - self.spec.resume_from)

    @cached_property
    def cold_epochs(self) -> int:
        """Epochs after which early stopping begins to count."""
        layers = (type(layer).__name__ for layer in self.model.layers)
        return WARM_STEPS // self.data.steps(self.batch_size) if "BatchNormalization" in layers else 0

    def epoch(self, epoch: int) -> EpochReport:
        """Trains one epoch (from 1) and, where it is one to be validated, scores the averaged weights."""
        start = time.perf_counter()
        count = self.data.steps(self.batch_size)
        rates = [
            learning_rate(self.recipe, step, count, self.spec.epochs)
            for step in range((epoch - 1) * count, epoch * count)
        ]
        loss, accuracy = self._train(self.data.batches(self.batch_size, self.spec.seed, epoch), rates)
        if not math.isfinite(loss):
            raise TrialFailedError("nan", f"the loss became {loss} in epoch {epoch}")
        validated = (self.last - epoch) % self.spec.validate_every == 0
        val_loss, val_accuracy, score = self._validate() if validated else (None, None, None)
        return EpochReport(
            epoch=epoch,
            loss=loss,
            accuracy=accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            score=score,
            images=count * self.batch_size,
            seconds=time.perf_counter() - start,
            learning_rate=rates[-1],
        )

    def _train(self, batches: Iterable[steps.Batch], rates: Sequence[float]) -> tuple[float, float]:
        return steps.train(self.model, batches, rates, self.class_weights, self.micro_batches)

    def probe(self) -> EpochReport:
        """A few steps of training, and one validation: what a whole epoch of `images` would take.

        Where an epoch has fewer steps, those of several: the first step compiles, and is not to count.
        """
        count, times = self.data.steps(self.batch_size), []
        epochs = (self.data.batches(self.batch_size, self.spec.seed, epoch) for epoch in itertools.count(1))
        batches = itertools.chain.from_iterable(epochs)
        for number in range(1 + PROBES):
            start = time.perf_counter()
            self._train(itertools.islice(batches, PROBE_STEPS), PROBE_STEPS * [self.recipe.learning_rate])
            if number:  # the first one compiles
                times.append((time.perf_counter() - start) / PROBE_STEPS)
        self._validate()  # compiles
        start = time.perf_counter()
        loss, accuracy, score = self._validate()
        seconds = count * float(np.median(times)) + time.perf_counter() - start
        return EpochReport(1, 0.0, 0.0, loss, accuracy, score, count * self.batch_size, seconds, 0.0)

    def _validate(self) -> tuple[float, float, float] | tuple[None, None, None]:
        labels = self.data.held_out_labels
        if labels is None:
            return None, None, None
        probabilities = self.predict()
        loss, accuracy = scores.log_loss(probabilities, labels), scores.accuracy(probabilities, labels)
        if self.context.metric == "accuracy":
            return loss, accuracy, accuracy
        return loss, accuracy, scores.score(self.context.metric, probabilities, labels)

    def predict(self) -> scores.Probabilities:
        """Probabilities of the held-out images, by the averaged weights."""
        return finite(
            models.with_averaged_weights(
                self.model,
                self.recipe,
                lambda: models.predict(self.model, self.data.held_out, 256 // self.micro_batches or 1),
            )
        )

    def resume(self, key: str) -> int:
        """Takes up the saved state that the work item goes on from; returns the epochs trained."""
        path, epoch = RunDir(Path(self.context.run_dir)).checkpoint(key), self.spec.resume_from
        return epoch if epoch and checkpoint.restore(path, self.model, epoch) else 0

    def pause(self, epochs: list[EpochReport], seconds: float, key: str) -> TrialResult:
        """Saves the state of the training for a later work item of the same key."""
        path = RunDir(Path(self.context.run_dir)).checkpoint(key)
        checkpoint.save(path, self.model, epochs[-1].epoch)
        return self.unfinished("paused", epochs, seconds)

    def unfinished(self, state: State, epochs: list[EpochReport], seconds: float) -> TrialResult:
        """The result of a training that leaves nothing but its curve."""
        return TrialResult(
            state,
            seconds,
            epochs,
            parameters=self.parameters,
            latency_ms=self.latency_ms,
            micro_batches=self.micro_batches,
        )

    def outputs(self, key: str) -> str:
        """Writes the predictions, but those of a trial; returns where, "" for nowhere."""
        if self.spec.purpose == "trial":
            return ""
        return write_predictions(RunDir(Path(self.context.run_dir)), key, self.predict())

    def finish(self, epochs: list[EpochReport], output: str, seconds: float, key: str) -> TrialResult:
        """Writes the model if it is to be kept."""
        run = RunDir(Path(self.context.run_dir))
        latency, summary = self.latency_ms, ""
        if self.spec.split is None:
            models.take_averaged_weights(self.model)
            latency, summary = self._as_saved(run, key)
        return TrialResult(
            state="complete",
            seconds=seconds,
            epochs=epochs,
            parameters=self.parameters,
            output=output,
            best_epoch=best_epoch(epochs),
            latency_ms=latency,
            summary=summary,
            micro_batches=self.micro_batches,
        )

    def _as_saved(self, run: RunDir, key: str) -> tuple[float, str]:
        """Milliseconds for an image, and the layers, of the model that is saved if it is to be kept.

        The time is measured once, as it does not depend on weights: a model of another seed is not compiled
        for that.
        """
        kind = (self.spec.model, *self.spec.params.items(), self.shape)
        if kind in _latencies and not self.spec.save:
            return _latencies[kind], ""
        plain = models.to_save(self.model, self.family, self.spec.params, self.shape, self.classes)
        if kind not in _latencies:
            _latencies[kind] = models.latency_ms(lambda: plain.predict_on_batch(self.data.one))
        if not self.spec.save:
            return _latencies[kind], ""
        models.save(plain, run.fitted_model(key))
        return _latencies[kind], models.summary(plain)


def train(
    spec: TrialSpec,
    context: WorkContext,
    family: Family,
    data: TrainingData,
    key: str,
    on_epoch: OnEpoch,
    micro_batches: int = 1,
) -> TrialResult:
    """Trains a Keras model to the end of its schedule, to its pause, or until the parent stops it.

    Raises:
        TrialFailedError: the loss, or what the model predicts, is not a number any more.
    """
    start = time.perf_counter()
    known = limits.look(spec, context, family, data)  # before the seed is set: it changes no training
    if known.refused is not None:
        return known.refused
    fit = Fit(spec, context, family, data, micro_batches, known.latency_ms)
    epochs: list[EpochReport] = []
    with steps.compiled_for(fit.planned_steps):
        if spec.purpose == "probe":
            epochs.append(fit.probe())
            return fit.unfinished("complete", epochs, time.perf_counter() - start)
        last, trained = fit.last, fit.resume(key)
        if not trained:
            fit.begin()
        for epoch in range(trained + 1, last + 1):
            epochs.append(fit.epoch(epoch))
            if not on_epoch(epochs[-1]) and epoch < last:  # at its end there is nothing left to stop
                return fit.unfinished("stopped", epochs, time.perf_counter() - start)
            if spec.purpose == "baseline" and epoch - max(best_epoch(epochs), fit.cold_epochs) >= PATIENCE:
                break
        if last < spec.epochs:
            return fit.pause(epochs, time.perf_counter() - start, key)
        seconds = time.perf_counter() - start
        output = fit.outputs(key)
    return fit.finish(epochs, output, seconds, key)


def averaging(ema: float, steps: int) -> float:
    """The momentum of averaged weights in a training of `steps` steps.

    The average spans a tenth of the training at most: a longer memory would hold on to the poor
    weights of the start.
    """
    return max(0.0, min(ema, 1 - 10 / steps)) if ema else 0.0


def parts(batch_size: int, wanted: int) -> int:
    """Into how many equal parts a batch is divided: the first number from `wanted` that divides it."""
    return next((n for n in range(wanted, batch_size) if batch_size % n == 0), batch_size)


def best_epoch(epochs: list[EpochReport]) -> int:
    """The earliest epoch with the highest score; the last one where nothing was scored."""
    scored = [(report.score, -report.epoch) for report in epochs if report.score is not None]
    return -max(scored)[1] if scored else len(epochs)


def finite(probabilities: scores.Probabilities) -> scores.Probabilities:
    """The same probabilities.

    Raises:
        TrialFailedError: some are not numbers.
    """
    if not np.isfinite(probabilities).all():
        raise TrialFailedError("nan", "the model predicts values that are not numbers")
    return probabilities


def write_predictions(run: RunDir, key: str, probabilities: scores.Probabilities) -> str:
    """Writes `fits/<key>.npz` and returns its path relative to the run directory."""
    path = run.fits / f"{key}.npz"
    write_arrays(path, {"probabilities": probabilities})
    return str(path.relative_to(run.path))
