"""The study's journal on disk, mended where a crash has torn its end."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import RunError

if TYPE_CHECKING:
    import optuna

STUDY = "study"


def open_study(path: Path) -> "optuna.Study":
    """Opens, or creates, the study of a run. The caller holds the run's lock.

    Trials that a crash left running are set to waiting, so that they come again; paused ones stay.

    Raises:
        RunError: the journal cannot be read.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mend(path)
    # Nobody else writes while we hold the run's own lock, so a lock file here is a dead process', also
    # one under the name that it gets on release.
    for lock_file in path.parent.glob(f"{path.name}.lock*"):
        lock_file.unlink(missing_ok=True)
    try:
        lock = JournalFileOpenLock(str(path))
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
        study = optuna.create_study(
            study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True
        )
    except (ValueError, KeyError) as error:
        raise RunError(
            f"{path} cannot be read: {error}\n--fresh sets this run aside and starts anew"
        ) from error
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not is_paused(trial):
            reset(study, trial.number)
    return study


def is_paused(trial: "optuna.trial.FrozenTrial") -> bool:
    """Whether a trial under way has trained up to where it was to wait."""
    facts = trial.user_attrs
    return trial.state.name == "RUNNING" and "paused" in facts and bool(facts["paused"] == facts["until"])


def reset(study: "optuna.Study", number: int) -> None:
    """Sets a running trial to waiting: the next `ask` returns it, with its number and parameters."""
    from optuna.trial import TrialState

    trial = study.get_trials(deepcopy=False)[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study._storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)  # noqa: SLF001 - no public way


def mend(path: Path) -> int:
    """Cuts a journal back to its last whole line; returns the number of bytes cut.

    A torn last line loads, but the next one is joined to it and the file is lost for good.

    Raises:
        RunError: whole lines follow a damaged one, which no crash of ours leaves behind; cutting
            would lose what they say.
    """
    if not path.exists():
        return 0
    content = path.read_bytes()
    good = 0
    while True:
        end = content.find(b"\n", good)
        if end < 0 or not _is_json(content[good:end]):
            break
        good = end + 1
    if any(_is_json(line) for line in content[good:].split(b"\n")[1:-1]):
        raise RunError(
            f"{path} is damaged at byte {good}, and whole lines follow\n"
            "--fresh sets this run aside and starts anew"
        )
    if good < len(content):
        with path.open("r+b") as file:
            file.truncate(good)
    return len(content) - good


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
