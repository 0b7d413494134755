"""Faults of models and machines, done to real runs with real worker processes.

`test_run.py` has the faults that strike while a run is watched: kill -9 of parent and worker, signals.
"""

import json
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.runs import Tune, command, trials
from tests.helpers.training import make, train

FAMILY = """
import os, signal, sys, time
from pathlib import Path
from search_spaces.family import Family, Recipe
from search_spaces.space import Float, SearchSpace

GPU = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1073741824 bytes"
FAULTS = {
    1: "error", 2: "host memory", 4: "gpu memory", 5: "gpu memory", 6: "killed", 7: "hang", 8: "nan",
}  # by the number of models built before; 3 is trial 2 again, 5 is trial 3 again


def build(params, image_shape, classes):
    import keras

    built = Path(__file__).with_name("built")
    before = len(built.read_text()) if built.exists() else 0
    built.write_text("x" * (before + 1))
    fault = FAULTS.get(before)
    if fault == "error":
        raise ValueError("no such layer")
    if fault == "host memory":
        raise MemoryError("cannot allocate an array")
    if fault == "gpu memory":
        raise RuntimeError(GPU)
    if fault == "killed":
        print("the last words of a worker", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang":
        time.sleep(3600)
    inputs = keras.Input(image_shape)
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    if fault == "nan":
        x = keras.layers.Rescaling(float("nan"))(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


SPACE = SearchSpace("tiny", {"rate": Float(1e-3, 1e-1, 1e-2, log=True)})
FAMILY = Family(
    "tiny", "one layer", lambda task: SPACE, build, lambda params: Recipe(learning_rate=params["rate"])
)
"""

TINY_RUN = [
    "digits", "--space", "tiny.py:FAMILY", "--epochs", "1", "--workers", "1", "--pruner", "none",
    "--baselines", "none", "--seeds", "1", "--finalists", "1", "--algorithm", "random",
]  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tune_trials: Tune, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which a run met one fault after the other, each in a trial of its own."""
    cwd = tmp_path_factory.mktemp("faulty")
    (cwd / "tiny.py").write_text(FAMILY)
    done = tune_trials(*TINY_RUN, "--trials", "8", cwd=cwd, TUNE_HANG_SECONDS="1")
    assert done.returncode == 0, done.stderr
    return cwd


def report_of(faulty: Path) -> Any:
    return json.loads((faulty / "runs" / "digits" / "report.json").read_text())


@pytest.fixture
def copy(faulty: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(faulty, tmp_path / "copy")


@pytest.mark.slow
def test_no_fault_ends_more_than_its_trial(faulty: Path) -> None:
    report = report_of(faulty)
    counts = {"complete": 3, "pruned": 0, "failed": 5, "unfinished": 0}
    assert report["search"]["trials"] == counts
    assert report["final"]["test_accuracy"]["mean"] is not None
    assert (faulty / "runs" / "digits" / "report.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trial", "reason", "message"),
    [
        (1, "error", "ValueError: no such layer"),
        (3, "out-of-memory", "RESOURCE_EXHAUSTED: Out of memory"),
        (4, "worker-died", "ended by signal 9"),
        (5, "hung", "no sign of life"),
        (6, "nan", "the loss became nan"),
    ],
)
def test_a_failed_trial_has_its_reason(faulty: Path, trial: int, reason: str, message: str) -> None:
    (failure,) = [row for row in report_of(faulty)["failures"] if row["trial"] == trial]
    assert reason in failure["reason"]
    assert message in failure["message"]
    told = trials(faulty / "runs" / "digits")[trial]
    assert told.state.name == "PRUNED"  # so that the sampler avoids the region


@pytest.mark.slow
def test_out_of_memory_is_tried_again_in_smaller_parts(faulty: Path) -> None:
    once, twice = (trials(faulty / "runs" / "digits")[number] for number in (2, 3))
    assert once.state.name == "COMPLETE"
    assert once.user_attrs["micro_batches"] == 4
    assert twice.user_attrs["micro_batches"] == 4
    assert "micro_batches" not in trials(faulty / "runs" / "digits")[0].user_attrs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trial", "shown"),
    [(1, "ValueError: no such layer"), (4, "the last words of a worker"), (2, "in 4 parts")],
)
def test_status_shows_the_end_of_a_trials_log(tune: Tune, faulty: Path, trial: int, shown: str) -> None:
    done = tune("status", "digits", "--trial", str(trial), cwd=faulty)
    assert shown in done.stdout
    assert ("Traceback" in done.stdout) == (trial == 1)


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_loses_nothing(
    curves: dict[str, str], tune_curves: Tune, copy: Path
) -> None:
    run = copy / "runs" / "digits"
    before = trials(run)
    (run / "fits" / ".half.npz.4711.tmp").write_bytes(b"begun")
    # Fills the cache, which is another one than that of the run that is copied.
    assert tune_curves(*TINY_RUN, "--trials", "1", "--name", "warm", cwd=copy).returncode == 0
    most = max((run / name).stat().st_size for name in ("study.journal", "run.json", "audit.json")) + 1500
    full = subprocess.run(
        command(*TINY_RUN, "--trials", "40"),
        cwd=copy,
        env=curves,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert full.returncode == 1, full.stderr
    assert "cannot be written: File too large" in full.stderr
    assert "run the same command again to continue" in full.stderr
    assert not (run / "fits" / ".half.npz.4711.tmp").exists()
    assert tune_curves(*TINY_RUN, "--trials", "10", cwd=copy).returncode == 0
    after = trials(run)
    assert [(t.params, t.value, t.datetime_complete) for t in after[:8]] == [
        (t.params, t.value, t.datetime_complete) for t in before
    ]
    assert all(t.state.is_finished() for t in after)


def test_parts_of_a_batch_train_as_the_whole(tmp_path: Path) -> None:
    make(tmp_path)
    plain = {"batch_size": 32, "batch_norm": False, "dropout": 0.0, "cutout": 0.0}
    item = {"params": plain, "epochs": 2}
    whole, parts = train(tmp_path, item, {**item, "micro_batches": 4})
    assert (whole["micro_batches"], parts["micro_batches"]) == (1, 4)
    for one, other in zip(whole["epochs"], parts["epochs"], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["images"] == other["images"]
        assert one["val_loss"] == pytest.approx(other["val_loss"], rel=0.02)  # averages differ by a step


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_trials(tmp_path: Path) -> None:
    make(tmp_path)
    wider = ({"params": {"filters": 4 + i, "dense_units": 64}, "epochs": 1} for i in range(10))
    after = [result["memory"] for result in train(tmp_path, *wider)]
    assert after[-1] - after[3] < 50e6, after
