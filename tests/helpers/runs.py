"""Runs of the command line, and what they leave."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.forks import Started
from tests.helpers.origins import COMMANDS

Tune = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL_RUN = [
    "digits", "--trials", "4", "--epochs", "2", "--workers", "1", "--seeds", "2", "--finalists", "1",
    "--set", "filters=4..8", "--set", "dense_units=16", "--baselines", "majority,dense-512",
]  # fmt: skip
"""A whole run, every part in it, as short as it can be."""


def command(*arguments: str, module: str = "tuner.cli") -> list[str]:
    """The command line; warnings are errors in the parent. Workers import frameworks, which warn."""
    return [sys.executable, "-W", "error", "-m", module, *arguments]


def commands_in(environment: dict[str, str]) -> Tune:
    """Runs the command line in a process of its own: `tune("digits", "--trials", "3", cwd=...)`.

    It starts with its imports done; `fresh_commands_in` starts the interpreter. `COMMAND_LINE` in the
    environment names a module that stands for the command line.
    """

    def run(*arguments: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        return COMMANDS.run(_module(environment), arguments, cwd, {**environment, **more}, timeout=600)

    return run


def fresh_commands_in(environment: dict[str, str]) -> Tune:
    """The same in a new interpreter, which hashes otherwise: for what must not depend on orders of sets."""

    def run(*arguments: str, cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command(*arguments, module=_module(environment)),
            cwd=cwd,
            env={**environment, **more},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


def trials(run: Path) -> list[Any]:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    path = str(run / "study.journal")
    storage = optuna.storages.JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))
    names = optuna.get_all_study_names(storage)  # none while a run has only just made the file
    return optuna.load_study(study_name=names[0], storage=storage).trials if names else []


def report_of(run: Path) -> Any:
    return json.loads((run / "report.json").read_text())


def start(environment: dict[str, str], cwd: Path, *arguments: str) -> Started:
    """Starts the command line, its imports done."""
    return COMMANDS.start(_module(environment), arguments, cwd, environment)


def _module(environment: dict[str, str]) -> str:
    return environment.get("COMMAND_LINE", "tuner.cli")


def fresh_start(environment: dict[str, str], cwd: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The same in a new interpreter, which has the signals of this process."""
    return subprocess.Popen(
        command(*arguments, module=_module(environment)),
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: "Started | subprocess.Popen[str]", text: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"{text!r} never came:\n{seen}")


def wait_for(
    what: Callable[[], object], process: "subprocess.Popen[str] | None" = None, seconds: float = 120
) -> None:
    """Waits until something is so, while a process that is to bring it about is there."""
    late = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < late, "it never came"
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
