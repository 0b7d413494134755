"""Faults of the system around a run: signals, disks, damaged files. The workers follow curves.

`test_faults.py` has what models do, `test_kills.py` kill -9, `test_run.py` two commands on one run.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.helpers.forks import Started
from tests.helpers.runs import SMALL_RUN, Tune, command, read_until, start, trials

pytestmark = pytest.mark.slow

CURVE_RUN = [
    "digits", "--epochs", "2", "--workers", "1", "--baselines", "none", "--seeds", "1", "--finalists", "1",
]  # fmt: skip


def test_a_run_directory_that_cannot_be_written_is_an_error_of_use(tune: Tune, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    done = tune("digits", "--trials", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be made" in done.stderr
    assert "--out" in done.stderr


def test_a_second_ctrl_c_stops_at_once(curves: dict[str, str], tmp_path: Path) -> None:
    process = start({**curves, "CURVE_FAULTS": '{"1": "hang"}'}, tmp_path, *CURVE_RUN, "--trials", "3")
    read_until(process, "[1/3]")
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    read_until(process, "press Ctrl-C again")
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=45)[0]  # the epoch alone would have 60 seconds to end in
    assert process.returncode == 130, output
    assert "stopped at once" in output
    assert not psutil.wait_procs(workers, timeout=5)[1]


@pytest.mark.parametrize(("what", "sent"), [("run", signal.SIGTERM), ("plan", signal.SIGINT)])
def test_a_command_that_is_stopped_before_it_trains_says_so(
    curves: dict[str, str], tmp_path: Path, what: str, sent: signal.Signals
) -> None:
    # Not by `print`: a signal in the middle of its flush has it written twice.
    (tmp_path / "own.py").write_text("import os, time\nos.write(1, b'reading\\n')\ntime.sleep(60)\n")
    process = start(curves, tmp_path, what, "digits", "--space", "own.py:FAMILY")
    read_until(process, "reading")
    process.send_signal(sent)
    output = process.communicate(timeout=45)[0]
    assert (process.returncode, output.strip()) == (130, "error: stopped; the same command starts again")
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_ends_a_probe_that_hangs_and_its_plan_is_not_kept(
    curves: dict[str, str], tmp_path: Path
) -> None:
    hanging = {**curves, "CURVE_FAULTS": '{"probe": "hang"}'}
    process = start(hanging, tmp_path, *CURVE_RUN, "--trials", "3", "--budget", "1h")
    run = tmp_path / "runs" / "digits"
    wait_for(run / "logs" / "worker-0.log", "hang", process)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=45)[0]
    assert process.returncode == 130, output
    assert "press Ctrl-C again" in output
    assert json.loads((run / "run.json").read_text())["plan"] is None


def wait_for(log: Path, text: str, process: Started) -> None:
    while not (log.exists() and text in log.read_text()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)


def test_no_worker_outlives_the_command_even_one_that_hears_nothing(
    curves: dict[str, str], tmp_path: Path
) -> None:
    """Inside C code that holds the interpreter's lock, Python does not see that its input has ended."""
    process = start({**curves, "CURVE_FAULTS": '{"1": "busy"}'}, tmp_path, *CURVE_RUN, "--trials", "3")
    wait_for(tmp_path / "runs" / "digits" / "logs" / "worker-0.log", "busy", process)
    workers = psutil.Process(process.pid).children()
    assert workers
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_a_winner_that_cannot_be_trained_again_is_told_with_the_reason(
    tune_curves: Tune, tmp_path: Path
) -> None:
    done = tune_curves(*CURVE_RUN, "--trials", "3", cwd=tmp_path, CURVE_FAULTS='{"retrain": "error"}')
    assert done.returncode == 1, done.stdout
    assert "error: the winner's retraining failed (error): ValueError: no such layer" in done.stderr
    assert tune_curves(*CURVE_RUN, "--trials", "3", cwd=tmp_path).returncode == 0


def test_a_worker_that_grows_is_replaced(tune_curves: Tune, tmp_path: Path) -> None:
    done = tune_curves(*CURVE_RUN, "--trials", "6", cwd=tmp_path, CURVE_FAULTS='{"4": "grow"}')
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "digits"
    assert [trial.state.name for trial in trials(run)] == ["COMPLETE"] * 6
    assert (run / "logs" / "worker-0.log").read_text().count("a worker starts") == 2


def test_a_search_whose_first_trials_all_fail_stops_early(tune_curves: Tune, tmp_path: Path) -> None:
    failing = json.dumps(dict.fromkeys(range(20), "error"))
    done = tune_curves(*CURVE_RUN, "--trials", "20", cwd=tmp_path, CURVE_FAULTS=failing)
    assert done.returncode == 1
    assert "the first 5 trials all failed; the last: error\nValueError: no such layer" in done.stderr
    ended = [trial for trial in trials(tmp_path / "runs" / "digits") if trial.state.is_finished()]
    assert len(ended) == 5


@pytest.mark.parametrize("tail", [b'{"op_code": 4, "work', b"\0" * 512], ids=["torn", "NUL-filled"])
def test_a_damaged_end_of_the_journal_is_mended(
    tune_curves: Tune, curve_run: Path, tmp_path: Path, tail: bytes
) -> None:
    run = shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    before = trials(run)
    with (run / "study.journal").open("ab") as journal:
        journal.write(tail)
    done = tune_curves(*SMALL_RUN, "--trials", "5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = trials(run)
    assert len(after) == 5
    assert [(t.params, t.value, t.datetime_complete) for t in after[:4]] == [
        (t.params, t.value, t.datetime_complete) for t in before
    ]
    assert all(json.loads(line) for line in (run / "study.journal").read_text().splitlines())


def test_the_journal_may_be_read_while_the_run_goes_on(curves: dict[str, str], tmp_path: Path) -> None:
    """As optuna-dashboard does, with the storage's own lock, opened anew each time."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    journal = tmp_path / "runs" / "digits" / "study.journal"
    process = start({**curves, "CURVE_SECONDS": "0.02"}, tmp_path, *CURVE_RUN, "--trials", "12")
    read_until(process, "[1/12]")
    seen = set()
    while process.poll() is None:
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(journal)))
        (summary,) = optuna.get_all_study_summaries(storage)
        found = optuna.load_study(study_name=summary.study_name, storage=storage).trials
        seen.add(sum(trial.state.is_finished() for trial in found))
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert len(seen) > 2
    assert [trial.state.name for trial in trials(journal.parent)] == ["COMPLETE"] * 12


def obey_permissions() -> None:
    """Root, too, may then write only where the permissions let it (Linux)."""
    if os.geteuid() == 0:
        drop_from_bounding_set = 24
        for capability in (1, 2):  # to override permissions for writing, and for reading
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_a_read_only_run_directory_is_an_error_of_use(
    curves: dict[str, str], curve_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(curve_run, tmp_path / "runs" / "digits")
    (run / ".lock").unlink(missing_ok=True)
    run.chmod(0o555)
    done = subprocess.run(
        command(*SMALL_RUN, "--trials", "5"),
        cwd=tmp_path,
        env=curves,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=obey_permissions,
    )
    run.chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert f"{run}" in done.stderr
    assert "cannot be written: Permission denied" in done.stderr
