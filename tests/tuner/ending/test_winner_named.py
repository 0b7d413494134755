"""The study of a run says whose it is, and which trial has won: it need not be Optuna's best."""

import json
import shutil
from pathlib import Path

import optuna
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from tests.helpers.runs import SMALL_RUN, Tune
from tuner.ending.contenders import Contender
from tuner.ending.finalists import Finalist, why
from tuner.records import PastTrial
from tuner.search.engines.journal import name_winner, open_study


def read(run: Path) -> optuna.Study:
    path = str(run / "study.journal")
    storage = optuna.storages.JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def test_the_study_of_a_run_names_run_and_winner(curve_run: Path) -> None:
    study = read(curve_run)
    assert study.study_name == "digits"
    final = json.loads((curve_run / "final.json").read_text())
    assert study.user_attrs["winner"] == final["best_trial"]
    assert "fresh folds" in study.user_attrs["why"]
    assert "winner" in study.user_attrs["about"]


def test_a_run_that_was_renamed_goes_on_with_its_study(
    curve_run: Path, tune_curves: Tune, tmp_path: Path
) -> None:
    shutil.copytree(curve_run, tmp_path / "runs" / "other")
    done = tune_curves(*SMALL_RUN, "--trials", "5", "--name", "other", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    study = read(tmp_path / "runs" / "other")
    assert (study.study_name, len(study.trials)) == ("digits", 5)


def test_the_winner_is_named_once(tmp_path: Path) -> None:
    journal = tmp_path / "a run" / "study.journal"
    journal.parent.mkdir()
    assert open_study(journal)[0].study_name == "a run"
    name_winner(journal, 3, "so")
    size = journal.stat().st_size
    name_winner(journal, 3, "so")
    assert journal.stat().st_size == size
    name_winner(journal, 4, "other")
    assert open_study(journal)[0].user_attrs["winner"] == 4


def finalist(number: int, searched: float, *folds: float) -> Finalist:
    trial = PastTrial(number, "complete", searched, {}, {}, epochs=2, images=10, seconds=1.0)
    return Finalist(trial, Contender("tuned", "winner", "", "", {}), folds)


def test_a_sentence_says_why_a_trial_has_won() -> None:
    first, second = finalist(3, 0.9, 0.9, 0.92), finalist(7, 0.95, 0.88, 0.88)
    assert why([first, second]) == (
        "mean 0.9100 on 2 fresh folds; trial 7 was ahead of it in the search (0.9500 to 0.9000) and has "
        "0.8800 there"
    )
    assert why([first]) == "mean 0.9100 on 2 fresh folds; best in the search as well (0.9000)"
    assert why([finalist(3, 0.9)]) == "best in the search; there was no time for fresh folds"
