"""The cluster that `--on ray` starts where there is none: it ends with the command, and leaves nothing."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.clusters import SURROUNDINGS, processes_with, ray_sessions
from tests.helpers.runs import command, read_until, report_of, trials

pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.slow]

RUN = [
    "digits", "--on", "ray", "--devices", "cpu", "--trials", "6", "--epochs", "4", "--seeds", "1",
    "--finalists", "1", "--baselines", "none", "--plain",
]  # fmt: skip


@pytest.fixture
def sessions() -> Iterator[Path]:
    """Where Ray keeps what it writes, in the environment of all that it starts: it marks them."""
    with ray_sessions() as folder:
        yield folder


def left(sessions: Path, node: Path) -> list[str]:
    """What there is of processes, of Ray's sessions, and of the workers' folders."""
    processes = [" ".join(process.cmdline())[:200] for process in processes_with("RAY_TMPDIR", sessions)]
    folders = [*sessions.glob("**/session_2*"), *node.glob("tune-nodes-*/runs/*")]
    return processes + [str(folder) for folder in folders]


def test_it_leaves_nothing_after_ctrl_c_and_after_the_end(
    curves: dict[str, str], sessions: Path, tmp_path: Path
) -> None:
    node = tmp_path / "node"
    node.mkdir()
    environment = {**curves, **SURROUNDINGS, "RAY_TMPDIR": str(sessions), "TMPDIR": str(node)}
    environment.pop("RAY_ADDRESS", None)
    slow = {**environment, "CURVE_SECONDS": "0.5", "TUNE_FORWARD": "CURVE_SECONDS"}
    with subprocess.Popen(
        command(*RUN), cwd=tmp_path, env=slow, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:  # fmt: skip
        said = read_until(process, "; best")
        assert len(left(sessions, node)) > 4
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to Ray's own processes, too
        said += process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert left(sessions, node) == []
    whole = subprocess.run(
        command(*RUN), cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=120, check=False
    )
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert left(sessions, node) == []
    run = tmp_path / "runs" / "digits"
    assert [trial.number for trial in trials(run)] == list(range(6))
    assert report_of(run)["search"]["trials"]["failed"] == 0
