"""The same run on a Ray cluster whose nodes do not see the parent's disk."""

import importlib.metadata
import json
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from reports.facts.summary import RunSummary
from reports.figures.trials import timeline
from search_spaces.cnn import FAMILY
from search_spaces.family import Task
from tests.helpers import training
from tests.helpers.caches import new_cache
from tests.helpers.clusters import Machines, processes_with
from tests.helpers.runs import Tune, commands_in, fresh_start, report_of, trials, wait_for
from tests.helpers.train_items import SMALL
from tests.tuner.workers.test_devices import STAND_INS, TWO, slots_of
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training.gpu import GPU_MEMORY
from tuner.workers.devices import Slot
from tuner.workers.executors import nodes
from tuner.workers.executors.base import Executor, Finished, Progress, Ready, Wanted
from tuner.workers.executors.cluster import MOST_LOSSES, ClusterExecutor

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Of Ray's own, as it starts and stops processes and closes their logs.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*Tip. In future versions of Ray.*:FutureWarning"),
]

RUN = [
    "digits", "--trials", "12", "--epochs", "6", "--seeds", "2", "--finalists", "1",
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
        "TUNE_CACHE_DIR": new_cache(user / "cache"),
        "RAY_ADDRESS": machines.address,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "TUNE_FORWARD": "CURVE_SECONDS,CURVE_END_SECONDS",
    }


@pytest.fixture(scope="module")
def joined(machines: Machines, curves: dict[str, str]) -> Iterator[Wanted]:
    """What is wanted of the cluster, which this process has joined; its workers follow curves."""
    import ray
    from ray._private import ray_constants

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        for name in ("KERAS_BACKEND", "TUNE_WORKER"):
            patch.setenv(name, curves[name])
        nodes.join(machines.address)
        yield Wanted("cpu", "auto", machines.address)
        ray.shutdown()


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


def test_trials_values_and_report_are_those_of_the_local_executor(tune_there: Tune, user: Path) -> None:
    for place in ("ray", "local"):
        done = tune_there(*RUN, "--on", place, "--name", place, "--plain", cwd=user)
        assert done.returncode == 0, done.stdout + done.stderr
        if place == "ray":
            assert "starting 2 workers on 2 nodes: node-0 (1), node-1 (1)" in done.stdout
            assert re.search(r"trial \d+ \w+ .* on node-1 cpu; best", done.stdout), done.stdout
    there, here = user / "runs" / "ray", user / "runs" / "local"
    assert values(there) == values(here)
    assert told(there) == told(here)


def test_a_report_says_what_each_node_has_contributed(tune_there: Tune, user: Path) -> None:
    run = user / "runs" / "ray"
    if not run.exists():
        tune_there(*RUN, "--on", "ray", "--name", "ray", cwd=user)
    report = report_of(run)
    both = {"node-0 cpu", "node-1 cpu"}
    assert {device["name"] for device in report["environment"]["devices"]} == both
    each = {device["name"]: device for device in report["cost"]["devices"]}
    assert set(each) == both
    stints = sum(len(trial.user_attrs["stints"]) for trial in trials(run))
    assert sum(device["items"] for device in each.values()) > stints  # trainings of the end count, too
    spent = sum(device["seconds"] for device in each.values())
    assert spent == pytest.approx(report["cost"]["device_seconds"], rel=1e-6)
    rows = timeline(RunSummary.load(run)).axes[0].get_yticklabels()
    assert [row.get_text() for row in rows] == ["node-0 cpu, slot 0", "node-1 cpu, slot 1"]


def test_a_plan_counts_the_whole_cluster(tune_there: Tune, user: Path) -> None:
    done = tune_there("plan", "digits", "--trials", "4", "--on", "ray", cwd=user)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "counted: 2 workers on 2 nodes: node-0 (1), node-1 (1)\n" in done.stdout
    assert "images a second on each of 2 workers" in done.stdout
    assert "memory: about 0.0 GB" not in done.stdout


