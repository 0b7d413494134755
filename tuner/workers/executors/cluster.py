"""Workers on the nodes of a Ray cluster, which need no file system in common with this machine."""

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from search_spaces.backbones import weights
from tuner.errors import RunError
from tuner.files import is_disk_error, write_atomically
from tuner.records import TrialResult, TrialSpec, WorkContext
from tuner.workers.devices import Device, Slot
from tuner.workers.executors import nodes, staging
from tuner.workers.executors.agent import Agent, News
from tuner.workers.executors.base import Event, Finished, Moved
from tuner.workers.executors.local import LocalExecutor
from tuner.workers.executors.patience import Patience
from tuner.workers.executors.process import MODULE, Heard, Process
from tuner.workers.executors.staging import Parcel, Source
from tuner.workers.executors.worker import Task, Worker

MOST_LOSSES = 3
"""Times that a work item is done again because the machine that it was on was lost."""

LOOK_SECONDS = 5.0
"""Between two looks for nodes that have joined."""

FORWARD = "TUNE_FORWARD"
"""Names variables of this environment, with commas between them, that workers on other nodes get as well."""

LEAVE_SECONDS = 5.0
"""For agents to end their workers; what a killed one leaves ends with it."""

CALLS = 8
"""Calls of an agent at a time: one waits for news, others bring work."""


class Depot:
    """The parent's files in the object store: those that all workers share once, others while they travel."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, int, int], Any] = {}

    def parcel(self, source: Source) -> Parcel:
        """A file of this machine, ready to travel."""
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
    """A worker's process on a node, as the parent sees it."""

    def __init__(
        self, host: "Host", number: int, executor: "ClusterExecutor", log: Path, heard: Heard
    ) -> None:
        self.host = host
        self.number = number
        self.lost = False
        self._executor = executor
        self._log = log
        self._heard = heard
        self._code: int | None = None
        self._killed = False
        host.workers[number] = self
        log.touch()

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs, or where it is not known."""
        return self._code

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message, and before it the files that a work item needs."""
        parcels: list[Parcel] = []
        if "work" in message:
            spec = TrialSpec.from_json(message["work"])
            parcels = self._executor.parcels(spec, message["key"])
        self.host.agent.send.remote(self.number, message, parcels)

    def told(self, news: News) -> None:
        """Takes what the agent passes on; what was written is on this disk before it is said."""
        with self._log.open("ab") as file:
            file.write(news.log)
        message = news.message
        try:
            for parcel in news.files:
                self._executor.store(parcel)
        except OSError as error:
            if not is_disk_error(error):
                raise
            full = TrialResult("failed", 0.0, reason="disk", message=f"OSError: {error}")
            message = {"result": full.to_json(), "memory": 0}
        if message is None:
            self._code, self._killed = news.code, news.killed
        self._heard(message)

    def lose(self) -> None:
        """Its node, or the agent on it, is gone."""
        self.lost = True
        self._heard(None)

    def killed_for_memory(self) -> bool:
        """Whether its system has ended it as memory ran out."""
        return self._killed

    def memory(self) -> int:
        """Not known."""
        return 0

    def notice_end(self) -> None:
        """The agent does."""

    def end(self) -> None:
        """Kills the process."""
        if self.host.workers.pop(self.number, None) is not None and not self.lost:
            self.host.agent.end.remote(self.number)

    def kill(self) -> None:
        """Kills the process."""
        self.end()


class Host:
    """An agent and the workers that it hosts."""

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.workers: dict[int, RemoteProcess] = {}
        self.room = (0, 0)
        self.began = 0


class Relay:
    """Asks all agents for news, in a thread of its own: whatever the parent does, they know that it lives."""

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
            news, host.room = ray.get(reference)
        except RayError:
            for process in list(host.workers.values()):
                process.lose()
            return
        self.add(host)
        for each in news:
            hosted = host.workers.get(each.worker)
            if hosted is not None:
                hosted.told(each)


