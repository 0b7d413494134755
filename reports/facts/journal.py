"""Reads the trials of a run from its Optuna journal, and asks which parameters mattered."""

import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.facts.trials import Importance, Search, Stint, Trial, TrialState
from tuner.errors import DataError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

FAILED = "failed:"
"""A trial told to Optuna as pruned failed all the same when its reason begins so: told as failed,
TPE would not learn to keep away from where trials fail."""
MIN_SCORED = 10
"""Trials with a score that an importance needs."""
MIN_RANGED = 20
"""Trials that the range of an importance needs."""
RESAMPLES = 60


def read_trials(journal: Path) -> list["FrozenTrial"]:
    """The trials of a run that have begun, by number; an empty list where there is no journal.

    Works on a copy that is cut back to its last whole line: the run's own file is neither locked nor
    mended, and a line torn by a crash does no harm.

    Raises:
        DataError: the journal does not hold one study.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if not journal.exists() or not journal.stat().st_size:
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = str(Path(folder) / "study.journal")
        _copy_whole_lines(journal, Path(copy))
        storage = JournalStorage(JournalFileBackend(copy, lock_obj=JournalFileOpenLock(copy)))
        names = optuna.get_all_study_names(storage)
        if len(names) != 1:
            raise DataError(f"{journal} holds {len(names)} studies; expected one")
        study = optuna.load_study(study_name=names[0], storage=storage)
        return [trial for trial in study.get_trials(deepcopy=False) if _has_begun(trial)]


def read_study(journal: Path) -> "Study":
    """The Optuna study of a run, copied into memory: whatever is done with it does not touch the run.

    Raises:
        DataError: the journal is missing, or holds no study, or several.
    """
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    if not journal.exists():
        raise DataError(f"no study: {journal} is missing")
    with tempfile.TemporaryDirectory() as folder:
        copy = str(Path(folder) / "study.journal")
        _copy_whole_lines(journal, Path(copy))
        storage = JournalStorage(JournalFileBackend(copy, lock_obj=JournalFileOpenLock(copy)))
        names, memory = optuna.get_all_study_names(storage), InMemoryStorage()
        if len(names) != 1:
            raise DataError(f"{journal} holds {len(names)} studies; expected one")
        with _unannounced():
            optuna.copy_study(from_study_name=names[0], from_storage=storage, to_storage=memory)
        return optuna.load_study(study_name=names[0], storage=memory)


def _has_begun(trial: "FrozenTrial") -> bool:
    """The last one may have been chosen ahead of time, and not have been needed."""
    return (
        trial.state.name != "WAITING"
        or bool(trial.intermediate_values)
        or not {"began", "started"}.isdisjoint(trial.user_attrs)
    )


def _copy_whole_lines(source: Path, target: Path) -> None:
    with source.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            try:
                json.loads(line)
            except ValueError:
                return
            if not line.endswith(b"\n"):
                return
            out.write(line)


def as_trial(frozen: "FrozenTrial") -> Trial:
    """The facts of one trial."""
    attrs = frozen.user_attrs
    curve = tuple(sorted((int(step), float(value)) for step, value in frozen.intermediate_values.items()))
    state = _state(frozen)
    last = curve[-1][1] if curve else None
    score = float(frozen.values[0]) if state == "complete" and frozen.values else last
    return Trial(
        number=frozen.number,
        state=state,
        params=dict(frozen.params) or dict(attrs.get("params", {})),
        curve=curve,
        score=score if score is None or np.isfinite(score) else None,
        stints=tuple(_stints(attrs)),
        seconds=attrs.get("seconds"),
        epochs=int(attrs.get("epochs") or (curve[-1][0] if curve else 0)),
        reason=str(attrs.get("reason") or "").removeprefix(FAILED).strip(),
        message=str(attrs.get("message") or ""),
        parameters=attrs.get("parameters"),
        warm_start=str(attrs.get("warm_start") or ""),
        feasible=all(excess <= 0 for excess in frozen.constraints.values()),
    )


def _stints(attrs: dict[str, Any]) -> Iterator[Stint]:
    """As they are recorded; of the first version, which had one for each trial, that one."""
    if "stints" in attrs or "paused" in attrs or None in (attrs.get("started"), attrs.get("seconds")):
        for start, took, slot, *device in attrs.get("stints", {}).values():
            yield Stint(float(start), float(took), int(slot), *device)
    else:
        yield Stint(attrs["started"], attrs["seconds"], attrs.get("worker") or 0)


def _state(frozen: "FrozenTrial") -> TrialState:
    from optuna.trial import TrialState as Told

    if frozen.state == Told.COMPLETE:
        return "complete"
    if frozen.state == Told.FAIL:
        return "failed"
    if frozen.state == Told.PRUNED:
        return "failed" if str(frozen.user_attrs.get("reason") or "").startswith(FAILED) else "pruned"
    return "unfinished"


def importances(frozen: Sequence["FrozenTrial"]) -> tuple[Importance, ...]:
    """Importance of each searched parameter, highest first; empty with fewer than 10 trials with a score.

    PED-ANOVA (Watanabe, Bansal and Hutter 2023, arXiv 2304.10255), Optuna's default: how far the values of
    the best tenth of the trials (at least ten, at most half of them) differ from those of all.
    Stopped trials take part with their last score, since all that is asked of them is not to be among
    the best; without them a search that prunes hard would be judged by a handful of trials. The range is
    the middle 80 % over random halves of the trials, from a fixed seed: an estimate from n / 2 of n
    varies about its value for all by one standard error of the latter. Below 20 trials a half says nothing.
    """
    scored = [trial for trial in map(_with_value, frozen) if trial is not None]
    if len(scored) < MIN_SCORED or len({trial.value for trial in scored}) < 2:
        return ()
    best = min(0.5, max(0.1, 10 / len(scored)))
    study = _in_memory(scored)
    shares = _shares(study, range(len(scored)), best)
    ranged = len(scored) >= MIN_RANGED
    rng = np.random.default_rng(0)
    halves = [rng.permutation(len(scored))[: len(scored) // 2] for _ in range(RESAMPLES if ranged else 0)]
    again = [_shares(study, half.tolist(), best) for half in halves]
    found = [
        Importance(
            param, share, *(_range([drawn.get(param, 0.0) for drawn in again]) if again else (None, None))
        )
        for param, share in shares.items()
    ]
    return tuple(sorted(found, key=lambda item: (-item.importance, item.param)))


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.1, 0.9))
    return float(low), float(high)


def _with_value(frozen: "FrozenTrial") -> "FrozenTrial | None":
    """The trial as a complete one with its score as value; None if it has none or failed."""
    import optuna

    trial = as_trial(frozen)
    if trial.score is None or trial.state not in {"complete", "pruned"}:
        return None
    return optuna.trial.create_trial(
        params=frozen.params, distributions=frozen.distributions, value=trial.score
    )


@contextmanager
def _unannounced() -> Iterator[None]:
    """Keeps Optuna from saying that it has created a study in memory."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _in_memory(trials: Sequence["FrozenTrial"]) -> "Study":
    """A study of these trials, numbered as they stand here."""
    import optuna

    with _unannounced():
        study = optuna.create_study()
    study.add_trials(trials)
    return study


def _shares(study: "Study", among: Sequence[int], best: float) -> dict[str, float]:
    """Of the trials with these numbers: Optuna leaves out those whose target is not finite."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    asked = frozenset(among)

    def loss(trial: "FrozenTrial") -> float:
        return -(trial.value or 0.0) if trial.number in asked else float("nan")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parameters with a single value, and that a target is minimised
        evaluator = PedAnovaImportanceEvaluator(target_quantile=best)
        shares = get_param_importances(study, evaluator=evaluator, target=loss)
    known = {param: float(share) for param, share in shares.items() if np.isfinite(share)}
    return known if sum(known.values()) > 0 else {}


def read_search(journal: Path, told: Mapping[str, Any]) -> Search:
    """The search with what `run.json` says of it."""
    frozen = read_trials(journal)
    trials = tuple(as_trial(trial) for trial in frozen)
    epochs = told.get("epochs_trained")
    return Search(
        trials=trials,
        importance=importances(frozen),
        seconds=told.get("seconds"),
        epochs_trained=int(epochs) if epochs is not None else sum(trial.epochs for trial in trials),
        images_per_second=told.get("images_per_second"),
        stopped_by=told.get("stopped_by"),
    )
