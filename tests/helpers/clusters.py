"""Ray clusters on this machine, whose nodes do not see what the parent has on its disk."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests import ROOT

WALLS = ROOT / "tests" / "helpers" / "walls"

LOOPBACK = {
    "node_ip_address": "127.0.0.1", "include_dashboard": False, "object_store_memory": 80 << 20,
}  # fmt: skip

SURROUNDINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else 127.0.0.1 becomes the machine's own address
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # beside other tests, workers would wait for these
}


def processes_with(variable: str, value: Path) -> list[psutil.Process]:
    """Processes whose environment has a variable of this value, which those that they start have as well."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == str(value):
                found.append(process)
    return found


@contextmanager
def ray_sessions() -> Iterator[Path]:
    """A folder for `RAY_TMPDIR`: processes that have it there at the end are killed, and it is removed."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # names of sockets may not be long
    try:
        yield folder
    finally:
        for process in processes_with("RAY_TMPDIR", folder):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Machines:
    """A cluster of nodes, each with a temporary directory of its own.

    Attributes:
        folder: of the nodes' temporary directories.
        hidden: what the nodes do not see.
    """

    def __init__(self, folder: Path, hidden: Path, **environment: str) -> None:
        from ray.cluster_utils import Cluster

        self.folder = folder
        self._sessions = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # names of sockets may not be long
        self._environment = {
            **environment,
            "PYTHONPATH": f"{WALLS}{os.pathsep}{ROOT}",
            "WALLED_OFF": str(hidden),
            "RAY_TMPDIR": self._sessions,
            **SURROUNDINGS,
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
        }
        self._count = 0
        self.cluster = Cluster()

    @property
    def address(self) -> str:
        address: str = self.cluster.address
        return address

    def add(self, path: str = "", cpus: int = 1, gpus: int = 0, **environment: str) -> Any:
        """Starts a node, the first of which is the head; `path` is where its Python looks first."""
        place = self.folder / f"node-{self._count}"
        place.mkdir()
        self._count += 1
        own = {"TMPDIR": str(place), **environment}
        if path:
            own["PYTHONPATH"] = f"{path}{os.pathsep}{self._environment['PYTHONPATH']}"
        with _environment(self._environment | own):
            return self.cluster.add_node(num_cpus=cpus, num_gpus=gpus, node_name=place.name, **LOOPBACK)

    def stop(self) -> None:
        self.cluster.shutdown()
        shutil.rmtree(self._sessions, ignore_errors=True)


@contextmanager
def _environment(own: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(own)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
