"""A worker on a stand-in for a GPU: one named in `CROWDED` has no room for two, and thrashes.

It speaks the worker's own protocol; an epoch is some steps of sleep, during which the others on the same
device can see that it is at work.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.workers import worker

DEVICE = os.environ.get("CUDA_VISIBLE_DEVICES")
STEPS = 3
SECONDS = 0.06
IMAGES = 192


def step(folder: Path) -> None:
    """One step on the device."""
    mine = folder / f"busy-{DEVICE}-{os.getpid()}"
    now, seconds = time.time(), SECONDS
    if os.environ["CROWDED"] == DEVICE:
        others = [path for path in folder.glob(f"busy-{DEVICE}-*") if path != mine]
        seconds *= 1 + 7 * sum(float(path.read_text()) > now for path in others)
    written = folder / f"new-{os.getpid()}"
    written.write_text(str(now + seconds + 0.1))
    written.rename(mine)
    time.sleep(seconds)


def perform(
    spec: TrialSpec,
    context: WorkContext,
    key: str,
    on_epoch: Callable[[EpochReport], bool],
    micro_batches: int,
) -> TrialResult:
    """Epochs of steps, until told to stop."""
    epochs: list[EpochReport] = []
    start = time.perf_counter()
    for epoch in range(1, spec.epochs + 1):
        began = time.perf_counter()
        for _ in range(STEPS):
            step(Path(context.run_dir))
        seconds = time.perf_counter() - began
        epochs.append(EpochReport(epoch, 1.0, 0.5, 1.0, 0.5, 0.5, IMAGES, seconds, 1e-3))
        if not on_epoch(epochs[-1]):
            return TrialResult("stopped", time.perf_counter() - start, epochs)
    return TrialResult("complete", time.perf_counter() - start, epochs)


if __name__ == "__main__":
    channel, context = worker.start()
    worker.serve(channel, context, perform, "numpy", {})