def test_failures_there_are_states_of_trials_with_what_the_worker_has_said(
    tune_there: Tune, machines: Machines, user: Path
) -> None:
    options = "--trials 5 --epochs 3 --seeds 1 --finalists 1 --baselines none --budget 3m --on ray --plain"
    done = tune_there(
        "digits", *options.split(), "--ray-address", machines.address, "--name", "faults", cwd=user,
        RAY_ADDRESS="127.0.0.1:1", TUNE_FORWARD="CURVE_FAULTS", CURVE_FAULTS='{"1": "error", "2": "killed"}',
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    failures = {f["trial"]: f for f in report_of(user / "runs" / "faults")["failures"]}
    assert {number: f["reason"] for number, f in failures.items()} == {1: "error", 2: "worker-died"}
    assert "a worker starts" in (user / "runs" / "faults" / "logs" / "worker-0.log").read_text()
    assert "signal 9" in failures[2]["message"]


@contextmanager
def a_node(machines: Machines, path: str = "", gpus: int = 0, **environment: str) -> Iterator[Any]:
    """A node that joins, and is gone at the end."""
    node = machines.add(path, 1, gpus, **environment)
    try:
        yield node
    finally:
        with suppress(Exception):  # it may be gone already
            machines.cluster.remove_node(node, allow_graceful=True)


def devices(run: Path) -> set[str]:
    """Where trials have ended, or paused, so far."""
    journal = run / "study.journal"
    stints = [trial.user_attrs.get("stints", {}) for trial in trials(run)] if journal.exists() else []
    return {device for each in stints for *_, device in each.values()}


def there(user: Path, what: str) -> list[psutil.Process]:
    """Processes on the nodes whose command line has a text in it."""
    found = []
    for process in processes_with("WALLED_OFF", user):
        with suppress(psutil.Error):
            if what in " ".join(process.cmdline()):
                found.append(process)
    return found


def workers_there(user: Path) -> list[psutil.Process]:
    """Processes on the nodes that are agents, or workers of theirs."""
    return there(user, "curve_worker") + there(user, "ray::Agent")


def test_a_node_is_killed_in_mid_epoch_and_another_joins(
    parent: dict[str, str], machines: Machines, user: Path
) -> None:
    with a_node(machines) as lost:
        slow = {**parent, "CURVE_SECONDS": "0.7", "CURVE_END_SECONDS": "0"}
        run = user / "runs" / "lost"
        options = "--trials 14 --epochs 6 --seeds 1 --finalists 1 --baselines none --on ray --plain"
        process = fresh_start(slow, user, "digits", *options.split(), "--name", "lost")
        wait_for(lambda: "node-2 cpu" in devices(run), process)
        time.sleep(0.4)  # in mid-epoch
        machines.cluster.remove_node(lost, allow_graceful=False)
        with a_node(machines):
            said = process.communicate(timeout=240)[0]
            assert process.returncode == 0, said
    found = trials(run)
    assert sorted(trial.number for trial in found) == list(range(14))
    assert report_of(run)["search"]["trials"]["failed"] == 0
    assert all(trial.state.is_finished() for trial in found)
    assert "node-3 cpu" in devices(run)


def test_kill_9_of_the_parent_leaves_nobody_behind_and_the_same_command_goes_on(
    parent: dict[str, str], machines: Machines, user: Path
) -> None:
    words = [*RUN, "--on", "ray", "--name", "killed", "--plain"]
    process = fresh_start({**parent, "CURVE_SECONDS": "0.3", "CURVE_END_SECONDS": "0"}, user, *words)
    wait_for(lambda: devices(user / "runs" / "killed"), process)
    assert workers_there(user)
    process.kill()
    process.communicate()
    killed = time.monotonic()
    wait_for(lambda: not workers_there(user))
    assert time.monotonic() - killed < 30
    done = commands_in(parent)(*words, cwd=user)
    assert done.returncode == 0, done.stdout + done.stderr
    assert values(user / "runs" / "killed") == values(user / "runs" / "ray")


def test_a_node_of_another_keras_is_refused(
    tune_there: Tune, machines: Machines, user: Path, tmp_path: Path
) -> None:
    old = tmp_path / "keras-3.1.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.1.0\n")
    with a_node(machines, path=str(tmp_path)):
        done = tune_there(*RUN, "--on", "ray", "--name", "other", cwd=user)
    assert done.returncode == 2
    here = importlib.metadata.version("keras")
    assert f"keras 3.1.0 there, {here} here" in done.stderr
    assert not (user / "runs" / "other").exists()


@contextmanager
def working(wanted: Wanted, folder: Path) -> Iterator[tuple[Executor, Sequence[Slot]]]:
    """An executor on the cluster, and its slots."""
    context = WorkContext(str(folder), str(folder), 3, "accuracy", False, "float32")
    slots = ClusterExecutor.slots(wanted)
    executor = ClusterExecutor(slots, context, folder / "logs", wanted)
    try:
        yield executor, slots
    finally:
        executor.stop()


