"""The script for SLURM in `docs/clusters.md`, with stand-ins for SLURM's own commands, on this machine."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.helpers.clusters import SURROUNDINGS, ray_sessions
from tests.helpers.runs import report_of, trials

pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.slow]

SHORT = "--trials 8 --epochs 4 --seeds 1 --finalists 1 --baselines none"

STAND_INS = {
    "srun": 'while [ "${1#-}" != "$1" ]; do [ "$1" = -w ] && shift; shift; done; exec "$@"',
    "scontrol": '[ "$1" = requeue ] && echo "$@" >> requeued || echo this-node',
    "getent": "echo 127.0.0.1 this-node",
    "ray": f'more=; [ "$1" = start ] && more="--num-cpus 1 --object-store-memory 80000000"\n'
    f'exec {sys.executable} -m ray.scripts.scripts "$@" $more',
    "tune": f'exec {sys.executable} -m tuner.cli "$@" {SHORT}',
}
"""What is behind each name on the path; an option given twice counts as the last one says."""


def script(port: int) -> str:
    """As the page has it, on a port that is free here."""
    page = (ROOT / "docs" / "clusters.md").read_text()
    found = re.search(r"```sh\n(#!/bin/bash\n.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1].replace("6379", str(port))


@contextmanager
def job(folder: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """The script in an allocation of one node, all of which ends when the job does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    slurm = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "this-node", "SLURM_NNODES": "1"}
    try:
        with ray_sessions() as sessions:
            process = subprocess.Popen(
                ["bash", "-c", script(port)], cwd=folder, text=True,
                env=environment | slurm | {"RAY_TMPDIR": str(sessions)},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            yield process
    finally:
        process.communicate()


def test_the_script_queues_itself_again_when_its_time_is_up_and_the_run_goes_on(
    curves: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    for name, does in STAND_INS.items():
        (path / name).write_text(f"#!/bin/bash\n{does}\n")
        (path / name).chmod(0o755)
    environment = {**curves, **SURROUNDINGS, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("RAY_ADDRESS", None)
    slow = {**environment, "CURVE_SECONDS": "0.5", "TUNE_FORWARD": "CURVE_SECONDS"}
    run = tmp_path / "runs" / "digits"
    with job(tmp_path, slow) as first:
        late = time.monotonic() + 120
        while not any("stints" in trial.user_attrs for trial in begun(run)):
            assert first.poll() is None, first.communicate()[0]
            assert time.monotonic() < late
            time.sleep(0.2)
        first.send_signal(signal.SIGTERM)  # as `--signal=B:TERM@120` has SLURM do
        first.wait(60)
    assert (tmp_path / "requeued").read_text() == "requeue 7\n"
    done = sum(trial.state.is_finished() for trial in begun(run))
    with job(tmp_path, environment) as second:
        assert second.wait(120) == 0
    assert (tmp_path / "requeued").read_text() == "requeue 7\n"
    assert done < 8
    assert [trial.number for trial in trials(run)] == list(range(8))
    assert report_of(run)["state"] == "done"


def begun(run: Path) -> list[Any]:
    return trials(run) if (run / "study.journal").exists() else []
