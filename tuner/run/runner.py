"""One run from its configuration to its report."""

from functools import partial
from pathlib import Path

from tuner.config import RunConfig
from tuner.display import Display
from tuner.errors import StoppedError
from tuner.files import telling_of_disk_errors
from tuner.run import budget, session
from tuner.run.estimate import end_trainings
from tuner.run.preparation import Prepared, prepare
from tuner.run.session import Ended
from tuner.run.sitting import Sitting
from tuner.run.space_choice import Choice
from tuner.run_dir import RunDir
from tuner.run_json import RunRecord
from tuner.search import warm_start
from tuner.search.warm_start import Start
from tuner.workers.driver import Interrupt


def run(
    config: RunConfig, display: Display, command: list[str], began: float, *, fresh: bool = False
) -> Ended:
    """Does a run, or what is left of it.

    Args:
        config: what is asked.
        display: shows the progress.
        command: the command line that does it again.
        began: `time.monotonic()` when the command started; the budget counts from there.
        fresh: set an existing run of that name aside first.

    Raises:
        TuneError: see `tuner.errors`.
    """
    from reports.markdown import score

    display.scored = partial(score, metric=config.metric)
    directory = RunDir(config.out / (config.name or default_name(config.dataset)))
    with telling_of_disk_errors(directory.path):
        directory.check_ours()
    begins = fresh or not directory.run.exists()
    prepared = prepare(config, display, None if begins else _chosen(directory))
    display.end_planned(end_trainings(config.finalists, prepared.seeds(config.seeds), prepared.baselines))
    if config.budget is not None:
        display.must_end(began + config.budget)
    starts = _starts(config, prepared, directory, display) if begins else []
    with telling_of_disk_errors(directory.path):
        if fresh and (aside := directory.set_aside()):
            display.say(f"the earlier run is set aside as {aside}")
        lock = directory.lock()
        interrupt = Interrupt(display.warn)
        try:
            with interrupt, display.showing():
                sitting = Sitting(config, prepared, directory, display, command, began, interrupt, starts)
                return session.run(sitting)
        except budget.TooShortError:
            if begins:
                directory.remove()
            raise
        except (KeyboardInterrupt, Exception) as error:
            # A second Ctrl-C falls into the middle of anything, whose clean-up may then fail in turn.
            if isinstance(error, KeyboardInterrupt) or interrupt.at_once:
                raise StoppedError("stopped at once; the same command resumes") from None
            raise
        finally:
            lock.release()


def _chosen(directory: RunDir) -> Choice:
    """The space of a run that goes on: weights added or removed since change nothing."""
    earlier = RunRecord.read(directory.run)
    return Choice(earlier.space.name, earlier.why_space)


def _starts(config: RunConfig, prepared: Prepared, directory: RunDir, display: Display) -> list[Start]:
    """The configurations that a new run tries first; a resumed run reads them from its `run.json`."""
    return warm_start.find(
        config.warm_start, config.out, directory.path, prepared.task, prepared.space, display.say
    )


def default_name(dataset: str) -> str:
    """The name of a run: the data set's, or its path's last part without endings."""
    return Path(dataset).resolve().name.split(".")[0] or "data"
