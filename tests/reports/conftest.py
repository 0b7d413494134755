import importlib
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """`make_run(directory, variant)` of make_run.py beside this file."""
    made: Callable[..., Path] = importlib.import_module("make_run").make_run
    return made


@pytest.fixture(scope="session")
def variants() -> list[str]:
    """Names of all kinds of run that it makes."""
    return list(importlib.import_module("make_run").VARIANTS)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, make_run: Callable[..., Path]) -> Callable[[str], Path]:
    """`runs(variant)`: a run directory of that kind, made once and to be read only."""
    made: dict[str, Path] = {}

    def run(variant: str) -> Path:
        if variant not in made:
            made[variant] = make_run(tmp_path_factory.mktemp("runs") / variant, variant)
        return made[variant]

    return run
