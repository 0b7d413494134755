"""The study's journal on disk, repaired if a crash cut its last line short."""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.errors import RunError

if TYPE_CHECKING:
    import optuna

    from tuner.search.engines.journal_file import JournalFile

ABOUT = (
    "The value of a trial is its score on one validation fold. The best few are trained again on fresh "
    "folds, and the one that is best there is the winner: see the attributes winner and why, which a run "
    "gets at its end."
)
"""Said in the study itself, as tools that read it show a best trial of their own."""


def open_study(path: Path) -> "tuple[optuna.Study, JournalFile]":
    """Opens, or creates, the study of a run, in its file. The caller holds the run's lock.

    Trials that a crash left running are set to waiting, so that they come again; paused ones stay.

    Raises:
        RunError: the journal cannot be read.
    """
    import optuna
    from optuna.trial import TrialState

    from tuner.search.engines.journal_file import JournalFile

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mend(path)
    # Nobody else writes while we hold the run's own lock, so a lock file here is a dead process', also
    # one under the name that it gets on release.
    for lock_file in path.parent.glob(f"{path.name}.lock*"):
        lock_file.unlink(missing_ok=True)
    try:
        file = JournalFile(path)
        storage = optuna.storages.JournalStorage(file)
        study = _only_study(storage) or _new_study(storage, path.resolve().parent.name)
    except (ValueError, KeyError) as error:
        raise RunError(
            f"{path} cannot be read: {error}\n--fresh sets this run aside and starts anew"
        ) from error
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not is_paused(trial):
            reset(study, trial.number)
    return study, file


def _only_study(storage: "optuna.storages.BaseStorage") -> "optuna.Study | None":
    """The study in a run's journal, whatever its name: a run may have been renamed since."""
    import optuna

    names = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=names[0], storage=storage) if names else None


def _new_study(storage: "optuna.storages.BaseStorage", name: str) -> "optuna.Study":
    import optuna

    study = optuna.create_study(study_name=name, storage=storage, direction="maximize")
    study.set_user_attr("about", ABOUT)
    return study


def name_winner(path: Path, number: int, why: str) -> None:
    """Says in the study which trial has won, and why. The caller holds the run's lock."""
    study, _ = open_study(path)
    for name, value in (("winner", number), ("why", why)):
        if study.user_attrs.get(name) != value:
            study.set_user_attr(name, value)


def is_paused(trial: "optuna.trial.FrozenTrial") -> bool:
    """Whether a trial under way has trained up to where it was to wait."""
    facts = trial.user_attrs
    return trial.state.name == "RUNNING" and "paused" in facts and bool(facts["paused"] == facts.get("until"))


def reset(study: "optuna.Study", number: int) -> None:
    """Sets a running trial to waiting: the next `ask` returns it, with its number and parameters."""
    from optuna.trial import TrialState

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study._storage.set_trial_state_values(_id(study, number), TrialState.WAITING)  # noqa: SLF001 - no public way


def start(study: "optuna.Study", number: int) -> "optuna.trial.FrozenTrial":
    """Sets a waiting trial to running. `ask` would take the first that waits, whichever is meant."""
    from optuna.trial import TrialState

    study._storage.set_trial_state_values(_id(study, number), TrialState.RUNNING)  # noqa: SLF001 - no public way
    return frozen(study, number)


def frozen(study: "optuna.Study", number: int) -> "optuna.trial.FrozenTrial":
    """One trial, without going through all of them."""
    return study._storage.get_trial(_id(study, number))  # noqa: SLF001 - no public way


def _id(study: "optuna.Study", number: int) -> int:
    return study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number)  # noqa: SLF001


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