class ClusterExecutor(LocalExecutor):
    """Has agents on the nodes start workers; work of a node that is lost is done again on another."""

    @classmethod
    def slots(cls, devices: str, workers: str, address: str) -> tuple[Slot, ...]:
        """Those of all nodes of the cluster at `address`, which is joined.

        Raises:
            UsageError: there is no cluster, or it cannot be used: see `nodes.join` and `nodes.gather`.
        """
        nodes.join(address)
        cls.wanted = (devices, workers)
        return tuple(nodes.gather(devices, workers))

    wanted = ("auto", "auto")
    """Devices and workers, asked of nodes that join."""

    def __init__(self, slots: Sequence[Slot], context: WorkContext, logs: Path) -> None:
        self._depot = Depot()
        self._relay = Relay()
        self._hosts: dict[tuple[str, str, int], Host] = {}
        self._homeless: deque[tuple[int, Task]] = deque()
        self._joining: dict[Any, nodes.Node] = {}
        self._known = {slot.device.place for slot in slots}
        self._looked = time.monotonic()
        self._numbers = len(slots)
        self._started = 0
        self._common: list[Parcel] | None = None
        self._weights = ""
        super().__init__(slots, context, logs)

    def _launch(self, slot: Slot, log: Path, heard: Heard) -> Process:
        host = self._host(slot)
        self._started += 1
        process = RemoteProcess(host, self._started, self, log, heard)
        own = slot.environment() | {
            name: os.environ[name]
            for name in (MODULE, *os.environ.get(FORWARD, "").split(","))
            if name in os.environ
        }
        host.agent.start.remote(process.number, self._context, own, self._shared(), self._weights)
        return process

    def _host(self, slot: Slot) -> Host:
        """The agent for a slot: each core has its own, and each GPU."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        device = slot.device
        key = (device.place, device.id, slot.index if device.kind == "cpu" else 0)
        host = self._hosts.get(key)
        if host is None:
            asked = {"num_cpus": 1} if device.kind == "cpu" else {"num_cpus": 0, "num_gpus": 1}
            there = NodeAffinitySchedulingStrategy(device.place, soft=False)
            options = ray.remote(Agent).options(
                **asked, scheduling_strategy=there, max_concurrency=CALLS, max_restarts=0
            )
            host = self._hosts[key] = Host(options.remote())
            self._relay.add(host)
        return host

    def _shared(self) -> list[Parcel]:
        """What all workers need, put into the object store once."""
        if self._common is None:
            sources = list(staging.of_run(self._context))
            with suppress(weights.WeightsError):
                if found := weights.installed():
                    self._weights = staging.named_by_content(found.path)
                    sources.append(Source(self._weights, found.path))
            self._common = [self._depot.parcel(source) for source in sources]
        return self._common

    def parcels(self, spec: TrialSpec, key: str) -> list[Parcel]:
        """The files that a work item needs."""
        return [self._depot.parcel(source) for source in staging.of_item(spec, key, self._context)]

    def store(self, parcel: Parcel) -> None:
        """Writes a file that came back; what runs share is never written again."""
        path = staging.target(parcel.path, self._context)
        if parcel.path.startswith(staging.RUN) or not path.exists():
            write_atomically(path, lambda file: file.write(parcel.content))

    def _room(self, device: Device) -> tuple[int, int]:
        host = self._hosts.get((device.place, device.id, 0))
        return host.room if host else (0, 0)

    def _unused(self) -> int:
        """A number that no slot ever had: work of a slot that is gone may still go by it."""
        self._numbers += 1
        return self._numbers - 1

    def free(self) -> list[int]:
        """Slots that may be given work; those that work of lost nodes waits for are not."""
        return super().free()[len(self._homeless) :]

    def poll(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds.

        Raises:
            RunError: workers die before they have started, or the cluster is gone.
        """
        if self._relay.problem is not None:
            raise RunError(
                f"the cluster cannot be used any more: {self._relay.problem}\nthe same command goes on"
            ) from self._relay.problem
        self._look()
        return self._house() or super().poll(timeout)

    def _look(self) -> None:
        """Takes in nodes that have joined."""
        import ray
        from ray.exceptions import RayError

        if self._joining:
            answered, _ = ray.wait(list(self._joining), num_returns=1, timeout=0)
            for reference in answered:
                node = self._joining.pop(reference)
                with suppress(RayError):
                    self._take_in(node, ray.get(reference))
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            for node in nodes.alive():
                if node.id not in self._known:
                    self._known.add(node.id)
                    self._joining[nodes.ask(node, *self.wanted)] = node

    def _take_in(self, node: nodes.Node, offered: nodes.Offer) -> None:
        told = nodes.disagreement(node, offered) or offered.problem
        if told:
            with (self._logs / "nodes.log").open("a") as file:
                file.write(f"{time.strftime('%H:%M:%S')} not used: {told}\n")
            return
        for slot in nodes.slots_of(node, offered):
            fresh = replace(slot, index=self._unused())
            self._open_crowd(fresh)
            self._start(fresh)

    def _house(self) -> Moved | None:
        """Gives work of a lost node to a slot that is free."""
        free = super().free()
        if not self._homeless or not free:
            return None
        before, task = self._homeless.popleft()
        fresh = Patience(self._least)
        self._at(free[0]).work(replace(task, patience=fresh, log_start=0))
        return Moved(before, free[0])

    def _died(self, worker: Worker) -> Event | None:
        process = worker.process
        assert isinstance(process, RemoteProcess)
        if not process.lost:
            return super()._died(worker)
        return self._gone(worker)

    def _gone(self, worker: Worker) -> Event | None:
        """Takes a slot away whose node, or agent, is gone; begins an agent anew where the node still is."""
        slot, task, crowd = worker.slot, worker.task, self._crowd(worker)
        if crowd is not None:
            crowd.forget(slot.index)
            crowd.added.discard(slot.index)
            crowd.workers.pop(slot.index, None)
        del self._workers[slot.index]
        self._hosts = {key: host for key, host in self._hosts.items() if host is not worker.process.host}  # type: ignore[attr-defined]
        if any(node.id == slot.device.place for node in nodes.alive()):
            self._start(slot)
        if task is None:
            return None
        if task.losses == MOST_LOSSES:
            message = f"the node that it was on was lost, {MOST_LOSSES + 1} times one after the other"
            return Finished(
                slot.index, task.spec, TrialResult("failed", 0.0, reason="node-lost", message=message)
            )
        self._homeless.append((slot.index, replace(task, losses=task.losses + 1)))
        return None

    def cancel(self, slot: int) -> None:
        """Stops the work in a slot at once."""
        waiting = [(index, task) for index, task in self._homeless if index != slot]
        if len(waiting) < len(self._homeless):
            self._homeless = deque(waiting)
        else:
            super().cancel(slot)

    def stop(self) -> None:
        """Ends all workers and their agents."""
        import ray

        super().stop()
        self._relay.stop()
        hosts, self._hosts = list(self._hosts.values()), {}
        leaving = [host.agent.leave.remote() for host in hosts]
        ray.wait(leaving, num_returns=len(leaving), timeout=LEAVE_SECONDS)
        for host in hosts:
            ray.kill(host.agent)
