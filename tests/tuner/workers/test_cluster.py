"""The same run on a Ray cluster whose nodes do not see the parent's disk."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.clusters import Machines
from tests.helpers.runs import Tune, commands_in, report_of, trials

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Of Ray's own, as it starts and stops processes and closes their logs.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*Tip. In future versions of Ray.*:FutureWarning"),
]

RUN = [
    "digits", "--trials", "6", "--epochs", "8", "--seeds", "2", "--finalists", "1",
    "--baselines", "majority", "--deterministic", "--pruner", "screen",
]  # fmt: skip


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all that the parent has on its disk."""
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, user: Path) -> Iterator[Machines]:
    """A head and a node, with a core each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Machines(tmp_path_factory.mktemp("nodes"), user)
        found.add()
        found.add()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def parent(curves: dict[str, str], machines: Machines, user: Path) -> dict[str, str]:
    """The environment of commands on the cluster."""
    return {
        **curves,
        "TUNE_CACHE_DIR": str(user / "cache"),
        "RAY_ADDRESS": machines.address,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "TUNE_FORWARD": "CURVE_SECONDS,CURVE_FAULTS",
    }


@pytest.fixture(scope="module")
def tune_there(parent: dict[str, str]) -> Tune:
    return commands_in(parent)


def values(run: Path) -> list[Any]:
    """All that a search has found."""
    return [(t.number, t.state, dict(t.params), dict(t.intermediate_values), t.values) for t in trials(run)]


def told(run: Path) -> dict[str, Any]:
    """What a report says that no clock decides."""
    report = report_of(run)
    kept = {name: report[name] for name in ("dataset", "best", "comparison", "importance", "failures")}
    kept["trials"] = report["search"]["trials"]
    kept["final"] = {name: report["final"][name] for name in ("test_accuracy", "per_class")}
    kept["dataset"].pop("name")
    return kept


def test_trials_values_and_report_are_those_of_the_local_executor(
    tune_there: Tune, user: Path, machines: Machines
) -> None:
    for place in ("ray", "local"):
        done = tune_there(*RUN, "--on", place, "--name", place, cwd=user)
        assert done.returncode == 0, done.stdout + done.stderr
    there, here = user / "runs" / "ray", user / "runs" / "local"
    assert values(there) == values(here)
    assert told(there) == told(here)
    devices = {device["name"] for device in report_of(there)["environment"]["devices"]}
    assert devices == {"node-0 cpu", "node-1 cpu"}
    used = {json.loads((there / "run.json").read_text())["environment"]["workers"]}
    assert used == {2}
