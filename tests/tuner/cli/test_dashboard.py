"""`tune dashboard`, with the real package on 127.0.0.1."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.forks import Started
from tests.helpers.make_run import make_run
from tests.helpers.runs import Tune, read_until, start


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("dashboard") / "runs" / "asl", "interrupted")


@pytest.fixture
def own(run: Path, tmp_path: Path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(run, tmp_path / "runs" / "asl"))


@pytest.fixture
def served(own: Path, environment: dict[str, str]) -> Iterator[tuple[Started, str]]:
    """The command on that copy, and its address."""
    pytest.importorskip("optuna_dashboard", reason="the extra dashboard is not installed")
    process = start(environment, own.parents[1], "dashboard", "asl", "--port", "0")
    try:
        line = read_until(process, "dashboard: ")
        yield process, line.split()[1].rstrip("/")
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


def numbers(address: str) -> list[int]:
    study = json.loads(get(f"{address}/api/studies/0?after=0"))
    return [trial["number"] for trial in study["trials"]]


def add_trial(run: Path) -> None:
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(run / "study.journal")))
    optuna.load_study(study_name=None, storage=storage).add_trial(optuna.create_trial(value=0.5))


def seen(address: str, count: int) -> list[int]:
    """Trials, once there are so many: the dashboard itself reads them again after some seconds."""
    until = time.monotonic() + 30
    while len(found := numbers(address)) != count and time.monotonic() < until:
        time.sleep(0.5)
    return found


def test_it_shows_the_run_follows_it_and_ends_quietly(own: Path, served: tuple[Started, str]) -> None:
    process, address = served
    assert address.startswith("http://127.0.0.1:")
    assert b"<title>" in get(address)
    (study,) = json.loads(get(f"{address}/api/studies"))["study_summaries"]
    assert (study["study_id"], study["study_name"]) == (0, "study")
    before = numbers(address)
    add_trial(own)
    assert seen(address, len(before) + 1) == [*before, len(before)]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")


def test_it_changes_nothing(own: Path, served: tuple[Started, str]) -> None:
    _, address = served
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    for method, path in (("PUT", "0/note"), ("DELETE", "0"), ("POST", "0/rename")):
        asked = urllib.request.Request(f"{address}/api/studies/{path}", b"{}", method=method)
        with pytest.raises(urllib.error.HTTPError, match="405") as refused:
            urllib.request.urlopen(asked, timeout=30)
        refused.value.close()
    assert numbers(address)
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


def test_a_fresh_run_takes_the_place_of_the_old_one(own: Path, served: tuple[Started, str]) -> None:
    _, address = served
    count = len(numbers(address))
    own.rename(own.with_name("asl.20260101-000000"))
    assert len(numbers(address)) == count
    make_run(own, "one-trial")
    assert numbers(address) == [0]


def test_a_port_that_is_taken_is_told(tune: Tune, run: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="the extra dashboard is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = tune("dashboard", "asl", "--port", port, cwd=run.parents[1])
    assert done.returncode == 2
    assert f"127.0.0.1 port {port} cannot be listened on" in done.stderr
    assert "--port 0" in done.stderr


@pytest.mark.parametrize("port", ["x", "70000", "-1"])
def test_a_port_is_a_number(tune: Tune, run: Path, port: str) -> None:
    pytest.importorskip("optuna_dashboard", reason="the extra dashboard is not installed")
    done = tune("dashboard", "asl", "--port", port, cwd=run.parents[1])
    assert (done.returncode, f"--port {port}" in done.stderr.replace("'", "")) == (2, True)


def test_without_the_extra_it_says_how_to_get_it(run: Path, environment: dict[str, str]) -> None:
    code = (
        "import sys\nsys.modules['optuna_dashboard'] = None\nsys.argv = ['tune', 'dashboard', 'asl']\n"
        "from tuner.cli import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=run.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'tune-images[dashboard]'" in done.stderr
