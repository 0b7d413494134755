"""One sitting of a run, from its workers to its report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuner import registry
from tuner.records import WorkContext
from tuner.run.beginning import begin
from tuner.run.finishing import finish
from tuner.run.preparation import asked
from tuner.run.searching import search
from tuner.run.sitting import Sitting
from tuner.workers import devices
from tuner.workers.executors import EXECUTORS
from tuner.workers.executors.base import Executor


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        path: its directory.
        interrupted: by Ctrl-C or SIGTERM; the report then holds what was finished.
    """

    path: Path
    interrupted: bool


def run(sitting: Sitting) -> Ended:
    """Search, end, report."""
    import reports

    sitting.open()
    if sitting.prepared.why:
        sitting.display.say(sitting.prepared.why)
    if sitting.is_done():
        sitting.display.say("everything asked for is done; writing the report again")
    else:
        sitting.note(state="searching", ends_by=sitting.ends_by())
        with _executor(sitting) as executor:
            begin(sitting, executor)
            past = search(sitting, executor)
            if past is not None:
                sitting.save(state="finishing")
                sitting.note(state="done" if finish(sitting, executor, past) else "interrupted")
    began = time.monotonic()
    sitting.save(state="done" if sitting.record.state == "done" else "interrupted")
    reports.write(sitting.directory.path)
    _write_index(sitting)
    sitting.save(seconds={**sitting.record.seconds, "report": time.monotonic() - began})
    return Ended(sitting.directory.path, sitting.record.state == "interrupted")


@contextmanager
def _executor(sitting: Sitting) -> Iterator[Executor]:
    config, slots = sitting.config, sitting.prepared.slots
    context = WorkContext(
        run_dir=str(sitting.directory.path),
        dataset_dir=str(sitting.prepared.dataset.directory.resolve()),
        classes=sitting.prepared.dataset.classes,
        metric=config.metric,
        class_weights=config.class_weights == "balanced",
        precision=sitting.record.environment.precision,
        max_parameters=config.max_parameters,
        max_latency_ms=config.max_latency_ms,
    )
    sitting.display.say(f"starting {devices.told(slots)}")
    executor: Executor = registry.resolve(EXECUTORS[config.on])(
        slots, context, sitting.directory.logs, asked(config), sitting.display.say
    )
    try:
        yield executor
    finally:
        executor.stop()


def _write_index(sitting: Sitting) -> None:
    """Writes the index of all runs, which is a convenience: it never decides how a run ends."""
    from reports.compare import write_index

    folder = sitting.directory.path.parent
    try:
        if write_index(folder) is None:
            index = folder / "README.md"
            sitting.display.warn(f"{index} is not an index of runs, so it is left as it is")
    except Exception as error:  # noqa: BLE001 - whatever it is, the run is done
        sitting.display.warn(f"the index of runs in {folder} could not be written: {error}")
