"""The journal as our process writes it, beside others that read it, or write to it too."""

import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from tests.tuner.search.test_engines import SPACE, ask, engine, play, report
from tuner.records import TrialResult
from tuner.search.engines.optuna_engine import OptunaEngine
from tuner.search.schedulers.base import Scheduler


def opened(journal: Path) -> optuna.Study:
    """As `optuna-dashboard` opens it."""
    backend = JournalFileBackend(str(journal), lock_obj=JournalFileOpenLock(str(journal)))
    return optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))


def own(study: optuna.Study) -> dict[str, object]:
    """The facts that tests have put into a study."""
    return {name: value for name, value in study.user_attrs.items() if name != "about"}


def test_other_tools_read_all_of_it_while_it_is_written(tmp_path: Path) -> None:
    chosen = engine(tmp_path)
    play(chosen, 3)
    other = opened(tmp_path / "study.journal")
    spec = ask(chosen)
    chosen.report(spec.number, report(1, 0.5))
    assert other.get_trials() == chosen.study.get_trials()
    assert other.get_trials()[3].intermediate_values == {1: 0.5}
    assert other.get_trials()[3].user_attrs["params"] == spec.params


def test_what_another_tool_writes_in_between_is_read(tmp_path: Path) -> None:
    chosen = engine(tmp_path)
    play(chosen, 2)
    other = opened(tmp_path / "study.journal")
    spec = ask(chosen)
    other.set_user_attr("note", "seen")
    chosen.report(spec.number, report(1, 0.5))
    other.set_user_attr("note", "seen again")
    chosen.tell(spec.number, TrialResult("complete", 1.0, [report(1, 0.5)]), "complete", (0, "cpu"))
    assert own(chosen.study) == {"note": "seen again"}
    play(chosen, 2)
    again = engine(tmp_path)
    assert [trial.number for trial in again.past()] == [0, 1, 2, 3, 4]
    assert again.study.get_trials() == chosen.study.get_trials()


@pytest.mark.parametrize("note", ["s", "a note that is longer than what the trial writes" * 20])
def test_what_another_tool_writes_meanwhile_is_read_too(tmp_path: Path, note: str) -> None:
    """Into the middle of what is written in one piece."""
    chosen = engine(tmp_path)
    play(chosen, 1)
    other = opened(tmp_path / "study.journal")
    with chosen._journal.together():
        chosen.study.set_user_attr("ours", 1)
        other.set_user_attr("before", note)
        assert chosen.study.user_attrs["ours"] == 1
        chosen.study.set_user_attr("ours", 2)
        other.set_user_attr("after", note)
    assert own(chosen.study) == {"ours": 2, "before": note, "after": note}
    play(chosen, 2)
    again = engine(tmp_path)
    assert again.study.user_attrs == chosen.study.user_attrs
    assert again.study.get_trials() == chosen.study.get_trials()


FULL = """
import resource, sys
from pathlib import Path
from tests.tuner.search.test_engines import engine, play
folder = Path(sys.argv[1])
chosen = engine(folder)
play(chosen, 2)
most = (folder / "study.journal").stat().st_size + 700
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
for _ in range(3):
    try:
        play(chosen, 1)
    except OSError as error:
        print(error.strerror)
"""


def test_after_a_full_disk_nothing_is_joined_to_half_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["File too large"] * 3, done.stderr
    again = engine(tmp_path)
    assert [trial.number for trial in again.past()] == [0, 1]
    play(again, 2)
    assert [trial.number for trial in engine(tmp_path).past()] == [0, 1, 2, 3]


def paused_at(folder: Path, until: int) -> OptunaEngine:
    class Waits(Scheduler):
        def until(self, trial: int, trained: int, cost: float = 1.0) -> int:
            return self.epochs if trained else until

    return OptunaEngine(folder / "study.journal", SPACE, "a:B", "random", 0, Waits(3, 100))


def test_of_several_trials_that_come_again_each_comes_as_itself(tmp_path: Path) -> None:
    """A promoted trial comes before one that had not begun, and Optuna's own queue goes by number."""
    first = paused_at(tmp_path, 1)
    for number in range(3):
        assert ask(first).number == number
    for epoch, number in enumerate((1, 2)):
        first.report(number, report(1, 0.5 + epoch / 10))
        first.tell(number, TrialResult("paused", 1.0, [report(1, 0.5)]), "paused", (0, "cpu"))
    promoted = first.go_on(2)
    again = paused_at(tmp_path, 1)  # the process was killed: trial 0 ran, and trial 2 went on
    specs = [ask(again), ask(again)]
    assert specs[0] == promoted
    assert (specs[1].number, specs[1].resume_from) == (0, 0)


def test_a_trial_that_is_put_back_comes_again_as_it_was(tmp_path: Path) -> None:
    chosen = paused_at(tmp_path, 1)
    first, second = ask(chosen), ask(chosen)
    chosen.report(0, report(1, 0.5))
    chosen.tell(first.number, TrialResult("paused", 1.0, [report(1, 0.5)]), "paused", (0, "cpu"))
    chosen.put_back(second.number)
    assert chosen.ask(1) is None  # it does not count
    promoted = chosen.go_on(0)
    assert chosen.waiting() == {}
    chosen.put_back(0)
    assert chosen.waiting() == {0: 1}
    assert (chosen.go_on(0), ask(chosen)) == (promoted, second)
