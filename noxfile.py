"""Sessions: `nox` runs lint, types and tests; `nox -s bench` measures."""

import nox

nox.options.sessions = ["lint", "types", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True

PROJECT = nox.project.load_toml("pyproject.toml")


def groups(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format; import-linter: which room may import which."""
    session.install(*groups("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict."""
    session.install(*groups("types"))
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """pytest: everything that this machine can run; it says what it skips, and why."""
    session.install("-e", ".", *groups("test"))
    session.run("pytest", *(session.posargs or ["-n", "2", "--dist", "loadfile"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: tables on standard output, JSON beside them; see tests/benchmarks/README.md."""
    session.install("-e", ".", *groups("test"))
    session.run("python", "-m", "tests.benchmarks", *session.posargs)
