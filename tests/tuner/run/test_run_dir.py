"""The run directory: whose it is, one process at a time, files that a crash has damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.runs import Tune
from tuner.errors import UsageError
from tuner.files import write_arrays
from tuner.records import TrialResult, TrialSpec
from tuner.run_dir import RunDir


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "options",
    [["./cats", "--out", ".", "--budget", "30s"], ["digits", "--out", ".", "--name", "cats", "--fresh"]],
)
def test_a_directory_of_the_users_own_is_refused_and_not_touched(
    tune: Tune, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "cats" / "tabby").mkdir(parents=True)
    (tmp_path / "cats" / "tabby" / "1.png").write_bytes(b"a picture")
    before = files(tmp_path)
    done = tune(*options, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"error: {tmp_path / 'cats'} is no run's directory, as it holds 'tabby'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert files(tmp_path) == before


def test_what_a_crash_leaves_of_a_run_that_began_may_be_used_again(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.check_ours()  # nothing there yet
    for name in (".lock", "splits.npz", "audit.json", ".run.json.4711.tmp"):
        run.path.mkdir(exist_ok=True)
        (run.path / name).write_bytes(b"")
        run.check_ours()
    (run.path / "notes.tmp").write_bytes(b"")
    with pytest.raises(UsageError, match=r"'notes\.tmp'"):
        run.check_ours()
    run.run.write_text("{}")
    run.check_ours()


def test_only_a_directory_that_this_sitting_made_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("old", "new"):
        run = RunDir(tmp_path / name)
        lock = run.lock()
        run.run.write_text("{}")
        run.logs.mkdir()
        run.remove()
        lock.release()
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert not list((tmp_path / "old").iterdir())


def test_a_run_under_way_is_not_set_aside(tmp_path: Path) -> None:
    running, second = RunDir(tmp_path / "run"), RunDir(tmp_path / "run")
    lock = running.lock()
    running.run.write_text("{}")
    with pytest.raises(UsageError, match="another tune command is at work"):
        second.set_aside()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    lock.release()
    aside = second.set_aside()
    assert aside is not None
    assert (aside / "run.json").exists()
    again = second.lock()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["run", aside.name])
    again.release()
    shutil.rmtree(second.path)
    assert second.set_aside() is None


@pytest.mark.parametrize(
    ("name", "content"),
    [("key.json", b""), ("key.json", b'{"state": "comp'), ("key.json", b"null"), ("key.json", b"\0" * 99),
     ("key.npz", b""), ("key.npz", b"PK\x03\x04"), ("key.npz", b"\0" * 99)],
)  # fmt: skip
def test_a_training_whose_record_is_damaged_counts_as_not_done(
    tmp_path: Path, name: str, content: bytes
) -> None:
    run, spec = RunDir(tmp_path), TrialSpec(1, "finalist", "a:B", {}, 0, "fresh", 0, 2)
    write_arrays(run.fits / "key.npz", {"probabilities": np.ones((2, 2))})
    done = TrialResult("complete", 1.0, output="fits/key.npz")
    run.save_fit("key", done)
    assert run.load_fit("key", spec) == done
    (run.fits / name).write_bytes(content)
    assert run.load_fit("key", spec) is None
