"""Does one work item, whatever it trains; a failure becomes a result, never an exception."""

import gc
import traceback

from search_spaces.family import Family
from tuner.baselines.own import as_baseline
from tuner.errors import TuneError
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.training import data as training_data
from tuner.training import estimators, fit, preview

OUT_OF_MEMORY = ("out of memory", "resource_exhausted", "resource exhausted", "oom when allocating")


def perform(spec: TrialSpec, context: WorkContext, key: str, on_epoch: fit.OnEpoch) -> TrialResult:
    """Trains what the item says.

    Args:
        spec: the work item.
        context: of the run.
        key: names the files that are written, `fits/<key>.*`.
        on_epoch: told of each epoch; answers whether to go on.
    """
    try:
        target = resolve(spec.model)
        data = training_data.load(spec, context)
        family = target if isinstance(target, Family) else None
        if family is None:
            baseline = as_baseline(target, spec.model)
            if baseline.estimator is not None:
                return estimators.fit(spec, context, baseline, data, key)
            family = baseline.family
        assert family is not None
        if spec.purpose == "preview":
            return preview.augmented(spec, context, family, data, key)
        return fit.train(spec, context, family, data, key, on_epoch)
    except fit.TrialFailedError as error:
        return _failed(error.reason, str(error))
    except MemoryError as error:
        return _failed("out-of-memory", f"MemoryError: {error}")
    except TuneError as error:
        return _failed("error", str(error))
    except Exception as error:  # noqa: BLE001 - whatever a model raises ends its trial only
        traceback.print_exc()  # goes to the worker's log
        message = f"{type(error).__name__}: {error}"
        memory = any(sign in message.lower() for sign in OUT_OF_MEMORY)
        return _failed("out-of-memory" if memory else "error", message[:2000])
    finally:
        _forget()


def _failed(reason: str, message: str) -> TrialResult:
    return TrialResult("failed", seconds=0.0, reason=reason, message=message)


def _forget() -> None:
    import keras

    keras.utils.clear_session(free_memory=False)
    gc.collect()
