"""A worker that trains the trials of a search, and follows a curve for all that comes after them.

`TUNE_WORKER=tests.helpers.trials_worker`, for tests of the search that need real trainings, but no more
of them.
"""

from collections.abc import Callable

from tests.helpers import curve_worker
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.workers import worker


def main() -> None:
    """As `tuner.workers.worker` does, but for the work that is not a trial."""
    channel, context = worker.start()

    import keras

    from tuner.training import gpu
    from tuner.training.perform import perform

    gpu.limit_memory()

    def perform_trials(
        spec: TrialSpec,
        context: WorkContext,
        key: str,
        on_epoch: Callable[[EpochReport], bool],
        micro_batches: int,
    ) -> TrialResult:
        chosen = perform if spec.purpose == "trial" else curve_worker.perform
        return chosen(spec, context, key, on_epoch, micro_batches)

    keras.utils.disable_interactive_logging()
    worker.serve(channel, context, perform_trials, keras.backend.backend(), worker.versions())


if __name__ == "__main__":
    main()
