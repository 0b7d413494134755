"""`tune status`: what a run has done so far, read without disturbing it."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from reports.markdown import score
from search_spaces import SEARCH_SPACES
from search_spaces.family import Recipe, Task
from tuner import registry
from tuner.config import RunConfig
from tuner.constraints import REFUSED
from tuner.datasets import DATASETS
from tuner.datasets.base import Traits
from tuner.display import duration
from tuner.ending import contenders
from tuner.errors import TuneError, UsageError
from tuner.files import read_json
from tuner.run.estimate import end_trainings
from tuner.run.preparation import SMALL
from tuner.run_dir import RunDir
from tuner.run_json import RunRecord
from tuner.search.engines.journal import is_paused
from tuner.search.engines.trials import FAILED
from tuner.search.pace import Pace
from tuner.search.schedulers import SCHEDULERS, of_run
from tuner.search.schedulers.base import Scheduler

STATES = ("complete", "pruned", "failed", "running", "paused", "waiting")


def lines(run_dir: RunDir, trial: int | None) -> list[str]:
    """Plain lines on the run, or on one trial of it."""
    run = RunRecord.read(run_dir.run)
    trials = _trials(run_dir)
    if trial is None:
        return overview(run, trials, _ended_seconds(run_dir))
    return _one(_chosen(trials, trial), run.config["metric"])


def as_json(run_dir: RunDir, trial: int | None) -> dict[str, Any]:
    """The same as JSON has it, of the schemas in `docs/json.md`."""
    run = RunRecord.read(run_dir.run)
    trials = _trials(run_dir)
    if trial is not None:
        return _one_as_json(_chosen(trials, trial))
    states = [_state(trial) for trial in trials]
    best = _best(trials, states)
    left = _left(run, trials, states.count("complete"), _ended_seconds(run_dir))
    return {
        "name": run.name,
        "path": str(run_dir.path),
        "state": run.state,
        "trials": {"asked_for": run.config["trials"], **{state: states.count(state) for state in STATES}},
        "refused": len(_refused(trials)),
        "best": None if best is None else {"trial": best.number, "score": best.value},
        "seconds_left": None if left is None else sum(left),
    }


def _chosen(trials: list[Any], number: int) -> Any:
    if not 0 <= number < len(trials):
        raise UsageError(f"--trial {number}: this run has trials 0 to {len(trials) - 1}")
    return trials[number]


def _trials(run_dir: RunDir) -> list[Any]:
    """Read without the run's lock, which a run under way holds; reading needs none."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not run_dir.journal.exists():
        return []
    path = str(run_dir.journal)
    storage = optuna.storages.JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    return list(optuna.load_study(study_name=None, storage=storage).get_trials(deepcopy=False))


def _state(trial: Any) -> str:
    failed = str(trial.user_attrs.get("reason", "")).startswith(FAILED)
    if failed or trial.state.name == "FAIL":
        return "failed"
    return "paused" if is_paused(trial) else str(trial.state.name).lower()


def _ended_seconds(run_dir: RunDir) -> float:
    """Seconds that the trainings after the search have taken so far."""
    seconds = 0.0
    for path in run_dir.fits.glob("*.json"):
        with suppress(TuneError, OSError, KeyError, TypeError):  # one is just being written
            seconds += float(read_json(path)["seconds"])
    return seconds


def overview(run: RunRecord, trials: list[Any], ended: float = 0.0) -> list[str]:
    """Plain lines on a run: its trials by state, the best of them, the time left.

    Args:
        run: its record.
        trials: of its study.
        ended: seconds of the trainings after the search that have ended.
    """
    states = [_state(trial) for trial in trials]
    wanted = run.config["trials"]
    counts = ", ".join(f"{states.count(state)} {state}" for state in STATES)
    refused = _refused(trials)
    found = [f"{run.name}: {run.state}", f"trials: {counts}; {wanted} asked for"]
    if refused:
        last = refused[-1].user_attrs["message"]
        found.append(f"refused before training: {len(refused)} of those pruned; the last: {last}")
    if (best := _best(trials, states)) is not None:
        found.append(f"best so far: {score(best.value, run.config['metric'])} (trial {best.number})")
    return [*found, *_time_left(_left(run, trials, states.count("complete"), ended))]


def _refused(trials: list[Any]) -> list[Any]:
    return [trial for trial in trials if trial.user_attrs.get("reason") == REFUSED]


def _best(trials: list[Any], states: list[str]) -> Any:
    """The trial that would win now; None where none may."""
    complete = [trial for trial, state in zip(trials, states, strict=True) if state == "complete"]
    may_win = [trial for trial in complete if all(excess <= 0 for excess in trial.constraints.values())]
    return max(may_win, key=lambda trial: trial.value, default=None)


