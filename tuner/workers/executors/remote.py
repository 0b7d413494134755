"""A worker on another machine, as the parent has it: its process, the agent there, the files that travel."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.backbones import weights
from tuner.files import is_disk_error, write_atomically
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.workers.devices import Slot
from tuner.workers.executors import staging
from tuner.workers.executors.agent import Agent, News, Vitals
from tuner.workers.executors.process import MODULE, Heard
from tuner.workers.executors.staging import Parcel, Source

FORWARD = "TUNE_FORWARD"
"""Names variables of this environment, with commas between them, that workers on other nodes get as well."""

CALLS = 8
"""Calls of an agent at a time: one waits for news, others bring work."""


class Depot:
    """The parent's files in the object store: those that all workers share once, others while they travel.

    Attributes:
        weights: where ImageNet weights go; "" while `shared` was not asked for, or where there are none.
    """

    def __init__(self, context: WorkContext) -> None:
        self.context = context
        self.weights = ""
        self._kept: dict[tuple[Path, int, int], Any] = {}
        self._shared: list[Parcel] | None = None

    def shared(self) -> list[Parcel]:
        """What all workers need."""
        if self._shared is None:
            sources = list(staging.of_run(self.context))
            with suppress(weights.WeightsError):
                if found := weights.installed():
                    self.weights = staging.named_by_content(found.path)
                    sources.append(Source(self.weights, found.path))
            self._shared = [self._parcel(source) for source in sources]
        return self._shared

    def of_item(self, spec: TrialSpec, key: str) -> list[Parcel]:
        """What a work item needs beside that."""
        return [self._parcel(source) for source in staging.of_item(spec, key, self.context)]

    def store(self, parcel: Parcel) -> None:
        """Writes a file that came back; what runs share is never written again."""
        path = staging.target(parcel.path, self.context)
        if parcel.path.startswith(staging.RUN) or not path.exists():
            write_atomically(path, lambda file: file.write(parcel.content))

    def _parcel(self, source: Source) -> Parcel:
        import ray

        facts = source.file.stat()
        key = (source.file, facts.st_size, facts.st_mtime_ns)
        content = self._kept.get(key)
        if content is None:
            content = ray.put(np.fromfile(source.file, np.uint8))
            if source.shared:
                self._kept[key] = content
        return Parcel(source.path, content)


class RemoteProcess:
    """A worker's process on a node, as the parent sees it.

    Attributes:
        code: its exit code, negative for a signal; None while it runs, or where it is not known.
        lost: whether its node, or the agent there, is gone.
    """

    def __init__(self, host: "Host", number: int, depot: Depot, slot: Slot, log: Path, heard: Heard) -> None:
        """Has it started.

        Args:
            host: where.
            number: names it there; no other process there ever had it.
            depot: the files that it needs, and those that it writes.
            slot: sets its environment.
            log: gets what it prints.
            heard: told what it says.
        """
        self.host = host
        self.number = number
        self.lost = False
        self._depot = depot
        self._log = log
        self._heard = heard
        self.code: int | None = None
        self._killed = False
        host.workers[number] = self
        log.touch()
        forwarded = (MODULE, *os.environ.get(FORWARD, "").split(","))
        own = slot.environment() | {name: os.environ[name] for name in forwarded if name in os.environ}
        shared = depot.shared()
        host.agent.start.remote(number, depot.context, own, shared, depot.weights)

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message, and before it the files that a work item needs."""
        parcels: list[Parcel] = []
        if "work" in message:
            spec = TrialSpec.from_json(message["work"])
            parcels = self._depot.of_item(spec, message["key"])
        self.host.agent.send.remote(self.number, message, parcels)

    def told(self, news: News) -> None:
        """Takes what the agent passes on; what was written is on this disk before it is said."""
        with self._log.open("ab") as file:
            file.write(news.log)
        message = news.message
        try:
            for parcel in news.files:
                self._depot.store(parcel)
        except OSError as error:
            if not is_disk_error(error):
                raise
            full = TrialResult("failed", 0.0, reason="disk", message=f"OSError: {error}")
            message = {"result": full.to_json(), "memory": 0}
        if message is None:
            self.code, self._killed = news.code, news.killed
        self._heard(message)

    def lose(self) -> None:
        """Its node, or the agent on it, is gone."""
        self.lost = True
        self._heard(None)

    def killed_for_memory(self) -> bool:
        """Whether its system has ended it as memory ran out."""
        return self._killed

    def memory(self) -> int:
        """Bytes that it had in use when its agent last answered."""
        return self.host.vitals.workers.get(self.number, 0)

    def notice_end(self) -> None:
        """Does nothing: the agent notices."""

    def end(self) -> None:
        """Kills the process."""
        if self.host.workers.pop(self.number, None) is not None and not self.lost:
            self.host.agent.end.remote(self.number)

    def kill(self) -> None:
        """Kills the process."""
        self.end()


class Host:
    """An agent, and the workers that it hosts: on one core of a node, or one GPU."""

    def __init__(self, place: str, kind: str) -> None:
        """Starts the agent.

        Args:
            place: Ray's id of the node.
            kind: of the device that it takes: "cpu" or "gpu".
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = {"num_cpus": 1} if kind == "cpu" else {"num_cpus": 0, "num_gpus": 1}
        there = NodeAffinitySchedulingStrategy(place, soft=False)
        options = ray.remote(Agent).options(
            **asked, scheduling_strategy=there, max_concurrency=CALLS, max_restarts=0
        )
        self.agent: Any = options.remote()
        self.workers: dict[int, RemoteProcess] = {}
        self.vitals = Vitals()


class Relay:
    """Asks all agents for news, in a thread of its own: they know that the parent lives while it is busy."""

    def __init__(self) -> None:
        self._asked: dict[Any, Host] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.problem: Exception | None = None

    def add(self, host: Host) -> None:
        """Asks one more."""
        self._asked[host.agent.poll.remote()] = host

    def stop(self) -> None:
        """Asks no more."""
        self._stopped.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._turn()
        except Exception as error:  # noqa: BLE001 - told by the main thread
            self.problem = error

    def _turn(self) -> None:
        import ray

        waiting = list(self._asked)
        if not waiting:
            time.sleep(0.02)
            return
        answered, _ = ray.wait(waiting, num_returns=1, timeout=0.1)
        for reference in answered:
            self._take(reference, self._asked.pop(reference))

    def _take(self, reference: Any, host: Host) -> None:
        import ray
        from ray.exceptions import RayError

        try:
            news, host.vitals = ray.get(reference)
        except RayError:
            for process in list(host.workers.values()):
                process.lose()
            return
        self.add(host)
        for each in news:
            hosted = host.workers.get(each.worker)
            if hosted is not None:
                hosted.told(each)
