"""What can go wrong in a run, done to real runs with real worker processes.

`test_run.py` has the faults that strike while a run is watched: kill -9 of parent and worker, signals.
"""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.tuner.conftest import Tune, command
from tests.tuner.test_fit import make
from tests.tuner.test_run import read_until, start, trials

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
def faulty(tune: Tune, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which a run met one fault after the other, each in a trial of its own."""
    cwd = tmp_path_factory.mktemp("faulty")
    (cwd / "tiny.py").write_text(FAMILY)
    done = tune(*TINY_RUN, "--trials", "8", cwd=cwd, TUNE_HANG_SECONDS="4")
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
    environment: dict[str, str], tune: Tune, copy: Path
) -> None:
    run = copy / "runs" / "digits"
    before = trials(run)
    (run / "fits" / ".half.npz.4711.tmp").write_bytes(b"begun")
    most = max((run / name).stat().st_size for name in ("study.journal", "run.json", "audit.json")) + 1500
    full = subprocess.run(
        command(*TINY_RUN, "--trials", "40"),
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert full.returncode == 1, full.stderr
    assert "cannot be written: File too large" in full.stderr
    assert "the same command goes on" in full.stderr
    assert not (run / "fits" / ".half.npz.4711.tmp").exists()
    assert tune(*TINY_RUN, "--trials", "10", cwd=copy).returncode == 0
    after = trials(run)
    assert [(t.params, t.value, t.datetime_complete) for t in after[:8]] == [
        (t.params, t.value, t.datetime_complete) for t in before
    ]
    assert all(t.state.is_finished() for t in after)


def test_a_run_directory_that_cannot_be_written_is_an_error_of_use(tune: Tune, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    done = tune("digits", "--trials", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "--out" in done.stderr


@pytest.mark.slow
def test_a_second_ctrl_c_stops_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(FAMILY.replace('1: "error"', '1: "hang"'))
    process = start(environment, tmp_path, *TINY_RUN, "--trials", "3")
    read_until(process, "[1/3]")
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    read_until(process, "press Ctrl-C again")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130, output
    assert "stopped at once" in output
    assert time.monotonic() - began < 10
    assert not psutil.wait_procs(workers, timeout=5)[1]


IN_ONE_WORKER = """
import json, sys
from dataclasses import replace
from pathlib import Path
from tuner.records import TrialSpec, WorkContext
from tuner import worker
from tuner.training.perform import perform
from search_spaces.family import Task
from search_spaces.cnn import FAMILY
folder, changes = Path(sys.argv[1]), json.loads(sys.argv[2])
context = WorkContext(str(folder), str(folder), 3, "accuracy", False, "float32")
usual = FAMILY.space(Task((12, 12, 1), 3, 240)).default() | {"augmentation": 0.0, "batch_size": 32}
for change in changes:
    parts = change.pop("micro_batches", 1)
    params = usual | change
    spec = TrialSpec(0, "trial", "search_spaces.cnn:FAMILY", params, 3, "search", 0, 2)
    result = perform(spec, context, "key", lambda report: True, parts)
    print("RESULT " + json.dumps({**result.to_json(), "memory": worker.resident()}))
"""


def in_one_worker(folder: Path, changes: list[dict[str, Any]], environment: dict[str, str]) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_WORKER, str(folder), json.dumps(changes)],
        env={**environment, "PYTHONWARNINGS": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line[7:]) for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert len(found) == len(changes), done.stderr
    assert all(result["state"] == "complete" for result in found), found
    return found


def test_parts_of_a_batch_train_as_the_whole(tmp_path: Path, environment: dict[str, str]) -> None:
    make(tmp_path)
    plain = {"filters": 4, "dense_units": 8, "batch_norm": False, "dropout": 0.0, "cutout": 0.0}
    whole, parts = in_one_worker(tmp_path, [plain, {**plain, "micro_batches": 4}], environment)
    assert (whole["micro_batches"], parts["micro_batches"]) == (1, 4)
    for one, other in zip(whole["epochs"], parts["epochs"], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["images"] == other["images"]
        assert one["val_loss"] == pytest.approx(other["val_loss"], rel=0.02)  # averages differ by a step


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_trials(tmp_path: Path, environment: dict[str, str]) -> None:
    make(tmp_path)
    found = in_one_worker(tmp_path, [{"filters": 4 + i} for i in range(10)], environment)
    after = [result["memory"] for result in found]
    assert after[-1] - after[3] < 50e6, after