def _left(run: RunRecord, trials: list[Any], complete: int, ended: float) -> tuple[float, float] | None:
    """Seconds that the search and the trainings after it have left; None while that is not known."""
    if run.state not in {"searching", "finishing"}:
        return None
    pace = _pace(trials)
    if not pace.items or run.plan is None:
        return None
    search = _search_left(run, trials, complete, pace) if run.state == "searching" else 0.0
    end = max(0.0, _end_trainings(run) * pace.whole(run.plan.epochs) - ended)
    found = search, end / run.environment.workers
    if not run.ends_by:
        return found
    until = (datetime.fromisoformat(run.ends_by) - datetime.now().astimezone()).total_seconds()
    return min(search, max(0.0, until)), max(0.0, min(found[1], until - search))


def _time_left(left: tuple[float, float] | None) -> list[str]:
    """A line with the time that is left; none while it is unknown."""
    if left is None or sum(left) < 1:
        return []
    search, end = left
    parts = f": {duration(search)} of search, then the trainings of the end" if search >= 1 else ""
    return [f"about {duration(search + end)} left{parts}"]


def _end_trainings(run: RunRecord) -> int:
    """Trainings of whole length after the search, as the options name them."""
    config, data = run.config, run.dataset
    height, width, channels = data.image_shape
    task = Task((height, width, channels), len(data.class_names), data.n_train)
    source = DATASETS.get(str(config.get("dataset")))
    traits = registry.resolve(source).traits if source else Traits()
    try:
        baselines = contenders.baselines(
            config.get("baselines") or traits.baselines, task, faithful=bool(config.get("faithful_baselines"))
        )
    except TuneError:  # the file of one is gone
        baselines = []
    seeds = config.get("seeds") or (5 if data.n_train < SMALL else 3)
    return end_trainings(config.get("finalists", RunConfig.finalists), seeds, baselines)


def _pace(trials: list[Any]) -> Pace:
    """Pace of the trials that trained."""
    pace = Pace()
    for facts in (trial.user_attrs for trial in trials if "stints" in trial.user_attrs):
        if facts.get("reason") != REFUSED:
            stints = facts["stints"].values()
            seconds = sum(stint[1] for stint in stints)
            pace.learn(facts.get("epochs", 0), seconds, facts.get("starting", 0.0), len(stints))
    return pace


def _search_left(run: RunRecord, trials: list[Any], complete: int, pace: Pace) -> float:
    """Seconds, reckoned as the search itself does: trials to come, and what is to go on."""
    assert run.plan is not None
    begun = sum("stints" in trial.user_attrs for trial in trials)
    images = round(run.plan.share * (run.dataset.n_train - run.dataset.n_validation))
    batch = trials[0].user_attrs.get("params", {}).get("batch_size", Recipe.batch_size)
    family = SEARCH_SPACES.get(run.space.name)  # one of the user's own trains no heads, as far as is known
    on_features = family is not None and registry.resolve(family).features is not None
    name = of_run(run.config["pruner"], on_features=on_features)
    scheduler: Scheduler = registry.resolve(SCHEDULERS[name])(run.plan.epochs, images // batch)
    for trial in trials:
        for epoch, reached in sorted(trial.intermediate_values.items()):
            scheduler.report(trial.number, epoch, reached)
    wanted = run.config["trials"]
    new = max(0, wanted - begun) * pace.trial_seconds
    seconds: float = new + scheduler.later(wanted, complete) * pace.epoch_seconds
    return seconds / run.environment.workers


def _one(trial: Any, metric: str) -> list[str]:
    facts = trial.user_attrs
    found = [f"trial {trial.number}: {_state(trial)}"]
    found += [f"  {name} = {value}" for name, value in facts.get("params", trial.params).items()]
    found += [
        f"  epoch {epoch}: {score(value, metric)}"
        for epoch, value in sorted(trial.intermediate_values.items())
    ]
    if facts.get("reason"):
        found.append(f"  reason: {facts['reason']}")
    if facts.get("micro_batches"):
        found.append(f"  each batch in {facts['micro_batches']} parts, as whole ones ran out of memory")
    found += [f"  | {line}" for line in str(facts.get("message", "")).splitlines()]
    if facts.get("log"):
        found.append("  the end of the worker's log:")
        found += [f"  | {line}" for line in str(facts["log"]).splitlines()]
    return found


def _one_as_json(trial: Any) -> dict[str, Any]:
    facts = trial.user_attrs
    return {
        "number": trial.number,
        "state": _state(trial),
        "score": trial.value,
        "parameters": facts.get("params", trial.params),
        "epochs": [
            {"epoch": epoch, "score": score} for epoch, score in sorted(trial.intermediate_values.items())
        ],
        "reason": facts.get("reason"),
        "message": facts.get("message"),
        "micro_batches": facts.get("micro_batches"),
        "log": facts.get("log"),
    }
