"""A worker that follows a closed-form learning curve where the real one trains, and imports no framework.

It speaks the worker's own protocol in a real process and writes the files that a training writes, so
that what surrounds training can be tested in seconds: `TUNE_WORKER=tests.helpers.curve_worker`. An epoch
takes `CURVE_SECONDS`, none without it; after the search `CURVE_END_SECONDS`, if that is another.
`CURVE_FAULTS`, JSON, names what goes wrong in the first epoch of a
trial, or of all else that has a purpose: `{"3": "hang", "probe": "hang"}`. `CURVE_WEAK` is a part of the
reference of models that score 0.3 less.
"""

import json
import math
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tuner.constraints import REFUSED, Constraints
from tuner.files import write_arrays
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training import data as training_data
from tuner.workers import worker

SECONDS = float(os.environ.get("CURVE_SECONDS", "0"))
END_SECONDS = float(os.environ.get("CURVE_END_SECONDS", str(SECONDS)))
IMAGES = 1000
FAULTS: dict[str, str] = json.loads(os.environ.get("CURVE_FAULTS", "{}"))
WEAK = os.environ.get("CURVE_WEAK", "")
GROWTH = 300 << 20
_grown: list[bytes] = []


def truth(params: dict[str, Any], share: float = 1.0) -> float:
    """Rises with the share of the epochs; best at a learning rate of 0.004."""
    away = math.log10(float(params.get("learning_rate", 0.004)) / 0.004)
    reach = 0.6 + 0.3 * math.exp(-3 * away**2) + 0.1 * float(params.get("dropout", 0.0))
    grown: float = reach * (1 - 0.5 ** (1 + 6 * share))
    return grown


def score(params: dict[str, Any], seed: int, epoch: int, epochs: int) -> float:
    """The truth with a little noise by the seed."""
    noise = random.Random(seed * 1000 + epoch).gauss(0, 0.005)
    return min(0.999, max(0.0, truth(params, epoch / epochs) + noise))


def size(params: dict[str, Any]) -> tuple[int, float]:
    """1,000 parameters and 0.1 ms for each of the first block's filters."""
    filters = int(params.get("filters", 1))
    return 1000 * filters, 0.1 * filters


def perform(
    spec: TrialSpec,
    context: WorkContext,
    key: str,
    on_epoch: Callable[[EpochReport], bool],
    micro_batches: int,
) -> TrialResult:
    """Does as `tuner.training.perform`, without training."""
    if spec.purpose in {"preview", "occlusion"}:
        return TrialResult("complete", 0.0)
    fault = FAULTS.get(str(spec.number) if spec.purpose == "trial" else spec.purpose)
    if fault == "error":
        return TrialResult("failed", 0.0, reason="error", message="ValueError: no such layer")
    if fault is not None:
        _meet(fault)
    run, start = RunDir(Path(context.run_dir)), time.perf_counter()
    parameters, latency = size(spec.params)
    parameters *= len(spec.members) or 1
    broken = Constraints(context.max_parameters, context.max_latency_ms).broken(parameters, latency)
    if broken and spec.purpose == "trial" and spec.number and not spec.resume_from:
        return TrialResult(
            "refused", 0.0, reason=REFUSED, message=broken, parameters=parameters, latency_ms=latency
        )
    epochs: list[EpochReport] = []
    checkpoint = run.checkpoint(key)
    resumed = spec.resume_from if checkpoint.exists() else 0
    last = spec.until or spec.epochs
    seconds_an_epoch = SECONDS if spec.purpose in {"trial", "probe"} else END_SECONDS
    for epoch in range(resumed + 1, last + 1):
        time.sleep(seconds_an_epoch)
        reached = score(spec.params, spec.seed, epoch, spec.epochs)
        reached = max(0.0, reached - 0.3) if WEAK and WEAK in spec.model else reached
        held = None if spec.split is None else reached
        loss = None if held is None else 1 - held
        epochs.append(
            EpochReport(
                epoch, 1 - reached, reached, loss, held, held, IMAGES, max(seconds_an_epoch, 1e-4), 1e-3
            )
        )
        if spec.purpose == "probe":
            break
        if not on_epoch(epochs[-1]) and epoch < last:
            seconds = time.perf_counter() - start
            return TrialResult("stopped", seconds, epochs, parameters=parameters, latency_ms=latency)
    seconds = time.perf_counter() - start
    if last < spec.epochs:
        write_arrays(checkpoint, {"epoch": np.array(last)})
        return TrialResult("paused", seconds, epochs, parameters=parameters, latency_ms=latency)
    output = "" if spec.purpose in {"trial", "probe"} else _predict(run, spec, context, key)
    if spec.save:
        run.fitted_model(key).write_bytes(b"a model")
    return TrialResult(
        "complete",
        seconds,
        epochs,
        parameters=parameters,
        output=output,
        best_epoch=last,
        latency_ms=latency,
    )


def _meet(fault: str) -> None:
    """Hangs, waits inside C code that holds the interpreter's lock, is killed, or keeps memory for good."""
    sys.stderr.write(f"{fault}\n")
    sys.stderr.flush()
    if fault == "hang":
        time.sleep(3600)
    elif fault == "busy":
        re.match(r"(a+)+$", "a" * 64 + "b")
    elif fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault in {"orphan", "orphan-hang"}:
        if not os.fork():  # as a pool of `multiprocessing` does
            time.sleep(3600)
        if fault == "orphan":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(3600)
    elif fault == "grow":
        _grown.append(os.urandom(GROWTH))
    else:
        raise ValueError(fault)


def _predict(run: RunDir, spec: TrialSpec, context: WorkContext, key: str) -> str:
    """Probabilities drawn by the seed."""
    held_out = training_data.load(spec, context).held_out
    drawn = np.random.default_rng(spec.seed).random((len(held_out), context.classes))
    path = run.fits / f"{key}.npz"
    write_arrays(path, {"probabilities": (drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)})
    return str(path.relative_to(run.path))


if __name__ == "__main__":
    sys.stderr.write("a worker starts\n")
    channel, context = worker.start()
    worker.serve(channel, context, perform, "numpy", {"numpy": np.__version__})
