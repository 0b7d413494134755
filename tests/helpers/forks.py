"""Processes that start at once, as forks of one that has imported what they need.

Most of the time of a short command, and of a short training, goes into imports. A fork has arguments,
environment, working directory, streams and exit code of its own, and runs what `python -m` would run. What
only a fresh interpreter shows, such as what is imported when, is tested with one.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""A process with several threads must not be forked."""

LONGEST = 1 << 17
"""Bytes of a request."""


OWNER = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
"""The process of the session of tests: all that share its tests share their origins, which end with it."""

COMMON = Path(tempfile.gettempdir()) / f"tests-{OWNER}"
"""The folder of what they have in common, which the origins remove."""


class Origin:
    """The process that others are forks of, started when the first is wanted.

    Args:
        modules: are imported.
        options: of the interpreter.
        environment: differs from this process'.
    """

    def __init__(self, modules: Sequence[str], *options: str, **environment: str) -> None:
        self._command = [sys.executable, *options, "-m", __name__]
        self._modules = modules
        self._environment = environment
        name = repr((options, modules, sorted(environment.items())))
        self._path = COMMON / sha256(name.encode()).hexdigest()[:16]

    @property
    def address(self) -> str:
        """Where it answers a `Fork`."""
        COMMON.mkdir(exist_ok=True)
        with FileLock(f"{self._path}.lock"):
            if not self._path.exists():
                self._start()
        return str(self._path)

    def _start(self) -> None:
        process = subprocess.Popen(
            [*self._command, str(OWNER), str(self._path), *self._modules],
            env={**os.environ, **THREADS, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as said:
            assert said.readline() == "ready\n"
        process.returncode = 0  # it ends after this process, for which nobody waits

    def run(
        self, module: str, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: int
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a module that has a `__main__`, and waits for its end.

        Args:
            module: as after `python -m`.
            arguments: of the command line.
            cwd: the working directory.
            environment: all of it.
            timeout: seconds after which it is ended.
        """
        with (
            open(os.devnull) as nothing,  # noqa: PTH123
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
        ):
            streams = [stream.fileno() for stream in (nothing, out, err)]
            code = Fork(self.address, module, arguments, str(cwd), environment, streams, timeout).wait()
            for stream in (out, err):
                stream.seek(0)
            return subprocess.CompletedProcess([module, *arguments], code, out.read(), err.read())

    def start(
        self, module: str, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]
    ) -> "Started":
        """Starts such a module; both its output streams are in `stdout`."""
        reads, writes = os.pipe()
        with (
            open(os.devnull) as nothing,  # noqa: PTH123
            os.fdopen(writes, "w") as said,
        ):
            streams = [nothing.fileno(), said.fileno(), said.fileno()]
            fork = Fork(self.address, module, arguments, str(cwd), environment, streams)
        return Started(fork, os.fdopen(reads))


class Fork:
    """A module that runs in a fork of an origin, and ends with this process.

    Attributes:
        pid: the system's number of it.
        code: its exit code, once somebody has asked for it after its end.
    """

    def __init__(
        self,
        address: str,
        module: str,
        arguments: Sequence[str],
        cwd: str,
        environment: Mapping[str, str],
        streams: Sequence[int],
        timeout: int = 0,
    ) -> None:
        """Starts it.

        Args:
            address: of the origin.
            module: as after `python -m`.
            arguments: of the command line.
            cwd: the working directory.
            environment: all of it.
            streams: file descriptors of its standard input, output and error.
            timeout: seconds after which it is ended; 0 for never.
        """
        item = {
            "module": module,
            "arguments": arguments,
            "cwd": cwd,
            "environment": dict(environment),
            "timeout": timeout,
        }
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.connect(address)
        socket.send_fds(self._line, [json.dumps(item).encode()], streams)
        self.pid = int(self._line.recv(99))
        self.code: int | None = None

    def wait(self) -> int:
        """Its exit code, negative for a signal, when it has ended."""
        if self.code is None:
            with self._line:
                self.code = int(self._line.recv(99))
        return self.code

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.code is None and not select.select([self._line], [], [], 0)[0]:
            return None
        return self.wait()


class Started:
    """A fork as `subprocess.Popen` has a process, with its output.

    Attributes:
        pid: the system's number of it.
        stdout: what it says.
    """

    def __init__(self, fork: Fork, stdout: IO[str]) -> None:
        self.pid = fork.pid
        self.stdout = stdout
        self._fork = fork

    @property
    def returncode(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._fork.poll()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._fork.poll()

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return self._fork.wait()

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """The rest of its output, when it has ended; after `timeout` seconds it is killed."""
        late = threading.Timer(timeout or 600, self.kill)
        late.start()
        with self.stdout:
            rest = self.stdout.read()
        self.wait()
        late.cancel()
        return rest, None


def _next_fork(owner: int, address: str) -> dict[str, Any]:
    """Answers requests until the owner ends; returns in the forks only, with their request."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who attend to a fork
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)  # noqa: T201
        ends = os.pidfd_open(owner)
        while ends not in select.select([server.fileno(), ends], [], [])[0]:
            line, _ = server.accept()
            with line:
                if not os.fork():
                    server.close()
                    os.close(ends)
                    return _attend(line)
    shutil.rmtree(Path(address).parent, ignore_errors=True)
    sys.exit()


def _attend(line: socket.socket) -> dict[str, Any]:
    """Forks as asked, says how that ended, and ends it if nobody waits for it any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, streams, _, _ = socket.recv_fds(line, LONGEST, 3)
    child = os.fork()
    if not child:
        line.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        item: dict[str, Any] = json.loads(request)
        return item
    for stream in (*streams, 0, 1, 2):
        os.close(stream)
    line.send(str(child).encode())
    if line.fileno() in select.select([line.fileno(), os.pidfd_open(child)], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        line.send(str(code).encode())
    finally:
        os._exit(0)


def _become(item: Mapping[str, Any]) -> None:
    """Makes a fork what the module's own process would be at its start."""
    signal.alarm(item["timeout"])
    os.chdir(item["cwd"])
    os.environ.clear()
    os.environ.update(item["environment"])
    places = filter(None, item["environment"].get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:1] = [item["cwd"], *places]
    sys.argv[1:] = item["arguments"]


def _run(module: str) -> int:
    """Runs a module as `__main__`, and returns the exit code that its process would have."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Imports the modules named, then forks as it is asked to."""
    owner, address, *modules = sys.argv[1:]
    gc.disable()  # not by the package's own `uncollected`: some forks must show that they need nothing of it
    for name in modules:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    item = _next_fork(int(owner), address)
    _become(item)
    code = _run(item["module"])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take all those modules down would take longer than most commands


if __name__ == "__main__":
    main()
