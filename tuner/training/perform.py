"""Does one work item, whatever it trains; a failure becomes a result, never an exception."""

import traceback
from contextlib import suppress
from dataclasses import replace

from search_spaces.family import Family
from tuner.baselines.own import as_baseline
from tuner.errors import TuneError
from tuner.files import is_disk_error
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.training import again, ensemble, estimators, features, fit, memory, occlusion, preview
from tuner.training import data as training_data

OUT_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "resource_exhausted",
    "resource exhausted",
    "resourceexhausted",
    "oom when allocating",
    "failed to allocate memory",
    "dst tensor is not initialized",  # TensorFlow, of what finds no place when it is copied to a GPU
)
"""Words that the messages of TensorFlow, JAX and PyTorch have in common, in lower case."""


def perform(
    spec: TrialSpec, context: WorkContext, key: str, on_epoch: fit.OnEpoch, micro_batches: int = 1
) -> TrialResult:
    """Trains what the item says.

    Args:
        spec: the work item.
        context: of the run.
        key: names the files that are written, `fits/<key>.*`.
        on_epoch: called after each epoch; answers whether to go on.
        micro_batches: parts that each batch is trained in, to save memory.
    """
    try:
        return _perform(spec, context, key, on_epoch, micro_batches)
    except fit.TrialFailedError as error:
        return _failed(error.reason, str(error))
    except MemoryError as error:
        _log()
        return _failed("out-of-memory", f"MemoryError: {error}")
    except TuneError as error:
        return _failed("error", str(error))
    except Exception as error:  # noqa: BLE001 - whatever a model raises ends its trial only
        _log()
        message = f"{type(error).__name__}: {error}"
        if is_disk_error(error):
            return _failed("disk", message)
        exhausted = any(sign in message.lower() for sign in OUT_OF_MEMORY)
        return _failed("out-of-memory" if exhausted else "error", message[:2000])
    finally:
        memory.forget()


def _perform(
    spec: TrialSpec, context: WorkContext, key: str, on_epoch: fit.OnEpoch, micro_batches: int
) -> TrialResult:
    if spec.purpose == "ensemble":
        return ensemble.combine(spec, context, key)
    if spec.purpose == "occlusion":
        return occlusion.look(spec, context, key)
    target = resolve(spec.model)
    family = target if isinstance(target, Family) else None
    if family is None:
        baseline = as_baseline(target, spec.model)
        if baseline.estimator is not None:
            return estimators.fit(spec, context, baseline, training_data.load(spec, context), key)
        family = baseline.family
        context = replace(context, precision="float32")  # as published, whatever the search uses
    assert family is not None
    if spec.purpose == "features":
        assert family.features is not None
        return features.compute(spec, context, family.features)
    data = training_data.load(spec, context, features.inputs(spec, context, family))
    if spec.purpose == "preview":
        return preview.augmented(spec, context, family, data, key)
    return fit.train(spec, context, family, data, key, on_epoch, micro_batches)


def _log() -> None:
    """Writes the exception to the worker's log, if the disk has room for it."""
    with suppress(OSError):
        traceback.print_exc()


def _failed(reason: str, message: str) -> TrialResult:
    again.forget()
    return TrialResult("failed", seconds=0.0, reason=reason, message=message)
