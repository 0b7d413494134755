"""`tune status`: what a run has done so far, read without disturbing it."""

from typing import Any

from tuner.constraints import REFUSED
from tuner.display import duration
from tuner.engines.journal import STUDY, is_paused
from tuner.engines.trials import FAILED
from tuner.errors import UsageError
from tuner.run_dir import RunDir, read_json


def lines(run_dir: RunDir, trial: int | None) -> list[str]:
    """Plain lines on the run, or on one trial of it."""
    run = read_json(run_dir.run)
    trials = _trials(run_dir)
    if trial is None:
        return _overview(run, trials)
    if not 0 <= trial < len(trials):
        raise UsageError(f"--trial {trial}: this run has trials 0 to {len(trials) - 1}")
    return _one(trials[trial])


def _trials(run_dir: RunDir) -> list[Any]:
    """Read without the run's lock, which a run under way holds; reading needs none."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not run_dir.journal.exists():
        return []
    path = str(run_dir.journal)
    storage = optuna.storages.JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    return list(optuna.load_study(study_name=STUDY, storage=storage).get_trials(deepcopy=False))


def _state(trial: Any) -> str:
    failed = str(trial.user_attrs.get("reason", "")).startswith(FAILED)
    if failed or trial.state.name == "FAIL":
        return "failed"
    return "paused" if is_paused(trial) else str(trial.state.name).lower()


def _overview(run: dict[str, Any], trials: list[Any]) -> list[str]:
    states = [_state(trial) for trial in trials]
    wanted = run["config"]["trials"]
    counts = ", ".join(
        f"{states.count(state)} {state}"
        for state in ("complete", "pruned", "failed", "running", "paused", "waiting")
    )
    complete = [trial for trial, state in zip(trials, states, strict=True) if state == "complete"]
    may_win = [trial for trial in complete if all(excess <= 0 for excess in trial.constraints.values())]
    refused = [trial for trial in trials if trial.user_attrs.get("reason") == REFUSED]
    found = [f"{run['name']}: {run['state']}", f"trials: {counts}; {wanted} asked for"]
    if refused:
        last = refused[-1].user_attrs["message"]
        found.append(f"refused before training: {len(refused)} of those pruned; the last: {last}")
    if may_win:
        best = max(may_win, key=lambda trial: trial.value)
        found.append(f"best so far: {best.value:.4f} (trial {best.number})")
    ended = sum(state in {"complete", "pruned", "failed"} for state in states)
    spent = max(
        (t.user_attrs.get("began", 0.0) + t.user_attrs.get("seconds", 0.0) for t in trials), default=0.0
    )
    if run["state"] == "searching" and ended and ended < wanted:
        found.append(f"the search has about {duration(spent / ended * (wanted - ended))} left")
    return found


def _one(trial: Any) -> list[str]:
    facts = trial.user_attrs
    found = [f"trial {trial.number}: {_state(trial)}"]
    found += [f"  {name} = {value}" for name, value in facts.get("params", trial.params).items()]
    found += [f"  epoch {epoch}: {score:.4f}" for epoch, score in sorted(trial.intermediate_values.items())]
    if facts.get("reason"):
        found.append(f"  reason: {facts['reason']}")
    if facts.get("micro_batches"):
        found.append(f"  each batch in {facts['micro_batches']} parts, as whole ones ran out of memory")
    found += [f"  | {line}" for line in str(facts.get("message", "")).splitlines()]
    if facts.get("log"):
        found.append("  the end of the worker's log:")
        found += [f"  | {line}" for line in str(facts["log"]).splitlines()]
    return found