def test_work_is_done_again_three_times_when_nodes_are_lost_and_no_more(joined: Wanted, user: Path) -> None:
    """Workers are killed, then their agents: to the parent each node is gone. One trial was paused."""
    params = FAMILY.space(Task((12, 12, 1), 3, 240)).default()
    items = [
        TrialSpec(number, "trial", "search_spaces.cnn:FAMILY", params, 3, "search", 0, 6, resume_from=saved)
        for number, saved in enumerate((2, 0))
    ]
    losses = 0
    results: dict[int, TrialResult] = {}
    folder = user / "again"
    checkpoint = RunDir(folder).checkpoint("trial-0")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"its state after two epochs")
    with working(joined, folder) as (executor, slots):
        for item, slot in zip(items, slots, strict=True):
            executor.submit(slot.index, item, f"trial-{item.number}")
        at_work: set[int] = set()
        while len(results) < len(items):
            event = executor.poll(1.0)
            if isinstance(event, Finished):
                results[event.spec.number] = event.result
            elif isinstance(event, Progress) and event.spec.number == 0 and losses == MOST_LOSSES:
                executor.answer(event.slot, go_on=True)
            elif isinstance(event, Progress):
                at_work.add(event.spec.number)
            if at_work == ({0, 1} if losses < MOST_LOSSES else {1}) and (
                losses < MOST_LOSSES or 0 in results
            ):
                losses += 1
                at_work.clear()
                for process in there(user, "curve_worker"):
                    process.kill()
                time.sleep(0.3)
                for agent in there(user, "ray::Agent"):
                    agent.kill()
    assert (results[0].state, [epoch.epoch for epoch in results[0].epochs]) == ("complete", [3, 4, 5, 6])
    assert (results[1].state, results[1].reason, losses) == ("failed", "node-lost", MOST_LOSSES + 1)


def test_gpus_of_a_node_have_the_slots_and_the_memory_that_they_have_here(
    joined: Wanted, machines: Machines, user: Path
) -> None:
    """NVML is a stand-in, here and there; the workers use nothing of it."""
    pair = [{**TWO[1], "uuid": f"GPU-{number}"} for number in (0, 1)]
    here, _ = slots_of("gpu", "2", pair)
    folder = user / "gpus"
    folder.mkdir()
    with a_node(machines, str(STAND_INS), gpus=2, STAND_IN_GPUS=json.dumps(pair)):
        wanted = replace(joined, devices="gpu", workers="2")
        with working(wanted, folder) as (executor, slots):
            assert [s.device.name for s in slots] == [f"{slots[0].device.node} {row[0]}" for row in here]
            assert [[s.device.description, s.share, s.most, s.memory] for s in slots] == [
                r[1:5] for r in here
            ]
            ready = 0
            while ready < len(slots):
                ready += isinstance(executor.poll(1.0), Ready)
            found = [process.environ() for process in there(user, "curve_worker")]
    assert sorted(each["CUDA_VISIBLE_DEVICES"] for each in found) == ["0", "0", "1", "1"]
    assert {each[GPU_MEMORY] for each in found} == {str(slot.memory) for slot in slots}


def test_a_paused_trial_of_a_users_own_family_goes_on_on_another_node_bit_for_bit(
    joined: Wanted, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The family is in a file that only the parent has, like the data and the saved state."""
    monkeypatch.delenv("TUNE_WORKER")
    folder = user / "bits"
    folder.mkdir()
    training.make(folder)
    mine = folder / "mine.py"
    mine.write_text("from search_spaces.cnn import FAMILY\n")
    params = FAMILY.space(Task((12, 12, 1), 3, 240)).default() | SMALL
    item = TrialSpec(0, "trial", f"{mine}:FAMILY", params, 3, "search", 0, 2)
    with working(joined, folder) as (executor, slots):
        first, second = (slot.index for slot in slots)
        assert slots[0].device.name != slots[1].device.name
        whole = done_in(executor, first, item, "whole")
        paused = done_in(executor, first, replace(item, until=1), "parts")
        rest = done_in(executor, second, replace(item, until=2, resume_from=1), "parts")
    assert (whole.state, paused.state, rest.state) == ("complete", "paused", "complete"), whole.message
    parts = {"epochs": [*paused.to_json()["epochs"], *rest.to_json()["epochs"]]}
    assert training.curve(parts) == training.curve(whole.to_json())
    assert len(rest.epochs) == 1


def done_in(executor: Executor, slot: int, item: TrialSpec, key: str) -> TrialResult:
    """The result of a work item in a slot."""
    executor.submit(slot, item, key)
    while True:
        event = executor.poll(1.0)
        if isinstance(event, Progress):
            executor.answer(event.slot, go_on=True)
        elif isinstance(event, Finished):
            return event.result
