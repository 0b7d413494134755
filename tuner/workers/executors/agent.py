"""The process on a node of a cluster: starts workers there, and passes on their messages and files.

One for each core, or each GPU, with several workers on it where they share one. The parent asks again and
again for news (`poll`); an agent that is not asked any more ends, and its workers with it.
"""

import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tuner.records import TrialSpec, WorkContext
from tuner.workers import gpus
from tuner.workers.executors import staging
from tuner.workers.executors.process import LocalProcess
from tuner.workers.executors.staging import Parcel, Place, dataset_path

POLL_SECONDS = 5.0
"""After which a call for news is answered, news or not."""

ALONE_SECONDS = 20.0
"""Without a call, after which an agent ends: its parent is gone."""

TAKEN_AWAY_SECONDS = 1.5
"""For which a worker's death by SIGKILL is not told: who takes a node away kills one process after the other,
and this agent may be next. Then the node is lost, and the trial has not failed."""


@dataclass(frozen=True)
class News:
    """Something that a worker has said, or that there is no more to come.

    Attributes:
        worker: its number.
        message: None at the end of its output.
        log: what it has printed since the last.
        files: what it has written.
        code: of its process, at the end.
        killed: whether the system has ended it as memory ran out.
    """

    worker: int
    message: dict[str, Any] | None
    log: bytes = b""
    files: tuple[Parcel, ...] = ()
    code: int | None = None
    killed: bool = False


@dataclass(frozen=True)
class Vitals:
    """A node's health.

    Attributes:
        room: bytes of memory free, of the machine and of the GPU, if any.
        workers: bytes that each worker has in use, by its number.
    """

    room: tuple[int, int] = (0, 0)
    workers: dict[int, int] = field(default_factory=dict)


@dataclass
class _Hosted:
    """A worker here.

    Attributes:
        begun: once its process has been started, or could not be.
        read: bytes of its log that the parent has.
        features: whether its work item computes some.
    """

    place: Place
    process: LocalProcess | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    read: int = 0
    features: bool = False

    @property
    def log(self) -> Path:
        return self.place.run / "log"


