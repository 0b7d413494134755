"""Workers on the nodes of a Ray cluster, which need no file system in common with this machine."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.errors import RunError
from tuner.records import TrialResult, WorkContext
from tuner.workers.devices import Device, Slot
from tuner.workers.executors import nodes
from tuner.workers.executors.base import ANY, Event, Finished, Moved, Wanted, unheard
from tuner.workers.executors.local import LocalExecutor
from tuner.workers.executors.patience import Patience
from tuner.workers.executors.process import Heard, Process
from tuner.workers.executors.remote import Depot, Host, Relay, RemoteProcess
from tuner.workers.executors.worker import Task, Worker

MOST_LOSSES = 3
"""Times that a work item is done again because the machine that it was on was lost."""

LOOK_SECONDS = 2.0
"""Between two looks for nodes that have joined."""

LEAVE_SECONDS = 5.0
"""For agents to end their workers; what a killed one leaves ends with it."""


class ClusterExecutor(LocalExecutor):
    """Has agents on the nodes start workers; work of a node that is lost is done again on another."""

    @classmethod
    def slots(cls, wanted: Wanted) -> tuple[Slot, ...]:
        """Those of all nodes of the cluster, which is joined.

        Raises:
            UsageError: there is no cluster, or it cannot be used: see `nodes.join` and `nodes.gather`.
        """
        nodes.join(wanted.address)
        return tuple(nodes.gather(wanted.devices, wanted.workers))

    def __init__(
        self,
        slots: Sequence[Slot],
        context: WorkContext,
        logs: Path,
        wanted: Wanted = ANY,
        say: Callable[[str], None] = unheard,
    ) -> None:
        self._depot = Depot(context)
        self._relay = Relay()
        self._hosts: dict[tuple[str, str, int], Host] = {}
        self._homeless: deque[tuple[int, Task]] = deque()
        self._joining: dict[Any, nodes.Node] = {}
        self._known = {slot.device.place for slot in slots}
        self._looked = time.monotonic()
        self._numbers = len(slots)
        self._started = 0
        super().__init__(slots, context, logs, wanted, say)

    def _launch(self, slot: Slot, log: Path, heard: Heard) -> Process:
        self._started += 1
        return RemoteProcess(self._host(slot), self._started, self._depot, slot, log, heard)

    def _host(self, slot: Slot) -> Host:
        """The agent for a slot: each core has its own, and each GPU."""
        device = slot.device
        key = (device.place, device.id, slot.index if device.kind == "cpu" else 0)
        if key not in self._hosts:
            self._hosts[key] = Host(device.place, device.kind)
            self._relay.add(self._hosts[key])
        return self._hosts[key]

    def _room(self, device: Device) -> tuple[int, int]:
        host = self._hosts.get((device.place, device.id, 0))
        return host.vitals.room if host else (0, 0)

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
                    self._joining[nodes.ask(node, self._wanted.devices, self._wanted.workers)] = node

    def _take_in(self, node: nodes.Node, offered: nodes.Offer) -> None:
        told = nodes.disagreement(node, offered) or offered.problem
        if told:
            self._say(f"a node has joined that is not used: {told}")
            return
        found = nodes.slots_of(node, offered)
        self._say(f"node {node.name} has joined: {len(found)} worker{'s' if len(found) != 1 else ''} more")
        for slot in found:
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
        return self._gone(worker, process.host) if process.lost else super()._died(worker)

    def _gone(self, worker: Worker, lost: Host) -> Event | None:
        """Takes a slot away whose node, or agent, is gone; begins an agent anew where the node still is."""
        slot, task = worker.slot, worker.task
        self._retire(worker)
        self._hosts = {key: host for key, host in self._hosts.items() if host is not lost}
        if any(node.id == slot.device.place for node in nodes.alive()):
            self._start(slot)
        elif slot.device.place in self._known:
            self._known.remove(slot.device.place)
            self._say(f"node {slot.device.node} is lost; its work is done again on others")
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

        self._workers.clear()
        self._relay.stop()
        hosts, self._hosts = list(self._hosts.values()), {}
        leaving = [host.agent.leave.remote() for host in hosts]
        ray.wait(leaving, num_returns=len(leaving), timeout=LEAVE_SECONDS)
        for host in hosts:
            ray.kill(host.agent)
