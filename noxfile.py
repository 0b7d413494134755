"""Sessions: `nox` runs lint and tests, `nox -s quick` what a change needs; `nox -s bench` measures.

What stands after `--` goes to pytest: `nox -s tests -- tests/tuner/search`.
"""

import os

import nox

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles the frameworks again

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")
TESTED = ".[onnx,litert,openvino,dashboard,heic,parquet,ray]"
"""With the extras that tests need."""

COMPILED = {"UV_COMPILE_BYTECODE": "1"}
"""Else each of the processes that begin at once compiles the frameworks."""

PARALLEL = ("-n", "4", "--dist", "loadfile")
"""Two more than two cores have work for, as some tests wait, for a budget to end or a cluster to start."""

LONGEST_FIRST = "--no-loadscope-reorder"
"""Keeps the order of `tests/conftest.py`, by slow tests; without it files with most tests come first."""


def groups(*names: str) -> list[str]:
    return [package for name in names for package in nox.project.dependency_groups(PROJECT, name)]


def check(session: nox.Session) -> None:
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("mypy")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format; import-linter: which room may import which; mypy --strict."""
    session.install(*groups("lint", "types"))
    check(session)


@nox.session
def tests(session: nox.Session) -> None:
    """pytest: everything that this machine can run; it says what it skips, and why."""
    session.install("-e", TESTED, *groups("test"), env=COMPILED)
    session.run("pytest", *PARALLEL, LONGEST_FIRST, *session.posargs)


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """Lint, and the tests that are not marked slow."""
    session.install("-e", TESTED, *groups("test", "lint", "types"), env=COMPILED)
    check(session)
    session.run("pytest", *PARALLEL, "-m", "not slow", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Benchmarks: tables on standard output, JSON beside them; see tests/benchmarks/README.md."""
    session.install("-e", ".", *groups("test"))
    session.run("python", "-m", "tests.benchmarks", *session.posargs)