class Agent:
    """Hosts workers on one device of a node. Its methods are called by threads, several at a time."""

    def __init__(self) -> None:
        self._workers: dict[int, _Hosted] = {}
        self._ended: set[int] = set()
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._news: list[News] = []
        self._changed = threading.Condition()
        self._called = time.monotonic()
        # A worker is killed with the thread that has started it: so by one that stays.
        self._starter = ThreadPoolExecutor(1)
        staging.clear_away()
        threading.Thread(target=self._end_alone, daemon=True).start()

    def _end_alone(self) -> None:
        while time.monotonic() - self._called < ALONE_SECONDS:
            time.sleep(1.0)
        self.leave()
        os._exit(0)

    def leave(self) -> None:
        """Ends all workers, so that this process can be ended."""
        for number in list(self._workers):
            self.end(number)
        with self._ending:
            pass

    def start(
        self, number: int, context: WorkContext, environment: Mapping[str, str], parcels: list[Parcel],
        weights: str,
    ) -> None:  # fmt: skip
        """Starts a worker.

        Args:
            number: names it in all later calls.
            context: of the run, as the parent has it.
            environment: what its slot sets.
            parcels: files that all its work items need.
            weights: which of them are ImageNet weights; "" for none.
        """
        hosted = self._hosted(number)
        if hosted is None:
            return
        try:
            hosted.place.take(parcels)
            own = dict(environment)
            if own.get("CUDA_VISIBLE_DEVICES", "-1") != "-1":  # which GPU it is, the cluster decides
                own["CUDA_VISIBLE_DEVICES"] = os.environ["CUDA_VISIBLE_DEVICES"]
            if weights:
                own["TUNE_WEIGHTS"] = str(hosted.place.here(weights))
            here = replace(
                context,
                run_dir=str(hosted.place.run),
                dataset_dir=str(hosted.place.here(dataset_path(context))),
            )

            def begin() -> LocalProcess:
                return LocalProcess(here, own, hosted.log, lambda message: self._heard(number, message))

            hosted.process = self._starter.submit(begin).result()
            if number in self._ended:  # meanwhile
                hosted.process.kill()
        except Exception:  # noqa: BLE001 - whatever it is, the parent says so
            self._tell(News(number, None, traceback.format_exc().encode(), code=1))
        finally:
            hosted.begun.set()

    def _hosted(self, number: int) -> _Hosted | None:
        """A worker, whichever call about it comes first; None for one that has ended."""
        with self._lock:
            if number in self._ended:
                return None
            if number not in self._workers:
                self._workers[number] = _Hosted(Place(f"{os.getpid()}-{number}", _fetch))
            return self._workers[number]

    def send(self, number: int, message: dict[str, Any], parcels: list[Parcel]) -> None:
        """Passes a message on to a worker, after the files that it needs have been written."""
        hosted = self._hosted(number)
        if hosted is None:
            return
        hosted.begun.wait()  # work may be given to a worker that is still being started
        if hosted.process is None:
            return
        try:
            if "work" in message:
                hosted.place.take(parcels)
                message = {**message, "work": _located(message["work"], hosted.place, parcels)}
                hosted.features = message["work"]["purpose"] == "features"
                hosted.place.begin()
            hosted.process.send(message)
        except Exception:  # noqa: BLE001
            hosted.process.end()
            self._tell(News(number, None, traceback.format_exc().encode(), code=1))

    def end(self, number: int) -> None:
        """Ends a worker at once."""
        with self._ending:  # who leaves waits until all of it is gone
            with self._lock:
                self._ended.add(number)
                hosted = self._workers.pop(number, None)
            if hosted is not None:
                if hosted.process is not None:
                    hosted.process.kill()
                shutil.rmtree(hosted.place.run, ignore_errors=True)

    def poll(self) -> tuple[list[News], Vitals]:
        """News of the workers, as soon as there is any, and how the node is."""
        self._called = time.monotonic()
        for hosted in list(self._workers.values()):
            if hosted.process is not None:
                hosted.process.notice_end()
        with self._changed:
            self._changed.wait_for(lambda: self._news, POLL_SECONDS)
            news, self._news = self._news, []
        self._called = time.monotonic()
        return news, Vitals(_room(), self._memory())

    def _memory(self) -> dict[int, int]:
        import psutil

        found = {}
        for number, hosted in list(self._workers.items()):
            if hosted.process is not None:
                with suppress(psutil.Error):  # it has just ended
                    found[number] = hosted.process.memory()
        return found

    def _heard(self, number: int, message: dict[str, Any] | None) -> None:
        """Called by the thread that listens to a worker."""
        hosted = self._workers.get(number)
        if hosted is None:
            return
        files: tuple[Parcel, ...] = ()
        if message is not None and "result" in message:
            files = tuple(hosted.place.written(features=hosted.features))
        code, killed = None, False
        if message is None and hosted.process is not None:
            hosted.process.kill()
            code, killed = hosted.process.code, hosted.process.killed_for_memory()
            if code == -signal.SIGKILL:
                time.sleep(TAKEN_AWAY_SECONDS)
        with hosted.log.open("rb") as file:
            file.seek(hosted.read)
            log = file.read()
        hosted.read += len(log)
        self._tell(News(number, message, log, files, code, killed))

    def _tell(self, news: News) -> None:
        with self._changed:
            self._news.append(news)
            self._changed.notify_all()


def _located(work: dict[str, Any], place: Place, parcels: list[Parcel]) -> dict[str, Any]:
    """The work item with the user's own file where it is here."""
    file = TrialSpec.from_json(work).own_file
    if file is None:
        return work
    (here,) = (p.path for p in parcels if p.path.startswith("files/") and p.path.endswith(f"/{file.name}"))
    attribute = work["model"].rpartition(":")[2]
    return {**work, "model": f"{place.here(here)}:{attribute}"}


def _fetch(content: Any) -> Any:
    """The bytes, also where they are given as a reference to the object store."""
    import ray

    return content if isinstance(content, bytes) else ray.get(content)


def _room() -> tuple[int, int]:
    import psutil

    found = gpus.find().gpus if os.environ.get("CUDA_VISIBLE_DEVICES") else []
    return psutil.virtual_memory().available, found[0].total - found[0].used if found else 0
